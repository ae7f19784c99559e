"""Read a call of `$questionnaire-package` (Da Vinci DTR 2.2.0, DTR Questionnaire Package Input Parameters)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cds_service.dtr.parameters import missing, read_parameters
from cds_service.hooks.errors import Issue, RefusedError
from fhir_mappings.bundle import Entry
from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.ownership import is_for_another_patient
from fhir_mappings.references import ChartServer, address_of

ORDER_TYPES = (
    *("Appointment", "CommunicationRequest", "DeviceRequest", "Encounter", "MedicationRequest", "NutritionOrder"),
    *("ServiceRequest", "SupplyRequest", "VisionPrescription"),
)
"""The resources that DTR allows as an order."""
_DRAFT_URL = "urn:uuid:order-"


@dataclass(frozen=True, slots=True)
class PackageRequest:
    """What a client asks for. `questionnaires` are canonicals, with or without their version.

    `patient_id` is that of the beneficiary of the Coverage. `places` are where the orders stand; `coverage_at` and
    `context_at` are where the Coverage and the context stand. `orders` have a full URL only if they have no id.
    """

    coverage: Resource = field(repr=False)
    patient_id: str = field(repr=False)
    orders: tuple[Entry, ...] = field(repr=False)
    questionnaires: tuple[str, ...]
    context: str
    changed_since: datetime | None
    places: tuple[str, ...]
    coverage_at: str
    context_at: str


def read_package_request(value: Json, *, most_orders: int) -> PackageRequest:
    """Return the call in a parsed body. Raise RefusedError with the place: 400, or 413 for too many orders."""
    sent = read_parameters(value)
    coverage = sent.one("coverage", "Coverage")
    if coverage is None:
        raise missing("coverage", "Send the Coverage of the member.")
    orders, places = sent.all("order", *ORDER_TYPES), sent.places("order")
    if len(orders) > most_orders:
        raise RefusedError(413, Issue("too-long", f"Send at most {most_orders} orders.", places[most_orders]))
    questionnaires, context = sent.canonicals("questionnaire"), sent.string("context") or ""
    if not (orders or questionnaires or context):
        raise missing("order, questionnaire, or context", "Send at least one of them (dtr-1).")
    patient_id = _patient_of(coverage, sent.place("coverage"))
    _check_patient(orders, places, patient_id)
    _check_ids(orders, places)
    return PackageRequest(
        coverage=coverage,
        patient_id=patient_id,
        orders=tuple((_url(each, number), each) for number, each in enumerate(orders, start=1)),
        questionnaires=questionnaires,
        context=context,
        changed_since=sent.instant("changedsince"),
        places=places,
        coverage_at=sent.place("coverage"),
        context_at=sent.place("context"),
    )


def _url(order: Resource, number: int) -> str:
    """Return a name for an order that has no id: the response has to say which order it is about."""
    return "" if isinstance(order.get("id"), str) and order["id"] else f"{_DRAFT_URL}{number}"


def _patient_of(coverage: Resource, place: str) -> str:
    for beneficiary in items(coverage.get("beneficiary")):
        reference = beneficiary.get("reference")
        if isinstance(reference, str) and (name := address_of(reference).name).startswith("Patient/"):
            return name.removeprefix("Patient/")
    where = f"{place}.beneficiary"
    raise RefusedError(400, Issue("required", "Send a reference to the Patient in Coverage.beneficiary.", where))


def _check_patient(orders: Sequence[Resource], places: Sequence[str], patient_id: str) -> None:
    for order, place in zip(orders, places, strict=True):
        if is_for_another_patient(order, patient_id, ChartServer(), ()):
            what = "The order is for another patient than the beneficiary of the Coverage. Send orders of one patient."
            raise RefusedError(400, Issue("value", what, place))


def _check_ids(orders: Sequence[Resource], places: Sequence[str]) -> None:
    """Refuse two orders under one id: an answer could not say which of them it is about."""
    known: dict[tuple[Json, Json], Resource] = {}
    for order, place in zip(orders, places, strict=True):
        own_id = order.get("id")
        if isinstance(own_id, str) and known.setdefault((order["resourceType"], own_id), order) != order:
            what = "The order has the id of another order before it. Send each id once."
            raise RefusedError(400, Issue("duplicate", what, place))
