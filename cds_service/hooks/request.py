"""A CDS Hooks call, checked: from bytes to what the rest of the service works with.

The rules are `schemas/hook-request.json` (CDS Hooks 2.0.1, HTTP Request; order-select and order-sign of the hook
library) and the few below that a schema cannot say. The draft orders themselves are not checked: what breaks FHIR
there is judged as far as it goes.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import islice
from typing import Any, cast
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, ValidationError

from cds_service.fhir_client.source import FhirAccess
from cds_service.hooks.errors import Issue, RefusedError
from fhir_mappings.fhir_json import Json, dumps, loads
from fhir_mappings.record import Entry, entries, reference_of

_MOST_ERRORS = 20
_NOT_WANTED = ("revoked", "entered-in-error")


@dataclass(frozen=True, slots=True)
class DraftOrders:
    """The orders of a call, as received, each with its `fullUrl` (which may be empty).

    `judged` are those the answer is about: every order on order-sign, the selected ones on order-select.
    `others` are the rest of the session, which may matter to a judged one. Orders may break FHIR anywhere.
    `referenced` are the devices and medications that judged orders point at instead of carrying a code.
    """

    judged: tuple[Entry, ...]
    others: tuple[Entry, ...] = ()
    referenced: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class HookRequest:
    """One call. `encounter_id` may be empty; `prefetch` is as received, its values of any shape."""

    hook: str
    hook_instance: str
    user_id: str
    patient_id: str
    encounter_id: str
    orders: DraftOrders
    prefetch: Mapping[str, Json]
    fhir: FhirAccess | None


def read_request(value: Json) -> HookRequest:
    """The call in a parsed request body. An optional member that is null counts as absent.

    Raises RefusedError (400) that names path and rule of everything that is wrong, never a value.
    """
    stated = _without_nulls(value)
    errors = islice(_validator().iter_errors(stated), _MOST_ERRORS)
    issues = list(dict.fromkeys(issue for error in errors for issue in _issues(error)))
    if not issues and not _is_address(stated.get("fhirServer", "http://none")):
        issues.append(Issue("value", f"fhirServer is no usable address. {_says('fhirServer')}", "fhirServer"))
    if issues:
        raise RefusedError(400, *issues)
    context = stated["context"]
    return HookRequest(
        hook=stated["hook"],
        hook_instance=stated["hookInstance"],
        user_id=context["userId"],
        patient_id=context["patientId"],
        encounter_id=context.get("encounterId", ""),
        orders=_draft_orders(
            context["draftOrders"],
            context["selections"] if stated["hook"] == "order-select" else None,
        ),
        prefetch=stated.get("prefetch", {}),
        fhir=_access(stated),
    )


def _access(stated: Mapping[str, Json]) -> FhirAccess | None:
    if "fhirServer" not in stated:
        return None
    authorization = stated.get("fhirAuthorization", {})
    return FhirAccess(
        stated["fhirServer"].rstrip("/"),
        authorization.get("access_token", ""),
        authorization.get("expires_in", math.inf),
    )


def _without_nulls(value: Json) -> Json:
    """The request without the members that are null, in the objects CDS Hooks defines; prefetch stays as it is."""
    if not isinstance(value, dict):
        return value
    stated = {name: member for name, member in value.items() if member is not None}
    for name in ("context", "fhirAuthorization", "draftOrders"):
        if isinstance(stated.get(name), dict):
            stated[name] = _without_nulls(stated[name])
    return stated


@cache
def _schema() -> Json:
    return loads(resources.files(__package__).joinpath("schemas/hook-request.json").read_bytes())


@cache
def _validator() -> Draft202012Validator:
    Draft202012Validator.check_schema(_schema())
    return Draft202012Validator(_schema())


def _says(*path: str | int) -> str:
    """What the schema tells a client to send at this path."""
    schema = _schema()
    for part in path:
        schema = schema["properties"][part]
    return str(schema["description"])


def _issues(error: ValidationError) -> Iterator[Issue]:
    """What a schema error says in our words; the library's own message quotes the request."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    rule, wanted = error.validator, cast(Any, error.validator_value)
    if rule in ("required", "dependentRequired"):
        names = wanted if rule == "required" else [name for needed in wanted.values() for name in needed]
        for name in names:
            if name not in cast(Any, error.instance):
                missing = (*error.absolute_path, name)
                where = ".".join(str(part) for part in missing)
                yield Issue("required", f"{where} is required. {_says(*missing)}", where)
        return
    code = "structure" if rule == "type" else "value"
    says = cast(Any, error.schema)["description"]
    yield Issue(code, f"{path or 'The request'} breaks the rule '{rule}'. {says}", path)


def _is_address(server: str) -> bool:
    try:
        parts = urlsplit(server)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _draft_orders(bundle: Json, selections: list[str] | None) -> DraftOrders:
    """The orders of a Bundle, each once, without those that ask for nothing (not wanted, or taken back)."""
    found = {
        (reference_of(order, url), dumps(order)): (url, order) for url, order in entries(bundle) if _is_wanted(order)
    }
    orders = tuple(found.values())
    if selections is None:
        return DraftOrders(orders)
    chosen = set(selections)
    return DraftOrders(
        judged=tuple(entry for entry in orders if chosen & _names(*entry)),
        others=tuple(entry for entry in orders if not chosen & _names(*entry)),
    )


def _is_wanted(order: Mapping[str, Json]) -> bool:
    return order.get("doNotPerform") is not True and order.get("status") not in _NOT_WANTED


def _names(url: str, order: Mapping[str, Json]) -> set[str]:
    """Every name a selection may use for an order: `Type/id`, its full URL, the end of that."""
    return {reference_of(order, url), url, "/".join(url.split("/")[-2:])} - {""}
