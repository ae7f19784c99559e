"""Draft orders signed against a chart: what the cards say of them, and what the command line prints."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from cds_service.fhir_client.memory import ChartInMemory, Store
from cds_service.hooks.request import read_request
from cds_service.hooks.response import canonical_base_of
from cds_service.settings import Settings
from coverage_policies.format.library import Library
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.plan_rules import PlanRules
from fhir_mappings.fhir_json import Json, Resource
from tests.support.hook_fakes import PATIENT_ID, Service, call
from tests.support.reviews import review_call

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
SUBJECT = {"reference": f"Patient/{PATIENT_ID}"}
PATIENT: Resource = {"resourceType": "Patient", "id": PATIENT_ID}
NO_RULES = PlanRules()

Determinations: TypeAlias = list[dict[str, Any]]
Chart: TypeAlias = tuple[Resource, ...]
Prefetch: TypeAlias = Mapping[str, Json] | None


def service_request(what: Json, own_id: str = "o-1", **more: Any) -> Resource:
    return ordered("ServiceRequest", "code", what, own_id, **more)


def ordered(kind: str, element: str, what: Json, own_id: str = "o-1", **more: Any) -> Resource:
    found = {"resourceType": kind, "id": own_id, "status": "draft", "intent": "order", "subject": SUBJECT}
    return {**found, "authoredOn": "2026-03-02", element: what, **more}


def coded(*codes: tuple[str, str], text: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {"coding": [{"system": system, "code": code} for system, code in codes]}
    return found | ({"text": text} if text else {})


def cards(
    library: Library,
    *orders: Resource,
    chart: Chart = (),
    rules: PlanRules = NO_RULES,
    prefetch: Prefetch = None,
    hook: str = "order-sign",
) -> list[dict[str, Any]]:
    """The cards for draft orders, all of them selected, with a FHIR server that holds the chart."""
    assessor = Assessor(library, rules)
    source = ChartInMemory(Store.from_bundle(_bundle(PATIENT, *chart)))
    body = _body(orders, prefetch, hook) | {"fhirServer": "https://ehr.example/fhir"}
    response = Service(assessor, open_fhir_server=lambda *_: source).post(body, f"coverage-{hook}")
    assert response.status_code == 200, response.text
    return list(response.json["cards"])


def carried(card: dict[str, Any]) -> Determinations:
    """The determinations that a card was made from."""
    found = card["extension"]["cds-service.determination"]
    return found if isinstance(found, list) else [found]


def shown(library: Library, *orders: Resource, **more: Any) -> Determinations:
    """The determinations of all cards."""
    return [one for card in cards(library, *orders, **more) for one in carried(card)]


def printed(
    library: Library, *orders: Resource, chart: Chart = (), rules: PlanRules = NO_RULES, prefetch: Prefetch = None
) -> Determinations:
    """The determinations that the command line prints for a signing."""
    found = review_call(
        read_request(_body(orders, prefetch, "order-sign")),
        Assessor(library, rules),
        Settings(),
        chart=_bundle(PATIENT, *chart),
        clock=lambda: NOW,
    )
    return [each.as_json(canonical_base_of(Settings())) for each in found.determinations]


def _bundle(*resources: Resource) -> Json:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in resources]}


def _body(orders: tuple[Resource, ...], prefetch: Prefetch, hook: str) -> dict[str, Any]:
    found = call(hook=hook)
    found["context"]["draftOrders"] = _bundle(*orders)
    if hook == "order-select":
        found["context"]["selections"] = [f"{each['resourceType']}/{each['id']}" for each in orders]
    return found | ({"prefetch": prefetch} if prefetch else {})
