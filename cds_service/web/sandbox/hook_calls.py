"""Call the services of this application through its whole WSGI stack, authentication included."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from cds_service.crd.services import services_for
from cds_service.http.services import services
from cds_service.http.watching import Answered
from cds_service.web.sandbox.answers import answers_in_prefetch
from cds_service.web.sandbox.case import Case, Mode
from cds_service.web.sandbox.service_client import post
from fhir_mappings.bundle import reference_of
from fhir_mappings.fhir_json import Json, encoded, parse_json

SELECT, SIGN = "order-select", "order-sign"
_FAMILIES = {Mode.PLAIN: "coverage-", Mode.CRD_2_2: "crd-", Mode.CRD_2_0: "crd-2.0-"}


@dataclass(frozen=True, slots=True)
class Reply:
    """The response to one request: `response` is None without a body, and `milliseconds` how long the service took.

    `answered` is what was found behind a response with cards, None behind any other.
    """

    status: int
    response: Json
    milliseconds: float
    answered: Answered | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request to a hook, and the reply. `orders` are the references of the draft orders, in their order."""

    hook: str
    path: str
    request: Json
    reply: Reply
    orders: tuple[str, ...] = ()

    @property
    def status(self) -> int:
        """Return the HTTP status of the response."""
        return self.reply.status

    @property
    def response(self) -> Json:
        """Return the body of the response; None without one."""
        return self.reply.response

    @property
    def service(self) -> str:
        """Return the id of the service, such as `coverage-order-sign`."""
        return self.path.rpartition("/")[2]

    @property
    def cards(self) -> tuple[Mapping[str, Json], ...]:
        """Return the cards of the response; none if it is an error."""
        return _list_in(self.reply, "cards")

    @property
    def system_actions(self) -> tuple[Mapping[str, Json], ...]:
        """Return the system actions of the response; none if it is an error."""
        return _list_in(self.reply, "systemActions")


def _list_in(reply: Reply, name: str) -> tuple[Mapping[str, Json], ...]:
    if reply.status != 200 or not isinstance(reply.response, Mapping):
        return ()
    return tuple(reply.response.get(name, ()))


def offers_crd() -> bool:
    """Return whether this service answers for a payer, so that it has the services of Da Vinci CRD."""
    return any(each.version is not None for each in services_for(None, services().assessor.rules))


def call_hook(hook: str, case: Case, token: str, selections: Iterable[str] = ()) -> Exchange:
    """Send the draft orders of a case to the service for a hook. `token` is that for the FHIR server.

    `selections` are the references of the selected orders, all of them if empty.
    """
    path = f"/cds-services/{_FAMILIES[case.mode]}{hook}"
    body = hook_body(hook, case, token, tuple(selections), services().new_id)
    return Exchange(hook, path, body, send(path, body), tuple(map(reference_of, case.orders)))


def send(path: str, body: Json) -> Reply:
    """Send JSON to an address of this application, as a client does."""
    seen: list[Answered] = []
    started = time.perf_counter()
    answer = post(path, encoded(body), seen.append)
    milliseconds = 1000 * (time.perf_counter() - started)
    response = parse_json(answer.data) if answer.data else None
    was_answered = answer.status_code == 200 and bool(seen)
    return Reply(answer.status_code, response, milliseconds, seen[-1] if was_answered else None)


def hook_body(hook: str, case: Case, token: str, selections: tuple[str, ...], new_id: Callable[[], str]) -> Json:
    """Return the body of the call of a hook for a case; `new_id` makes its `hookInstance`."""
    entries = [{"fullUrl": f"{case.fhir_server}/{reference_of(order)}", "resource": order} for order in case.orders]
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
    if prefetch := answers_in_prefetch(case, token):
        body["prefetch"] = prefetch
    return body
