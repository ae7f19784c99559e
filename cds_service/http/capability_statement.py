"""The CapabilityStatement of the FHIR base (FHIR R4): forms to read and to search, and nothing else."""

from datetime import date
from importlib.metadata import version

from coverage_policies.questionnaires.extensions import STANDARD_FORM
from fhir_mappings.fhir_json import FHIR_JSON


def capability_statement(public_url: str, day: date) -> dict[str, object]:
    """Return the statement of the service at this public address, dated this day."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": day.isoformat(),
        "kind": "instance",
        "software": {"name": "CDS coverage policies", "version": version("cds-coverage-policies")},
        "implementation": {
            "description": "The forms of the coverage policies that this service judges orders by",
            "url": f"{public_url.rstrip('/')}/fhir",
        },
        "fhirVersion": "4.0.1",
        "format": [FHIR_JSON],
        "rest": [
            {
                "mode": "server",
                "security": {
                    "description": "The token of a registered client (CDS Hooks 2.0.1, Trusting CDS Clients) with the "
                    "FHIR base or the address as its audience, unless the operator makes the policies public"
                },
                "resource": [
                    {
                        "type": "Questionnaire",
                        "supportedProfile": [STANDARD_FORM],
                        "interaction": [{"code": "read"}, {"code": "search-type"}],
                        "searchParam": [
                            {
                                "name": "url",
                                "definition": "http://hl7.org/fhir/SearchParameter/Questionnaire-url",
                                "type": "uri",
                                "documentation": "The canonical, with or without its version: url or url|version",
                            },
                            {
                                "name": "version",
                                "definition": "http://hl7.org/fhir/SearchParameter/Questionnaire-version",
                                "type": "token",
                            },
                        ],
                    }
                ],
            }
        ],
    }
