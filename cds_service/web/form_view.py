"""What the pages of the questionnaire app say: questions, the chart beside them, and where the order stands."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cards.phrasing import chart_words, counted, plain_evidence
from cds_service.web.form_input import DONT_KNOW, asked_in, field_of, values_of
from coverage_policies.format.model import Policy
from coverage_policies.format.terms import Outcome, Status
from coverage_policies.judging.alternatives import RULED_OUT
from coverage_policies.judging.determination import CriterionResult, Determination, Question
from coverage_policies.judging.next_screen import Screen
from coverage_policies.judging.questions import question_named
from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Resource
from fhir_mappings.record import Evidence

_MOST_EVIDENCE = 4
_OUTCOMES = {
    Outcome.NOT_SUPPORTED: ("Not supported", "bad"),
    Outcome.CRITERIA_NOT_MET: ("Requirement not met", "bad"),
    Outcome.NOT_EVALUATED: ("Not checked", "open"),
    Outcome.DOCUMENTATION_NEEDED: ("Documentation needed", "open"),
    Outcome.CASE_REVIEW: ("Plan review", "open"),
    Outcome.SUPPORTED: ("All requirements documented", "good"),
    Outcome.NOT_APPLICABLE: ("Policy does not apply", "open"),
}
_SETTLED = (Status.MET, Status.NOT_MET)
_STATUSES = {Status.MET: ("Met", "good"), Status.NOT_MET: ("Not met", "bad"), Status.UNKNOWN: ("Open", "open")}


@dataclass(frozen=True, slots=True)
class Badge:
    """A short status, and its `kind`: good, bad, or open."""

    words: str
    kind: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to choose, and whether it is chosen."""

    value: str
    words: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """One question on a screen. `number` makes its ids; `error` says what to correct, and is empty if nothing."""

    number: int
    field: str
    text: str
    requirement: str
    pathway: str
    in_chart: tuple[str, ...]
    choices: tuple[Choice, ...]
    error: str


@dataclass(frozen=True, slots=True)
class Given:
    """An answer that was given, in words."""

    link: str
    text: str
    answer: str


@dataclass(frozen=True, slots=True)
class Line:
    """One criterion of the outcome: how deep it stands, its status, and the evidence."""

    depth: int
    says: str
    badge: Badge
    in_chart: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Banner:
    """Who the patient is: for an EHR that asks its apps to show it."""

    name: str
    born: str

    @classmethod
    def of(cls, patient: Resource) -> "Banner":
        """Return the banner of a Patient; what cannot be read is left out."""
        names = [each for each in items(patient.get("name")) if each.get("use") != "old"]
        name = next(filter(None, map(_name, names)), "Name not on file")
        born = patient.get("birthDate")
        return cls(name, chart_words(born) if isinstance(born, str) else "")


def badge_of(determination: Determination) -> Badge:
    """Return the outcome in a few words."""
    return Badge(*_OUTCOMES[determination.outcome])


def asked(screen: Question, order: str, answers: Mapping[str, str], errors: Mapping[str, str]) -> tuple[Asked, ...]:
    """Return the questions of a screen. `answers` are those posted with an error, or given before, by `linkId`."""
    return tuple(
        Asked(
            number=number,
            field=field_of(each),
            text=each.text,
            requirement="" if each.says in ("", each.text) else each.says,
            pathway=each.pathway or screen.pathway,
            in_chart=tuple(_in_chart(each.evidence, order)),
            choices=tuple(
                Choice(value, words, answers.get(each.id) == ("" if value == DONT_KNOW else value))
                for value, words in values_of(each)
            ),
            error=errors.get(each.id, ""),
        )
        for number, each in enumerate(asked_in(screen), start=1)
    )


def given(policy: Policy, answers: Mapping[str, str]) -> tuple[Given, ...]:
    """Return what was answered so far, in words."""
    return tuple(
        Given(link, question.text, _answer_words(question, value))
        for link, value in answers.items()
        if (question := question_named(policy, link)) is not None
    )


def progress_words(screen: Screen) -> str:
    """Return how many screens are left: `2 to 5 questions left`."""
    least, most = screen.items_left
    if most == 0:
        return "No more questions"
    left = counted(most, "question") if least == most else f"{least} to {counted(most, 'question')}"
    return f"{left} left"


def settled_words(screen: Screen) -> str:
    """Return why the rest no longer decides; empty while it does."""
    if not screen.is_settled:
        return ""
    if screen.outcome in RULED_OUT:
        return (
            "No other answer can change this outcome. You can save now, or answer the rest: a request for prior "
            "authorization may need it."
        )
    return "Nothing that is left can change this outcome."


def without_effect(screen: Screen, order: str) -> tuple[str, ...]:
    """Return what no answer can settle, with the data that contradict each other or were not read."""
    return tuple(
        f"{each.says or each.text} ({'; '.join(seen)})"
        if (seen := list(_in_chart(each.evidence, order)))
        else each.text
        for each in screen.without_effect
    )


def lines(determination: Determination) -> tuple[Line, ...]:
    """Return the criteria that count, in the order of the policy, without what is open below a settled group."""
    return tuple(_lines(determination))


def _lines(determination: Determination) -> Iterator[Line]:
    settled = {each.id for each in determination.criteria if each.is_group and each.counted in _SETTLED}
    moot: set[str] = set()
    for result in determination.criteria:
        if result.parent in settled | moot and result.counted is Status.UNKNOWN:
            moot.add(result.id)
        elif result.counted is not None:
            yield Line(
                min(result.depth, 5),
                result.says,
                Badge(*_STATUSES[result.counted]),
                tuple(_finding(result, determination.order)),
            )


def _finding(result: CriterionResult, order: str) -> Iterator[str]:
    if not result.is_group:
        yield from _in_chart(result.evidence, order)


def _in_chart(evidence: tuple[Evidence, ...], order: str) -> Iterator[str]:
    """Yield the first pieces of evidence in clinical words, each once: what it is, its value, and its date."""
    found = dict.fromkeys(filter(None, (plain_evidence(each, order) for each in evidence)))
    yield from list(found)[:_MOST_EVIDENCE]


def _answer_words(question: Question, value: str) -> str:
    return dict(values_of(question)).get(value or DONT_KNOW, "Answered")


def _name(name: Resource) -> str:
    parts = name.get("given")
    given_names = [each for each in parts if isinstance(each, str)] if isinstance(parts, list) else []
    family = name.get("family")
    written = " ".join([*given_names, *([family] if isinstance(family, str) else [])])
    text = name.get("text")
    return written or (text if isinstance(text, str) else "")
