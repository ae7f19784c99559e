"""The codes in a coverage-information extension, as it was sent: what may be stored of it without a key."""

from collections.abc import Mapping

from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Resource

_CODED = {
    **dict.fromkeys(("covered", "pa-needed", "doc-needed", "doc-purpose", "info-needed"), "valueCode"),
    "questionnaire": "valueCanonical",
    "coverage-assertion-id": "valueString",
}
"""The parts of the extension that tell nothing of the patient, and where the value of each stands."""


def stated_codes(extension: Resource) -> Mapping[str, list[str]]:
    """Return the codes of the extension, its questionnaires, and its assertion id, by the name of the part."""
    found: dict[str, list[str]] = {}
    for part in items(extension.get("extension")):
        name = part.get("url")
        if isinstance(name, str) and name in _CODED and isinstance(value := part.get(_CODED[name]), str):
            found.setdefault(name, []).append(value)
    return found
