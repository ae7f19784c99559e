"""`order`: what the draft order itself says: its code, reason, drug, amounts, place, or a stated attribute."""

from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from msgspec import structs

from coverage_policies.format.operator import NAMES, Arguments, ClauseResult, Context, Operator, as_list, value_set
from coverage_policies.format.schema_errors import not_a_value, unknown
from coverage_policies.format.searches import Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet, ValueSets
from coverage_policies.operators.order_amount import SCHEMAS, AmountCheck, amount_check
from fhir_mappings.codings import Coding
from fhir_mappings.order_parties import parties, places
from fhir_mappings.order_terms import OrderTerms
from fhir_mappings.orders import Order
from fhir_mappings.record import Evidence
from fhir_mappings.truth import Truth, all_of

_CODED = ("code", "drug", "place")
NOT_STATED = "not-stated"
"""What a clause wants if it holds for an order that neither states nor hints at the attribute."""


@dataclass(frozen=True, slots=True)
class CodeCheck:
    """Whether one of the order's codes, drugs, or places is in a value set on the anchor date."""

    of: str
    codes: ValueSet

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return no search: the order is enough."""
        return ()

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES for a code that decides, NO for other codes, UNKNOWN without any code."""
        order = ctx.order
        given = _codings(self.of, ctx)
        match = self.codes.match(given, ctx.anchor)
        if match is not None:
            evidence = (order.stating(match.label),)
            holds = Truth.YES if match.decides else Truth.UNKNOWN
            return ClauseResult(holds, Reason.INVALID_ATTRIBUTE, evidence, headline=f"Order: {match.label}")
        return ClauseResult(Truth.NO if given else Truth.UNKNOWN, Reason.MISSING)


def _codings(of: str, ctx: Context) -> tuple[Coding, ...]:
    match of:
        case "code":
            return ctx.order.codes
        case "drug":
            return ctx.order.drugs
    return places(ctx.order.resource, ctx.record.resolve)


@dataclass(frozen=True, slots=True)
class ReasonCheck:
    """Whether a reason of the order is in a value set on the anchor date.

    `sets` are all value sets, whose codes are understood.
    """

    codes: ValueSet
    sets: ValueSets

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return no search: the order is enough."""
        return ()

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES for a code that decides, UNKNOWN for words, remarks, and what is not understood, else NO."""
        order, reasons = ctx.order, ctx.order.reasons
        codes = partial(self.codes.match, on=ctx.anchor)
        matches = [match for each in reasons.given if (match := each.diagnosis.match(codes))]
        matches.sort(key=lambda match: not match.decides)
        if not matches:
            match = codes(reasons.in_remarks)
            matches = [match] if match else []
        if matches:
            holds = Truth.YES if matches[0].decides else Truth.UNKNOWN
            return ClauseResult(holds, Reason.INVALID_ATTRIBUTE, (order.stating(matches[0].label),))
        if reasons.has_unknown(self.sets.know):
            evidence = order.stating("a reason cannot be identified")
            return ClauseResult(Truth.UNKNOWN, Reason.NOT_FOUND, (evidence,))
        return ClauseResult(Truth.NO, Reason.MISSING)


@dataclass(frozen=True, slots=True)
class SpecialtyCheck:
    """Whether someone who orders or performs has a specialty of a value set."""

    codes: ValueSet

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return no search: the order is enough."""
        return ()

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES for a code that decides, NO if all whom the order names are known to have other ones."""
        named = parties(ctx.order.resource, ctx.record.resolve)
        matches = [match for each in named if (match := self.codes.match(each.codings, ctx.anchor))]
        matches.sort(key=lambda match: not match.decides)
        if matches:
            holds = Truth.YES if matches[0].decides else Truth.UNKNOWN
            return ClauseResult(holds, Reason.INVALID_ATTRIBUTE, (ctx.order.stating(matches[0].label),))
        are_known = bool(named) and all(each.is_known for each in named)
        return ClauseResult(Truth.NO if are_known else Truth.UNKNOWN, Reason.MISSING)


@dataclass(frozen=True, slots=True)
class StatedCheck:
    """Whether the order states one of the wanted values of an attribute, and no other."""

    attribute: str
    wanted: frozenset[str]

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return no search: the order is enough."""
        return ()

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES if a wanted value is stated, NO if another is, UNKNOWN for a contradiction, a hint, or silence."""
        order = ctx.order
        stated = order.stated.get(self.attribute, frozenset())
        hinted = order.hinted.get(self.attribute, frozenset())
        if NOT_STATED in self.wanted:
            return ClauseResult(Truth.of(not stated and not hinted), Reason.MISSING, _saying(order, stated | hinted))
        if stated:
            evidence = _saying(order, stated)
            if stated <= self.wanted:
                return ClauseResult(
                    Truth.YES, Reason.INVALID_ATTRIBUTE, evidence, headline=f"Order says {evidence[0].value}"
                )
            if stated.isdisjoint(self.wanted):
                return ClauseResult(Truth.NO, Reason.INVALID_ATTRIBUTE)
            return ClauseResult(Truth.UNKNOWN, Reason.CONFLICT, evidence)
        if hinted & self.wanted:
            return ClauseResult(Truth.UNKNOWN, Reason.MISSING, _saying(order, hinted, "not stated clearly: "))
        return ClauseResult(Truth.UNKNOWN, Reason.MISSING)


def _saying(order: Order, values: frozenset[str], prefix: str = "") -> tuple[Evidence, ...]:
    return () if not values else (order.stating(prefix + " and ".join(sorted(values))),)


OrderCheck: TypeAlias = CodeCheck | ReasonCheck | SpecialtyCheck | AmountCheck | StatedCheck


@dataclass(frozen=True, slots=True)
class EveryCheck:
    """Whether each of several checks of the order holds."""

    checks: tuple[OrderCheck, ...]

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return no search: the order is enough."""
        return ()

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES if all hold, NO if one does not; the reason is that of the first that keeps it open."""
        results = [check.evaluate(ctx) for check in self.checks]
        holds = all_of(result.holds for result in results)
        decisive = next(result for result in results if result.holds is holds)
        evidence = tuple(dict.fromkeys(item for result in results for item in result.evidence))
        return structs.replace(decisive, evidence=evidence)


def _parse(arguments: Arguments, sets: ValueSets) -> OrderCheck | EveryCheck:
    checks = tuple(_check(name, wanted, sets) for name, wanted in arguments.items())
    return checks[0] if len(checks) == 1 else EveryCheck(checks)


def _check(name: str, wanted: str | list[str], sets: ValueSets) -> OrderCheck:
    if name == "reason":
        return ReasonCheck(value_set(wanted, sets), sets)
    if name == "specialty":
        return SpecialtyCheck(value_set(wanted, sets))
    if name in SCHEMAS:
        return amount_check(name, as_list(wanted)[0])
    if name in _CODED:
        return CodeCheck(name, value_set(wanted, sets))
    return StatedCheck(name, frozenset(_values(name, as_list(wanted), sets.order_terms)))


def _values(name: str, wanted: list[str], terms: OrderTerms) -> list[str]:
    """Return values of an attribute. Raises ValueError for one that the words of orders do not have."""
    if name not in terms.attributes:
        raise ValueError(unknown("order", [name], [*OPERATOR.schema["properties"], *terms.names]))
    known = [*terms.attributes[name].values, NOT_STATED]
    for value in wanted:
        if value not in known:
            raise ValueError(not_a_value(name, value, known))
    return wanted


OPERATOR = Operator(
    name="order",
    says="The order states it: by a code of a value set (`code`, `reason`, `drug`, `place`, `specialty`), by an "
    "amount, or by an attribute. Several arguments must all hold; another order that must go with it is for "
    "`concurrent_order`. A statement only in a note, or in a phrase with a negation or an alternative, never "
    "holds. Words for a `reason` cannot tell, nor can a reason that is not understood, such as a reference that "
    "leads nowhere; an order without a reason has none of the value set. `specialty` is that of whoever orders or "
    "performs it, and `place` where it is performed. `quantity`, `supply` (the time that one fill lasts), "
    "`refills`, `dose`, `frequency`, and `flow` compare the highest amount that the order states; without one, or "
    "without the unit of the limit, they cannot tell. The attributes and their values are the files of "
    "`order_terms`, to which own folders may add some. `not-stated` holds for an order that says nothing of the "
    "attribute, so that its code may.",
    schema={
        "type": "object",
        "minProperties": 1,
        "additionalProperties": NAMES,
        "properties": {**dict.fromkeys(("code", "reason", "drug", "place", "specialty"), NAMES), **SCHEMAS},
    },
    example="""
clause: {order: {approach: [posterior, posterior-oblique]}}
order: {code: cpt 27279, detail: Posterior approach}
facts: []
holds: yes
""",
    parse=_parse,
)
