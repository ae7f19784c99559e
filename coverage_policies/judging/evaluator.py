"""The evaluator: one revision, one order among others, one chart, one day. Pure: no clock, no network, no log."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from msgspec import Struct, structs

from coverage_policies.format.model import APPLIES, CODE, PATHWAY, SIDE, Companion, Criterion, Policy
from coverage_policies.format.operator import Context
from coverage_policies.format.questions import QuestionText, code_question, pathway_question
from coverage_policies.format.terms import Outcome, Reason, Status
from coverage_policies.judging.agreement import agreed_criteria, agreed_outcome
from coverage_policies.judging.attestations import NO_ANSWERS, Attestations, attestations
from coverage_policies.judging.criterion import CriterionStatus, evaluate_clauses, judge, with_answer, with_shown
from coverage_policies.judging.data_notes import code_notes, data_notes, is_unread, unread_types, unused_records
from coverage_policies.judging.determination import CriterionResult, Determination, Question
from coverage_policies.judging.items import items_left, requirements
from coverage_policies.judging.kleene import roll_up
from coverage_policies.judging.operation import of_operation
from coverage_policies.judging.order_matching import OrderMatch, match_order
from coverage_policies.judging.pathways import resolve_pathway
from coverage_policies.judging.questions import open_questions
from coverage_policies.judging.stopping import ShouldStop, Watch, never
from fhir_mappings.codings import Coding
from fhir_mappings.dates import CalendarPeriod
from fhir_mappings.laterality import side_named
from fhir_mappings.orders import Anchor, Order
from fhir_mappings.procedures import latest_on_or_before, procedures
from fhir_mappings.record import Availability, Evidence, PatientRecord

CUT_SHORT = "Cut short by the time limit: the criteria that were not reached are unknown."
"""The note of a determination whose evaluation was stopped."""
ANSWERS_VALID = CalendarPeriod(90, "days")
"""How long an attestation counts if it is not based on the order."""


def evaluate(
    policy: Policy,
    order: Order,
    other_orders: Sequence[Order],
    record: PatientRecord,
    anchor: Anchor,
    *,
    answers_valid: CalendarPeriod = ANSWERS_VALID,
    ignore_code_dates: bool = False,
    match: OrderMatch | None = None,
    given: Mapping[str, str] = NO_ANSWERS,
    should_stop: ShouldStop = never,
) -> Determination:
    """Judge one order by one policy revision.

    Every criterion of the sections that judge the order is reported, also after its group is decided. The worst
    section decides the outcome; the first listed on a tie. An order that the policy does not concern is
    `not-applicable`. `ignore_code_dates`: match codes even if they are not valid on the anchor date (used by
    `evaluate --policy` and case files); a note says so. `match` is how the policy matches the order, if it is known.
    `given` are answers about this order that are not on file yet, by `linkId` (`attestations`).
    `should_stop` is asked before each criterion; after a yes the rest is unknown, and the determination says so.
    """
    watch = Watch(should_stop)
    said_on = attestations(policy, order, other_orders, record, answers_valid, given)
    said = said_on(None).deciding
    if order.side is None and SIDE in said and (named := side_named(said[SIDE].value)):
        order = order.with_side(named)
        said_on = attestations(policy, order, other_orders, record, answers_valid, given)
        said = said_on(None).deciding
    ctx = Context(order, tuple(other_orders), record, anchor.day)
    if match is None:
        ignored = ignore_code_dates and not policy.entries(order.codes, anchor.day)
        match = match_order(policy, order, other_orders, anchor.day, ignore_code_dates=ignored)
    match = match.with_answer(said.get(APPLIES))
    if order.obstacle and not match.no_match:
        found = blank_determination(policy, order, anchor, Outcome.NOT_EVALUATED)
        return replace(found, obstacle=order.obstacle, notes=(f"Not evaluated: {order.obstacle}.",))
    if match.asking_for_code is not None:
        codes = code_question(policy, match.asking_for_code.ask, None if ignore_code_dates else anchor.day)
        asked = (Question.of(CODE, codes),)
        found = blank_determination(policy, order, anchor, Outcome.DOCUMENTATION_NEEDED)
        return replace(found, order_label=order.words[0], questions=asked)
    if match.no_match:
        return replace(
            blank_determination(policy, order, anchor, Outcome.NOT_APPLICABLE), notes=code_notes(policy, order, anchor)
        )
    judging = match.judging
    names = tuple(dict.fromkeys([name for entry in judging for name in entry.sections]))
    coded_on = None if ignore_code_dates else anchor.day
    heard = of_operation(policy, order, other_orders, coded_on)
    settled = resolve_pathway(policy.pathway, ctx if heard is order else replace(ctx, order=heard), said)
    roots = [policy.sections[name].root for name in names]
    runs = [_Run(policy, ctx, said_on(pathway), pathway, roots, watch) for pathway in settled.remaining]
    verdicts = [run.verdict() for run in runs]
    outcome, section = agreed_outcome(verdicts)
    by_pathway = {run.pathway: run.results for run in runs}
    questions = open_questions(policy, names, by_pathway)
    criteria = agreed_criteria(by_pathway, frozenset[str]().union(*(run.unreached for run in runs)))
    if policy.pathway and any(each.reason is Reason.OTHER_PATHWAY for each in criteria) and len(runs) > 1:
        questions = (Question.of(PATHWAY, pathway_question(policy)), *questions)
    if not match.is_certain:
        outcome, section = Outcome.DOCUMENTATION_NEEDED, names[0]
        questions = (Question.of(APPLIES, QuestionText(judging[0].ask)),)
    left = [items_left(roots, run.results) for run in runs]
    counts = {requirements(roots, run.results) for run in runs}
    documented, required = counts.pop() if len(counts) == 1 else (0, 0)
    off_date = code_notes(policy, order, anchor)
    is_unjudged = watch.is_cut and not watch.has_judged
    if outcome is Outcome.DOCUMENTATION_NEEDED and (is_unjudged or is_unread(policy, record)):
        outcome = Outcome.NOT_EVALUATED
    return replace(
        blank_determination(policy, order, anchor, outcome),
        section=section,
        criteria=criteria,
        questions=questions,
        presumed=settled.presumed,
        notes=(*((CUT_SHORT,) if watch.is_cut else ()), *data_notes(policy, record, anchor, off_date)),
        caveats=(
            *(("Checked in part only (time limit)",) if watch.is_cut else ()),
            *(("Order code not valid on that date",) if off_date else ()),
        ),
        unread=unread_types(policy, record),
        unused=unused_records(policy, record),
        runs=by_pathway,
        is_cut_short=watch.is_cut,
        sections=names,
        side=order.side or "",
        items_left=(min(least for least, _ in left), max(most for _, most in left)),
        documented=documented,
        required=required,
        pathway="" if settled.presumed or len(runs) > 1 else runs[0].pathway or "",
        pathways={
            choice.name: choice.says
            for choice in (policy.pathway.choices if policy.pathway and len(runs) > 1 else ())
            if choice.name in settled.remaining
        },
        codes=tuple(each for each in order.codes if any(entry.codes.row(each, coded_on) for entry in judging)),
        companions=_missing_companions(match, ctx) if match.is_certain else (),
    )


def _missing_companions(match: OrderMatch, ctx: Context) -> tuple[Companion, ...]:
    """Return the orders that belong to this one and are not among the others; one that may be there is not missing."""
    others = [each for each in ctx.other_orders if each.is_judged]
    there = [(*each.codes, *(Coding("", "", text) for text in each.words)) for each in others]
    missing = {
        (companion.add.system, companion.add.code): companion
        for entry in match.judging
        for companion in entry.companions
        if not any(companion.codes.match(codes, ctx.anchor) for codes in there)
    }
    return tuple(missing.values())


def blank_determination(
    policy: Policy, order: Order, anchor: Anchor, outcome: Outcome, *, ignore_code_dates: bool = False
) -> Determination:
    """Return a determination with the policy, the order, and the day, and without any criterion.

    The order gets the policy's label of its code, if that is valid on the day or, with `ignore_code_dates`, ever, and
    its side: one call may order a procedure for both.
    """
    day = None if ignore_code_dates else anchor.day
    label = next((m.label for e in policy.orders if (m := e.codes.match(order.codes, day))), order.label)
    return Determination(
        policy=policy.name,
        revision=policy.revision,
        edition=policy.edition,
        title=policy.title,
        order=order.reference,
        outcome=outcome,
        anchor_date=anchor.day,
        anchor_from=anchor.taken_from,
        owner=policy.owner,
        order_label=f"{label}, {order.side}" if order.side else label,
        url=policy.url,
        prior_authorization=policy.prior_authorization,
    )


class _GroupStatus(Struct, frozen=True):
    """What a criterion adds to its group: by the data, and if a human decides in its favor. None: not counted.

    `may_fail` is whether data that were not read may contradict it.
    """

    status: Status | None
    best_case: Status | None
    may_fail: bool = False


_NOT_COUNTED = _GroupStatus(None, None)
_WORST_FIRST = tuple(Outcome)

_NOT_YET = CriterionResult("", Status.UNKNOWN, "")
_OTHER_PATHWAY = CriterionStatus(Status.UNKNOWN, Reason.OTHER_PATHWAY)


class _Run:
    """One pass over criteria on one pathway and one day, with their results in the order of the document."""

    def __init__(
        self,
        policy: Policy,
        ctx: Context,
        said: Attestations,
        pathway: str | None,
        roots: Sequence[Criterion],
        watch: Watch,
    ) -> None:
        self.policy = policy
        self.ctx = ctx
        self.said = said
        self.pathway = pathway
        self.watch = watch
        self.unreached: set[str] = set()
        """The criteria that are open because they, or some below them, were not reached."""
        self.results: dict[str, CriterionResult] = {}
        self.rolled = {root.id: self._visit(root, "", 0, on_pathway=True) for root in roots}

    def verdict(self) -> tuple[Outcome, str]:
        """Return the worst outcome of the sections, and the section it comes from."""
        found = []
        for name, rolled in self.rolled.items():
            if rolled.status is Status.NOT_MET:
                found.append((self.policy.sections[name].if_not_met, name))
            elif rolled.status is Status.MET:
                found.append((Outcome.SUPPORTED, name))
            elif rolled.status is Status.UNKNOWN:
                granted = rolled.best_case is Status.MET
                found.append((Outcome.CASE_REVIEW if granted else Outcome.DOCUMENTATION_NEEDED, name))
        if not found:
            return Outcome.NOT_APPLICABLE, ""
        return min(found, key=lambda each: _WORST_FIRST.index(each[0]))

    def _visit(
        self, c: Criterion, parent: str, depth: int, *, on_pathway: bool, rules_out: bool = False
    ) -> _GroupStatus:
        if self.pathway is not None and (c.pathways or c.rules_out):
            is_ruled_out = self.pathway in c.rules_out
            rules_out = rules_out or is_ruled_out
            on_pathway = on_pathway and (is_ruled_out or not c.pathways or self.pathway in c.pathways)
        self.results[c.id] = _NOT_YET  # keeps the order of the document
        below: Sequence[_GroupStatus] = ()
        if c.children:  # most have none
            below = [
                self._visit(child, c.id, depth + 1, on_pathway=on_pathway, rules_out=rules_out) for child in c.children
            ]
        by_data: CriterionStatus | None = None
        if not on_pathway:
            judged, rolled = _OTHER_PATHWAY, _NOT_COUNTED
        else:
            found, best_case = self._judged(c, below)
            by_data = found if self._may_be_attested(c) else None
            judged = found
            if by_data is not None and c.id in self.said.deciding:
                judged = with_answer(found, c, self.said.deciding)
            if c.id in self.said.shown:
                judged = with_shown(judged, self.said.shown[c.id])
            if self.watch.is_cut and judged.status is Status.UNKNOWN:
                self.unreached.add(c.id)
                judged = structs.replace(judged, reason=Reason.DATA_UNAVAILABLE)
            rolled = _rolled(c, judged, best_case if judged.status is found.status else judged.status)
            if rules_out and judged.status is not Status.NOT_MET:
                rolled = _NOT_COUNTED
                if judged.status is Status.UNKNOWN:
                    judged = _OTHER_PATHWAY
        self.results[c.id] = CriterionResult(
            id=c.id,
            status=judged.status,
            says=c.says,
            reason=judged.reason,
            evidence=judged.evidence,
            notes=judged.notes,
            ask=c.ask,
            counted=rolled.status,
            parent=parent,
            depth=depth,
            is_group=bool(c.children),
            has_alternatives=c.required is not None,
            says_when_not_met=c.says_when_not_met,
            override=c.override,
            headline=judged.headline,
            needs_side=judged.needs_side,
            by_data=by_data,
        )
        return rolled

    def _may_be_attested(self, c: Criterion) -> bool:
        """Return whether an answer may decide.

        None decides a section with parts, what the policy never supports, or what was not judged to the end: the data
        may contradict it.
        """
        return not self.watch.is_cut and not c.is_never_met and not (c.children and c.id in self.policy.sections)

    def _judged(self, c: Criterion, below: Sequence[_GroupStatus]) -> tuple[CriterionStatus, Status]:
        """Return the status by the data, and the status if every human decided in favor of the order."""
        if not c.children and not self.watch.may_judge():
            return CriterionStatus(Status.UNKNOWN, Reason.DATA_UNAVAILABLE), Status.UNKNOWN
        if c.is_never_met:
            return CriterionStatus(Status.NOT_MET, Reason.PRESENT, (self.ctx.order.evidence,)), Status.NOT_MET
        if c.needs:
            return self._needed(c)
        if c.children:
            status = roll_up([each.status for each in below if each.status is not None], c.required)
            best_case = roll_up([each.best_case for each in below if each.best_case is not None], c.required)
            reason = self._reason_among([child.id for child in c.children], status)
            return CriterionStatus(status, reason, may_fail=_may_fail(below, c.required)), best_case
        judged = judge(c, self.ctx)
        return judged, judged.status

    def _reason_among(self, names: Sequence[str], status: Status) -> Reason | None:
        """Return the reason of the first criterion that counts with this status; a conflict comes first."""
        counted = [result for name in names if (result := self.results[name]).counted is status]
        found = [result.reason if result.status is status else Reason.CASE_REVIEW for result in counted]
        return Reason.CONFLICT if Reason.CONFLICT in found else next(iter(found), None)

    def _needed(self, c: Criterion) -> tuple[CriterionStatus, Status]:
        """Return the status of the criteria that this one needs, as of an earlier procedure if it says so."""
        ctx = self.ctx
        evidence: tuple[Evidence, ...] = ()
        if c.on_date_of is not None:
            done = latest_on_or_before(procedures(ctx.record, c.on_date_of.match), ctx.anchor)
            evidence = (done.evidence,) if done else ()
            if ctx.record.availability("Procedure") is Availability.UNAVAILABLE:  # the last one may be missing
                unread = CriterionStatus(Status.UNKNOWN, Reason.DATA_UNAVAILABLE, evidence, may_fail=True)
                return unread, Status.UNKNOWN
            if done is None:
                return CriterionStatus(Status.UNKNOWN, Reason.NOT_FOUND), Status.UNKNOWN
            if done.end is None or done.end.earliest != done.end.latest:
                return CriterionStatus(Status.UNKNOWN, Reason.DATE_OUT_OF_RANGE, evidence), Status.UNKNOWN
            ctx = replace(ctx, anchor=done.end.latest, is_looking_back=True)
        roots = [self.policy.index[name] for name in c.needs]
        then = _Run(self.policy, ctx, self.said, self.pathway, roots, self.watch)
        rolled = [then.rolled[name] for name in c.needs]
        status = roll_up([Status.UNKNOWN if each.status is None else each.status for each in rolled], None)
        best_case = roll_up([Status.UNKNOWN if each.best_case is None else each.best_case for each in rolled], None)
        failed = [r for r in then.results.values() if not r.is_group and r.counted is Status.NOT_MET is status]
        notes = tuple(f"{result.says}: not met on {ctx.anchor}" for result in failed) if c.on_date_of else ()
        evidence += tuple(item for result in failed for item in result.evidence)
        evidence += tuple(item for result in evaluate_clauses(c.show, self.ctx) for item in result.evidence)
        judged = CriterionStatus(
            status,
            then._reason_among(c.needs, status),
            tuple(dict.fromkeys(evidence)),
            notes,
            may_fail=_may_fail(rolled, None),
        )
        return judged, best_case


def _rolled(c: Criterion, judged: CriterionStatus, best_case: Status) -> _GroupStatus:
    """Return what a criterion contributes to its group; a status that a human decides is unknown there."""
    if c.role is not None:
        return _NOT_COUNTED
    by_human = (c.case_review_if_met and judged.status is Status.MET) or (
        c.case_review_if_not_met and judged.status is Status.NOT_MET
    )
    if by_human:
        return _GroupStatus(Status.UNKNOWN, Status.MET)
    return _GroupStatus(judged.status, best_case, judged.may_fail)


def _may_fail(below: Sequence[_GroupStatus], required: int | None) -> bool:
    """Return whether a group is not met if every criterion is that data which were not read may contradict."""
    if True not in [each.may_fail for each in below]:
        return False
    worst = [Status.NOT_MET if each.may_fail else each.status for each in below if each.status is not None]
    return roll_up(worst, required) is Status.NOT_MET
