"""Judge every order of a call by every policy that applies to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from coverage_policies.format.library import Library
from coverage_policies.format.model import APPLIES, Policy
from coverage_policies.format.searches import Search
from coverage_policies.format.terms import Outcome, Status
from coverage_policies.judging.alternatives import RULED_OUT, alternatives
from coverage_policies.judging.determination import Alternative, Determination
from coverage_policies.judging.evaluator import ANSWERS_VALID, blank_determination, evaluate
from coverage_policies.judging.next_screen import Screen, next_screen
from coverage_policies.judging.order_matching import OrderMatch, match_order
from coverage_policies.judging.order_session import Session
from coverage_policies.judging.plan import Plan, needs_payer, plan_of
from coverage_policies.judging.plan_rules import PlanRules, Visibility
from coverage_policies.judging.policy_selection import Candidate, InForce, Selection, candidates, follows, select
from coverage_policies.judging.stopping import ShouldStop, never
from fhir_mappings.dates import CalendarPeriod
from fhir_mappings.fhir_json import Resource
from fhir_mappings.order_terms import OrderTerms
from fhir_mappings.orders import Anchor, Order
from fhir_mappings.record import PatientRecord
from fhir_mappings.truth import Truth


@dataclass(frozen=True, slots=True)
class Difference:
    """A criterion whose status differs between revisions that judge one order together: its status under each."""

    criterion: str
    says: str
    statuses: tuple[tuple[str, Status], ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A changed order that fares better under every revision of an assessment.

    `criteria` are those it was made for, each as the name of the revision and the id of the criterion. `items_left` is
    how many items are then still to be answered, at least and at most, under whichever revision.
    """

    label: str
    resource: Resource
    criteria: tuple[tuple[str, str], ...]
    items_left: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Assessment:
    """The result for one order and policy: one determination, or several of revisions that judge the order together.

    `also` are the results for other orders of the same procedure, which share its card.
    """

    determinations: tuple[Determination, ...]
    also: tuple["Assessment", ...] = ()
    may_not_apply: bool = False
    """Whether the patient may have a payer, or a line of business, for which none of these policies is."""
    payer: str = ""
    """The payer on file that is known to follow the policies."""

    @property
    def all_determinations(self) -> tuple[Determination, ...]:
        """Return its determinations, then those for the other orders of the procedure."""
        return (*self.determinations, *(found for each in self.also for found in each.determinations))

    @property
    def outcome(self) -> Outcome:
        """Return the common outcome; `criteria-not-met` if none lets the order pass; else `documentation-needed`."""
        outcomes = {each.outcome for each in self.determinations}
        if len(outcomes) == 1:
            return outcomes.pop()
        return Outcome.CRITERIA_NOT_MET if outcomes <= set(RULED_OUT) else Outcome.DOCUMENTATION_NEEDED

    @property
    def only_asks_whether_it_applies(self) -> bool:
        """Return whether all it has to say is the question whether the policies apply to the order."""
        asked = [each.questions for each in self.determinations if each.outcome is not Outcome.NOT_APPLICABLE]
        return bool(asked) and all([question.id for question in each] == [APPLIES] for each in asked)

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Return the criteria, without groups, whose status differs between revisions of one policy.

        Return none if the evaluation of a revision was cut short.
        """
        if len({each.policy for each in self.determinations}) > 1 or any(d.is_cut_short for d in self.determinations):
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
            Suggestion(
                label,
                found[0][1].resource,
                tuple((revision, each.criterion) for revision, each in found),
                (min(each.items_left[0] for _, each in found), max(each.items_left[1] for _, each in found)),
            )
            for label, found in offers.items()
            if len({revision for revision, _ in found}) == len(self.determinations)
        )


@dataclass(frozen=True, slots=True)
class OrderCandidates:
    """An order to judge, its anchor date, and the policies that may judge it."""

    order: Order
    anchor: Anchor
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class _Judging:
    """What the evaluations of one call share: the orders, the chart, and when to stop."""

    session: Session
    record: PatientRecord
    should_stop: ShouldStop


class Assessor:
    """Judges orders by the policies of a library and an operator's rules. Holds no state of a call.

    With `only`, every order is judged by that revision alone, whatever its date and whoever pays.
    """

    def __init__(
        self,
        library: Library,
        rules: PlanRules,
        answers_valid: CalendarPeriod = ANSWERS_VALID,
        *,
        only: Policy | None = None,
    ) -> None:
        self.library = library
        self.rules = rules
        self._answers_valid = answers_valid
        self._only = only

    @property
    def order_terms(self) -> OrderTerms:
        """Return the words by which orders are read: those of the only revision, else those of the library."""
        return self.library.order_terms if self._only is None else self._only.order_terms

    def limited_to(self, policy: Policy) -> "Assessor":
        """Return an assessor that judges every order by one revision, which need not be of the library."""
        return Assessor(self.library, self.rules, self._answers_valid, only=policy)

    def candidates(self, session: Session, today: date) -> tuple[OrderCandidates, ...]:
        """Return the policies that may judge each order, before anything is known of the patient's plan."""
        return tuple(
            self._order_candidates(order, session.beside(order), order.anchor(today)) for order in session.judged
        )

    def _order_candidates(self, order: Order, others: Sequence[Order], anchor: Anchor) -> OrderCandidates:
        if self._only is None:
            return OrderCandidates(order, anchor, candidates(self.library, order, others, anchor.day, self.rules))
        policy = self._only
        ignored = not policy.entries(order.codes, anchor.day)
        match = match_order(policy, order, others, anchor.day, ignore_code_dates=ignored)
        candidate = Candidate(InForce((policy,)), {policy.full_name: match}, not match.no_match)
        return OrderCandidates(order, anchor, (candidate,))

    def next_screen(
        self, policy: Policy, order: Order, session: Session, record: PatientRecord, answers: Mapping[str, str]
    ) -> Screen:
        """Return what to ask next about an order under a revision, after answers by `linkId` (`next_screen`)."""
        return next_screen(
            policy,
            order,
            session.beside(order),
            record,
            order.anchor(record.today),
            answers,
            answers_valid=self._answers_valid,
            ignore_code_dates=self._only is not None,
        )

    def searches(self, orders: Sequence[OrderCandidates], hook: str) -> tuple[Search, ...] | None:
        """Return the searches that judging these orders needs; None if no policy concerns any of them."""
        policies = {
            policy.full_name: policy
            for order in orders
            for candidate in order.candidates
            if candidate.concerns and not order.order.obstacle
            for policy in self._switched_on(candidate.in_force.policies, hook)
        }
        return self.library.searches(policies.values()) if policies else None

    def needs_payer(self, coverage: Resource, payor: Resource) -> bool:
        """Return whether the Organization behind a `payor` of a Coverage must be read to know the patient's plan."""
        return needs_payer(coverage, payor, self.rules)

    def assess(
        self,
        session: Session,
        orders: Sequence[OrderCandidates],
        record: PatientRecord,
        hook: str,
        should_stop: ShouldStop = never,
    ) -> tuple[Assessment, ...]:
        """Return one assessment per order and policy; revisions that the operator switched off are left out.

        `should_stop` is asked before each criterion; after a yes the rest of them is unknown.
        """
        judging = _Judging(session, record, should_stop)
        found = []
        for each in orders:
            if self._only is not None:
                judged = self._judged(self._only, each.candidates[0].matches, each.order, judging)
                found.append(Assessment((judged,)))
                continue
            plan = plan_of(record, each.anchor.day, self.rules)
            for selection in select(each.candidates, plan):
                if policies := self._switched_on(selection.policies, hook):
                    found.append(
                        Assessment(
                            self._determinations(selection, policies, each.order, judging),
                            may_not_apply=self._may_not_apply(selection, plan),
                            payer=plan.owners.get(policies[0].owner, ""),
                        )
                    )
        return tuple(found)

    def _may_not_apply(self, selection: Selection, plan: Plan) -> bool:
        """Return whether a payer not on file, or a line of business without a policy, may be the patient's."""
        is_unknown = follows(plan, selection.policies[0]) is Truth.UNKNOWN
        return selection.lacks_lines or (bool(self.rules.payers) and is_unknown)

    def _switched_on(self, policies: Sequence[Policy], hook: str) -> tuple[Policy, ...]:
        """Return the revisions that the operator did not switch off; one that is asked for by name never is."""
        if self._only is not None:
            return tuple(policies)
        return tuple(p for p in policies if self.rules.visibility(p.full_name, hook) is not Visibility.OFF)

    def _determinations(
        self, selection: Selection, policies: Sequence[Policy], order: Order, judging: _Judging
    ) -> tuple[Determination, ...]:
        """Return what these policies of a selection determine: those that are not switched off."""
        if selection.other_payer or not selection.available:
            outcome = Outcome.NOT_APPLICABLE if selection.other_payer else Outcome.NOT_EVALUATED
            found = blank_determination(
                policies[0], order, order.anchor(judging.record.today), outcome, ignore_code_dates=True
            )
            return (replace(found, notes=selection.reasons),)
        judged = [self._judged(policy, selection.matches, order, judging) for policy in policies]
        if selection.is_for_some_lines:
            judged = [
                replace(each, lines=policy.lines_of_business) for each, policy in zip(judged, policies, strict=True)
            ]
        return tuple(_with_reasons(each, selection) for each in judged)

    def _judged(
        self,
        policy: Policy,
        matches: Mapping[str, OrderMatch],
        order: Order,
        judging: _Judging,
    ) -> Determination:
        found = self._evaluated(policy, order, judging, matches[policy.full_name])
        better = self._alternatives(found, policy, order, judging)
        return replace(found, alternatives=better) if better else found

    def _evaluated(
        self, policy: Policy, order: Order, judging: _Judging, match: OrderMatch | None = None
    ) -> Determination:
        return evaluate(
            policy,
            order,
            judging.session.beside(order),
            judging.record,
            order.anchor(judging.record.today),
            answers_valid=self._answers_valid,
            ignore_code_dates=self._only is not None,
            match=match,
            should_stop=judging.should_stop,
        )

    def _alternatives(
        self, judged: Determination, policy: Policy, order: Order, judging: _Judging
    ) -> tuple[Alternative, ...]:
        """Return the changed orders that fare better, each evaluated in place of the order among the others."""
        session = judging.session

        def judge(made: Order) -> Determination:
            changed = replace(made, reference=order.reference)
            beside = replace(session, judged=tuple(changed if each is order else each for each in session.judged))
            return self._evaluated(policy, changed, replace(judging, session=beside))

        return alternatives(judged, policy, order, session.read, judge)


def _with_reasons(determination: Determination, selection: Selection) -> Determination:
    """Return the determination with why its policy was selected; one that does not apply needs no reasons."""
    if determination.outcome is Outcome.NOT_APPLICABLE:
        return determination
    notes = (*selection.reasons, *determination.notes)
    return replace(determination, notes=notes, caveats=(*selection.caveats, *determination.caveats))
