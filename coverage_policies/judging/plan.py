"""Whose policies a patient's plan follows, and which lines of business it may be, from the coverages on file.

What is not on file, not readable, or ambiguous is unknown, and an unknown plan is judged by every policy that may be
its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain

from coverage_policies.format.terms import LineOfBusiness
from coverage_policies.judging.plan_rules import Payer, PlanRules
from fhir_mappings.coverages import Coverage, CoverageKind, coverages, home_state, kind_of, payer_identifiers
from fhir_mappings.fhir_json import Resource
from fhir_mappings.record import Availability, PatientRecord
from fhir_mappings.truth import Truth

ALL_LINES = frozenset(LineOfBusiness)
MEDICARE_LINES = frozenset({LineOfBusiness.MEDICARE, LineOfBusiness.MEDICARE_ADVANTAGE})
_LINES_OF_KIND = {
    CoverageKind.MEDICARE: MEDICARE_LINES,
    CoverageKind.DUAL: MEDICARE_LINES,  # Medicaid pays after Medicare, always
    CoverageKind.MEDICAID: frozenset({LineOfBusiness.MEDICAID}),
    CoverageKind.COMMERCIAL: frozenset({LineOfBusiness.COMMERCIAL}),
    CoverageKind.GOVERNMENT: ALL_LINES - MEDICARE_LINES,
}
"""The lines that a kind of coverage may be; a kind that is not here may be any."""
_WITH_MEDICAID = (CoverageKind.MEDICAID, CoverageKind.DUAL)
_MEDICARE = {CoverageKind.MEDICARE, CoverageKind.DUAL}
_ASIDE = {CoverageKind.SUPPLEMENT, CoverageKind.DRUG_ONLY, CoverageKind.DENTAL_OR_VISION}
"""Coverages that never select a policy: they pay second, or for drugs, teeth, or eyes only."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is known of a patient's plan on a service date.

    `lines` are the lines of business it may be: one if it is known, all if nothing is. `owners` are those whose
    policies a payer on file follows, each with the name of that payer. `knows_all` is True if every payer on file is
    known to follow one of these, or none at all, so that no other owner's policies apply. `medicaid_state` is the state
    whose Medicaid rules come first, `?` if that is not known, empty if no Medicaid is on file.
    `unknown_payers` are the case-folded names of the one payer on file, if the plan rules do not
    have it.
    """

    lines: frozenset[LineOfBusiness]
    owners: Mapping[str, str] = field(default_factory=dict)
    knows_all: bool = False
    medicaid_state: str = ""
    notes: tuple[str, ...] = ()
    unknown_payers: frozenset[str] = frozenset()

    def follows(self, owner: str) -> Truth:
        """Return whether the plan follows this owner's policies; UNKNOWN if the payer is unknown."""
        if owner in self.owners:
            return Truth.YES
        return Truth.NO if self.knows_all else Truth.UNKNOWN


def plan_of(record: PatientRecord, on: date, rules: PlanRules) -> Plan:
    """Return the plan of a patient on a service date."""
    if record.availability("Coverage") is not Availability.COMPLETE:
        return Plan(ALL_LINES, notes=("Could not read the patient's coverage.",))
    found = coverages(record, on)
    choosing = [each for each in found if each.kind not in _ASIDE]
    payers = {each.reference: _payer(each, rules) for each in choosing}
    medicaid = [each for each in choosing if each.kind in _WITH_MEDICAID]
    state = next((each.state for each in medicaid if each.state), "") or home_state(record) or "?"
    return Plan(
        lines=_lines(choosing, payers),
        owners={owner: payer.name for payer in payers.values() if payer for owner in payer.owners},
        knows_all=_knows_all(choosing, payers, rules),
        medicaid_state=state if medicaid else "",
        notes=_notes(found, choosing),
        unknown_payers=choosing[0].names if len(choosing) == 1 and not any(payers.values()) else frozenset(),
    )


def needs_payer(coverage: Resource, payor: Resource, rules: PlanRules) -> bool:
    """Return whether the Organization that a `payor` of a Coverage references must be read to know the plan.

    Under Medicaid it must, since the address of the Organization tells the state. Any other payer is only compared with
    those that are configured, and the identifier of one of them beside the reference decides.
    """
    if kind_of(coverage) in _WITH_MEDICAID:
        return True
    stated = set(payer_identifiers(payor))
    return bool(rules.payers) and not any(payer.identifiers & stated for payer in rules.payers)


def _payer(coverage: Coverage, rules: PlanRules) -> Payer | None:
    """Return the known payer of a coverage: by identifier, else by the plan's class, else by its whole name."""
    by_identifier = (payer for payer in rules.payers if payer.identifiers & coverage.identifiers)
    by_class = (payer for payer in rules.payers if payer.classes & coverage.classes)
    by_name = (payer for payer in rules.payers if payer.names & coverage.names)
    return next(chain(by_identifier, by_class, by_name), None)


def _knows_all(choosing: Sequence[Coverage], payers: Mapping[str, Payer | None], rules: PlanRules) -> bool:
    """Return whether every payer has a name or number, and the operator named payers to compare them with."""
    strangers = [each for each in choosing if payers[each.reference] is None]
    return bool(rules.payers and choosing) and all(
        each.is_readable and bool(each.identifiers or each.names) for each in strangers
    )


def _lines(choosing: Sequence[Coverage], payers: Mapping[str, Payer | None]) -> frozenset[LineOfBusiness]:
    """Return the lines that the coverages may be: Medicare if with Medicaid, otherwise those of the primary coverage.

    If the primary coverage is not known, return those of all.
    """
    lines = {each.reference: _lines_of(each, payers[each.reference]) for each in choosing}
    kinds = {each.kind for each in choosing}
    readable = all(each.is_readable for each in choosing)
    if readable and kinds & _MEDICARE and kinds <= _MEDICARE | {CoverageKind.MEDICAID}:
        return frozenset().union(*(lines[each.reference] for each in choosing if each.kind in _MEDICARE))
    ranked = [each for each in choosing if each.rank is not None]
    if len(ranked) == len(choosing) and len({each.rank for each in ranked}) == len(ranked) and ranked:
        return lines[min(ranked, key=lambda each: each.rank or 0).reference]
    return frozenset().union(*lines.values()) or ALL_LINES


def _lines_of(coverage: Coverage, payer: Payer | None) -> frozenset[LineOfBusiness]:
    """Return the lines that one coverage may be, as it or its payer states."""
    possible = _LINES_OF_KIND.get(coverage.kind, ALL_LINES) if coverage.is_readable else ALL_LINES
    stated = {payer.line} if payer and payer.line and coverage.is_readable else set()
    return possible & stated or possible


def _notes(found: Sequence[Coverage], choosing: Sequence[Coverage]) -> tuple[str, ...]:
    if not found:
        return ("No coverage on file for that date.",)
    if not choosing:
        kinds = sorted({each.kind.value for each in found})
        return (f"The only coverage on file ({', '.join(kinds)}) supplements another that is not on file.",)
    return ()
