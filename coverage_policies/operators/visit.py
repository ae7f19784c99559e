"""`visit`: something that was done at an encounter or billed for, by whom, in person, how often, how recently."""

from dataclasses import dataclass

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
from coverage_policies.format.phrases import COUNT, SPAN, count, span
from coverage_policies.format.searches import Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSets
from coverage_policies.operators.base import done_in_time, nothing_found
from coverage_policies.operators.course import ALL, CourseCheck, refuse_beside_all, terms
from coverage_policies.operators.occasions import VisitOccasions
from coverage_policies.operators.procedure_counts import CountCheck
from coverage_policies.operators.procedure_filter import Belonging
from fhir_mappings.dates import CalendarPeriod
from fhir_mappings.procedures import Progress
from fhir_mappings.truth import Truth
from fhir_mappings.visits import KINDS


@dataclass(frozen=True, slots=True)
class VisitCheck:
    """Whether there was such a visit in the span before the anchor date."""

    occasions: VisitOccasions
    within: CalendarPeriod

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches for encounters and for what was billed."""
        return self.occasions.searches

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES for a visit in time that certainly is one, UNKNOWN for one that may be; NO for none."""
        found = [(each, done_in_time(each.end, self.within, ctx)) for each in self.occasions.recorded(ctx)]
        attended = tuple(e.evidence for e, fits in found if fits is Truth.YES and e.progress is Progress.DONE)
        if attended:
            return ClauseResult(Truth.YES, Reason.PRESENT, attended)
        possible = tuple(each.evidence for each, fits in found if fits is not Truth.NO)
        if possible:
            return ClauseResult(Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE, possible)
        return nothing_found(ctx.record, *KINDS)


_WHAT = ("in", "by", "in_person")


def _parse(arguments: Arguments, sets: ValueSets) -> VisitCheck | CountCheck | CourseCheck:
    if not any(name in arguments for name in _WHAT):
        raise ValueError("a visit needs `in`, `by`, or `in_person`; write it like `in: office-visit`")
    codes, by = (value_set(arguments[name], sets) if name in arguments else None for name in ("in", "by"))
    if "all" in arguments:
        refuse_beside_all(arguments, ("count", "within"))
    within = arguments.get("all", arguments).get("within")
    if within is None:
        where = "inside of `all`" if "all" in arguments else "how recent the visit is"
        raise ValueError(f"`within` is missing: {where}, like `within: 6 months`; older visits are not read")
    occasions = VisitOccasions(codes, by, "in_person" in arguments, span(within))
    if "all" in arguments:
        return CourseCheck(occasions, Belonging(), terms(arguments["all"]))
    if "count" in arguments:
        return CountCheck(occasions, Belonging(), span(within), count(arguments["count"]))
    return VisitCheck(occasions, span(within))


OPERATOR = Operator(
    name="visit",
    says="A visit took place in the span before the anchor date: an encounter, or a service that was billed, whether "
    "or not it was paid. `in` is what it was, by type, service, or reason, or by what was billed. `by` is the "
    "specialty of those who saw the patient: by the service or type of the encounter, by the roles of those who "
    "took part, as far as these were read, or by the care team of a claim. `in_person: yes` is known by the class"
    " of an encounter or the place of a billed service; telehealth, by class, place, modifier, or code, does not "
    "count. Without `in`, a billed service cannot tell, since it may be no visit. `count: at least 6` counts "
    "days; `count: at most 3` holds if everything was read and even what may count does not exceed it. `all: "
    "{lasting: at least 12 weeks, count: at least 6, gap: at most 4 weeks, within: 12 months}` is true of one "
    "course: a run of visits without a longer gap.",
    schema=arguments(
        [],
        **{
            "in": NAMES,
            "by": NAMES,
            "in_person": {"const": "yes"},
            "within": phrase(SPAN, "3 months"),
            "count": phrase(COUNT, "at least 6"),
            "all": ALL,
        },
    ),
    example="""
clause: {visit: {in: psychotherapy, in_person: yes, within: 3 months}}
facts:
  - visit: {code: cpt 90837, at: 2026-02-10, class: AMB}
holds: yes
""",
    parse=_parse,
    resource_types=KINDS,
    reads_names=True,
)
