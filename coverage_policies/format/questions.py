"""The questions that a policy revision can ask: words, type of the answer, and which answer favors the order."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from coverage_policies.format.model import Criterion, Policy
from coverage_policies.format.terms import About
from coverage_policies.format.value_sets import TEXT


class QuestionType(StrEnum):
    """The type of the answer, as a FHIR Questionnaire names it."""

    BOOLEAN = "boolean"
    CHOICE = "choice"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to a choice."""

    code: str
    display: str


@dataclass(frozen=True, slots=True)
class QuestionText:
    """A question as a form shows it. `met_by` is the answer that favors the order, empty if none does."""

    text: str
    type: QuestionType = QuestionType.BOOLEAN
    options: tuple[Option, ...] = ()
    met_by: str = ""
    about: About = About.ORDER


SIDE_QUESTION = QuestionText(
    "Which side is the order for: left, right, or both?",
    QuestionType.CHOICE,
    (Option("left", "Left"), Option("right", "Right"), Option("bilateral", "Both sides")),
)


def criterion_question(criterion: Criterion) -> QuestionText:
    """Return the question whether a criterion is met; without one of its own, its sentence, which yes meets."""
    return QuestionText(criterion.ask or criterion.says, met_by=criterion.met_by, about=criterion.about)


def pathway_question(policy: Policy) -> QuestionText:
    """Return the question for the pathway. Raises ValueError if the policy has none."""
    if policy.pathway is None:
        raise ValueError(f"{policy.full_name} has no pathways")
    options = tuple(Option(choice.name, choice.says) for choice in policy.pathway.choices)
    return QuestionText(policy.pathway.ask, QuestionType.CHOICE, options)


def code_question(policy: Policy, text: str, on: date | None) -> QuestionText:
    """Return the question for the billing code of an order: the codes that some section judges on a service date."""
    rows = [row for entry in policy.orders if entry.sections for row in entry.codes.rows]
    options = {
        row.code: Option(row.code, row.label)
        for row in rows
        if row.system != TEXT and not row.code.endswith("*") and row.is_valid(on)
    }
    return QuestionText(text, QuestionType.CHOICE, tuple(options.values()))
