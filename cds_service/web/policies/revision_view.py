"""A revision in the words of its page: criteria, how the chart settles each, and what is asked."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from coverage_policies.authoring.description import DescriptionLine
from coverage_policies.authoring.outline import Outline, OutlineItem
from coverage_policies.format.model import APPLIES, PATHWAY, SIDE, Policy
from coverage_policies.format.questions import (
    SIDE_QUESTION,
    Option,
    QuestionText,
    QuestionType,
    applies_question,
    criterion_question,
    pathway_question,
)
from coverage_policies.format.terms import About, Outcome, PolicyKind
from coverage_policies.questionnaires.items import may_ask_side

_ANSWERS = {"yes": "Yes", "no": "No"}
_ABOUTS = {
    About.ORDER: "this order",
    About.SITE: "the joint or level to be treated",
    About.PATIENT: "the patient",
}
HEADINGS = {
    "card says": "If it is not met",
    "override": "Reason to override",
    "suggests": "Suggestion",
    "counts": "Counts",
    "follows": "Consequence",
    "interpretation": "Our reading",
    "note": "Note",
    "met": "Met",
    "not met": "Not met",
    "shows": "Shown beside the question",
    "codes": "Codes",
    "judged by": "Judged by",
    "only if": "Only if",
    "unless": "Unless",
    "never if": "Never if",
    "asks if": "Asks if",
    "asks": "Asks",
    "adds": "Adds",
    "chosen when": "Chosen when",
    "kept open when": "Kept open when",
    "ruled out when": "Ruled out when",
    "likely when": "Likely when",
}
"""What a reader sees for the kind of a line of the outline."""
_BY_CHART = ("met", "not met", "shows")
"""The kinds that say how the chart settles a criterion."""
_WITH_SETS = frozenset(
    {"met", "not met", "shows", "only if", "unless", "never if", "asks if"}
    | {"chosen when", "kept open when", "ruled out when", "likely when"}
)
"""The kinds whose words may name value sets."""
KINDS = {
    PolicyKind.PLAN: "Policy of a plan",
    PolicyKind.NCD: "National coverage determination of Medicare",
    PolicyKind.LCD: "Local coverage determination of Medicare",
}
"""What a reader sees for the kind of a policy."""
_CONSEQUENCES = {
    Outcome.NOT_SUPPORTED: "The policy does not support the order if this is not met",
    Outcome.CRITERIA_NOT_MET: "The order does not meet the policy if this is not met",
    Outcome.CASE_REVIEW: "A reviewer of the plan decides if this is not met",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of words; `value_set` is the value set that it names, empty if it names none."""

    words: str
    value_set: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said of an item, under a heading."""

    heading: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: its words, what it is about, its answers, and which of them meets the criterion; empty if none."""

    text: str
    about: str
    answers: tuple[str, ...]
    met_by: str


@dataclass(frozen=True, slots=True)
class Item:
    """A section, criterion, group of orders, or pathway.

    `says` is its sentence, `statements` what a reader needs at once, `settled` how the chart settles it.
    """

    id: str
    says: str
    statements: tuple[Statement, ...]
    settled: tuple[Statement, ...]
    question: Asked | None
    items: tuple["Item", ...]


class RevisionView:
    """What the page of a revision shows, made from its outline. `sets` are the names of its value sets."""

    def __init__(self, policy: Policy, outline: Outline, sets: Iterable[str]) -> None:
        self._policy = policy
        names = sorted(sets, key=len, reverse=True)
        self._names = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, names))})(?![\w-])") if names else None
        self.sections = tuple(map(self._item, outline.sections))
        self.orders = tuple(map(self._item, outline.orders))
        self.pathways = self._item(outline.pathways) if outline.pathways else None
        self.general = tuple(_general(policy))

    def _item(self, item: OutlineItem) -> Item:
        criterion = self._policy.index.get(item.name)
        is_asked = criterion is not None and bool(criterion.ask)
        lines = [self._in_words(line, item.name) for line in item.lines if not (is_asked and line.kind == "asks")]
        by_chart = _BY_CHART if criterion is not None else ()
        return Item(
            id=item.name,
            says=item.says,
            statements=self._statements(line for line in lines if line.kind not in by_chart),
            settled=self._statements(line for line in lines if line.kind in by_chart),
            question=_asked(criterion_question(criterion)) if criterion is not None and is_asked else None,
            items=tuple(map(self._item, item.items)),
        )

    def _in_words(self, line: DescriptionLine, name: str) -> DescriptionLine:
        """Return the line with the outcome of a section in words of its own."""
        section = self._policy.sections.get(name)
        if section is None or line.words != f"{section.if_not_met.value} if it is not met":
            return line
        return DescriptionLine(line.kind, _CONSEQUENCES[section.if_not_met])

    def _statements(self, lines: Iterable[DescriptionLine]) -> tuple[Statement, ...]:
        return tuple(Statement(HEADINGS[line.kind], tuple(self._pieces(line))) for line in lines)

    def _pieces(self, line: DescriptionLine) -> Iterator[Piece]:
        """Yield the words of a line, with the names of value sets apart."""
        if self._names is None or line.kind not in _WITH_SETS:
            yield Piece(line.words)
            return
        for i, words in enumerate(self._names.split(line.words)):
            if words:
                yield Piece(words, words if i % 2 else "")


def _general(policy: Policy) -> Iterator[tuple[str, Asked]]:
    """Yield the questions about the order as a whole: the `linkId` of each, and the question."""
    if (applies := applies_question(policy)) is not None:
        yield APPLIES, _asked(applies)
    if may_ask_side(policy):
        yield SIDE, _asked(SIDE_QUESTION)
    if policy.pathway is not None:
        yield PATHWAY, _asked(pathway_question(policy))


def _asked(question: QuestionText) -> Asked:
    options: Sequence[Option] = question.options
    is_choice = question.type is QuestionType.CHOICE
    answers = tuple(each.display for each in options) if is_choice else tuple(_ANSWERS.values())
    return Asked(question.text, _ABOUTS[question.about], answers, _met_by(question.met_by, options))


def _met_by(answer: str, options: Sequence[Option]) -> str:
    words: Mapping[str, str] = _ANSWERS | {each.code: each.display for each in options}
    return words.get(answer, "")
