"""`condition`: a diagnosis of the patient, present on the anchor date or in the past, and how long it has lasted."""

from dataclasses import dataclass, replace
from datetime import date

from msgspec import structs

from coverage_policies.format.operator import (
    NAMES,
    Arguments,
    ClauseResult,
    Context,
    Operator,
    arguments,
    phrase,
    value_set,
)
from coverage_policies.format.phrases import AGO, DURATION, SPAN, Comparison, DurationThreshold, duration, span
from coverage_policies.format.searches import CONDITIONS, ENCOUNTERS, Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet, ValueSets
from coverage_policies.operators.base import nothing_found
from coverage_policies.operators.condition_history import HistoryTerms, StatusAsked, history_terms
from coverage_policies.operators.older_care import KINDS, OlderCare
from fhir_mappings.codings import Course
from fhir_mappings.condition_course import Condition, Presence, Times, conditions_on
from fhir_mappings.condition_history import KnownCondition, known_conditions
from fhir_mappings.conditions import Unidentified, unidentified
from fhir_mappings.dates import CalendarPeriod, DateInterval
from fhir_mappings.diagnoses import says_it_lasts
from fhir_mappings.laterality import same_side
from fhir_mappings.record import Availability, Evidence
from fhir_mappings.truth import Truth

_SHOWN = 3
"""How many records of earlier care are shown."""
DEFAULTS = {"encounter_diagnosis": "12 months", "acute": "14 days", "same_time": "7 days"}


@dataclass(frozen=True, slots=True)
class ConditionCheck:
    """Whether a condition of the set is present, has lasted long enough, or is as asked of the past.

    `older` are records that may show that it has lasted longer than its dates say; None if none are named. `sets` are
    all value sets, whose codes are understood. `encounter_diagnosis`, `acute`, and `same_time` are those of
    `fhir_mappings.condition_course.Times`. `history` is what is asked of the past; None if only what is present counts.
    """

    codes: ValueSet
    lasting: DurationThreshold | None
    older: OlderCare | None
    is_same_side: bool
    sets: ValueSets
    encounter_diagnosis: CalendarPeriod
    acute: CalendarPeriod
    same_time: CalendarPeriod
    history: HistoryTerms | None = None

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches for conditions, for the encounters of acute ones, and for earlier care."""
        is_acute = any(row.decides and row.course is Course.ACUTE for row in self.codes.rows)
        encounters = (replace(ENCOUNTERS, only_dates=True),) if is_acute else ()
        return (CONDITIONS, *encounters, *(self.older.searches if self.older else ()))

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES for a condition that is present, UNKNOWN for one that is past, in doubt, or only asks.

        Without any, a condition that is not understood may be one.
        """
        if self.history is not None:
            return self._in_the_past(ctx, self.history)
        on_record = conditions_on(ctx.record, self.codes.match, self._times(ctx))
        found = [self._on_our_side(each, ctx) for each in on_record if self._same_side(each, ctx) is not Truth.NO]
        if not found:
            return self._nothing_found(ctx)
        evidence = tuple(each.evidence for each in found)
        active = [each for each in found if each.presence is Presence.PRESENT]
        present = [each for each in active if _has_begun(each.since, ctx)]
        if self.lasting is not None:
            return self._duration(ctx, found, present, self.lasting)
        if present:
            shown = tuple(each.evidence for each in present)
            return ClauseResult(Truth.YES, Reason.PRESENT, shown, headline=_headline(present[0]))
        return ClauseResult(Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE if active else Reason.INVALID_ATTRIBUTE, evidence)

    def _in_the_past(self, ctx: Context, history: HistoryTerms) -> ClauseResult:
        """Return YES for a condition that is as asked of the past, NO if none can be, else UNKNOWN."""
        times = self._times(ctx)
        on_record = known_conditions(ctx.record, self.codes.match, times)
        sides = [(each, self._same_side(each, ctx)) for each in on_record]
        found = [(each, side) for each, side in sides if side is not Truth.NO]
        if not found:
            return self._nothing_found(ctx)
        known = [each if side is Truth.YES else _without_side(each) for each, side in found]
        holds = [side & history.holds(each, times) & Truth.of(_has_begun(each.began, ctx)) for each, side in found]
        return history.result(known, holds, self._nothing_found(ctx))

    def _times(self, ctx: Context) -> Times:
        return Times(
            ctx.anchor, ctx.record.today, ctx.order.encounter, self.encounter_diagnosis, self.acute, self.same_time
        )

    def _nothing_found(self, ctx: Context) -> ClauseResult:
        nothing = nothing_found(ctx.record, "Condition")
        unknown = self._unidentified(ctx)
        if nothing.holds is Truth.NO and unknown:
            return ClauseResult(Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE, (_counted(unknown),))
        return nothing

    def _unidentified(self, ctx: Context) -> tuple[Unidentified, ...]:
        return ctx.record.cached(
            ("unidentified conditions", id(self.sets)),
            lambda: unidentified(ctx.record, self.sets.know),
        )

    def _same_side(self, condition: Condition | KnownCondition, ctx: Context) -> Truth:
        return same_side(ctx.order.side, condition.side) if self.is_same_side else Truth.YES

    def _on_our_side(self, condition: Condition, ctx: Context) -> Condition:
        """Return the condition, as uncertain if it may be on the other side."""
        if self._same_side(condition, ctx) is Truth.YES:
            return condition
        evidence = structs.replace(condition.evidence, value="side not told")
        return replace(condition, presence=Presence.UNCERTAIN, evidence=evidence)

    def _duration(
        self, ctx: Context, found: list[Condition], present: list[Condition], lasting: DurationThreshold
    ) -> ClauseResult:
        evidence = tuple(each.evidence for each in found)
        if lasting.comparison in (Comparison.AT_LEAST, Comparison.OVER):
            long_enough = tuple(e.evidence for e in present if lasting.holds(e.since, ctx.anchor) is Truth.YES)
            if long_enough:
                return ClauseResult(Truth.YES, Reason.PRESENT, long_enough)
            return ClauseResult(Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE, evidence)
        # All of them must prove it short: the oldest decides, an incomplete list may lack the oldest, and an uncertain
        # one (chronic pain, whatever its onset) or one that is not understood may be the oldest. The diagnosis of an
        # encounter has the day of the encounter, so one of them has to be on the problem list.
        is_read = ctx.record.availability("Condition") is not Availability.UNAVAILABLE
        if not is_read or (self.older and not self.older.is_read(ctx)):
            return ClauseResult(Truth.UNKNOWN, Reason.DATA_UNAVAILABLE, evidence)
        certain = [each for each in found if each.presence is not Presence.UNCERTAIN]
        short = [lasting.holds(each.since, ctx.anchor) for each in certain]
        older = self._older(ctx, lasting)
        is_listed = any(each.is_listed_problem for each in present)
        if is_listed and len(certain) == len(found) and not older and all(each is Truth.YES for each in short):
            oldest = min(present, key=lambda each: each.since.earliest)
            headline = f"On record only since {oldest.since}"
            return ClauseResult(Truth.YES, Reason.DATE_OUT_OF_RANGE, evidence, headline=headline)
        holds = Truth.NO if Truth.NO in short else Truth.UNKNOWN
        return ClauseResult(holds, Reason.DATE_OUT_OF_RANGE, (*evidence, *older))

    def _older(self, ctx: Context, lasting: DurationThreshold) -> tuple[Evidence, ...]:
        """Return what may be an older sign of the condition: the order, earlier care, and what is not understood."""
        care = self.older.evidence(ctx, lasting)[:_SHOWN] if self.older else ()
        care = (*self._lasting_by_order(ctx), *care)
        unknown = tuple(
            each
            for each in self._unidentified(ctx)
            if each.when is None or lasting.holds(each.when, ctx.anchor) is not Truth.YES
        )
        return (*care, _counted(unknown)) if unknown else care

    def _lasting_by_order(self, ctx: Context) -> tuple[Evidence, ...]:
        """Return the order as evidence if its reasons or its remarks may say that the condition has lasted for long."""
        reasons = ctx.order.reasons
        for each in (reason.diagnosis for reason in reasons.given):
            match = each.match(self.codes.match)
            if match and (each.is_called_lasting or not match.decides):
                return (ctx.order.stating(match.label),)
        if any(map(says_it_lasts, reasons.remarks)):
            return (ctx.order.stating("lasting for long, by its remarks"),)
        return ()


def _headline(condition: Condition) -> str:
    if condition.is_listed_problem:
        return f"{condition.label} on the problem list"
    return f"{condition.label} diagnosed" + (f" {condition.evidence.date}" if condition.evidence.date else "")


def _without_side(known: KnownCondition) -> KnownCondition:
    """Return a condition that may be on the other side, as uncertain."""
    return replace(known, is_certain=False, evidence=structs.replace(known.evidence, value="side not told"))


def _has_begun(since: DateInterval, ctx: Context) -> bool:
    """Return whether it surely began by the anchor date. What is on the chart began by the time the chart was read.

    A condition without any date counts as begun, but not if the question is how things were on an earlier day.
    """
    began = since.latest
    if began == date.max and not ctx.is_looking_back:
        return True
    return min(began, ctx.record.today) <= ctx.anchor


def _counted(unknown: tuple[Unidentified, ...]) -> Evidence:
    """Return conditions that are not understood as one piece of evidence, dated by the first."""
    first = unknown[0].evidence
    return (
        structs.replace(first, label=f"{len(unknown)} conditions cannot be identified") if len(unknown) > 1 else first
    )


def _parse(arguments: Arguments, sets: ValueSets) -> ConditionCheck:
    lasting = duration(arguments["lasting"]) if "lasting" in arguments else None
    if "unless_older" in arguments and (lasting is None or not lasting.comparison.is_upper_bound):
        raise ValueError("'unless_older' needs an upper bound; write it with 'lasting: under 6 months'")
    times = {name: span(arguments.get(name, default)) for name, default in DEFAULTS.items()}
    codes = value_set(arguments["in"], sets)
    return ConditionCheck(
        codes,
        lasting,
        OlderCare(value_set(arguments["unless_older"], sets)) if "unless_older" in arguments else None,
        arguments.get("side") == "same",
        sets,
        **times,
        history=history_terms(arguments, codes),
    )


OPERATOR = Operator(
    name="condition",
    says="A condition of the value set is present: confirmed, begun by the anchor date, and counted by its `course`. "
    "A permanent one counts from any confirmed record. A chronic one counts on the problem list until it ends, and as "
    "the diagnosis of an encounter for `encounter_diagnosis`. An acute one counts in the encounter of the order, and "
    "for `acute` after it began unless its encounter is over. A later record replaces an earlier one of the same "
    "condition; records that differ within `same_time` leave it open. `lasting: at least …` holds if one of them began "
    "that long ago; `lasting: under …` only if one of them is on the problem list, the oldest of all that match is "
    "younger, neither its words nor the order say that it has lasted for long, and nothing of `unless_older` "
    "(procedures, imaging, visits, drugs, other conditions) may be older. `side: same` requires the side "
    "of the order; a condition without a stated side may be on it. A condition in words only asks, and one that cannot "
    "be identified may be of any value set. `within: 12 months` holds for a condition that was there at some time in "
    "that period before the anchor date, whether or not it is still: one that is present, and one whose onset, "
    "encounter, end, or record as active is in it. `status: any` holds for a condition that the patient ever had, "
    "`status: past` for one that has ended or stands on the history list, unless the same one is present. `onset: at "
    "least 6 months ago` holds if one of them began then, `onset: under 6 months ago` if one did, and for chronic ones "
    "only if all that match did. Without `status`, `within` counts any, and `onset` what is present. A refuted "
    "condition never counts.",
    schema=arguments(
        ["in"],
        **{
            "in": NAMES,
            "lasting": phrase(DURATION, "under 6 months"),
            "unless_older": NAMES,
            "side": {"const": "same"},
            "within": phrase(SPAN, "12 months"),
            "status": {"enum": [each.value for each in StatusAsked]},
            "onset": phrase(AGO, "at least 6 months ago"),
            "encounter_diagnosis": phrase(SPAN, "90 days"),
            "acute": phrase(SPAN, "14 days"),
            "same_time": phrase(SPAN, "7 days"),
        },
    ),
    example="""
clause: {condition: {in: fibromyalgia}}
facts:
  - condition: {code: icd10cm M79.7, onset: 2024-05-01}
holds: yes
""",
    parse=_parse,
    resource_types=("Condition", "Encounter", *KINDS),
    defaults=DEFAULTS,
)
