"""The response of a session in the EHR: taken up again if there is one, and written as the user."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

from cds_service.fhir_client.bounded_requests import FhirResponse
from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.source import FhirAccess
from cds_service.smart.errors import LaunchError
from cds_service.smart.forms import Form
from cds_service.smart.launches import RequestsTo, SmartClient
from cds_service.smart.sessions import FormSession
from coverage_policies.format.canonicals import questionnaire_canonical
from coverage_policies.questionnaires.response import practitioners_response
from fhir_mappings.answers import all_answers
from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Json, Resource, dumps
from fhir_mappings.orders import ORDER_KEYS
from fhir_mappings.record import PatientRecord

FHIR_JSON = "application/fhir+json"
_COMPLETE = ("completed", "amended")
_WRITTEN = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT)
_CHANGED_MEANWHILE = (HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED)


@dataclass(frozen=True, slots=True)
class Saved:
    """A response that was to be written: the session afterwards, and whether the EHR took it; if not, why."""

    session: FormSession
    response: Resource
    is_written: bool
    why_not: str = ""


def taken_up(session: FormSession, form: Form, canonical_base: str) -> FormSession:
    """Return a session that goes on where the user's own response to this form about this order ended, if any."""
    earlier = max(_own(session, form, canonical_base), key=lambda each: str(each.get("authored")), default=None)
    if earlier is None:
        return session
    answers = all_answers(form.review.record, earlier)
    version = items(earlier.get("meta"))
    numbers = [each.get("versionId") for each in version]
    return replace(
        session,
        screens=tuple({link: value} for link, value in answers.items() if value),
        response=str(earlier["id"]),
        version=next((each for each in numbers if isinstance(each, str)), ""),
        was_complete=earlier.get("status") in _COMPLETE,
    )


def _own(session: FormSession, form: Form, canonical_base: str) -> Iterator[Resource]:
    canonical, record = _canonical(form, canonical_base), form.review.record
    for each in record.of_type("QuestionnaireResponse"):
        authors = _references(record, each.get("author"))
        is_ours = each.get("questionnaire") == canonical and session.grant.user in authors
        is_open = each.get("status") in ("in-progress", *_COMPLETE)
        if is_ours and is_open and isinstance(each.get("id"), str) and _is_about(each, form):
            yield each


def _is_about(response: Resource, form: Form) -> bool:
    """Return whether a response names the order by its key, or by its reference."""
    orders = response.get("basedOn")
    keys = [
        (each.get("system"), each.get("value"))
        for reference in items(orders)
        for each in items(reference.get("identifier"))
    ]
    return (ORDER_KEYS, form.order.key) in keys or form.order.reference in _references(form.review.record, orders)


def _references(record: PatientRecord, value: Json) -> list[str]:
    """Return what References name, without the address of the chart's own server."""
    written = (each.get("reference") for each in items(value))
    return [record.relative(each) for each in written if isinstance(each, str)]


def response_of(
    session: FormSession, form: Form, canonical_base: str, *, stored_order: str, is_complete: bool, now: datetime
) -> Resource:
    """Return the response of a session: `in-progress` or `completed`, or `amended` if it was complete before.

    `stored_order` is the reference of the order in the EHR, empty if it is not stored there: then the response names it
    by its key alone.
    """
    order: dict[str, Any] = {"reference": stored_order} if stored_order else {}
    order["type"] = form.order.resource["resourceType"]
    order["identifier"] = {"system": ORDER_KEYS, "value": form.order.key}
    return practitioners_response(
        form.policy,
        session.answers,
        canonical_base,
        patient=f"Patient/{session.grant.patient}",
        author=session.grant.user,
        order=order,
        authored=now,
        status=("amended" if session.was_complete else "completed") if is_complete else "in-progress",
    )


class Responses:
    """Writes responses with the user's own token."""

    def __init__(self, requests_to: RequestsTo) -> None:
        self._requests_to = requests_to

    def save(self, session: FormSession, client: SmartClient, response: Resource, deadline: Deadline) -> Saved:
        """Create the response in the EHR, or update it. Raise LaunchError if someone changed it meanwhile."""
        if not session.grant.may_write:
            return Saved(session, response, is_written=False, why_not="The EHR did not give this page leave to write.")
        url = f"{session.iss}/QuestionnaireResponse"
        access = FhirAccess(session.iss, session.grant.access_token, registered=client.fhir_servers)
        requests = self._requests_to(url, access, deadline)
        if requests is None:
            return Saved(session, response, is_written=False, why_not="The EHR's address may not be called.")
        headers = {"Content-Type": FHIR_JSON}
        if session.response:
            if session.version:
                headers["If-Match"] = f'W/"{session.version}"'
            updated = {**response, "id": session.response}
            answer = requests.send("PUT", f"{url}/{session.response}", dumps(updated).encode(), headers)
        else:
            answer = requests.send("POST", url, dumps(response).encode(), headers)
        if answer.status in _CHANGED_MEANWHILE:
            raise LaunchError(
                HTTPStatus.CONFLICT,
                "Someone changed this form meanwhile",
                "The answers in the EHR are not those that this page started from. Nothing was overwritten.",
                "Open the form again from the card, which takes up the answers as they are now.",
            )
        if answer.status not in _WRITTEN:
            return Saved(session, response, is_written=False, why_not=f"The EHR did not take it ({answer.answer}).")
        return Saved(_with_version(session, answer), response, is_written=True)


def _with_version(session: FormSession, answer: FhirResponse) -> FormSession:
    """Return the session with the id and version of the response, from the body or from `Location`."""
    body: Mapping[str, Any] = answer.body if isinstance(answer.body, Mapping) else {}
    _, found, rest = answer.location.partition("QuestionnaireResponse/")
    named, _, version = rest.partition("/_history/") if found else ("", "", "")
    metas = list(items(body.get("meta")))
    if body.get("resourceType") == "QuestionnaireResponse":
        named = str(body.get("id", named))
        version = str(metas[0].get("versionId", version)) if metas else version
    return replace(session, response=named or session.response, version=version)


def _canonical(form: Form, canonical_base: str) -> str:
    return questionnaire_canonical(canonical_base, form.policy.name, form.policy.revision, form.policy.edition)
