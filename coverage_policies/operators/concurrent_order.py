"""`concurrent_order`: another order of the same signing, meant for the same day."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from coverage_policies.format.operator import NAMES, Arguments, ClauseResult, Context, Operator, arguments, value_set
from coverage_policies.format.searches import Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet
from fhir_mappings.orders import Order
from fhir_mappings.truth import Truth, any_of


@dataclass(frozen=True, slots=True)
class ConcurrentOrderCheck:
    """Whether another draft order of the set goes with this one."""

    codes: ValueSet

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return no search: the orders are enough."""
        return ()

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES if another order is planned for the same day, NO if for another, UNKNOWN if one is undated.

        A code that only asks is UNKNOWN, too, and so is an order that cannot be understood.
        """
        found = [
            (each, match)
            for each in ctx.other_orders
            if each.is_judged and (match := self.codes.match(each.codes, ctx.anchor))
        ]
        if not found:
            return ClauseResult(Truth.NO, Reason.NOT_FOUND)
        evidence = tuple(replace(each.evidence, label=match.label) for each, match in found)
        together = [
            _same_day(each, ctx) if match.decides and not each.obstacle else Truth.UNKNOWN for each, match in found
        ]
        holds = any_of(together)
        return ClauseResult(holds, Reason.PRESENT if holds is Truth.YES else Reason.DATE_OUT_OF_RANGE, evidence)


def _same_day(other: Order, ctx: Context) -> Truth:
    ours, theirs = ctx.order.planned, other.planned
    if ours is None or theirs is None or ours.earliest != ours.latest or theirs.earliest != theirs.latest:
        return Truth.UNKNOWN
    return Truth.of(ours.earliest == theirs.earliest)


def _parse(arguments: Arguments, sets: Mapping[str, ValueSet]) -> ConcurrentOrderCheck:
    return ConcurrentOrderCheck(value_set(arguments["in"], sets))


OPERATOR = Operator(
    name="concurrent_order",
    says="Another order with a code of the value set is signed together with this one, for the same day.",
    schema=arguments(["in"], **{"in": NAMES}),
    example="""
clause: {concurrent_order: {in: sacrectomy}}
order: {code: cpt 27280, planned: 2026-03-16}
other_orders: [{code: cpt 49215, planned: 2026-03-16}]
facts: []
holds: yes
""",
    parse=_parse,
)
