"""Every line of a text that can decide something is held by a case: changed or taken away, a case fails."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from coverage_policies.authoring.cases import NONE, Case, judged, load_cases, run_case, situation
from coverage_policies.format.library import load_library
from coverage_policies.format.model import Clause, Criterion, OrderEntry, Policy
from coverage_policies.format.registry import operators
from coverage_policies.format.terms import About, Outcome, Reason, Status

pytestmark = pytest.mark.slow

LIBRARY = load_library()
TEXTS = list(LIBRARY.policies.values())
CASES = {text.full_name: load_cases(text) for text in TEXTS}
READ = {id(case): situation(case, text) for text in TEXTS for case in CASES[text.full_name]}


_WRITABLE = {name: Draft202012Validator(operator.schema) for name, operator in operators().items()}


# --- what a text says, taken away or changed, one thing at a time -----------------------------------------------------


@dataclass(frozen=True)
class Change:
    """A text with one thing changed, and the criterion the change is about."""

    what: str
    near: str
    text: Policy


def changes(text: Policy) -> Iterator[Change]:
    """Every single change of a text that a case must notice."""
    for criterion in text.walk():
        for what, changed in _changed_criteria(criterion):
            yield Change(f"{criterion.id}: {what}", criterion.id, _with(text, criterion.id, changed))
    for i, entry in enumerate(text.orders):
        for what, changed_entry in _changed_entries(entry):
            orders = tuple(e for e in (*text.orders[:i], changed_entry, *text.orders[i + 1 :]) if e is not None)
            yield Change(f"orders, {entry.codes.name}: {what}", "", replace(text, orders=orders))
    yield from _changed_pathways(text)
    for name, section in text.sections.items():
        if section.if_not_met is not Outcome.CRITERIA_NOT_MET:
            sections = dict(text.sections) | {name: replace(section, if_not_met=Outcome.CRITERIA_NOT_MET)}
            yield Change(f"{name}: without if_not_met", name, replace(text, sections=sections))


def _changed_criteria(c: Criterion) -> Iterator[tuple[str, Criterion]]:
    for kind in ("met_when", "not_met_when", "show"):
        for what, clauses in _changed_clauses(getattr(c, kind)):
            yield f"{kind}, {what}", replace(c, **{kind: clauses})
    if c.met_when and not c.not_met_when:
        yield "met_when turned round", replace(c, met_when=(), not_met_when=c.met_when)
    if c.not_met_when and not c.met_when:
        yield "not_met_when turned round", replace(c, met_when=c.not_met_when, not_met_when=())
    if c.ask:
        yield "met_by turned round", replace(c, met_by="no" if c.met_by == "yes" else "yes")
    for name in ("case_review_if_met", "case_review_if_not_met"):
        if getattr(c, name):
            yield f"without {name}", replace(c, **{name: False})
    if c.role:
        yield "without role", replace(c, role=None)
    if c.is_never_met:
        yield "without always", replace(c, is_never_met=False)
    for about in About if c.ask else (About.PATIENT,) if c.children else ():
        if about is not c.about:
            yield f"about {about}", replace(c, about=about)
    if c.pathways:
        yield "without for", replace(c, pathways=frozenset())
    for pathway in sorted(c.rules_out):
        yield f"without rules_out {pathway}", replace(c, rules_out=c.rules_out - {pathway})
    if c.on_date_of is not None:
        yield "without on_date_of", replace(c, on_date_of=None)
    for name in c.needs if len(c.needs) > 1 else ():
        yield f"without needs {name}", replace(c, needs=tuple(n for n in c.needs if n != name))
    if len(c.children) > 1:
        one_at_a_time = all(child.pathways for child in c.children)
        for required in () if one_at_a_time else _other_numbers(c):
            yield f"{required or 'all'} of its parts instead", replace(c, required=required)
        for child in c.children:
            yield f"without {child.id}", replace(c, children=tuple(k for k in c.children if k is not child))


def _other_numbers(c: Criterion) -> list[int | None]:
    if c.required is None:
        return [1]
    return [None] if c.required == 1 else [c.required - 1, c.required + 1]


def _changed_entries(entry: OrderEntry) -> Iterator[tuple[str, OrderEntry | None]]:
    if entry.sections:  # one without is written down for the reader
        yield "left out", None
    for kind in ("only_if", "ask_if", "unless", "never_if"):
        for what, clauses in _changed_clauses(getattr(entry, kind)):
            yield f"{kind}, {what}", replace(entry, **{kind: clauses})
    for name in entry.sections:
        yield f"without section {name}", replace(entry, sections=tuple(s for s in entry.sections if s != name))


def _changed_pathways(text: Policy) -> Iterator[Change]:
    for i, choice in enumerate(text.pathway.choices if text.pathway else ()):
        for kind in ("chosen_when", "keep_when", "exclude_when", "presume_when"):
            for what, clauses in _changed_clauses(getattr(choice, kind)):
                assert text.pathway
                choices = list(text.pathway.choices)
                choices[i] = replace(choice, **{kind: clauses})
                changed = replace(text, pathway=replace(text.pathway, choices=tuple(choices)))
                yield Change(f"pathway {choice.name}: {kind}, {what}", "", changed)


def _changed_clauses(clauses: tuple[Clause, ...]) -> Iterator[tuple[str, tuple[Clause, ...]]]:
    for i, clause in enumerate(clauses):
        said = f"{clause.operator} {dict(clause.arguments)}"
        yield f"without {said}", clauses[:i] + clauses[i + 1 :]
        for arguments in _changed_arguments(clause):
            if not _WRITABLE[clause.operator].is_valid(arguments):
                continue
            try:
                test = operators()[clause.operator].parse(arguments, LIBRARY.value_sets)
            except ValueError:  # nobody could write it
                continue
            changed = Clause(clause.operator, arguments, test)
            yield f"{said} as {dict(arguments)}", (*clauses[:i], changed, *clauses[i + 1 :])


def _changed_arguments(clause: Clause) -> Iterator[dict[str, Any]]:
    operator = operators()[clause.operator]
    yield from _changed(clause.arguments, operator.schema, operator.defaults)


def _changed(
    written: Mapping[str, Any], schema: Mapping[str, Any], defaults: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Arguments with one of them, or of those inside of one, left out or changed."""
    for name, value in written.items():
        rest = {key: each for key, each in written.items() if key != name}
        # What only states the default changes nothing when it is left out.
        if name not in schema.get("required", ()) and rest and value != defaults.get(name):
            yield rest
        if isinstance(value, Mapping):
            yield from ({**written, name: other} for other in _changed(value, schema["properties"][name], {}))
        elif isinstance(value, list):
            yield from ({**written, name: [v for v in value if v != one]} for one in value if len(value) > 1)
        elif value not in LIBRARY.value_sets:
            words = schema["properties"].get(name, {}).get("enum", ())  # an attribute of orders has none
            yield from ({**written, name: other} for other in words if other != value)
            yield from ({**written, name: other} for other in _other_thresholds(value))


def _other_thresholds(phrase: str) -> Iterator[str]:
    """The same phrase with its number a little lower and a little higher, and without its boundary."""
    found = re.fullmatch(r"(.*?)(\d+(?:\.\d+)?)((?: .*)?)", phrase)
    if not found:
        return
    before, number, after = found.groups()
    step = Decimal("0.5") if "%" in after else Decimal(1)
    for other in (Decimal(number) - step, Decimal(number) + step):
        if other > 0:
            yield f"{before}{other}{after}"
    for word, other_word in (("at least", "over"), ("under", "at most"), ("at most", "under")):
        if word in before:
            yield phrase.replace(word, other_word)


def _with(text: Policy, name: str, changed: Criterion) -> Policy:
    """The text with one criterion exchanged, wherever it stands."""

    def exchanged(c: Criterion) -> Criterion:
        if c.id == name:
            return changed
        return replace(c, children=tuple(exchanged(child) for child in c.children)) if c.children else c

    sections = {key: replace(section, root=exchanged(section.root)) for key, section in text.sections.items()}
    index = {c.id: c for section in sections.values() for c in section.root.walk()}
    return replace(text, sections=sections, index=index)


def _mentions(case: Case, name: str) -> bool:
    return bool(name) and (name in case.expected or name in case.shows or name in case.hides)


# --- the tests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.full_name)
def test_no_change_of_a_text_goes_unnoticed(text: Policy) -> None:
    unnoticed = []
    for change in changes(text):
        cases = sorted(CASES[text.full_name], key=lambda case: not _mentions(case, change.near))
        if not any(_notices(case, change.text) for case in cases):
            unnoticed.append(change.what)
    assert not unnoticed, f"{len(unnoticed)} changes that no case of {text.full_name} notices:\n" + "\n".join(unnoticed)


def _notices(case: Case, changed: Policy) -> bool:
    try:
        return bool(run_case(case, changed, READ[id(case)]))
    except KeyError:  # the change took away what another criterion needs
        return True


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.full_name)
def test_every_criterion_has_a_case_for_each_direction_it_can_take(text: Policy) -> None:
    by_data, by_answer, rolled = _reached(text)
    missing = []
    for c in text.walk():
        if c.children:
            missing += [f"{c.id}: group {s.value}" for s in (Status.MET, Status.NOT_MET) if (c.id, s) not in rolled]
            continue
        if c.met_when and (c.id, Status.MET) not in by_data:
            missing.append(f"{c.id}: met by data")
        if c.not_met_when and (c.id, Status.NOT_MET) not in by_data:
            missing.append(f"{c.id}: not met by data")
        if c.ask and not {(c.id, Status.MET), (c.id, Status.NOT_MET)} & by_answer:
            missing.append(f"{c.id}: answered")
        if c.needs:
            reached = by_data | by_answer
            missing += [f"{c.id}: needs {s.value}" for s in (Status.MET, Status.NOT_MET) if (c.id, s) not in reached]
    assert not missing, "\n".join(missing)


def _reached(text: Policy) -> tuple[set[Any], set[Any], set[Any]]:
    """What cases expect and reach: by data, by an answer, and of groups."""
    by_data, by_answer, rolled = set(), set(), set()
    for case in CASES[text.full_name]:
        for result in judged(case, text, READ[id(case)]).criteria:
            if result.id not in case.expected:
                continue
            if result.is_group:
                rolled.add((result.id, result.status))
            elif result.reason is Reason.ATTESTED:
                by_answer.add((result.id, result.status))
            else:
                by_data.add((result.id, result.status))
    return by_data, by_answer, rolled


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.full_name)
def test_every_outcome_a_text_can_have_is_reached(text: Policy) -> None:
    wanted = set(Outcome) - {Outcome.NOT_EVALUATED}
    if all(section.if_not_met is not Outcome.NOT_SUPPORTED for section in text.sections.values()):
        wanted -= {Outcome.NOT_SUPPORTED}
    if not any(c.case_review_if_met or c.case_review_if_not_met for c in text.walk()):
        wanted -= {Outcome.CASE_REVIEW}
    assert wanted <= {judged(case, text, READ[id(case)]).outcome for case in CASES[text.full_name]}


@pytest.mark.parametrize("text", [text for text in TEXTS if text.pathway], ids=lambda text: text.full_name)
def test_every_pathway_is_chosen_presumed_and_left_open(text: Policy) -> None:
    assert text.pathway
    presumed = {case.expected.get("presumed") for case in CASES[text.full_name]}
    assert {choice.name for choice in text.pathway.choices if choice.presume_when} == presumed - {None, NONE}
    assert any("pathway" in case.asks for case in CASES[text.full_name])
