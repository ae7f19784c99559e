"""`medication`: a drug of the set was prescribed or taken, is taken now, was stopped, or was taken for so long.

None of this shows that a drug failed.
"""

from dataclasses import dataclass

from coverage_policies.format.operator import (
    NAMES,
    Arguments,
    ClauseCheck,
    ClauseResult,
    Context,
    Operator,
    arguments,
    phrase,
    value_set,
)
from coverage_policies.format.phrases import (
    AGO,
    DURATION,
    PERCENT,
    SPAN,
    Comparison,
    DurationThreshold,
    duration,
    percent,
    span,
)
from coverage_policies.format.searches import Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet, ValueSets
from coverage_policies.operators.base import in_time, nothing_found
from coverage_policies.operators.medication_times import (
    SEARCHES,
    CoveredCheck,
    FirstCheck,
    NowCheck,
    StoppedCheck,
    TakenCheck,
)
from fhir_mappings.dates import CalendarPeriod
from fhir_mappings.medications import KINDS, medications
from fhir_mappings.truth import Truth

_QUESTIONS = ("now", "stopped", "first", "lasting", "covered")
_DEFAULT_WITHIN_NOW = "12 months"
_ONE_OF = {"route": "lasting", "gap": "lasting", "over": "covered"}
"""Arguments that only say more of another one."""


@dataclass(frozen=True, slots=True)
class MedicationCheck:
    """Whether a drug of the set was prescribed, dispensed, or reported; the newest three records are the evidence."""

    codes: ValueSet
    within: CalendarPeriod | None

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches for prescriptions, dispenses, and statements."""
        return SEARCHES

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES for a drug known by its code or by a product's label, UNKNOWN for one that is only mentioned."""
        found = medications(ctx.record, self.codes.match)
        if not found:
            return nothing_found(ctx.record, *KINDS)
        newest = sorted(found, key=lambda m: (m.is_certain, m.evidence.date, m.reference), reverse=True)[:3]
        evidence = tuple(each.evidence for each in newest)
        certain = [each for each in found if each.is_certain]
        if any(self.within is None or in_time(each.when, self.within, ctx.anchor) is Truth.YES for each in certain):
            return ClauseResult(Truth.YES, Reason.PRESENT, evidence)
        return ClauseResult(Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE if certain else Reason.INVALID_ATTRIBUTE, evidence)


def _parse(arguments: Arguments, sets: ValueSets) -> ClauseCheck:
    asked = [name for name in _QUESTIONS if name in arguments]
    if len(asked) > 1:
        raise ValueError(f"`{asked[0]}` and `{asked[1]}` are two questions; give each a criterion of its own")
    for name, of in _ONE_OF.items():
        if name in arguments and of not in arguments:
            raise ValueError(f"`{name}` belongs to `{of}`; write it with `{of}`")
    codes = value_set(arguments["in"], sets)
    within = span(arguments["within"]) if "within" in arguments else None
    match asked:
        case ["now"]:
            return NowCheck(codes, within or span(_DEFAULT_WITHIN_NOW))
        case ["stopped"]:
            return StoppedCheck(codes, within)
        case ["first"]:
            return FirstCheck(codes, _at_least(arguments["first"], "a record", "at least 60 days ago"), within)
        case ["lasting"]:
            lasting = _at_least(arguments["lasting"], "a supply", "at least 3 weeks")
            return TakenCheck(codes, lasting, within, "route" in arguments, _pause(arguments))
        case ["covered"]:
            return _covered(arguments, codes)
    return MedicationCheck(codes, within)


def _at_least(written: str, what: str, example: str) -> DurationThreshold:
    """Return a lower bound; an upper one would be broken by a record that is missing."""
    found = duration(written)
    if found.comparison.is_upper_bound:
        raise ValueError(f"'{found}' cannot be proven because {what} may be missing; write it like '{example}'")
    return found


def _pause(arguments: Arguments) -> int:
    if "gap" not in arguments:
        return 0
    gap = duration(arguments["gap"])
    if gap.comparison is not Comparison.AT_MOST or gap.span.unit not in ("days", "weeks"):
        raise ValueError(f"'{gap}' is no gap between supplies; write it like 'at most 14 days'")
    return gap.span.number * (7 if gap.span.unit == "weeks" else 1)


def _covered(arguments: Arguments, codes: ValueSet) -> CoveredCheck:
    covered = percent(arguments["covered"])
    if covered.comparison not in (Comparison.AT_LEAST, Comparison.OVER):
        raise ValueError(
            f"'{covered} %' cannot be proven because a dispense may be missing; write it like 'at least 80 %'"
        )
    if "over" not in arguments:
        raise ValueError("`covered` needs `over`, the period before the anchor date; write it like 'over: 180 days'")
    if "within" in arguments:
        raise ValueError("`covered` is about the period `over`; leave out `within`")
    over = span(arguments["over"])
    if not over.number:
        raise ValueError("`over` is at least 1 day")
    return CoveredCheck(codes, covered, over)


OPERATOR = Operator(
    name="medication",
    says="A drug of the value set was prescribed (`active`, `completed`, `stopped`, or `on-hold`, at any time up to "
    "today; drafts, canceled orders, and proposals do not count), dispensed (`completed` or `stopped`), or "
    "reported. The value set lists ingredients, and a class is the ingredients that it lists. A drug counts by "
    "its code, by a product code that is known to contain one or that `<set>.products.csv` lists, and by a label "
    "whose every part is known: `metformin hydrochloride 500 MG Oral Tablet`, `Janumet 50-1000`. A combination "
    "contains each of its ingredients. Any other mention is shown and does not decide. `within: 12 months` "
    "requires that the record is that recent. Each of the following is a question of its own. `now: yes` requires "
    "that it is taken on the anchor date, or today if that is earlier: a prescription or report is active, and "
    "its supply with refills has not run out, or it states no end and is from the last `within`, or 12 months; or "
    "dispensed supply has not run out. What is `completed` or `stopped` is not taken now. `stopped: yes` requires "
    "a stated end: a prescription `stopped` for a reason other than renewal, change of the order, or end of the "
    "encounter, or a report of `stopped` or `not-taken`, and no later record of the drug; `within` requires that "
    "it is that recent. `first: at least 60 days ago` requires a record that old, of the last `within`. `lasting: "
    "at least 3 weeks` requires that many consecutive days before today, not as needed, by the days of supply "
    "that were dispensed, prescribed, or reported; `gap: at most 14 days` allows days without supply between "
    "them, `route: oral` counts only what is taken by mouth every day, and `within` requires that the last day is "
    "that recent. `covered: at least 80 %` with `over: 180 days` requires that dispensed supply covers that share "
    "of the days up to the anchor date or today (proportion of days covered); early refills are used one after "
    "the other, and a dispense without days of supply makes it open.",
    schema=arguments(
        ["in"],
        **{
            "in": NAMES,
            "within": phrase(SPAN, "12 months"),
            "now": {"const": "yes"},
            "stopped": {"const": "yes"},
            "first": phrase(AGO, "at least 60 days ago"),
            "lasting": phrase(DURATION, "at least 3 weeks"),
            "gap": phrase(DURATION, "at most 14 days"),
            "route": {"const": "oral"},
            "covered": phrase(PERCENT, "at least 80 %"),
            "over": phrase(SPAN, "180 days"),
        },
    ),
    example="""
clause: {medication: {in: opioid}}
facts:
  - prescription: {code: rxnorm 1049621, dose: 1, every: 6 hours, from: 2026-01-10}
holds: yes
""",
    parse=_parse,
    resource_types=KINDS,
)
