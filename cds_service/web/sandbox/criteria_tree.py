"""The criteria of a determination as a tree: the status of each, the evidence, and the question to answer."""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from cards.phrasing import chart_words, plain_evidence
from cds_service.web.criterion_words import REASONS, STATUSES
from cds_service.web.form_view import Badge, badge_of
from cds_service.web.sandbox.answers import FIELD, QuestionKey, answer_values
from cds_service.web.sandbox.case import Case
from coverage_policies.format.model import PATHWAY, Policy
from coverage_policies.format.terms import Reason, Status
from coverage_policies.judging.determination import CriterionResult, Determination, Question
from coverage_policies.judging.questions import question_named
from coverage_policies.questionnaires.items import form_items
from fhir_mappings.record import Evidence

_SETTLED = (Status.MET, Status.NOT_MET)
_NOT_COUNTED = Badge("Not counted", "plain")
_NOT_NEEDED = Badge("Not needed", "plain")
_OPEN_BUT_LATER = Badge("Not documented", "plain")
"""Open below a group that is not met: it matters once the rest is."""
_PLAN_DECIDES = Badge("Plan decides", "open")
_OWN_RESPONSES = "QuestionnaireResponse/sandbox-answers-"
_MOST_EVIDENCE = 8


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """One piece of evidence in words. `chart` and `timeline` are the ids of its elements on the page, or empty."""

    words: str
    chart: str = ""
    timeline: str = ""


@dataclass(frozen=True, slots=True)
class QuestionView:
    """A question: the name of its field, its words, the answers to choose from, and the answer given here, if any.

    `take_back` is the value of the button that takes the answer back. `favors` is the answer that favors the order.
    """

    field: str
    text: str
    options: tuple[tuple[str, str], ...]
    given: str = ""
    take_back: str = ""
    favors: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A criterion with those below it. `id` is that of its policy, `why` the reason in words."""

    id: str
    says: str
    badge: Badge
    why: str
    notes: tuple[str, ...]
    evidence: tuple[EvidenceView, ...]
    question: QuestionView | None
    below: tuple["Node", ...]

    @property
    def asks(self) -> bool:
        """Return whether it or anything below it has a question."""
        return self.question is not None or any(each.asks for each in self.below)


@dataclass(frozen=True, slots=True)
class Tree:
    """The determination of one order under one revision. `questions` are about the order and not about a criterion."""

    order: str
    order_label: str
    policy: str
    title: str
    outcome: Badge
    counts: str
    notes: tuple[str, ...]
    questions: tuple[QuestionView, ...]
    nodes: tuple[Node, ...]


def criteria_tree(determination: Determination, policy: Policy, case: Case, drawn: Set[str] = frozenset()) -> Tree:
    """Return the tree of a determination under its policy, with the answers of a case.

    `drawn` are the references of the resources that the timeline shows.
    """
    return _Trees(determination, policy, case, drawn).tree()


class _Trees:
    """Makes the tree of one determination."""

    def __init__(self, determination: Determination, policy: Policy, case: Case, drawn: Set[str]) -> None:
        self._determination = determination
        self._policy = policy
        self._case = case
        self._drawn = drawn
        self._given = case.answers.get(determination.order, {}).get(determination.full_name, {})
        self._open = {part.id: part for each in determination.questions for part in (each.parts or (each,))}
        self._results = {each.id: each for each in determination.criteria}
        self._moot = dict(_moot(determination))
        self._purposes = {each.name: each.says for each in policy.pathway.choices} if policy.pathway else {}
        self._askable = frozenset(_links(form_items(policy)))

    def tree(self) -> Tree:
        found = self._determination
        asks_pathway = self._policy.pathway is not None and not found.pathway
        names = (*((PATHWAY,) if asks_pathway else ()), *self._open, *self._given)
        beside = [name for name in names if name not in self._results]
        return Tree(
            order=found.order,
            order_label=self._order_label(),
            policy=found.full_name,
            title=found.title,
            outcome=badge_of(found),
            counts=f"{found.documented} of {found.required} requirements documented" if found.required else "",
            notes=tuple(self._notes()),
            questions=tuple(filter(None, map(self._question, dict.fromkeys(beside)))),
            nodes=self._below(""),
        )

    def _order_label(self) -> str:
        """Return the order in words; beside others, which may be of the same procedure, with its reference."""
        found = self._determination
        if len(self._case.orders) > 1 and found.order_label:
            return f"{found.order_label} ({found.order})"
        return found.order_label or found.order

    def _notes(self) -> Iterator[str]:
        found = self._determination
        if found.obstacle:
            yield found.obstacle
        if found.presumed:
            because = "; ".join(filter(None, (plain_evidence(each, found.order) for each in found.presumed.because)))
            yield f"Presumed purpose: {found.presumed.says}" + (f" ({because})" if because else "")
        yield from map(chart_words, found.notes)

    def _below(self, parent: str) -> tuple[Node, ...]:
        return tuple(self._node(each) for each in self._determination.criteria if each.parent == parent)

    def _node(self, result: CriterionResult) -> Node:
        return Node(
            id=result.id,
            says=result.says,
            badge=self._badge(result),
            why=self._why(result),
            notes=tuple(map(chart_words, result.notes)),
            evidence=() if result.is_group else tuple(self._evidence(result.evidence)),
            question=self._question(result.id),
            below=self._below(result.id),
        )

    def _why(self, result: CriterionResult) -> str:
        """Return the reason in words; where it depends on the purpose of the order, the status for each.

        A group has no reason of its own, and what holds for a group need not be repeated below it.
        """
        if result.counted is not None and result.on_pathways:
            above = self._results.get(result.parent)
            return "" if above and above.on_pathways == result.on_pathways else self._by_purpose(result)
        is_evident = result.reason is Reason.NOT_FOUND and bool(result.evidence)
        return REASONS[result.reason] if result.reason and not (result.is_group or is_evident) else ""

    def _by_purpose(self, result: CriterionResult) -> str:
        found = result.on_pathways
        if len(set(found.values())) == 1:
            return f"It counts for: {'; '.join(map(self._purposes.__getitem__, found))}."
        said = (f"{self._purposes[name]}: {STATUSES[each].words.lower()}" for name, each in found.items())
        return f"It depends on the purpose. {'; '.join(said)}."

    def _badge(self, result: CriterionResult) -> Badge:
        if result.counted is None:
            return _NOT_COUNTED
        if result.id in self._moot:
            return _NOT_NEEDED if self._moot[result.id] is Status.MET else _OPEN_BUT_LATER
        status = _counted(result)
        return _PLAN_DECIDES if status is Status.UNKNOWN and result.is_for_review else STATUSES[status]

    def _evidence(self, items: tuple[Evidence, ...]) -> Iterator[EvidenceView]:
        """Yield the first pieces of evidence, each in the same words once."""
        seen: dict[str, EvidenceView] = {}
        for each in items:
            words = plain_evidence(each, self._determination.order)
            if words and words not in seen:
                seen[words] = self._linked(each.reference, words)
        yield from list(seen.values())[:_MOST_EVIDENCE]

    def _linked(self, reference: str, words: str) -> EvidenceView:
        """Return evidence with its places on the page: none for the order, and for what is on another server."""
        is_in_chart = reference.count("/") == 1 and not reference.startswith(_OWN_RESPONSES)
        if not is_in_chart or reference == self._determination.order:
            return EvidenceView(words)
        name = reference.replace("/", "-")
        return EvidenceView(words, f"chart-{name}", f"timeline-{name}" if reference in self._drawn else "")

    def _question(self, link: str) -> QuestionView | None:
        """Return the question with a `linkId`, if it is open or was answered here; None if no form asks it."""
        given = self._given.get(link, "")
        asked = self._open.get(link)
        if asked is None and (given or self._is_open(link)) and link in self._askable:
            asked = question_named(self._policy, link)
        if asked is None:
            return None
        key = QuestionKey(self._determination.order, self._determination.full_name, link)
        options = answer_values(self._policy, link)
        return QuestionView(
            field=f"{FIELD}{key}",
            text=asked.text,
            options=tuple(options.items()),
            given=options.get(given, ""),
            take_back=f"take-back:{key}",
            favors=_favors(asked, options),
        )

    def _is_open(self, link: str) -> bool:
        """Return whether a criterion without others below it is open and may still matter, or is none of the policy."""
        result = self._results.get(link)
        return result is None or (
            not result.is_group
            and result.counted is not None
            and _counted(result) is Status.UNKNOWN
            and self._moot.get(link) is not Status.MET
        )


def _counted(result: CriterionResult) -> Status:
    """Return the status of a criterion that counts: that of the purposes for which it counts, if they agree."""
    found = set(result.on_pathways.values())
    return found.pop() if len(found) == 1 else Status.UNKNOWN if result.counted is None else result.counted


def _favors(asked: Question, options: Mapping[str, str]) -> str:
    return options.get(asked.met_by, "")


def _moot(determination: Determination) -> Iterator[tuple[str, Status]]:
    """Yield the criteria that are open below a group that is settled without them, and the status of that group."""
    counting = [each for each in determination.criteria if each.counted is not None]
    settled = {each.id: _counted(each) for each in counting if each.is_group and _counted(each) in _SETTLED}
    for result in counting:
        above = settled.get(result.parent)
        if above is not None and _counted(result) is Status.UNKNOWN:
            settled[result.id] = above
            yield result.id, above


def _links(items: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the `linkId` of every item of a form."""
    for item in items:
        yield item["linkId"]
        yield from _links(item.get("item", ()))
