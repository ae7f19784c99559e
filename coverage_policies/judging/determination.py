"""The determination: the result for one order under one revision of a policy."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from coverage_policies.format.canonicals import questionnaire_canonical
from coverage_policies.format.model import Companion
from coverage_policies.format.questions import Option, QuestionText, QuestionType
from coverage_policies.format.terms import About, LineOfBusiness, Outcome, PriorAuthorization, Reason, Status
from coverage_policies.judging.criterion import CriterionStatus
from fhir_mappings.codings import Coding
from fhir_mappings.fhir_json import Resource
from fhir_mappings.record import Evidence


@dataclass(slots=True)
class CriterionResult:
    """One criterion, group or part of a determination, which never changes once it is made.

    `counted` is what the roll-up used: it differs from `status` if a human decides, and is None if the
    criterion does not count (advisory, or of another pathway). `depth` and `parent` give the tree of the document;
    `has_alternatives` is whether not all parts of a group must be met.
    `on_pathways` holds the status per pathway if it depends on which one applies. `says_when_not_met` is the
    sentence for a criterion that is not met, `headline` the value behind it. `needs_side` is whether the side of the
    order would help to settle it.
    """

    id: str
    status: Status
    says: str
    reason: Reason | None = None
    evidence: tuple[Evidence, ...] = ()
    notes: tuple[str, ...] = ()
    ask: str = ""
    counted: Status | None = None
    parent: str = ""
    depth: int = 0
    is_group: bool = False
    has_alternatives: bool = False
    on_pathways: Mapping[str, Status] = field(default_factory=dict)
    says_when_not_met: str = ""
    override: str = ""
    """A reason to order it although it is not met."""
    headline: str = ""
    needs_side: bool = False
    by_data: CriterionStatus | None = field(default=None, repr=False, compare=False)
    """What the data say without an answer, if an answer may change it."""

    @property
    def is_for_review(self) -> bool:
        """Return whether data decide it and the plan decides what follows."""
        return self.counted is Status.UNKNOWN and self.status is not Status.UNKNOWN

    def as_json(self) -> dict[str, object]:
        """Return the criterion as the JSON of a determination holds it; empty members are left out."""
        found: dict[str, object] = {"id": self.id, "status": self.status.value}
        if self.reason:
            found["reason"] = self.reason.value
        if self.says:
            found["says"] = self.says
        if self.evidence:
            found["evidence"] = [evidence_json(item) for item in self.evidence]
        if self.notes:
            found["notes"] = list(self.notes)
        if self.on_pathways:
            found["pathways"] = {name: status.value for name, status in self.on_pathways.items()}
        return found


@dataclass(frozen=True, slots=True)
class Presumption:
    """The pathway assumed for an order although nobody chose it, and the evidence for it."""

    pathway: str
    says: str
    because: tuple[Evidence, ...]

    def as_json(self) -> dict[str, object]:
        """Return `pathway` and the references of the evidence."""
        return {"pathway": self.pathway, "because": [item.reference for item in self.because]}


@dataclass(frozen=True, slots=True)
class Question:
    """An open question, or those of one group of criteria, which are its `parts` and belong on one screen.

    `id` is the `linkId` of its answer, and `says` the sentence of the criterion. `met_by` is the answer that favors
    the order, `yes` or `no`, empty if neither does. `pathway` names in words the pathway it depends on, if any. A
    question with parts may be answered whole. `settled_by` is what the order would have to state to settle it without
    an answer, `performer` or `location`, empty for anything else.
    """

    id: str
    text: str
    reason: Reason | None = None
    evidence: tuple[Evidence, ...] = ()
    pathway: str = ""
    parts: tuple["Question", ...] = ()
    says: str = ""
    type: QuestionType = QuestionType.BOOLEAN
    options: tuple[Option, ...] = ()
    met_by: str = ""
    about: About = About.PATIENT
    settled_by: str = ""

    @classmethod
    def of(cls, link_id: str, asked: QuestionText) -> "Question":
        """Return a question in the words of a form."""
        return cls(
            link_id,
            asked.text,
            type=asked.type,
            options=asked.options,
            met_by=asked.met_by,
            about=asked.about,
        )

    def as_json(self) -> Iterator[dict[str, object]]:
        """Yield the question as the JSON of a determination holds it, or each of its parts, which name it as `group`.

        Empty members are left out.
        """
        for each in self.parts or (self,):
            found: dict[str, object] = {
                "linkId": each.id,
                "text": each.text,
                "type": each.type.value,
                "options": [{"code": option.code, "display": option.display} for option in each.options],
                "met_by": each.met_by,
                "pathway": self.pathway,
                "about": each.about.value,
                "group": {"linkId": self.id, "text": self.text} if self.parts else None,
                "evidence": [evidence_json(item) for item in each.evidence],
            }
            yield {key: value for key, value in found.items() if value}


@dataclass(frozen=True, slots=True)
class Alternative:
    """The same order, changed in one statement so that it meets a criterion, and the better outcome that results.

    `says` is the label of the suggestion. `items_left` counts what is then still to be answered, as in a determination.
    """

    criterion: str
    says: str
    resource: Resource
    outcome: Outcome
    items_left: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Determination:
    """The complete result for one order under one revision.

    `section` is the one that decided, empty if none did. `order_label` names the order in our words.
    `obstacle` is why the order itself could not be evaluated, empty if it could. `is_cut_short` is whether the time
    limit left criteria unevaluated. `unread` are the resource types that were not read completely, `unused` counts the
    resources that were read and could not be used.
    """

    policy: str
    revision: str
    edition: int
    title: str
    order: str
    outcome: Outcome
    anchor_date: date
    anchor_from: str
    owner: str = ""
    order_label: str = ""
    section: str = ""
    criteria: tuple[CriterionResult, ...] = ()
    questions: tuple[Question, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    presumed: Presumption | None = None
    notes: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    """What limits the answer, in a few words each, for the last line of a card."""
    obstacle: str = ""
    unread: tuple[str, ...] = ()
    unused: int = 0
    is_cut_short: bool = False
    sections: tuple[str, ...] = ()
    """The sections that judge the order."""
    side: str = ""
    """The side that the order states, if it states one."""
    pathway: str = ""
    """The pathway that the order, an answer, or data settle; empty if it is presumed, open, or there is none."""
    pathways: Mapping[str, str] = field(default_factory=dict)
    """What each remaining pathway is for, by name, if there are several."""
    lines: tuple[LineOfBusiness, ...] = ()
    """The lines of business that the determination is for, if the patient's is not known to be one of them."""
    items_left: tuple[int, int] = (0, 0)
    """How many items are still to be answered on the shortest and on the longest way to `supported`, after the
    questions whether the policy applies, and for the pathway and the side. Criteria of one group are one item."""
    documented: int = 0
    """How many of the requirements that count are met."""
    required: int = 0
    """How many requirements count: alternatives are one, and so are the criteria of one group. 0 if the pathways that
    remain require different ones."""
    url: str = ""
    """Where the owner publishes the policy, if that is known."""
    prior_authorization: PriorAuthorization | None = None
    """What the head of the policy says of prior authorization, None if it says nothing."""
    codes: tuple[Coding, ...] = ()
    """The codes of the order by which the policy judges it; none if it was found by its words, or was not judged."""
    companions: tuple[Companion, ...] = ()
    """The orders that belong to this one, and that no order of the session is."""
    runs: Mapping[str | None, Mapping[str, CriterionResult]] = field(default_factory=dict, repr=False, compare=False)
    """The results of the criteria by id, on each pathway that remains; the only one of a policy without is None."""

    @property
    def full_name(self) -> str:
        """Return the policy with its revision: `CP.MP.126@2025-04`."""
        return f"{self.policy}@{self.revision}"

    @property
    def is_settled(self) -> bool:
        """Return whether nothing is left to ask or read."""
        return self.outcome not in (Outcome.NOT_EVALUATED, Outcome.DOCUMENTATION_NEEDED)

    def questionnaire(self, canonical_base: str) -> str:
        """Return the canonical of the questionnaire that asks the questions of this revision and edition."""
        return questionnaire_canonical(canonical_base, self.policy, self.revision, self.edition)

    def criterion(self, criterion_id: str) -> CriterionResult:
        """Return one criterion by its id. Raises KeyError if the revision has none with that id."""
        for result in self.criteria:
            if result.id == criterion_id:
                return result
        raise KeyError(criterion_id)

    def as_json(self, canonical_base: str = "") -> dict[str, object]:
        """Return the determination as cards and the command line carry it; empty members are left out.

        `canonical_base` is the address that the canonical of the questionnaire starts with; without it, or without a
        question, no questionnaire is named. The objects within are those of every other call; do not change them.
        """
        named = self.questionnaire(canonical_base) if canonical_base and self.questions else None
        return {key: value for key, value in {**self._json, "questionnaire": named}.items() if value}

    @cached_property
    def _json(self) -> Mapping[str, object]:
        """Return all members with their places; the questionnaire is empty."""
        least, most = self.items_left
        return {
            "policy": self.policy,
            "revision": self.revision,
            "edition": self.edition,
            "section": self.section,
            "order": self.order,
            "outcome": self.outcome.value,
            "anchor_date": self.anchor_date.isoformat(),
            "criteria": [result.as_json() for result in self.criteria],
            "questions": [each for question in self.questions for each in question.as_json()],
            "items_left": {"least": least, "most": most} if most else None,
            "requirements": {"documented": self.documented, "required": self.required} if self.required else None,
            "questionnaire": None,
            "presumed": self.presumed.as_json() if self.presumed else None,
            "notes": list(self.notes),
        }

    @cached_property
    def failing(self) -> Mapping[str, CriterionResult]:
        """Return the criteria and groups that are not met, like every group above them, by id."""
        found: dict[str, CriterionResult] = {}
        for result in self.criteria:  # a group comes before its parts
            if result.counted is Status.NOT_MET and (not result.parent or result.parent in found):
                found[result.id] = result
        return found

    @cached_property
    def findings(self) -> tuple[tuple[str, str, str, list[tuple[str, str]]], ...]:
        """Return the id, the status, the reason, and the evidence of each criterion, without dates, notes, and wording.

        The evidence is sorted, each as its reference and value. The reason is empty if there is none.
        """
        return tuple(
            [
                (
                    result.id,
                    result.status.value,
                    result.reason.value if result.reason else "",
                    sorted([(item.reference, item.value) for item in result.evidence]) if result.evidence else [],
                )
                for result in self.criteria
            ]
        )


def evidence_json(item: Evidence) -> dict[str, str]:
    """Return one piece of evidence as the JSON of a determination holds it."""
    found = {"reference": item.reference, "label": item.label, "date": item.date, "value": item.value}
    return found if all(found.values()) else {key: value for key, value in found.items() if value}
