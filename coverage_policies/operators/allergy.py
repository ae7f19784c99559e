"""`allergy`: an allergy to a substance of a set, or to the drug that is ordered."""

from dataclasses import dataclass, replace

from msgspec import structs

from coverage_policies.format.operator import NAMES, Arguments, ClauseResult, Context, Operator, arguments, value_set
from coverage_policies.format.searches import ALLERGIES, Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import Row, ValueSet, ValueSets
from coverage_policies.operators.base import in_time, nothing_found
from fhir_mappings.allergies import allergies
from fhir_mappings.drug_codes import classes_of
from fhir_mappings.orders import Order
from fhir_mappings.truth import Truth


@dataclass(frozen=True, slots=True)
class AllergyCheck:
    """Whether there is an allergy to one of the codes, or to the ordered drugs among them."""

    codes: ValueSet
    to_ordered_drug: bool = False
    intolerance_counts: bool = False
    side_effects: ValueSet | None = None

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the search for the allergy list."""
        return (ALLERGIES,)

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES for an active, confirmed allergy, UNKNOWN for an unconfirmed one or a mere intolerance.

        Looking back to an earlier day, one that is not known to have been there is UNKNOWN.
        """
        codes = _ordered(ctx.order, self.codes) if self.to_ordered_drug else self.codes
        if not codes.rows:
            return ClauseResult(Truth.UNKNOWN, Reason.MISSING)
        found = allergies(ctx.record, codes.match, self.side_effects.match if self.side_effects else None)
        there = [
            each for each in found if not ctx.is_looking_back or in_time(each.since, None, ctx.anchor) is Truth.YES
        ]
        certain = tuple(each.evidence for each in there if each.is_certain)
        if self.intolerance_counts:
            borne_badly = [each.evidence for each in there if each.is_certain_intolerance]
            certain += tuple(structs.replace(evidence, value="intolerance") for evidence in borne_badly)
        if certain:
            return ClauseResult(Truth.YES, Reason.PRESENT, certain)
        if found:
            reason = Reason.INVALID_ATTRIBUTE if there else Reason.DATE_OUT_OF_RANGE
            return ClauseResult(Truth.UNKNOWN, reason, tuple(each.evidence for each in found))
        return nothing_found(ctx.record, "AllergyIntolerance")


def _ordered(order: Order, among: ValueSet) -> ValueSet:
    """Return the drugs of a set that the order states, with their classes; empty if the order names none of them."""
    rows = [replace(row, decides=True) for drug in order.drugs if (row := among.row(drug))]
    rows += [
        Row(related.coding.system, related.coding.code, related.coding.display, "", None, None, related.decides)
        for drug in order.drugs
        if among.row(drug)
        for related in classes_of(drug)
    ]
    return ValueSet("ordered-drug", rows)


def _parse(given: Arguments, sets: ValueSets) -> AllergyCheck:
    codes = value_set(given["in"], sets)
    side_effects = value_set(given["side_effects"], sets) if "side_effects" in given else None
    return AllergyCheck(codes, "to" in given, "intolerance" in given, side_effects)


OPERATOR = Operator(
    name="allergy",
    says="An active, confirmed allergy to a substance of the value set, or with `to: ordered-drug` to one of them that "
    "the order names, or to its class. A label that names one substance and nothing else is as good as its code; any "
    "other mention only raises the question. With `intolerance: counts` an intolerance that is not an allergy holds "
    "as well. An entry that is not called an allergy is an intolerance if all its reactions are in `side_effects`.",
    schema=arguments(
        ["in"],
        **{
            "in": NAMES,
            "to": {"const": "ordered-drug"},
            "intolerance": {"const": "counts"},
            "side_effects": NAMES,
        },
    ),
    example="""
clause: {allergy: {in: opioid, to: ordered-drug}}
order: {code: cpt 62362, detail: Intrathecal morphine}
facts:
  - allergy: {code: rxnorm 7052}
holds: yes
""",
    parse=_parse,
    resource_types=("AllergyIntolerance",),
)
