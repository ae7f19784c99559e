"""The CapabilityStatement of the FHIR base (FHIR R4): what can be read and searched, and the operations of DTR."""

from datetime import date
from importlib.metadata import version
from typing import Any

from coverage_policies.questionnaires.extensions import ADAPTIVE_FORM, STANDARD_FORM
from fhir_mappings.fhir_json import FHIR_JSON

_DTR = "http://hl7.org/fhir/us/davinci-dtr"
PAYER_SERVICE = f"{_DTR}/CapabilityStatement/dtr-payer-service"
"""What Da Vinci DTR 2.2 expects of a payer's service."""
_LOG_ERRORS = ("log-questionnaire-errors", f"{_DTR}/OperationDefinition/log-questionnaire-errors")
_OF_PAYERS = (
    ("questionnaire-package", f"{_DTR}/OperationDefinition/questionnaire-package"),
    ("next-question", "http://hl7.org/fhir/uv/sdc/OperationDefinition/Questionnaire-next-question"),
)
_EXPAND = ("expand", "http://hl7.org/fhir/OperationDefinition/ValueSet-expand")
"""The operations with their definitions, as the statement of DTR 2.2 names them."""
_SECURITY = {
    "service": [
        {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                    "code": "SMART-on-FHIR",
                    "display": "SMART-on-FHIR",
                }
            ]
        }
    ],
    "description": "Operations need an access token (SMART Backend Services; .well-known/smart-configuration says "
    "where). Reading needs that, or the token of a registered client (CDS Hooks 2.0.1, Trusting CDS Clients) with the "
    "FHIR base or the address as its audience, unless the operator makes the policies public.",
}


def capability_statement(
    public_url: str, day: date, *, checks_tokens: bool, answers_for_payers: bool
) -> dict[str, object]:
    """Return the statement of the service at this public address, dated this day.

    `checks_tokens` is whether the service asks clients for a token, `answers_for_payers` whether it is that of a payer.
    `$questionnaire-package` and `$next-question` answer for a payer, so a service that answers for none has neither,
    and is no payer service of DTR.
    """
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": day.isoformat(),
        "kind": "instance",
        **({"instantiates": [PAYER_SERVICE]} if answers_for_payers else {}),
        "software": {"name": "CDS coverage policies", "version": version("cds-coverage-policies")},
        "implementation": {
            "description": "The forms and value sets of the coverage policies that this service judges orders by",
            "url": f"{public_url.rstrip('/')}/fhir",
        },
        "fhirVersion": "4.0.1",
        "format": [FHIR_JSON],
        "rest": [
            {
                "mode": "server",
                **({"security": _SECURITY} if checks_tokens else {}),
                "resource": [
                    {
                        "type": "Questionnaire",
                        "supportedProfile": [STANDARD_FORM, *([ADAPTIVE_FORM] if answers_for_payers else [])],
                        **_published("Questionnaire"),
                        "operation": _operations(*(_OF_PAYERS if answers_for_payers else ()), _LOG_ERRORS),
                    },
                    {
                        "type": "ValueSet",
                        "documentation": "Value sets with codes of CPT are for registered clients that send a token.",
                        **_published("ValueSet"),
                        "operation": _operations(_EXPAND),
                    },
                ],
            }
        ],
    }


def _published(resource_type: str) -> dict[str, Any]:
    """Return how a resource with a canonical is read and searched."""
    definition = f"http://hl7.org/fhir/SearchParameter/{resource_type}"
    either = "The canonical, with or without its version: url or url|version"
    return {
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "searchParam": [
            {"name": "url", "definition": f"{definition}-url", "type": "uri", "documentation": either},
            {"name": "version", "definition": f"{definition}-version", "type": "token"},
        ],
    }


def _operations(*named: tuple[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "definition": definition} for name, definition in named]
