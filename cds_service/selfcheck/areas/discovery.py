"""Discovery (CDS Hooks 2.0.1)."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from cds_service.selfcheck.checks import Area
from cds_service.selfcheck.json_shape import empty_members, is_text
from cds_service.selfcheck.outcomes import FailedError, Level, NotTriedError, expect
from cds_service.selfcheck.services import V2_2, discovery, services, stated_services
from cds_service.selfcheck.session import Session

AREA = Area("discovery", "CDS Hooks: discovery")

_SOURCE = "CDS Hooks 2.0.1, Discovery"
_PREFETCH = "CDS Hooks 2.0.1, Prefetch Template"
_HOOKS = frozenset(
    {
        "allergyintolerance-create",
        "appointment-book",
        "encounter-discharge",
        "encounter-start",
        "medication-prescribe",
        "medication-refill",
        "order-dispatch",
        "order-review",
        "order-select",
        "order-sign",
        "patient-view",
        "problem-list-item-create",
    }
)
"""The hooks of the library of CDS Hooks, those that it has replaced included."""
_OF_A_URI = re.compile(r"[A-Za-z][\w-]*(\.[\w-]+)+|[a-z][a-z0-9+.-]*:.+")
_CUSTOM_HOOK = _OF_A_URI
_TOKEN = re.compile(r"\{\{(.*?)\}\}")
_PLAIN_TOKEN = re.compile(
    r"\s*(context\.\w+(\.[A-Z]\w+\.id)?|userPractitionerId|userPractitionerRoleId|userPatientId|userRelatedPersonId)\s*"
)
_QUERY = re.compile(r"[A-Z]\w+(/[^?&]+|\?[^?]+)")
_PARAMETER = re.compile(r"([\w.-]+)(:in)?=.+", re.DOTALL)
_NO_SUBSET = re.compile(r"(_include|_revinclude|_has|_filter|_query|_list|_summary|_elements|_contained)\b")


def _of_each(session: Session, member: str, is_right: Callable[[Any], bool]) -> str:
    """Check a member of every service."""
    found = stated_services(session)
    if not found:
        raise NotTriedError("discovery lists no service")
    for i, each in enumerate(found):
        expect(isinstance(each, dict), f"services[{i}] is no object")
        expect(is_right(each.get(member)), f"services[{i}].{member} {_is(each, member)}")
    return f"{len(found)} services"


def _is(stated: dict[str, Any], member: str) -> str:
    return "has another value" if member in stated else "is absent"


@AREA.check(
    "answer", Level.SHALL, _SOURCE, "GET /cds-services answers 200 with a JSON object whose services is an array."
)
def _answer(session: Session) -> str:
    return f"200, {len(stated_services(session))} services"


@AREA.check("media-type", Level.SHALL, "CDS Hooks 2.0.1, Use of JSON", "Discovery says that it is application/json.")
def _media_type(session: Session) -> str:
    found = discovery(session)
    expect(found.media_type == "application/json", f"media type {found.media_type or 'none'}")
    return found.media_type


@AREA.check("hook", Level.SHALL, _SOURCE, "Every service has a hook, a string that is not empty.")
def _hook(session: Session) -> str:
    return _of_each(session, "hook", is_text)


@AREA.check("id", Level.SHALL, _SOURCE, "Every service has an id, a string that is not empty.")
def _id(session: Session) -> str:
    return _of_each(session, "id", is_text)


@AREA.check("description", Level.SHALL, _SOURCE, "Every service has a description, a string that is not empty.")
def _description(session: Session) -> str:
    return _of_each(session, "description", is_text)


@AREA.check("title", Level.SHOULD, _SOURCE, "Every service has a title.")
def _title(session: Session) -> str:
    return _of_each(session, "title", is_text)


@AREA.check(
    "hook-names",
    Level.SHOULD,
    "CDS Hooks 2.0.1, Extensions and Hook definitions",
    "A hook has a name of the CDS Hooks library, or one of its owner's, such as org.example.order-transmogrify.",
)
def _hook_names(session: Session) -> str:
    for each in services(session):
        known = each.hook in _HOOKS or _CUSTOM_HOOK.fullmatch(each.hook)
        expect(bool(known), f"the service {each.id} has a hook that neither the library nor an owner's name has")
    return ", ".join(sorted({each.hook for each in services(session)}))


@AREA.check(
    "no-empty-values",
    Level.SHALL,
    "CDS Hooks 2.0.1, Use of JSON",
    "Nothing in discovery is null, an empty string, an empty array, or an empty object, but services.",
)
def _no_empty_values(session: Session) -> str:
    stated_services(session)
    found = [path for path in empty_members(discovery(session).object()) if path != "services"]
    expect(not found, f"{found[0]} is empty" if found else "")
    return "none"


@AREA.check("prefetch", Level.SHALL, _PREFETCH, "prefetch is an object whose values are queries, as strings.")
def _prefetch(session: Session) -> str:
    counted = 0
    for each in services(session):
        stated = each.stated.get("prefetch", {})
        expect(isinstance(stated, dict), f"prefetch of {each.id} is no object")
        for key, template in stated.items():
            expect(is_text(template), f"prefetch.{key} of {each.id} is no string")
            counted += 1
    return f"{counted} templates"


def _templates(session: Session) -> Iterator[tuple[str, str]]:
    """Yield the prefetch templates of services that are for clients of CDS Hooks 2.0.1, each with its place."""
    for each in services(session):
        stated = each.stated.get("version")
        if V2_2 in each.crd_versions or (isinstance(stated, str) and stated.startswith("3")):
            continue  # these use the tokens of CDS Hooks 3.0
        for key, template in each.prefetch.items():
            yield f"prefetch.{key} of {each.id}", template


@AREA.check(
    "prefetch-tokens",
    Level.SHALL,
    _PREFETCH,
    "A token between {{ and }} is a member of the hook's context, or the id of the user.",
)
def _prefetch_tokens(session: Session) -> str:
    found = [(place, token) for place, template in _templates(session) for token in _TOKEN.findall(template)]
    if not found:
        raise NotTriedError("no service for clients of CDS Hooks 2.0.1 has a prefetch template with a token")
    for place, token in found:
        expect(_PLAIN_TOKEN.fullmatch(token) is not None, f"{place} has another token")
    return f"{len(found)} tokens"


@AREA.check(
    "prefetch-queries",
    Level.SHOULD,
    _PREFETCH,
    "A template reads one resource, or searches one type by references, codes (=, :in), dates, _count, and _sort.",
)
def _prefetch_queries(session: Session) -> str:
    counted = 0
    for place, template in _templates(session):
        query = _TOKEN.sub("token", template)
        expect(_QUERY.fullmatch(query) is not None, f"{place} is neither a read nor a search")
        for part in query.partition("?")[2].split("&") if "?" in query else ():
            expect(_PARAMETER.fullmatch(part) is not None, f"{place} has a parameter with a modifier")
            expect(_NO_SUBSET.match(part) is None, f"{place} uses {part.partition('=')[0]}")
        counted += 1
    if not counted:
        raise NotTriedError("no service for clients of CDS Hooks 2.0.1 has a prefetch template")
    return f"{counted} templates"


@AREA.check("reached", Level.SHALL, _SOURCE, "Every service is reached by a POST to /cds-services and its id.")
def _reached(session: Session) -> str:
    for each in services(session):
        status = session.post(session.address(each.id), {}).status
        expect(status not in (404, 405, 501), f"an empty call of {each.id} answers {status}")
    return f"{len(services(session))} services"


@AREA.check(
    "browsers",
    Level.SHOULD,
    "CDS Hooks 2.0.1, CORS",
    "A preflight needs no token, succeeds, and allows the method, Authorization, and Content-Type to some origin.",
)
def _browsers(session: Session) -> str:
    service = services(session)[0].id
    for address, method in ((session.address(), "GET"), (session.address(service), "POST")):
        asked = {
            "Origin": "https://sandbox.cds-hooks.org",
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "authorization, content-type",
        }
        found = session.web.send("OPTIONS", address, headers=asked)
        what = f"the preflight of a {method}"
        expect(found.is_success, f"{what} answers {found.status}")
        if "access-control-allow-origin" not in found.headers:
            raise FailedError(f"{what} names no allowed origin")
        allowed = found.headers.get("access-control-allow-headers", "").lower()
        expect(allowed.strip() == "*" or "authorization" in allowed, f"{what} does not allow Authorization")
        expect(allowed.strip() == "*" or "content-type" in allowed, f"{what} does not allow Content-Type")
        methods = found.headers.get("access-control-allow-methods", "GET, POST").upper()
        expect(method in methods or methods.strip() == "*", f"{what} does not allow {method}")
    return "allowed"
