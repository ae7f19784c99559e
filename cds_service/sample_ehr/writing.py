"""Create and update QuestionnaireResponses in the sample EHR, as a launched SMART app does."""

import re
from collections.abc import Callable

from flask import Blueprint, Response, request

from cds_service.sample_ehr.access import Access, AccessError
from cds_service.sample_ehr.charts import Charts, ChartsFullError, VersionConflictError
from cds_service.sample_ehr.fhir_responses import fhir_response, outcome_response
from cds_service.sample_ehr.smart.scopes import WRITABLE
from cds_service.sample_ehr.smart.server import SmartServer
from fhir_mappings.fhir_json import FHIR_JSON, Resource, loads
from fhir_mappings.ownership import subject_of
from fhir_mappings.validity import faults

MAX_BYTES = 256 * 1024
"""The most bytes of a resource to write."""
_TYPES = (FHIR_JSON, "application/json")
_STATUSES = ("in-progress", "completed", "amended", "entered-in-error", "stopped")
"""FHIR R4, QuestionnaireResponse.status."""
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_VERSION = re.compile(r'(?:W/)?"([^"]*)"')


class _BodyError(Exception):
    """The body of a write is refused with an HTTP status."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status = status


def add_writing(
    pages: Blueprint, charts: Charts, smart: SmartServer, *, base: Callable[[], str], access: Callable[[], Access]
) -> None:
    """Let the blueprint of `/fhir` create and update QuestionnaireResponses.

    `base` and `access` return the FHIR address and the access of the current request.
    """

    @pages.post(f"/{WRITABLE}")
    def create() -> Response:
        return write("c", smart.new_secret())

    @pages.put(f"/{WRITABLE}/<resource_id>")
    def update(resource_id: str) -> Response:
        return write("u", resource_id)

    def write(letter: str, resource_id: str) -> Response:
        try:
            access().check(WRITABLE, letter)
            if smart.refuses_writes:
                return outcome_response(403, f"This server accepts no {WRITABLE}.")
            resource = _body(access(), base())
            if letter == "u":
                _check_update(resource, resource_id)
                if before := charts.read(WRITABLE, resource_id):
                    access().check_resource(before)
            stored, is_new = charts.write(
                base(),
                {**resource, "id": resource_id},
                updated=smart.clock().isoformat(timespec="milliseconds"),
                replaces=_if_match() if letter == "u" else None,
            )
        except AccessError as error:
            return outcome_response(403, str(error))
        except _BodyError as error:
            return outcome_response(error.status, str(error))
        except VersionConflictError:
            return outcome_response(412, "The resource has another version than If-Match names; read it again.")
        except ChartsFullError:
            return outcome_response(507, "The sample EHR is full; restart it.")
        version = stored["meta"]["versionId"]
        response = fhir_response(stored, 201 if is_new else 200)
        response.headers["ETag"] = f'W/"{version}"'
        if is_new:
            response.headers["Location"] = f"{base()}/{WRITABLE}/{resource_id}"
        return response


def _body(access: Access, base: str) -> Resource:
    """Return the resource of the request: valid FHIR about the patient of the access token. Raises _BodyError."""
    if request.mimetype not in _TYPES:
        raise _BodyError(415, f"Send the resource as {_TYPES[0]}.")
    request.max_content_length = MAX_BYTES
    try:
        resource = loads(request.get_data())
    except ValueError as error:
        raise _BodyError(400, "The body is not JSON.") from error
    if not isinstance(resource, dict) or resource.get("resourceType") != WRITABLE:
        raise _BodyError(422, f"The body is not a {WRITABLE}.")
    if wrong := faults(resource):
        raise _BodyError(422, f"The body is not valid FHIR R4: {wrong[0].path}: {wrong[0].what}.")
    if resource["status"] not in _STATUSES:
        raise _BodyError(422, f"The status is none of {', '.join(_STATUSES)}.")
    if subject_of(resource).removeprefix(f"{base}/") != f"Patient/{getattr(access, 'patient_id', '')}":
        raise _BodyError(422, "The subject is not the patient of the access token.")
    return resource


def _check_update(resource: Resource, resource_id: str) -> None:
    if not _ID.fullmatch(resource_id):
        raise _BodyError(400, "The id in the address is not a FHIR id.")
    if resource.get("id") != resource_id:
        raise _BodyError(400, "The id of the resource is not that of the address.")


def _if_match() -> str | None:
    """Return the version that If-Match names; None without the header. Raises _BodyError."""
    header = request.headers.get("If-Match")
    if header is None:
        return None
    matched = _VERSION.fullmatch(header.strip())
    if matched is None:
        raise _BodyError(400, 'If-Match must be a version, such as W/"1".')
    return matched[1]
