"""Case files: what a policy must determine for charts that an analyst wrote down.

A file is beside its document (`2025-04.cases.yaml`) and is a list of cases. Each has a sentence as its name, an anchor
date, an order, facts, and what is expected of the criteria, the outcome, and the pathway.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from coverage_policies.authoring.fact_builder import chart, order, resources
from coverage_policies.authoring.fact_words import FactError, typed
from coverage_policies.format.model import Policy
from coverage_policies.format.problems import DocumentError, Problem, read_text
from coverage_policies.format.registry import resource_types
from coverage_policies.format.schema_errors import missing, unknown
from coverage_policies.format.strict_yaml import YamlSource, read_yaml
from coverage_policies.format.terms import Outcome, Reason, Status
from coverage_policies.judging.alternatives import alternatives
from coverage_policies.judging.determination import CriterionResult, Determination
from coverage_policies.judging.evaluator import evaluate
from fhir_mappings.bundle import reference_of
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.orders import Order, read_order
from fhir_mappings.record import PatientRecord

_KNOWN = (
    "name",
    "anchor",
    "today",
    "order",
    "other_orders",
    "facts",
    "fhir",
    "unavailable",
    "not_offered",
    "expect",
    "shows",
    "hides",
)
_NEEDED = ("name", "anchor", "order", "expect")
_OF_THE_WHOLE = ("outcome", "section", "presumed", "asks", "suggests")
NONE = "none"
"""What a case expects if nothing is presumed, asked, suggested, or shown, or no section decides."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case, read and ready to run.

    `expected` is as written, by criterion or by `outcome`, `section`, `presumed`; `asks` names the questions that must
    be open, `suggests` the labels of the suggestions that must help, and `shows` and `hides` what the
    evidence of a criterion must and must not hold.
    """

    name: str
    file: str
    line: int
    anchor: date
    today: date
    order: Resource
    other_orders: tuple[Resource, ...]
    chart: tuple[Resource, ...]
    unavailable: tuple[str, ...]
    not_offered: tuple[str, ...]
    expected: Mapping[str, str]
    asks: tuple[str, ...]
    suggests: tuple[str, ...]
    shows: Mapping[str, tuple[str, ...]]
    hides: Mapping[str, tuple[str, ...]]


class CaseList(NamedTuple):
    """The cases of a file that can be run, and what is wrong with the others."""

    cases: tuple[Case, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A difference between the determination of a case and what was expected, and the evidence for it."""

    criterion: str
    expected: str
    got: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.criterion}: expected {self.expected}, got {self.got}" + (f" ({self.why})" if self.why else "")


# --- reading ---------------------------------------------------------------------------------------------------------


def case_file(policy: Policy) -> Path:
    """Return the path of the cases of a revision, beside its document."""
    return Path(policy.source).with_suffix(".cases.yaml")


def load_cases(policy: Policy) -> tuple[Case, ...]:
    """Return the cases of a revision; none if it has no case file. Raises DocumentError with everything wrong in it."""
    return _sound(read_cases(policy))


def read_cases(policy: Policy) -> CaseList:
    """Read the case file of a revision: the cases that can be run, and what is wrong with the others."""
    path = case_file(policy)
    try:
        return _cases(read_text(path), str(path), policy) if path.exists() else CaseList((), ())
    except DocumentError as error:
        return CaseList((), error.problems)


def parse_cases(text: str, file: str, policy: Policy) -> tuple[Case, ...]:
    """Return the cases in a text; `file` is the name that problems are reported under. Raises DocumentError."""
    return _sound(_cases(text, file, policy))


def _sound(found: CaseList) -> tuple[Case, ...]:
    if found.problems:
        raise DocumentError(found.problems)
    return found.cases


def _cases(text: str, file: str, policy: Policy) -> CaseList:
    source = read_yaml(text, file)
    if not isinstance(source.data, list):
        raise DocumentError([Problem(file, 1, "a case file is a list of cases")])
    problems: list[Problem] = []
    found = []
    names: set[str] = set()
    for i, raw in enumerate(source.data):
        wrong = list(_problems(source, i, raw, policy))
        if not wrong and raw["name"] in names:
            wrong.append(source.problem((i, "name"), "another case has this name"))
        problems += wrong
        if wrong:
            continue
        names.add(raw["name"])
        try:
            found.append(_case(source, i, raw))
        except _PlaceError as error:
            problems.append(source.problem((i, *error.path), str(error)))
    return CaseList(tuple(found), tuple(problems))


class _PlaceError(Exception):
    """A FactError with the place in the case where it occurred."""

    def __init__(self, what: str, *path: str | int) -> None:
        super().__init__(what)
        self.path = path


def _problems(source: YamlSource, i: int, raw: Json, policy: Policy) -> Iterator[Problem]:
    """Yield what is wrong with the shape of a case."""
    if not isinstance(raw, Mapping):
        yield source.problem((i,), "a case is a mapping that begins with its name")
        return
    for key in raw:
        if key not in _KNOWN:
            yield source.problem((i, key), unknown("a case", [key], _KNOWN))
    for key in _NEEDED:
        if key not in raw:
            yield source.problem((i,), missing("this case", {key: ""}))
    for key in ("anchor", "today"):
        if key in raw and _day(raw[key]) is None:
            yield source.problem((i, key), f"{key} is a day, written like 2026-03-02")
    for key in ("unavailable", "not_offered"):
        for kind in _listed(raw.get(key)):
            if kind not in resource_types():
                known = ", ".join(resource_types())
                yield source.problem((i, key), f"{kind!r} is no resource type that is read: {known}")
    for key in ("facts", "fhir", "other_orders"):
        if not isinstance(raw.get(key, []), list):
            yield source.problem((i, key), f"{key} is a list")
    yield from _expectation_problems(source, i, raw, policy)


def _expectation_problems(source: YamlSource, i: int, raw: Mapping[str, Any], policy: Policy) -> Iterator[Problem]:
    for key in ("expect", "shows", "hides"):
        if not isinstance(raw.get(key, {}), Mapping):
            yield source.problem((i, key), f"{key} is a mapping by criterion")
            return
    for name, said in raw.get("expect", {}).items():
        if name in _OF_THE_WHOLE:
            if name == "outcome" and said not in {each.value for each in Outcome}:
                yield source.problem((i, "expect", name), f"there is no outcome {said!r}")
        elif name not in policy.index:
            yield source.problem((i, "expect", name), f"{policy.full_name} has no criterion {name!r}")
        elif _parsed(said) is None:
            yield source.problem(
                (i, "expect", name),
                f"{said!r} is no status; write met, not-met or unknown, and a reason where it matters",
            )
    for key in ("shows", "hides"):
        for name in raw.get(key, {}):
            if name not in policy.index:
                yield source.problem((i, key, name), f"{policy.full_name} has no criterion {name!r}")


def _case(source: YamlSource, i: int, raw: Mapping[str, Any]) -> Case:
    anchor = date.fromisoformat(raw["anchor"])
    others = raw.get("other_orders", [])
    found: list[Resource] = [_fhir(each, "fhir", j) for j, each in enumerate(raw.get("fhir", []))]
    for j, fact in enumerate(raw.get("facts", [])):
        try:
            found += resources(fact, j + 1, date.fromisoformat(raw.get("today", raw["anchor"])))
        except FactError as error:
            raise _PlaceError(str(error), "facts", j) from None
    expected = dict(raw["expect"])
    return Case(
        name=raw["name"],
        file=source.file,
        line=source.place((i,)).line,
        anchor=anchor,
        today=date.fromisoformat(raw.get("today", raw["anchor"])),
        order=_order(raw["order"], 1, anchor, "order"),
        other_orders=tuple(_order(each, j + 2, anchor, "other_orders", j) for j, each in enumerate(others)),
        chart=tuple(found),
        unavailable=tuple(_listed(raw.get("unavailable"))),
        not_offered=tuple(_listed(raw.get("not_offered"))),
        asks=tuple(_listed(expected.pop("asks", None))),
        suggests=tuple(_listed(expected.pop("suggests", None))),
        expected=expected,
        shows={name: tuple(_listed(texts)) for name, texts in raw.get("shows", {}).items()},
        hides={name: tuple(_listed(texts)) for name, texts in raw.get("hides", {}).items()},
    )


def _order(written: Json, number: int, day: date, *path: str | int) -> Resource:
    if isinstance(written, Mapping) and set(written) == {"fhir"}:
        return _fhir(written["fhir"], *path)
    try:
        return order(written, number, day)
    except FactError as error:
        raise _PlaceError(str(error), *path) from None


def _fhir(written: Json, *path: str | int) -> Resource:
    """Return a FHIR resource of a case. It may be wrong on purpose, so nothing in it is checked."""
    if not isinstance(written, Mapping) or not isinstance(written.get("resourceType"), str):
        raise _PlaceError("a resource written out needs its resourceType", *path)
    found: Resource = typed(written)
    return found


def _day(written: Json) -> date | None:
    try:
        return date.fromisoformat(written)
    except (TypeError, ValueError):
        return None


def _listed(written: Json) -> list[str]:
    return [] if written is None else [written] if isinstance(written, str) else list(written)


def _parsed(said: Json) -> tuple[Status, Reason | None] | None:
    """Return `unknown ValueOutOfRange` as status and reason; None for anything else."""
    if not isinstance(said, str):
        return None
    status, _, reason = said.partition(" ")
    try:
        return Status(status), Reason(reason) if reason else None
    except ValueError:
        return None


# --- running ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Situation:
    """What a case describes, read: the chart, the order to judge, and the orders beside it.

    `read` reads a changed order as these were read.
    """

    record: PatientRecord
    order: Order
    other_orders: tuple[Order, ...]
    read: Callable[[Resource], Order]


def situation(case: Case, policy: Policy) -> Situation:
    """Read the chart and the orders of a case by the words of a policy."""
    record = chart(
        case.chart, case.today, policy.order_terms, unavailable=case.unavailable, not_offered=case.not_offered
    )
    drafts = [case.order, *case.other_orders]
    read = partial(_read, session=drafts, record=record)
    first, *others = map(read, drafts)
    return Situation(record, first, tuple(others), read)


def judged(case: Case, policy: Policy, read: Situation | None = None) -> Determination:
    """Return the determination of a case by a revision. `read` is its situation, if that is known already.

    Suggestions are checked only if the case expects some, or expects none.
    """
    known = read or situation(case, policy)

    def judge(order: Order) -> Determination:
        anchor = order.anchor(case.today)
        return evaluate(policy, order, known.other_orders, known.record, anchor, ignore_code_dates=True)

    found = judge(known.order)
    if not case.suggests:
        return found
    return replace(found, alternatives=alternatives(found, policy, known.order, known.read, judge))


def run_case(case: Case, policy: Policy, read: Situation | None = None) -> tuple[Mismatch, ...]:
    """Return the differences between the determination of a case and what was expected; none if they agree."""
    return tuple(_mismatches(case, judged(case, policy, read)))


def _read(resource: Resource, session: list[Resource], record: PatientRecord) -> Order:
    drafts = {reference_of(each): each for each in session}

    def resolve(reference: Json) -> Resource | None:
        target = reference.get("reference") if isinstance(reference, Mapping) else None
        return drafts.get(target, record.resolve(target)) if isinstance(target, str) else None

    return read_order(resource, zone=record.zone, terms=record.terms, resolve=resolve)


def _mismatches(case: Case, found: Determination) -> Iterator[Mismatch]:
    if found.anchor_date != case.anchor:
        yield Mismatch("anchor", str(case.anchor), str(found.anchor_date), found.anchor_from)
    whole = {
        "outcome": found.outcome.value,
        "section": found.section or NONE,
        "presumed": found.presumed.pathway if found.presumed else NONE,
    }
    by_id = {result.id: result for result in found.criteria}
    for name, said in case.expected.items():
        if name in whole:
            if said != whole[name]:
                yield Mismatch(name, said, whole[name], _why_outcome(found) if name == "outcome" else "")
        elif name not in by_id:
            yield Mismatch(name, said, f"nothing: the order is {found.outcome.value}")
        else:
            yield from _against(by_id[name], said)
    asked = {each.id for question in found.questions for each in (question, *question.parts)}
    for wanted in case.asks:
        if wanted == NONE and asked:
            yield Mismatch("asks", NONE, ", ".join(sorted(asked)))
        elif wanted != NONE and wanted not in asked:
            yield Mismatch("asks", wanted, ", ".join(sorted(asked)) or NONE)
    suggested = [each.says for each in found.alternatives]
    for wanted in case.suggests:
        if wanted not in suggested and not (wanted == NONE and not suggested):
            yield Mismatch("suggests", wanted, ", ".join(suggested) or NONE)
    yield from _shown(case, {name: _printed(result) for name, result in by_id.items()})


def _shown(case: Case, evidence: Mapping[str, str]) -> Iterator[Mismatch]:
    for name, texts in case.shows.items():
        for wanted in texts:
            shown = evidence.get(name, "")
            if (wanted == NONE and shown) or (wanted != NONE and wanted not in shown):
                yield Mismatch(name, f"to show {wanted!r}", shown or NONE)
    for name, texts in case.hides.items():
        for unwanted in texts:
            if unwanted in evidence.get(name, ""):
                yield Mismatch(name, f"not to show {unwanted!r}", evidence[name])


def _against(result: CriterionResult, said: str) -> Iterator[Mismatch]:
    parsed = _parsed(said)
    if parsed is None:
        raise ValueError(f"{said!r} is no status")
    status, reason = parsed
    if result.status is not status or (reason is not None and result.reason is not reason):
        got = f"{result.status.value} {result.reason.value if result.reason else ''}".strip()
        yield Mismatch(result.id, said, got, _printed(result))


def _printed(result: CriterionResult) -> str:
    """Return the evidence and the arithmetic of a criterion in one line."""
    found = [" ".join(filter(None, (e.label, e.date, e.value, f"[{e.reference}]"))) for e in result.evidence]
    return "; ".join([*found, *result.notes])


def _why_outcome(found: Determination) -> str:
    """Return the criteria that are not met, or else the open questions."""
    failed = [result.id for result in found.criteria if result.counted is Status.NOT_MET]
    return ("not met: " + ", ".join(failed)) if failed else "open: " + ", ".join(q.id for q in found.questions)
