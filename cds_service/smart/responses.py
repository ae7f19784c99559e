"""The response of a session in the EHR: resumed if there is one, and written as the user."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

from cds_service.fhir_client.bounded_requests import FhirResponse, RequestsTo
from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.source import FhirAccess
from cds_service.smart.errors import LaunchError
from cds_service.smart.forms import Form
from cds_service.smart.launches import SmartClient
from cds_service.smart.sessions import FormSession
from coverage_policies.judging.attestations import names_order
from coverage_policies.questionnaires.response import practitioners_response
from fhir_mappings.answers import all_answers, questionnaire_of
from fhir_mappings.codings import items
from fhir_mappings.fhir_json import FHIR_JSON, Resource, encoded
from fhir_mappings.orders import ORDER_KEYS

_COMPLETE = ("completed", "amended")
_WRITTEN = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT)
_CHANGED_MEANWHILE = (HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED)


@dataclass(frozen=True, slots=True)
class Saved:
    """A response that was to be written: the session afterwards, and whether the EHR took it; if not, why."""

    session: FormSession
    is_written: bool
    why_not: str = ""


def resumed(session: FormSession, form: Form, canonical_base: str) -> FormSession:
    """Return a session that goes on where the user's own response to this form about this order ended, if any."""
    earlier = max(_own(session, form, canonical_base), key=lambda each: str(each.get("authored")), default=None)
    if earlier is None:
        return session
    answers = all_answers(form.review.record, earlier)
    return replace(
        session,
        screens=tuple({link: value} for link, value in answers.items() if value),
        response=str(earlier["id"]),
        version=_version_of(earlier),
        was_complete=earlier.get("status") in _COMPLETE,
    )


def _own(session: FormSession, form: Form, canonical_base: str) -> Iterator[Resource]:
    canonical, record = form.screen.determination.questionnaire(canonical_base), form.review.record
    for each in record.of_type("QuestionnaireResponse"):
        authors = [author.get("reference") for author in items(each.get("author"))]
        is_ours = session.grant.user in (record.relative(author) for author in authors if isinstance(author, str))
        is_open = each.get("status") in ("in-progress", *_COMPLETE)
        is_this_form = questionnaire_of(each) == canonical and isinstance(each.get("id"), str)
        is_about = any(names_order(record, reference, form.order) for reference in items(each.get("basedOn")))
        if is_this_form and is_ours and is_open and is_about:
            yield each


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
    """Writes responses with the user's own token. `new_deadline` limits a write."""

    def __init__(self, requests_to: RequestsTo, new_deadline: Callable[[], Deadline]) -> None:
        self._requests_to = requests_to
        self._new_deadline = new_deadline

    def save(self, session: FormSession, client: SmartClient, response: Resource) -> Saved:
        """Create the response in the EHR, or update it. Raise LaunchError if someone changed it meanwhile."""
        if not session.grant.may_write:
            return Saved(session, is_written=False, why_not="The EHR did not give this page permission to write.")
        url = f"{session.iss}/QuestionnaireResponse"
        access = FhirAccess(session.iss, session.grant.access_token, registered=client.fhir_servers)
        requests = self._requests_to(url, access, self._new_deadline())
        if requests is None:
            return Saved(session, is_written=False, why_not="The EHR's address may not be called.")
        headers = {"Content-Type": FHIR_JSON}
        if session.response:
            if session.version:
                headers["If-Match"] = f'W/"{session.version}"'
            updated = {**response, "id": session.response}
            answer = requests.send("PUT", f"{url}/{session.response}", encoded(updated), headers)
        else:
            answer = requests.send("POST", url, encoded(response), headers)
        if answer.status in _CHANGED_MEANWHILE:
            raise LaunchError(
                HTTPStatus.CONFLICT,
                "Someone changed this form meanwhile",
                "The answers in the EHR are not those that this page started from. Nothing was overwritten.",
                "Open the form again from the card: it starts from the answers as they are now.",
            )
        if answer.status not in _WRITTEN:
            return Saved(session, is_written=False, why_not=f"The EHR did not take it ({answer.answer}).")
        return Saved(_with_version(session, answer), is_written=True)


def _with_version(session: FormSession, answer: FhirResponse) -> FormSession:
    """Return the session with the id and version of the response, from the body or from `Location`."""
    body: Mapping[str, Any] = answer.body if isinstance(answer.body, Mapping) else {}
    _, found, rest = answer.location.partition("QuestionnaireResponse/")
    named, _, version = rest.partition("/_history/") if found else ("", "", "")
    if body.get("resourceType") == "QuestionnaireResponse":
        named = str(body.get("id", named))
        version = _version_of(body) or version
    return replace(session, response=named or session.response, version=version)


def _version_of(resource: Resource) -> str:
    """Return the `meta.versionId` of a resource; empty if it has none."""
    versions = (each.get("versionId") for each in items(resource.get("meta")))
    return next((each for each in versions if isinstance(each, str)), "")
