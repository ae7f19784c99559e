"""`concurrent_order`: another order of the same signing, meant for the same day, or on any day."""

from dataclasses import dataclass

from msgspec import structs

from coverage_policies.format.operator import NAMES, Arguments, ClauseResult, Context, Operator, arguments, value_set
from coverage_policies.format.searches import Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet, ValueSets
from fhir_mappings.orders import Order
from fhir_mappings.truth import Truth, any_of


@dataclass(frozen=True, slots=True)
class ConcurrentOrderCheck:
    """Whether another draft order with a code of the set, or with a drug of it, goes with this one.

    With `beside`: and this one has a code of that set.
    """

    codes: ValueSet
    drugs: bool = False
    any_day: bool = False
    beside: ValueSet | None = None

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return no search: the orders are enough."""
        return ()

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES if another order is planned for the same day, NO if for another, UNKNOWN if one is undated.

        A code that only asks is UNKNOWN, too, and so is an order that cannot be understood.
        """
        if self.beside is not None and self.beside.match(ctx.order.codes, ctx.anchor) is None:
            return ClauseResult(Truth.NO, Reason.NOT_FOUND)
        found = [
            (each, match)
            for each in ctx.other_orders
            if each.is_judged and (match := self.codes.match(each.drugs if self.drugs else each.codes, ctx.anchor))
        ]
        if not found:
            return ClauseResult(Truth.NO, Reason.NOT_FOUND)
        evidence = tuple(structs.replace(each.evidence, label=match.label) for each, match in found)
        together = [
            self._same_day(each, ctx) if match.decides and not each.obstacle else Truth.UNKNOWN for each, match in found
        ]
        holds = any_of(together)
        return ClauseResult(holds, Reason.PRESENT if holds is Truth.YES else Reason.DATE_OUT_OF_RANGE, evidence)

    def _same_day(self, other: Order, ctx: Context) -> Truth:
        ours, theirs = ctx.order.planned, other.planned
        if self.any_day:
            return Truth.YES
        if ours is None or theirs is None or ours.earliest != ours.latest or theirs.earliest != theirs.latest:
            return Truth.UNKNOWN
        return Truth.of(ours.earliest == theirs.earliest)


def _parse(arguments: Arguments, sets: ValueSets) -> ConcurrentOrderCheck:
    if len(arguments.keys() & {"in", "drug"}) != 1:
        raise ValueError("give either `in`, for a code of the other order, or `drug`, for a drug of it")
    of_drug = "drug" in arguments
    codes = value_set(arguments["drug" if of_drug else "in"], sets)
    beside = value_set(arguments["beside"], sets) if "beside" in arguments else None
    return ConcurrentOrderCheck(codes, of_drug, arguments.get("day") == "any", beside)


OPERATOR = Operator(
    name="concurrent_order",
    says="Another order with a code of the value set (`in`), or with a drug of it (`drug`), is signed together with "
    "this one, for the same day. `day: any` counts those for other days, too. `beside` limits it to an order with a "
    "code of another value set.",
    schema=arguments([], **{"in": NAMES, "drug": NAMES, "day": {"const": "any"}, "beside": NAMES}),
    example="""
clause: {concurrent_order: {in: sacrectomy}}
order: {code: cpt 27280, planned: 2026-03-16}
other_orders: [{code: cpt 49215, planned: 2026-03-16}]
facts: []
holds: yes
""",
    parse=_parse,
)
