"""`pregnancy`: the patient is pregnant on the anchor date."""

from dataclasses import dataclass, replace

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
from coverage_policies.format.phrases import SPAN, span
from coverage_policies.format.searches import CONDITIONS, ENCOUNTERS, PROCEDURES, Search, observation_search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet, ValueSets
from coverage_policies.operators.base import nothing_found
from fhir_mappings.codings import LOINC
from fhir_mappings.dates import CalendarPeriod
from fhir_mappings.pregnancy import PregnancyCodes, pregnancy_on
from fhir_mappings.truth import Truth

DEFAULTS = {"term": "42 weeks", "unknown_week": "14 days"}
_SETS = ("in", "status", "ended_by")
_OPTIONAL_SETS = ("ended_by_procedure", "gestational_age", "due_date")
_VISITS = replace(ENCOUNTERS, only_dates=True)
_KINDS = ("Condition", "Observation", "Procedure")


@dataclass(frozen=True, slots=True)
class PregnancyCheck:
    """Whether the patient is pregnant, by the codes of `fhir_mappings.pregnancy.PregnancyCodes`."""

    codes: ValueSet
    status: ValueSet
    ended_by: ValueSet
    ended_by_procedure: ValueSet
    gestational_age: ValueSet
    due_date: ValueSet
    term: CalendarPeriod
    unknown_week: CalendarPeriod

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches for conditions, procedures, visits, and the status, gestational age, and due date."""
        asked = (self.status, self.gestational_age, self.due_date)
        codes = tuple(code for each in asked for code in each.codes(LOINC))
        return (CONDITIONS, PROCEDURES, _VISITS, observation_search(codes))

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES for a pregnancy that certainly lasts to the anchor date, UNKNOWN for one that may."""
        codes = PregnancyCodes(
            pregnant=self.codes.match,
            status=self.status.match,
            over=self.ended_by.match,
            done=self.ended_by_procedure.match,
            weeks=self.gestational_age.match,
            due=self.due_date.match,
        )
        holds, evidence = pregnancy_on(ctx.record, codes, ctx.anchor, term=self.term, unknown_week=self.unknown_week)
        if not evidence:
            return nothing_found(ctx.record, *_KINDS)
        return ClauseResult(holds, Reason.PRESENT if holds is Truth.YES else Reason.DATE_OUT_OF_RANGE, evidence)


def _parse(arguments: Arguments, sets: ValueSets) -> PregnancyCheck:
    codes, status, ended_by = (value_set(arguments[name], sets) for name in _SETS)
    procedures, weeks, due = (value_set(arguments.get(name, ()), sets) for name in _OPTIONAL_SETS)
    return PregnancyCheck(
        codes,
        status,
        ended_by,
        value_set([*ended_by.names, *procedures.names], sets) if procedures.rows else ended_by,
        weeks,
        due,
        **{name: span(arguments.get(name, default)) for name, default in DEFAULTS.items()},
    )


OPERATOR = Operator(
    name="pregnancy",
    says="The patient is pregnant on the anchor date, by conditions or by an observation of the pregnancy status. The "
    "week or trimester that a code of ICD-10-CM names runs on from its record to `term`; a problem that names none "
    "runs on from its onset, and any other record counts for `unknown_week`. The latest records count, and nothing "
    "before a delivery or another end, the codes of `ended_by`; for procedures those of `ended_by_procedure`, too. A "
    "`gestational_age` or a `due_date` that was observed proves no pregnancy, and bounds one.",
    schema=arguments(
        _SETS,
        **{
            **dict.fromkeys((*_SETS, *_OPTIONAL_SETS), NAMES),
            "term": phrase(SPAN, "42 weeks"),
            "unknown_week": phrase(SPAN, "14 days"),
        },
    ),
    example="""
clause: {pregnancy: {in: pregnancy, status: pregnancy-status, ended_by: pregnancy-end}}
facts:
  - condition: {code: icd10cm Z3A.20, recorded: 2026-02-02}
holds: yes
""",
    parse=_parse,
    resource_types=(*_KINDS, "Encounter"),
    defaults=DEFAULTS,
)
