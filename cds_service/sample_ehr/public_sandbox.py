"""The public CDS Hooks sandbox: what its imaging screen sends, the policy for it, and links that open it.

The sandbox (https://sandbox.cds-hooks.org, source at https://github.com/cds-hooks/sandbox) is a web page that plays an
EHR. Its screen "PAMA Imaging" calls services of the hook order-select, with one draft ServiceRequest for an imaging
study.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from cds_service.settings import Settings
from fhir_mappings.fhir_json import Json

ADDRESS = "https://sandbox.cds-hooks.org/"
POLICIES = Path(__file__).parent / "sandbox_policies"
"""The folder with the policy of docs/write-a-policy.md, and with plan rules that map imaging codes to procedures."""
PLAN_RULES = POLICIES / "plan_rules.yaml"
HOOK = "order-select"
"""The only hook of the imaging screen."""


@dataclass(frozen=True, slots=True)
class SandboxOrder:
    """An order of the imaging screen: the sample patient, the CPT code to search for, and what it shows."""

    patient: str
    code: str
    shows: str


ORDERS = (
    SandboxOrder("sij-posterior", "72148", "MRI of the lumbar spine, after another one five weeks ago"),
    SandboxOrder("sij-fibromyalgia", "72195", "stands for sacroiliac joint fusion (27279), with active fibromyalgia"),
    SandboxOrder("sij-all-documented", "72192", "stands for a sacroiliac joint injection (27096), purpose not stated"),
    SandboxOrder("trial-not-weaned", "72131", "stands for a pain pump trial (62327), with opioids down by only 25%"),
)


def with_sandbox_policies(settings: Settings) -> Settings:
    """Return settings with only the sandbox's policies beside the built-in ones, and without suppressed cards.

    All users of the sandbox have the same id, so that one user's override would hide a card from everybody.
    """
    return settings.model_copy(
        update={
            "policy_folders": (POLICIES,),
            "plan_rules": PLAN_RULES,
            "suppress_overridden_days": 0,
        }
    )


def sandbox_call(order: SandboxOrder, *, fhir_server: str, new_id: Callable[[], str]) -> Json:
    """Return the CDS Hooks request that the imaging screen sends for an order, without its prefetch."""
    resource: dict[str, Json] = {
        "resourceType": "ServiceRequest",
        "id": "example-request-id",
        "status": "draft",
        "intent": "plan",
        "code": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": order.code}]},
        "subject": {"reference": f"Patient/{order.patient}"},
    }
    return {
        "hook": HOOK,
        "hookInstance": new_id(),
        "fhirServer": fhir_server,
        "context": {
            "userId": "Practitioner/COREPRACTITIONER1",
            "patientId": order.patient,
            "selections": ["ServiceRequest/example-request-id"],
            "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": resource}]},
        },
    }


def deep_link(order: SandboxOrder, *, service: str, fhir_server: str) -> str:
    """Return the address that opens the imaging screen for the patient of an order, with the service configured.

    `service` is the address of the service without `/cds-services`.
    """
    query = {
        "fhirServiceUrl": fhir_server,
        "patientId": order.patient,
        "hook": HOOK,
        "screen": "pama",
        "serviceDiscoveryURL": f"{service}/cds-services",
    }
    return f"{ADDRESS}?{urlencode(query)}"
