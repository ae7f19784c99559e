"""Every order of a call against every text that judges it."""

from dataclasses import dataclass, replace

from coverage_policies.format.library import Library
from coverage_policies.format.model import Policy
from coverage_policies.format.searches import Search
from coverage_policies.format.terms import Outcome, Status
from coverage_policies.judging.determination import Alternative, Determination
from coverage_policies.judging.evaluator import ANSWERS_VALID, blank_determination, evaluate
from coverage_policies.judging.order_session import Session
from coverage_policies.judging.plan import plan_of
from coverage_policies.judging.plan_rules import PlanRules, Visibility
from coverage_policies.judging.policy_selection import Selection, candidate_policies, choose
from fhir_mappings.dates import CalendarPeriod
from fhir_mappings.fhir_json import Resource
from fhir_mappings.order_edit import restated
from fhir_mappings.orders import Order
from fhir_mappings.record import PatientRecord

_RULED_OUT = (Outcome.NOT_SUPPORTED, Outcome.CRITERIA_NOT_MET)


@dataclass(frozen=True, slots=True)
class Difference:
    """A criterion on which texts that were applied side by side part: its status under each of them."""

    criterion: str
    says: str
    statuses: tuple[tuple[str, Status], ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A changed order that fares better under every revision of an assessment.

    `criteria` are those it was made for, each as the name of the revision and the id of the criterion.
    """

    label: str
    resource: Resource
    criteria: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is to be said about one order and policy: one determination, or several of texts applied side by side."""

    determinations: tuple[Determination, ...]

    @property
    def outcome(self) -> Outcome:
        """What the texts agree on: one outcome, or that none of them lets the order pass; else it is open."""
        outcomes = {each.outcome for each in self.determinations}
        if len(outcomes) == 1:
            return outcomes.pop()
        return Outcome.CRITERIA_NOT_MET if outcomes <= set(_RULED_OUT) else Outcome.DOCUMENTATION_NEEDED

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Where revisions of one policy part, criterion by criterion, the parts of groups left to their groups."""
        if len({each.policy for each in self.determinations}) > 1:
            return ()
        found: dict[str, dict[str, Status]] = {}
        says: dict[str, str] = {}
        for each in self.determinations:
            for result in each.criteria:
                if not result.is_group:
                    found.setdefault(result.id, {})[each.revision] = result.status
                    says[result.id] = result.says
        return tuple(
            Difference(name, says[name], tuple(statuses.items()))
            for name, statuses in found.items()
            if len(set(statuses.values())) > 1 or len(statuses) < len(self.determinations)
        )

    @property
    def suggestions(self) -> tuple[Suggestion, ...]:
        """Return one suggestion per label that every revision offers, with all the criteria that offer it."""
        offers: dict[str, list[tuple[str, Alternative]]] = {}
        for determination in self.determinations:
            for alternative in determination.alternatives:
                offers.setdefault(alternative.says, []).append((determination.full_name, alternative))
        return tuple(
            Suggestion(label, found[0][1].resource, tuple((revision, each.criterion) for revision, each in found))
            for label, found in offers.items()
            if len({revision for revision, _ in found}) == len(self.determinations)
        )


class Assessor:
    """Holds orders against the texts of a library, by an operator's rules. Holds no state of a call."""

    def __init__(self, library: Library, rules: PlanRules, answers_valid: CalendarPeriod = ANSWERS_VALID) -> None:
        self.library = library
        self.rules = rules
        self._answers_valid = answers_valid

    def searches(self, session: Session, record: PatientRecord, hook: str) -> tuple[Search, ...] | None:
        """The data that judging these orders needs; None where no text has anything to say about any of them."""
        policies = [
            policy
            for order in session.judged
            for policy in candidate_policies(self.library, order, order.anchor(record.today).day, self.rules)
            if self.rules.visibility(policy.full_name, hook) is not Visibility.OFF
        ]
        return self.library.searches(policies) if policies else None

    def assess(self, session: Session, record: PatientRecord, hook: str) -> tuple[Assessment, ...]:
        """One assessment per order and policy, the texts of it that are switched off left out."""
        found = []
        for order in session.judged:
            day = order.anchor(record.today).day
            for chosen in choose(self.library, order, day, plan_of(record, day, self.rules), self.rules):
                on = tuple(p for p in chosen.policies if self.rules.visibility(p.full_name, hook) is not Visibility.OFF)
                if on:
                    found.append(self._assessment(replace(chosen, policies=on), order, session, record))
        return tuple(found)

    def judge_by(self, policy: Policy, session: Session, record: PatientRecord) -> tuple[Determination, ...]:
        """Every order judged by one text, whatever its date and whoever pays."""
        return tuple(self._judged(policy, order, session, record, ignore_code_dates=True) for order in session.judged)

    def _assessment(self, chosen: Selection, order: Order, session: Session, record: PatientRecord) -> Assessment:
        if chosen.other_payer or not chosen.available:
            outcome = Outcome.NOT_APPLICABLE if chosen.other_payer else Outcome.NOT_EVALUATED
            found = blank_determination(
                chosen.policies[0], order, order.anchor(record.today), outcome, ignore_code_dates=True
            )
            return Assessment((replace(found, notes=chosen.reasons),))
        judged = [self._judged(policy, order, session, record) for policy in chosen.policies]
        return Assessment(tuple(replace(each, notes=(*chosen.reasons, *each.notes)) for each in judged))

    def _judged(
        self, policy: Policy, order: Order, session: Session, record: PatientRecord, *, ignore_code_dates: bool = False
    ) -> Determination:
        found = self._evaluated(policy, order, session, record, ignore_code_dates=ignore_code_dates)
        return replace(found, alternatives=self._alternatives(found, policy, order, session, record))

    def _evaluated(
        self, policy: Policy, order: Order, session: Session, record: PatientRecord, *, ignore_code_dates: bool = False
    ) -> Determination:
        return evaluate(
            policy,
            order,
            session.beside(order),
            record,
            order.anchor(record.today),
            answers_valid=self._answers_valid,
            ignore_code_dates=ignore_code_dates,
        )

    def _alternatives(
        self, judged: Determination, policy: Policy, order: Order, session: Session, record: PatientRecord
    ) -> tuple[Alternative, ...]:
        """The mended orders that fare better, each evaluated the same way. An order without an id has none."""
        if judged.outcome not in _RULED_OUT or "id" not in order.resource:
            return ()
        found = []
        for result in judged.criteria:
            suggest = policy.index[result.id].suggest
            if suggest is None or result.counted is not Status.NOT_MET:
                continue
            mended = session.read(restated(order.resource, suggest.attribute, suggest.value))
            beside = replace(session, judged=tuple(mended if each is order else each for each in session.judged))
            outcome = self._evaluated(policy, mended, beside, record).outcome
            if outcome not in _RULED_OUT:
                found.append(Alternative(result.id, suggest.says, mended.resource, outcome))
        return tuple(found)
