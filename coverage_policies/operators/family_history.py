"""`family_history`: a disease of a relative."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

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
from coverage_policies.format.phrases import DURATION, Comparison, DurationThreshold, age
from coverage_policies.format.searches import FAMILY_HISTORY, Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet, ValueSets
from coverage_policies.operators.base import nothing_found
from fhir_mappings.ages import Age
from fhir_mappings.family_history import Degree, FamilyCondition, family_history
from fhir_mappings.truth import Truth

_SHOWN = 3
"""How many relatives of whom not everything is known are shown."""


class Relation(StrEnum):
    """Whose diseases count: those of any relative by blood, or of parents, full siblings, and children."""

    ANY = "any"
    FIRST_DEGREE = "first-degree"


_COUNTS: Mapping[Relation, Mapping[Degree, Truth]] = {
    Relation.ANY: dict.fromkeys(Degree, Truth.YES) | {Degree.NONE: Truth.NO},
    Relation.FIRST_DEGREE: dict.fromkeys(Degree, Truth.NO) | {Degree.FIRST: Truth.YES, Degree.UNKNOWN: Truth.UNKNOWN},
}


@dataclass(frozen=True, slots=True)
class FamilyHistoryCheck:
    """Whether a relative has or had a disease of the set, which began at an age; None if the age does not matter.

    `sets` are all value sets, whose codes are understood.
    """

    codes: ValueSet
    relation: Relation
    onset: DurationThreshold | None
    sets: ValueSets

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the search for the family history."""
        return (FAMILY_HISTORY,)

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES for a disease of a relative who counts, UNKNOWN for what may be one.

        Without any, it may be of a relative of whom not everything is known.
        """
        found = family_history(ctx.record, self.codes.match, self.sets.know)
        judged = [(each, self._holds(each)) for each in found.conditions]
        certain = tuple(each.evidence for each, holds in judged if holds is Truth.YES)
        if certain:
            return ClauseResult(Truth.YES, Reason.PRESENT, certain, headline=certain[0].label)
        possible = tuple(each.evidence for each, holds in judged if holds is Truth.UNKNOWN)
        gaps = [each.evidence for each in found.gaps if _COUNTS[self.relation][each.degree] is not Truth.NO]
        if possible or gaps:
            return ClauseResult(Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE, (*possible, *gaps[:_SHOWN]))
        nothing = nothing_found(ctx.record, FAMILY_HISTORY.resource_type)
        shown = tuple(each.evidence for each in found.conditions)
        reason = Reason.VALUE_OUT_OF_RANGE if shown and nothing.holds is Truth.NO else nothing.reason
        return ClauseResult(nothing.holds, reason, shown)

    def _holds(self, condition: FamilyCondition) -> Truth:
        certain = Truth.YES if condition.is_certain else Truth.UNKNOWN
        return certain & _COUNTS[self.relation][condition.degree] & _is_at(condition.onset, self.onset)


def _is_at(onset: Age | None, threshold: DurationThreshold | None) -> Truth:
    """Return whether a disease began at an age; UNKNOWN if the age is not stated or may be on either side."""
    if threshold is None:
        return Truth.YES
    if onset is None:
        return Truth.UNKNOWN
    months = threshold.span.number * (12 if threshold.span.unit == "years" else 1)
    if onset.lowest >= months:
        old_enough = Truth.YES
    else:
        old_enough = Truth.NO if onset.highest is not None and onset.highest < months else Truth.UNKNOWN
    return old_enough if threshold.comparison is Comparison.AT_LEAST else ~old_enough


def _parse(arguments: Arguments, sets: ValueSets) -> FamilyHistoryCheck:
    onset = age(arguments["onset"]) if "onset" in arguments else None
    if onset is not None and onset.span.unit not in ("years", "months"):
        raise ValueError(f"{arguments['onset']!r} is no age at onset; write it in years or months: 'under 50 years'")
    relation = Relation(arguments.get("relation", Relation.ANY))
    return FamilyHistoryCheck(value_set(arguments["in"], sets), relation, onset, sets)


OPERATOR = Operator(
    name="family_history",
    says="A relative by blood has or had a disease of the value set. `relation: first-degree` counts parents, full "
    "siblings, and children, and cannot tell where the relation is not known. `onset: under 50 years` is the age "
    "of the relative when it began; where that is not stated it cannot tell, unless the relative was younger at "
    "death or when it was recorded. Relatives by marriage or adoption do not count. A disease in words only asks; "
    "so do a relative whose health is not known and a disease that cannot be identified. A code of the patient "
    "such as ICD-10-CM Z80.8 is no record of a relative: name it in a value set of `condition`.",
    schema=arguments(
        ["in"],
        **{
            "in": NAMES,
            "relation": {"enum": [each.value for each in Relation]},
            "onset": phrase(DURATION, "under 50 years"),
        },
    ),
    example="""
clause: {family_history: {in: malignancy, relation: first-degree, onset: under 50 years}}
facts:
  - family_history: {code: icd10cm C50.911, relation: MTH, onset: 45}
holds: yes
""",
    parse=_parse,
    resource_types=(FAMILY_HISTORY.resource_type,),
    defaults={"relation": Relation.ANY.value},
)
