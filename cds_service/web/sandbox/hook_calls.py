"""Call the hooks of the service itself through its whole WSGI application, authentication included."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cds_service.http.services import services
from cds_service.web.sandbox.case import Case, Mode, reference_of
from cds_service.web.sandbox.service_client import post
from fhir_mappings.fhir_json import Json, dumps, parse_json

SELECT, SIGN = "order-select", "order-sign"
_FAMILIES = {Mode.PLAIN: "coverage-", Mode.CRD_2_2: "crd-", Mode.CRD_2_0: "crd-2.0-"}


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request to a hook and its response. `milliseconds` is how long the service took."""

    hook: str
    path: str
    request: Json
    status: int
    response: Json
    milliseconds: float


def call_hook(hook: str, case: Case, token: str, selections: Iterable[str] = ()) -> Exchange:
    """Send the draft orders of a case to the service for a hook. `token` is that for the FHIR server.

    `selections` are the references of the selected orders, all of them if empty.
    """
    path = f"/cds-services/{_FAMILIES[case.mode]}{hook}"
    body = _body(hook, case, token, tuple(selections), services().new_id)
    started = time.perf_counter()
    answer = post(path, dumps(body).encode())
    milliseconds = 1000 * (time.perf_counter() - started)
    return Exchange(hook, path, body, answer.status_code, parse_json(answer.data), milliseconds)


def _body(hook: str, case: Case, token: str, selections: tuple[str, ...], new_id: Callable[[], str]) -> Json:
    entries = [{"resource": order} for order in case.orders]
    context: dict[str, Json] = {
        "userId": case.user,
        "patientId": case.patient,
        "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": entries},
    }
    if hook == SELECT:
        context["selections"] = list(selections or map(reference_of, case.orders))
    body: dict[str, Json] = {
        "hook": hook,
        "hookInstance": new_id(),
        "fhirServer": case.fhir_server,
        "context": context,
    }
    if token:
        body["fhirAuthorization"] = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "patient/*.rs",
            "subject": "coverage-sandbox",
        }
    return body
