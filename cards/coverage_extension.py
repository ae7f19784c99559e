"""Write and read the coverage-information extension, by version of Da Vinci CRD."""

from cards.coverage_information import CoverageInformation
from cards.crd_versions import CrdVersion
from fhir_mappings.fhir_json import Json, Resource

COVERAGE_INFORMATION = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"


def extension(information: CoverageInformation, version: CrdVersion) -> Resource:
    """Return the extension in the form of a version."""
    raise NotImplementedError


def faults(found: Json, version: CrdVersion) -> tuple[str, ...]:
    """Return which rules of a version the extension breaks: cardinalities, codes, types, and invariants."""
    raise NotImplementedError


def same_meaning(one: Json, other: Json) -> bool:
    """Return whether two extensions say the same; their dates, and the order of their parts, make no difference."""
    raise NotImplementedError
