"""`device`: a device the patient has. It is only shown: whether two devices interfere is a clinical judgment."""

from collections.abc import Iterable
from dataclasses import dataclass

from coverage_policies.format.operator import NAMES, Arguments, ClauseResult, Context, Operator, arguments, value_set
from coverage_policies.format.searches import DEVICES, Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet, ValueSets
from coverage_policies.operators.base import nothing_found
from fhir_mappings.codings import Coding, Match
from fhir_mappings.devices import devices
from fhir_mappings.truth import Truth


@dataclass(frozen=True, slots=True)
class DeviceCheck:
    """Whether the patient has a device of one of these types."""

    codes: ValueSet

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the search for devices."""
        return (DEVICES,)

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES for a device on record, UNKNOWN for one that only asks or cannot be read."""
        found = devices(ctx.record, self.codes.match)
        certain = tuple(each for each in devices(ctx.record, self._deciding) if not each.value)
        if certain:
            return ClauseResult(Truth.YES, Reason.PRESENT, certain)
        if found:
            return ClauseResult(Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE, found)
        return nothing_found(ctx.record, "Device")

    def _deciding(self, codings: Iterable[Coding]) -> Match | None:
        match = self.codes.match(codings)
        return match if match and match.decides else None


def _parse(arguments: Arguments, sets: ValueSets) -> DeviceCheck:
    return DeviceCheck(value_set(arguments["in"], sets))


OPERATOR = Operator(
    name="device",
    says="A device of one of these types is on record for the patient.",
    schema=arguments(["in"], **{"in": NAMES}),
    example="""
clause: {device: {in: other-programmable-device}}
facts:
  - device: {code: snomed 25937001}
holds: yes
""",
    parse=_parse,
    resource_types=("Device",),
)
