"""The state in which something was measured: at rest, asleep, on room air.

It is recorded by the code of the measurement, by a component or another member of its panel, by the method, or in plain
words in one of these or in a note. Words that deny a state or leave it open record nothing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from fractions import Fraction
from typing import TypeAlias

from fhir_mappings.codings import CodeMatcher, Coding, codings, concept_text, items
from fhir_mappings.dates import DateInterval
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.measurements import measurement
from fhir_mappings.observations import MAX_COMPONENTS, Observation, panels_of_members, time_of
from fhir_mappings.record import PatientRecord
from fhir_mappings.truth import Truth

_FINAL = ("final", "amended", "corrected")
_LONGEST_NOTE = 2_000
"""The most characters of a note that are read; of a longer one nothing is known."""
_MAX_NOTES = 50
_CLAUSES = re.compile(r"[;,\n]|\.(?!\d)|\b(?:but|then|and|vs|versus|while|whereas)\b", re.IGNORECASE)
_DENIED = re.compile(
    r"\b(?:not|no|never|without|off|(?:is|was)n't|non|denies|denied|neither|nor|stopped|discontinued|removed|weaned)\b",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"\?|\b(?:may|might|possibl[ey]|probabl[ey]|likely|if|unless|should|would|could|consider|recommend\w*|plan\w*|will"
    r"|goal|target|try|trial|until|before|prior|previous\w*|yesterday|earlier|usual\w*|normal\w*|baseline|uncertain"
    r"|unclear|unknown|unsure|order\w*|need\w*|request\w*|when|history)\b",
    re.IGNORECASE,
)
_FIGURE = re.compile(r"(\d{1,4}(?:\.\d{1,3})?) ?(?:%|percent|mm ?\[?hg)", re.IGNORECASE)
_NO = ("no", "none", "false", "absent", "negative", "n")


def is_recorded(record: PatientRecord, of: Observation, codes: CodeMatcher, state: CodeMatcher) -> Truth | None:
    """Return whether a state is recorded with a measurement; NO if a number rules it out, None if nothing is said.

    UNKNOWN is for what cannot be understood, contradicts itself, or may be about another moment. `codes` are those of
    the measurement: other measurements of the same panel describe themselves.
    """
    key = "state", codes, state, of.reference, id(of.context.holder) if of.context else 0
    return record.cached(key, lambda: _agreed(_statements(record, of, codes, state)))


def _agreed(statements: Iterable[Truth]) -> Truth | None:
    found = set(statements)
    if {Truth.YES, Truth.NO} <= found:
        return Truth.UNKNOWN
    return next((each for each in (Truth.YES, Truth.NO, Truth.UNKNOWN) if each in found), None)


def _statements(record: PatientRecord, of: Observation, codes: CodeMatcher, state: CodeMatcher) -> Iterator[Truth]:
    context = of.context
    if context is None:
        return
    yield from _in_concept(context.holder.get("code"), state)
    if context.holder is not context.resource:
        yield from _in_concept(context.resource.get("code"), state)
    if context.panel is not None:
        yield from _in_concept(context.panel.get("code"), state)
    for around in (context.resource, context.panel):
        if around is None:
            continue
        if not record.is_usable(around, "component", "method", "note", "hasMember"):
            yield Truth.UNKNOWN
            return
        yield from _in_concept(around.get("method"), state)
        yield from _in_notes(around, of, state)
        yield from _components(record, around, codes, state)
        by_time = _members(record, around, codes, state)
        own = (of.when, of.begin, of.end), _NO_TIME
        for time in own:
            yield from by_time.get(time, ())
        if by_time.keys() - {*own}:
            yield Truth.UNKNOWN


def _components(record: PatientRecord, around: Resource, codes: CodeMatcher, state: CodeMatcher) -> frozenset[Truth]:
    """Return what the components of an observation say that are no measurements with these codes."""
    key = "states in components", codes, state, record.reference(around)
    return record.cached(key, lambda: frozenset(_components_of(around, codes, state)))


def _components_of(around: Resource, codes: CodeMatcher, state: CodeMatcher) -> Iterator[Truth]:
    for component in list(items(around.get("component")))[:MAX_COMPONENTS]:
        if codes(codings(component.get("code"))) is None:
            yield from _in_value(component, state)


_Time: TypeAlias = tuple[DateInterval | None, datetime | None, datetime | None]
_NO_TIME: _Time = (None, None, None)


def _members(
    record: PatientRecord, panel: Resource, codes: CodeMatcher, state: CodeMatcher
) -> Mapping[_Time, frozenset[Truth]]:
    """Return what the members of a panel say that are no measurements with these codes, by their time."""
    key = "states in panel", codes, state, record.reference(panel)
    return record.cached(key, lambda: _by_time(_members_of(record, panel, codes, state)))


def _by_time(said: Iterable[tuple[_Time, Truth]]) -> Mapping[_Time, frozenset[Truth]]:
    found: dict[_Time, frozenset[Truth]] = {}
    for time, says in said:
        found[time] = found.get(time, frozenset()) | {says}
    return found


def _members_of(
    record: PatientRecord, panel: Resource, codes: CodeMatcher, state: CodeMatcher
) -> Iterator[tuple[_Time, Truth]]:
    for target in list(items(panel.get("hasMember")))[:MAX_COMPONENTS]:
        member = record.resolve(target, within=panel)
        if member is None or member.get("status") in ("entered-in-error", "cancelled"):
            continue
        if codes(codings(member.get("code"))) is not None:
            continue
        usable = member.get("status") in _FINAL and record.is_usable(member, "code", "status", "effective", "value")
        time = time_of(record, member, panels_of_members(record).get(record.reference(member)))
        for says in _in_value(member, state):
            yield time, says if usable else Truth.UNKNOWN


def _in_value(holder: Resource, state: CodeMatcher) -> Iterator[Truth]:
    """Yield what a component or a member of a panel says of a state: by its code, or by its coded or written value."""
    value, text = holder.get("valueCodeableConcept"), holder.get("valueString")
    match = state([Coding(each.system, each.code) for each in codings(holder.get("code"))])
    if match is not None:
        measured = measurement(holder)
        if not match.decides:
            yield Truth.UNKNOWN
        elif match.value is not None:
            if measured is not None:
                lies = measured.amount.lies_in(match.value) if measured.amount else None
                yield Truth.UNKNOWN if lies is None else lies
        elif holder.get("valueBoolean") is False or _says_no(value) or _says_no(text):
            yield Truth.NO
        elif measured is not None and measured.number == 0:
            yield Truth.UNKNOWN
        elif measured is not None:
            yield Truth.YES
        return
    yield from _in_concept(value, state)
    if isinstance(text, str):
        yield from _in_words(text, state)


def _says_no(value: Json) -> bool:
    text = value if isinstance(value, str) else concept_text(value)
    return text.strip().casefold() in _NO


def _in_concept(concept: Json, state: CodeMatcher) -> Iterator[Truth]:
    """Yield what a concept says: by its codes, else by its words."""
    known = codings(concept)
    match = state([Coding(each.system, each.code) for each in known])
    if match is not None and match.value is None:
        yield Truth.YES if match.decides else Truth.UNKNOWN
        return
    texts = (*(each.display for each in known), *(each.get("text") for each in items(concept)))
    for text in dict.fromkeys(each for each in texts if isinstance(each, str) and each.strip()):
        yield from _in_words(text, state)


def _in_notes(resource: Resource, of: Observation, state: CodeMatcher) -> Iterator[Truth]:
    for note in list(items(resource.get("note")))[:_MAX_NOTES]:
        text = note.get("text")
        if isinstance(text, str):
            yield from _in_words(text, state, of)


def _in_words(text: str, state: CodeMatcher, of: Observation | None = None) -> Iterator[Truth]:
    """Yield what a text says of a state, clause by clause, without clauses that have the figure of another value."""
    if len(text) > _LONGEST_NOTE:
        yield Truth.UNKNOWN
        return
    for clause in _CLAUSES.split(text):
        match = state([Coding("", "", clause)])
        if match is None or (of is not None and _is_about_another(clause, of)):
            continue
        if _is_said_by(_DENIED, clause, state):
            continue
        yield Truth.UNKNOWN if not match.decides or _is_said_by(_OPEN, clause, state) else Truth.YES


def _is_said_by(words: re.Pattern[str], clause: str, state: CodeMatcher) -> bool:
    """Return whether a clause denies a state, or leaves it open; such words may be part of its name: `no oxygen`."""
    return words.search(clause) is not None and state([Coding("", "", words.sub(" ", clause))]) is not None


def _is_about_another(clause: str, of: Observation) -> bool:
    """Return whether a clause has the figure of another measurement, such as `93 % on 2 L` with a value of 85 %."""
    figures = {Fraction(figure) for figure in _FIGURE.findall(clause)}
    interval = of.amount.interval if of.amount else None
    if not figures or interval is None or interval.low is None or interval.low != interval.high:
        return False
    return figures.isdisjoint((interval.low, interval.low * 100))
