"""The questions that a policy revision can ask: words, type of the answer, and which answer favors the order."""

import hashlib
import json
from collections.abc import Set
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from coverage_policies.format.model import APPLIES, PATHWAY, SIDE, Criterion, Policy
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


def applies_question(policy: Policy) -> QuestionText | None:
    """Return the question whether the policy applies, in the words of every order that is asked about, if any is."""
    asked = sorted({entry.ask for entry in policy.orders if entry.ask and entry.sections})
    return QuestionText(" / ".join(asked)) if asked else None


def code_question(policy: Policy, text: str, on: date | None) -> QuestionText:
    """Return the question for the billing code of an order: the codes that some section judges on a service date."""
    rows = [row for entry in policy.orders if entry.sections for row in entry.codes.rows]
    options = {
        row.code: Option(row.code, row.label)
        for row in rows
        if row.system != TEXT and not row.code.endswith("*") and row.is_valid(on)
    }
    return QuestionText(text, QuestionType.CHOICE, tuple(options.values()))


def question_hashes(policy: Policy) -> dict[str, str]:
    """Return a hash of each question that a form may answer by its `linkId`: of text, options, and polarity."""
    return {link_id: _hash(question) for link_id, question in all_questions(policy).items()}


def all_questions(policy: Policy) -> dict[str, QuestionText]:
    """Return each question that a form may answer by its `linkId`."""
    asked = {c.id: criterion_question(c) for c in policy.index.values()} | {SIDE: SIDE_QUESTION}
    if policy.pathway is not None:
        asked[PATHWAY] = pathway_question(policy)
    asked[APPLIES] = applies_question(policy) or QuestionText("")
    return asked


def _hash(question: QuestionText) -> str:
    options = [[option.code, option.display] for option in question.options]
    content = json.dumps([question.text, options, question.met_by], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def unchanged_since(policy: Policy, number: int) -> Set[str]:
    """Return the `linkId`s whose question is the same in an edition of the policy; none if the lock lacks it."""
    if number == policy.edition:
        return policy.link_ids
    then = policy.edition_numbered(number)
    if then is None:
        return frozenset()
    return {link_id for link_id, content in question_hashes(policy).items() if then.questions.get(link_id) == content}
