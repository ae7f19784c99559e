"""How long a thousand policies take to load and to lint, as ratios against the least that reading them must do.

    .venv/bin/python tests/benchmarks/thousand_policies.py

The policies are generated into a temporary folder: each has a value set of its own and about fifty lines. The floor is
PyYAML's parser in C over the same documents, without a schema, a model or a value set. Printed are the best of a few
rounds, taken in turn, and how long one order takes to find its text among all of them.
"""

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from coverage_policies.authoring.lint import lint
from coverage_policies.format.library import Library, load_library
from fhir_mappings.codings import CPT, Coding

POLICIES = 1000
ROUNDS = 3
LOOKUPS = 1000

DOCUMENT = """\
policy: GEN.{n}
revision: 2025-01
edition: 1
title: Generated procedure {n}
owner: Generated Plan
lines_of_business: [medicare, medicare-advantage, medicaid, commercial]
orders:
  - {{codes: generated-{n}, sections: [I, II]}}
sections:
  I:
    says: The procedure is needed
    all:
      - id: I.A
        says: No generalized pain disorder
        not_met_when: {{condition: {{in: fibromyalgia}}}}
        ask: Is there a generalized pain disorder?
        met_by: no
      - id: I.B
        says: Imaging within six months
        met_when: {{imaging: {{in: [ct-lumbar, mr-lumbar], within: 6 months}}}}
        ask: Was the lumbar spine imaged within six months?
      - id: I.C
        says: Two of three tests are positive
        at_least: 2
        of:
          - id: I.C.one
            says: One
            ask: Was test one positive?
          - id: I.C.two
            says: Two
            ask: Was test two positive?
          - id: I.C.three
            says: Three
            ask: Was test three positive?
      - id: I.D
        says: Two injections relieved at least 75 % of the pain
        met_when: {{pain_relief: {{after: sij-injection, relief: at least 75 %, occasions: 2}}}}
        ask: Did two injections each relieve at least 75 % of the pain?
  II:
    says: The approach is lateral
    met_when: {{order: {{approach: lateral-transarticular}}}}
    not_met_when: {{order: {{approach: [posterior, posterior-oblique]}}}}
    ask: Is the approach lateral?
    if_not_met: not-supported
"""
HEADER = "system,code,label,source,from,to,use\n"


def generate(folder: Path) -> None:
    """Write the policies and their value sets."""
    (folder / "value_sets").mkdir()
    for n in range(POLICIES):
        path = folder / "documents" / f"GEN.{n}" / "2025-01.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(DOCUMENT.format(n=n), encoding="utf-8")
        row = f"{CPT},{90000 + n},Generated procedure {n},generated,,,decides\n"
        (folder / "value_sets" / f"generated-{n}.csv").write_text(HEADER + row, encoding="utf-8")


def parse_only(folder: Path) -> None:
    """The floor."""
    for path in sorted((folder / "documents").rglob("*.yaml")):
        yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


def find(library: Library) -> None:
    """Find the text of one order, many times."""
    for n in range(LOOKUPS):
        library.revisions_about((Coding(CPT, str(90000 + n % POLICIES)),))


def timed(work: Callable[[], object]) -> float:
    """How many seconds it takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def main() -> None:
    """Run the benchmark and print its table."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder)
        library = load_library([folder])
        works: dict[str, Callable[[], object]] = {
            "floor: parsing alone": lambda: parse_only(folder),
            "load": lambda: load_library([folder]),
            "lint": lambda: lint(library),
            f"{LOOKUPS} orders find their text": lambda: find(library),
        }
        best = dict.fromkeys(works, float("inf"))
        for _ in range(ROUNDS):
            for what, work in works.items():
                best[what] = min(best[what], timed(work))
    print(f"{len(library.policies)} texts, {len(library.value_sets)} value sets, best of {ROUNDS}")
    floor = best["floor: parsing alone"]
    for what, seconds in best.items():
        print(f"  {what:28} {seconds * 1000:9.1f} ms   ratio to the floor {seconds / floor:6.2f}")


if __name__ == "__main__":
    main()
