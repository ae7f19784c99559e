"""The hook calls of the self-check: request bodies, with the prefetch that a client can give."""

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from cds_service.fhir_client.search_parameters import SearchError
from cds_service.selfcheck.cases import Case
from cds_service.selfcheck.outcomes import FailedError, NotTriedError
from cds_service.selfcheck.services import (
    APPOINTMENT_BOOK,
    ORDER_DISPATCH,
    ORDER_SELECT,
    ORDER_SIGN,
    V2_0,
    V2_2,
    OfferedService,
    a_service,
    services_of_hooks,
)
from cds_service.selfcheck.session import Session
from cds_service.selfcheck.web import Answer
from fhir_mappings.fhir_json import Resource

_TOKEN = re.compile(r"\{\{\s*context\.(\w+)\s*\}\}")
_ALTERNATE = "http://hl7.org/fhir/StructureDefinition/alternate-reference"
REQUESTED_VERSION = "davinci-crd.requestedVersion"
CONFIGURATION = "davinci-crd.configuration"
NO_MEMBERS = (
    "the service refuses the sample orders: it does not answer for their payers; give it an order of a member of its "
    "own (--order, --patient)"
)


@dataclass(frozen=True, slots=True)
class HookCall:
    """A call of a service about a case, and its answer."""

    service: OfferedService
    case: Case
    body: Mapping[str, Any]
    answer: Answer

    @property
    def what(self) -> str:
        """Return what was called and about which order, for a report."""
        return f"{self.service.id} about {self.case.reference}"

    @property
    def has_cards(self) -> bool:
        """Return whether the answer is one of success with an array of cards."""
        try:
            return self.answer.status == HTTPStatus.OK and isinstance(self.answer.object().get("cards"), list)
        except FailedError:
            return False


def hook_body(session: Session, service: OfferedService, case: Case, order: Resource | None = None) -> dict[str, Any]:
    """Return the body of a call of a service about an order of a case, with the prefetch that this client can give."""
    sent = case.order if order is None else order
    context = _CONTEXTS.get(service.hook, _drafts)(session, case, sent)
    if service.hook == ORDER_SELECT:
        context["selections"] = [case.reference]
    body: dict[str, Any] = {
        "hook": service.hook,
        "hookInstance": str(uuid.uuid4()),
        "fhirServer": session.ehr.base,
        "fhirAuthorization": {
            "access_token": session.ehr.token,
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "user/*.rs",
            "subject": "self-check",
        },
        "context": context,
    }
    if found := dict(_prefetch(session, service, case, context)):
        body["prefetch"] = found
    if len(service.crd_versions) > 1:
        body["extension"] = {REQUESTED_VERSION: V2_2 if V2_2 in service.crd_versions else V2_0}
    return body


def searchset(*resources: Resource) -> dict[str, Any]:
    """Return the result of a search."""
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(resources),
        **({"entry": [{"resource": each} for each in resources]} if resources else {}),
    }


def with_extension(body: Mapping[str, Any], **members: Any) -> dict[str, Any]:
    """Return a call whose extension has these members of CRD: `version`, `configuration`."""
    names = {"version": REQUESTED_VERSION, "configuration": CONFIGURATION}
    stated = {names[name]: value for name, value in members.items()}
    return {**body, "extension": {**body.get("extension", {}), **stated}}


def with_context(body: Mapping[str, Any], **members: Any) -> dict[str, Any]:
    """Return a call with other members of its context; None leaves one out."""
    context = {**body["context"], **members}
    return {**body, "context": {name: value for name, value in context.items() if value is not None}}


def without(body: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return a call without some members."""
    return {name: value for name, value in body.items() if name not in names}


def post_call(session: Session, service: OfferedService, body: Any) -> Answer:
    """Return the answer to a call of a service."""
    return session.post(session.address(service.id), body)


def sample_calls(session: Session) -> tuple[HookCall, ...]:
    """Return the calls of every service of order-select and order-sign about every case, made once."""

    def make() -> tuple[HookCall, ...]:
        return tuple(
            _call(session, service, case)
            for service in services_of_hooks(session, ORDER_SIGN, ORDER_SELECT)
            for case in session.cases
            if case.coverage is not None or not service.is_crd
        )

    return session.once("sample calls", make)


def cases_of(session: Session, service: OfferedService) -> tuple[Case, ...]:
    """Return the orders that a service is asked about, with their charts; none if it refuses all samples.

    A service of CRD rightly refuses members of other payers: a sample order that every service of its version refuses
    is left out.
    """
    if not (service.is_crd and session.has_samples):
        return session.cases
    versions = set(service.crd_versions)
    made = [each for each in sample_calls(session) if versions & set(each.service.crd_versions)]
    answered = {each.case.reference for each in made if not _is_refused(each.answer)}
    return tuple(each for each in session.cases if each.reference in answered or not made)


def _is_refused(answer: Answer) -> bool:
    """Return whether a call is refused for what it says, and not for its token."""
    return answer.is_client_error and answer.status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def usable_service(session: Session) -> tuple[OfferedService, Case]:
    """Return one service of order-sign or order-select, a plain one if there is one, and an order for it.

    Raise NotTriedError if it refuses all sample orders.
    """
    service = a_service(session)
    return service, first_case(session, service)


def first_case(session: Session, service: OfferedService) -> Case:
    """Return the first order that a service is asked about. Raise NotTriedError if it refuses all sample orders."""
    found = cases_of(session, service)
    if not found:
        raise NotTriedError(NO_MEMBERS)
    return found[0]


def _call(session: Session, service: OfferedService, case: Case) -> HookCall:
    body = hook_body(session, service, case)
    return HookCall(service, case, body, post_call(session, service, body))


def bundle_of(session: Session, *resources: Resource) -> dict[str, Any]:
    """Return resources as a Bundle of a hook's context."""
    entries = [
        {"fullUrl": f"{session.ehr.base}/{each['resourceType']}/{each['id']}", "resource": each} for each in resources
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _drafts(session: Session, case: Case, order: Resource) -> dict[str, Any]:
    return {"userId": session.user, "patientId": case.patient_id, "draftOrders": bundle_of(session, order)}


def _dispatch(session: Session, case: Case, order: Resource) -> dict[str, Any]:
    _store(session, order)
    return {"patientId": case.patient_id, "dispatchedOrders": [case.reference], "performer": case.requester}


def _appointment(session: Session, case: Case, order: Resource) -> dict[str, Any]:
    _store(session, order)
    based_on: dict[str, Any] = {"reference": case.reference}
    if order["resourceType"] != "ServiceRequest":
        based_on = {"extension": [{"url": _ALTERNATE, "valueReference": based_on}]}
    appointment = {
        "resourceType": "Appointment",
        "id": f"{case.order['id']}-appointment",
        "status": "proposed",
        "basedOn": [based_on],
        "participant": [{"actor": {"reference": f"Patient/{case.patient_id}"}, "status": "accepted"}],
    }
    booked = bundle_of(session, appointment)
    return {"userId": session.user, "patientId": case.patient_id, "appointments": booked}


_CONTEXTS = {ORDER_DISPATCH: _dispatch, APPOINTMENT_BOOK: _appointment}


def _store(session: Session, order: Resource) -> None:
    """Put an order into the EHR as active: hooks after signing name orders that can be read there."""
    session.ehr.charts.write(session.ehr.base, {**order, "status": "active"}, updated="2026-01-01T00:00:00Z")


def _prefetch(
    session: Session, service: OfferedService, case: Case, context: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    """Yield the prefetch of a call; leave out templates with tokens that are no members of the context."""
    for key, template in service.prefetch.items():
        query = _TOKEN.sub(lambda match: str(context.get(match[1], match[0])), template)
        if "{{" in query:
            continue
        kind, _, search = query.partition("?")
        if not search:
            kind, _, own_id = query.partition("/")
            if found := session.ehr.charts.read(kind, own_id):
                yield key, found
        elif kind == "Coverage":
            yield key, searchset(*([case.coverage] if case.coverage else []))
        else:
            try:
                found_entries = session.ehr.charts.search(kind, parse_qsl(search))
            except SearchError:
                continue
            yield key, searchset(*(resource for _, resource in found_entries))
    if service.is_crd and not any(each.startswith("Coverage?") for each in service.prefetch.values()):
        if case.coverage is None:
            raise NotTriedError("the patient has no active Coverage, which calls of CRD need")
        yield "coverage", searchset(case.coverage)
