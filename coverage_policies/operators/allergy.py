"""`allergy`: an allergy to a substance of a set, or to the drug that is ordered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from coverage_policies.format.operator import NAMES, Arguments, ClauseResult, Context, Operator, value_set
from coverage_policies.format.searches import ALLERGIES, Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import Row, ValueSet
from coverage_policies.operators.base import in_time, nothing_found
from fhir_mappings.allergies import allergies
from fhir_mappings.codings import Coding
from fhir_mappings.drug_codes import classes_of
from fhir_mappings.drug_names import drug_name
from fhir_mappings.orders import Order
from fhir_mappings.truth import Truth


@dataclass(frozen=True, slots=True)
class AllergyCheck:
    """Whether there is an allergy to one of the codes, or if none are given, to the ordered drug."""

    codes: ValueSet | None
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
        codes = self.codes or _ordered(ctx.order)
        if not codes.rows:
            return ClauseResult(Truth.UNKNOWN, Reason.MISSING)
        found = allergies(ctx.record, codes.match, self.side_effects.match if self.side_effects else None)
        there = [
            each for each in found if not ctx.is_looking_back or in_time(each.since, None, ctx.anchor) is Truth.YES
        ]
        certain = tuple(each.evidence for each in there if each.is_certain)
        if self.intolerance_counts:
            borne_badly = [each.evidence for each in there if each.is_certain_intolerance]
            certain += tuple(replace(evidence, value="intolerance") for evidence in borne_badly)
        if certain:
            return ClauseResult(Truth.YES, Reason.PRESENT, certain)
        if found:
            reason = Reason.INVALID_ATTRIBUTE if there else Reason.DATE_OUT_OF_RANGE
            return ClauseResult(Truth.UNKNOWN, reason, tuple(each.evidence for each in found))
        return nothing_found(ctx.record, "AllergyIntolerance")


def _ordered(order: Order) -> ValueSet:
    """Return the drugs that the order states, and their classes, as a set; it is empty if the order names none."""
    return ValueSet("ordered-drug", [row for drug in order.drugs for row in _rows(drug)])


def _rows(drug: Coding) -> Iterable[Row]:
    yield _row(drug, drug_name(drug) or "The ordered drug", decides=True)
    for related in classes_of(drug):
        yield _row(related.coding, related.coding.display, decides=related.decides)


def _row(coding: Coding, label: str, *, decides: bool) -> Row:
    return Row(coding.system, coding.code, label, "", None, None, decides)


def _parse(arguments: Arguments, sets: Mapping[str, ValueSet]) -> AllergyCheck:
    if ("in" in arguments) == ("to" in arguments):
        raise ValueError("give either `in`, which names substances, or `to: ordered-drug`")
    codes = value_set(arguments["in"], sets) if "in" in arguments else None
    side_effects = value_set(arguments["side_effects"], sets) if "side_effects" in arguments else None
    return AllergyCheck(codes, "intolerance" in arguments, side_effects)


OPERATOR = Operator(
    name="allergy",
    says="An active, confirmed allergy to a substance of the value set (`in`), or to a drug the order names "
    "(`to: ordered-drug`) or its class. A label that names one substance and nothing else is as good as its code; any "
    "other mention only raises the question. With `intolerance: counts` an intolerance that is not an allergy holds "
    "as well. An entry that is not called an allergy is an intolerance if all its reactions are in `side_effects`.",
    schema={
        "type": "object",
        "properties": {
            "in": NAMES,
            "to": {"const": "ordered-drug"},
            "intolerance": {"const": "counts"},
            "side_effects": NAMES,
        },
        "minProperties": 1,
        "additionalProperties": False,
    },
    example="""
clause: {allergy: {to: ordered-drug}}
order: {code: cpt 62362, detail: Intrathecal morphine}
facts:
  - allergy: {code: rxnorm 7052}
holds: yes
""",
    parse=_parse,
    resource_types=("AllergyIntolerance",),
)
