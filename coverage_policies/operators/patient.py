"""`patient`: the age and the sex of the patient."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from coverage_policies.format.operator import Arguments, ClauseResult, Context, Operator, arguments, phrase
from coverage_policies.format.phrases import DURATION, DurationThreshold, age
from coverage_policies.format.searches import PATIENT, Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSets
from coverage_policies.operators.base import nothing_found
from fhir_mappings.ages import age_between
from fhir_mappings.dates import CalendarPeriod, DateInterval, plus
from fhir_mappings.demographics import Patient, Sex, patients
from fhir_mappings.record import Evidence
from fhir_mappings.truth import Truth

_LONGEST_LIFE = CalendarPeriod(125, "years")
"""No one is known to have reached 123 years; an older day of birth, such as 1900-01-01, stands for an unknown one."""


@dataclass(frozen=True, slots=True)
class PatientCheck:
    """Whether the patient is of an age on the anchor date, and of a sex; None for what the policy does not ask."""

    age: DurationThreshold | None
    sex: Sex | None

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the read of the patient."""
        return (PATIENT,)

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return whether age and sex are as asked; UNKNOWN for what the chart does not state or states in two ways."""
        found = patients(ctx.record)
        if not found:
            nothing = nothing_found(ctx.record, PATIENT.resource_type)
            return ClauseResult(Truth.UNKNOWN, nothing.reason)
        if not all(each.is_usable for each in found):
            evidence = tuple(Evidence(each.reference, "Patient", value="set aside") for each in found)
            return ClauseResult(Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE, evidence)
        results = [] if self.age is None else [_of_age(found, self.age, ctx.anchor)]
        if self.sex is not None:
            results.append(_of_sex(found, self.sex))
        return _both(results)


def _of_age(found: Sequence[Patient], threshold: DurationThreshold, anchor: date) -> ClauseResult:
    born = {each.born for each in found}
    reference = found[0].reference
    if len(born) > 1:
        return ClauseResult(Truth.UNKNOWN, Reason.CONFLICT, (Evidence(reference, "Dates of birth that differ"),))
    (birth,) = born
    if birth is None:
        return ClauseResult(Truth.UNKNOWN, Reason.MISSING, (Evidence(reference, "No date of birth"),))
    if not _is_plausible(birth, anchor):
        return ClauseResult(Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE, (Evidence(reference, "Date of birth not valid"),))
    holds = threshold.holds(birth, anchor)
    evidence = Evidence(reference, f"Age {age_between(birth, anchor, anchor)}")
    reason = Reason.MISSING if holds is Truth.UNKNOWN else Reason.VALUE_OUT_OF_RANGE
    return ClauseResult(holds, reason, (evidence,), headline=evidence.label)


def _is_plausible(born: DateInterval, anchor: date) -> bool:
    return born.earliest <= anchor <= plus(born.earliest, _LONGEST_LIFE)


def _of_sex(found: Sequence[Patient], wanted: Sex) -> ClauseResult:
    stated = {sex for each in found for sex in each.sexes}
    reference = found[0].reference
    if not stated:
        return ClauseResult(Truth.UNKNOWN, Reason.MISSING, (Evidence(reference, "Sex not stated"),))
    if Sex.OTHER in stated or len(stated) > 1:
        label = "Sex stated in different ways" if len(stated) > 1 else "Sex other or unknown"
        return ClauseResult(Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE, (Evidence(reference, label),))
    (sex,) = stated
    evidence = Evidence(reference, _LABELS[sex])
    holds = Truth.of(sex is wanted)
    reason = Reason.PRESENT if holds is Truth.YES else Reason.INVALID_ATTRIBUTE
    return ClauseResult(holds, reason, (evidence,), headline=evidence.label)


_LABELS: Mapping[Sex, str] = {Sex.FEMALE: "Female", Sex.MALE: "Male"}


def _both(results: Sequence[ClauseResult]) -> ClauseResult:
    """Return the result for age and sex together: what fails decides, else what is open, else both hold."""
    order = (Truth.NO, Truth.UNKNOWN, Truth.YES)
    deciding = min(results, key=lambda each: order.index(each.holds))
    if deciding.holds is not Truth.YES:
        return deciding
    evidence = tuple(item for each in results for item in each.evidence)
    return ClauseResult(Truth.YES, deciding.reason, evidence, headline=", ".join(each.headline for each in results))


def _parse(arguments: Arguments, _sets: ValueSets) -> PatientCheck:
    if not arguments:
        raise ValueError("'patient' needs an age or a sex; write {patient: {age: at least 18 years}}")
    return PatientCheck(
        age(arguments["age"]) if "age" in arguments else None,
        Sex(arguments["sex"]) if "sex" in arguments else None,
    )


OPERATOR = Operator(
    name="patient",
    says="The patient is of the age on the anchor date, by the date of birth, and of the sex; with both arguments, of "
    "both. The birthday completes the year: `at least 18 years` holds from the 18th birthday on, and `under 18 years` "
    "until the day before it. A partial date of birth that may be on either side cannot tell. The sex is what "
    "the chart states as gender, as the sex of US Core (at birth or not), and as the sex for clinical use. Where they "
    "agree they decide; where they differ, or one is other or unknown, they cannot tell.",
    schema=arguments(
        [],
        age=phrase(DURATION, "at least 18 years"),
        sex={"enum": [Sex.FEMALE.value, Sex.MALE.value]},
    ),
    example="""
clause: {patient: {age: at least 18 years, sex: female}}
facts:
  - patient: {born: 2008-03-02, sex: female}
holds: yes
""",
    parse=_parse,
    resource_types=(PATIENT.resource_type,),
)
