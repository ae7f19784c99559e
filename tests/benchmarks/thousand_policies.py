"""How much a thousand more policies cost: to load and to lint them, and for each call that they do not concern.

    .venv/bin/python tests/benchmarks/thousand_policies.py

The policies are generated into a temporary folder: each has a code and words of its own and about fifty lines. The
first table compares loading with a floor: PyYAML's parser in C over the same documents, without a schema, a model or a
value set. The second compares the same call among all policies with that among the shipped ones, which should take as
long. Printed is the least CPU time of a few rounds, taken in turn.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).parents[2]))

from cds_service.settings import Settings
from coverage_policies.authoring.lint import lint
from coverage_policies.format.library import Library, load_library
from fhir_mappings.codings import CPT, Coding
from tests.benchmarks.calls import order_sign
from tests.benchmarks.in_process import app_of

POLICIES = 1000
ROUNDS = 3
LOOKUPS = 1000
CALLS = 30
FLOOR = "parse their documents, and nothing else: the floor"
OF_NO_POLICY = {"coding": [{"system": CPT, "code": "99213"}]}
"""The code of an order that no policy knows: an office visit."""

DOCUMENT = """\
policy: GEN.{n}
revision: 2025-01
edition: 1
title: Generated procedure {n}
owner: Generated Plan
lines_of_business: [medicare, medicare-advantage, medicaid, commercial]
orders:
  - {{codes: generated-{n}, sections: [I, II]}}
  - {{codes: generated-{n}-named, sections: [], ask: Which code is meant?}}
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
        words = f"text,generated{n} procedure*,Generated procedure {n},words,,,asks\n"
        for name, rows in ((f"generated-{n}", row), (f"generated-{n}-named", words)):
            (folder / "value_sets" / f"{name}.csv").write_text(HEADER + rows, encoding="utf-8")


def parse_only(folder: Path) -> None:
    """The floor."""
    for path in sorted((folder / "documents").rglob("*.yaml")):
        yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


def find(library: Library) -> None:
    """Find the text of one order, many times."""
    for n in range(LOOKUPS):
        library.revisions_about((Coding(CPT, str(90000 + n % POLICIES)),))


def calls(library: Library) -> Mapping[str, Callable[[], object]]:
    """The calls to compare, to a service with these policies; each carries a prefetch of a hundred resources."""
    client = app_of(library, Settings()).test_client()
    sign: dict[str, Any] = json.loads(order_sign(library=library))
    context = sign["context"]
    order = context["draftOrders"]["entry"][0]["resource"]
    select = sign | {
        "hook": "order-select",
        "context": context | {"selections": [f"{order['resourceType']}/{order['id']}"]},
    }
    unknown_orders = {"resourceType": "Bundle", "entry": [{"resource": order | {"code": OF_NO_POLICY}}]}
    unknown = sign | {"context": context | {"draftOrders": unknown_orders}}

    def posting(call: dict[str, Any]) -> Callable[[], object]:
        sent = json.dumps(call).encode()
        path = f"/cds-services/coverage-{call['hook']}"
        return lambda: succeeded(client.post(path, data=sent, content_type="application/json").status_code)

    return {
        "order-sign": posting(sign),
        "order-select": posting(select),
        "an order that concerns no policy": posting(unknown),
        "discovery": lambda: succeeded(client.get("/cds-services").status_code),
    }


def succeeded(status: int) -> None:
    """Fail for a call that was not answered."""
    if status != 200:
        raise SystemExit(f"a call was answered {status}")


def timed(work: Callable[[], object]) -> float:
    """How many seconds of CPU time it takes."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def least(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The least time of each work, of some rounds in turn."""
    found = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for what, work in works.items():
            found[what] = min(found[what], timed(work))
    return found


@dataclass(frozen=True, slots=True)
class Thousand:
    """What a thousand more policies cost, in seconds of CPU time.

    `works` are what is done with all policies, the floor first; `calls` are each call among the shipped policies and
    among all.
    """

    shipped: int
    policies: int
    value_sets: int
    works: Mapping[str, float]
    calls: Mapping[str, tuple[float, float]]


def measure(rounds: int = ROUNDS, calls_each: int = CALLS) -> Thousand:
    """Measure loading, linting, and calls, the least of so many rounds and calls."""
    shipped = load_library()
    with TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder)
        library = load_library([folder])
        best = least(
            {
                FLOOR: lambda: parse_only(folder),
                "load all policies": lambda: load_library([folder]),
                "lint them": lambda: lint(library),
                f"find those about an order, for {LOOKUPS} orders": lambda: find(library),
            },
            rounds,
        )
    few, many = calls(shipped), calls(library)
    among = {what: least({"few": few[what], "many": many[what]}, calls_each) for what in few}
    found = {what: (each["few"], each["many"]) for what, each in among.items()}
    return Thousand(len(shipped.policies), len(library.policies), len(library.value_sets), best, found)


def main() -> None:
    """Run the benchmark and print its tables."""
    found = measure()
    print(f"{found.policies} policies, {found.value_sets} value sets, least CPU time of {ROUNDS} rounds")
    for what, seconds in found.works.items():
        print(f"  {what:44} {seconds * 1000:9.1f} ms   ratio to the floor {seconds / found.works[FLOOR]:6.2f}")
    print(f"a call among {found.shipped} and among {found.policies} policies, least of {CALLS} calls")
    for what, (few, many) in found.calls.items():
        print(f"  {what:44} {few * 1000:9.2f} and {many * 1000:9.2f} ms   ratio {many / few:6.2f}")


if __name__ == "__main__":
    main()
