"""`planned`: something planned or in progress: an active care plan, an active order, a procedure in progress."""

from collections.abc import Mapping
from dataclasses import dataclass

from coverage_policies.format.operator import NAMES, Arguments, ClauseResult, Context, Operator, arguments, value_set
from coverage_policies.format.searches import CARE_PLANS, ORDERS, PROCEDURES, Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet
from coverage_policies.operators.base import nothing_found
from fhir_mappings.procedures import plans
from fhir_mappings.truth import Truth

_KINDS = ("CarePlan", "ServiceRequest", "Procedure")


@dataclass(frozen=True, slots=True)
class PlannedCheck:
    """Whether something of the set is planned or in progress."""

    codes: ValueSet

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches for care plans, orders, and procedures."""
        return (CARE_PLANS, ORDERS, PROCEDURES)

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES for an active plan, an active order, or a procedure in progress."""
        found = plans(ctx.record, self.codes.match)
        if found:
            return ClauseResult(Truth.YES, Reason.PRESENT, found)
        return nothing_found(ctx.record, *_KINDS)


def _parse(arguments: Arguments, sets: Mapping[str, ValueSet]) -> PlannedCheck:
    return PlannedCheck(value_set(arguments["in"], sets))


OPERATOR = Operator(
    name="planned",
    says="Something of the value set is planned or in progress: an activity of an active care plan, an active order, "
    "or a procedure in progress.",
    schema=arguments(["in"], **{"in": NAMES}),
    example="""
clause: {planned: {in: psychotherapy}}
facts:
  - plan: {code: cpt 90834}
holds: yes
""",
    parse=_parse,
    resource_types=_KINDS,
)
