"""Servers that are broken on purpose: the check that names the fault finds it, and no other one fails."""

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import jwt
import pytest
from werkzeug.wrappers import Request, Response

from cds_service.clients.authenticator import Authenticator, Principal
from cds_service.clients.signed_tokens import WRONG_AUDIENCE, InvalidTokenError
from tests.support.checked_servers import (
    CPAP,
    POSTERIOR,
    Change,
    NoReplayGuard,
    Server,
    authenticator,
    changed_json,
    checked,
    credentials,
    each_card,
    each_information,
    each_suggestion,
    failed,
    own_server,
)
from tests.support.client_fakes import InMemoryReplayGuard

PLAIN, CRD = "plain", "crd-2.2"
HOOKS = ("discovery", "calls", "cards", "errors", "feedback")
CRD_AREAS = ("discovery", "calls", "cards", "crd-2.2")
"""The areas that a change of plain answers, and one of CRD, can reach; those that it cannot are not run."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Our server for clients with tokens."""
    with own_server(authenticator()) as found:
        yield found


def found_in(server: Server, family: str, change: Change, only: Collection[str]) -> set[str]:
    """The ids of the checks of some areas that fail for a client, with a change of the answers."""
    with server.broken(change):
        found = checked(server, credentials(family), cases=[POSTERIOR if family == PLAIN else CPAP], only=only)
    return failed(found)


def services(change: Any) -> Change:
    """Change every service of discovery."""
    return changed_json(lambda found: [change(each) for each in found["services"]] and None, "/cds-services")


def without_description(service: dict[str, Any]) -> None:
    service.pop("description")


def misnamed(service: dict[str, Any]) -> None:
    if service["hook"] == "order-sign":
        service["hook"] = "orderSign"


def modified_search(service: dict[str, Any]) -> None:
    service["prefetch"]["conditions"] = "Condition?patient={{context.patientId}}&code:below=http://snomed.info/sct|1"


def token_of_drafts(service: dict[str, Any]) -> None:
    service["prefetch"]["conditions"] = "Condition?patient={{context.draftOrders.entry.resource.subject}}"


def as_text(request: Request, response: Response) -> None:
    if request.path == "/cds-services":
        response.mimetype = "text/plain"


def deaf_to_browsers(request: Request, response: Response) -> None:
    if request.method == "OPTIONS":
        del response.headers["Access-Control-Allow-Headers"]


def in_latin_1(request: Request, response: Response) -> None:
    if request.method == "POST" and response.status_code == 200:
        response.headers["Content-Type"] = "application/json; charset=iso-8859-1"


def long_summary(card: dict[str, Any]) -> None:
    card["summary"] = "x" * 141


def summary_of_139(card: dict[str, Any]) -> None:
    card["summary"] = "x" * 139


def link_with_context(card: dict[str, Any]) -> None:
    for link in card["links"]:
        link["appContext"] = "not for an absolute link"


def other_link(card: dict[str, Any]) -> None:
    for link in card["links"]:
        link["type"] = "portal"


def without_display(card: dict[str, Any]) -> None:
    for reason in card["overrideReasons"]:
        del reason["display"]


def without_resource(suggestion: dict[str, Any]) -> None:
    for action in suggestion["actions"]:
        del action["resource"]


def body_of(request: Request) -> Any:
    """The body of a request as JSON; None if it is none."""
    try:
        return json.loads(request.get_data())
    except (ValueError, RecursionError):
        return None


def as_cards(*cards: Any) -> Response:
    return Response(json.dumps({"cards": cards}), mimetype="application/json")


def glad_of_anything(request: Request, response: Response) -> Response | None:
    is_truncated = request.get_data().startswith(b"{") and body_of(request) is None
    return as_cards() if request.mimetype == "application/json" and is_truncated else None


def broken_by_other_hooks(request: Request, response: Response) -> Response | None:
    asked = body_of(request)
    is_other = isinstance(asked, dict) and asked.get("hook") == "patient-view"
    return Response(b"{}", 500, mimetype="application/json") if is_other else None


def broken_by_unknown_services(request: Request, response: Response) -> Response | None:
    return Response(status=500) if response.status_code == 404 and "/feedback" not in request.path else None


def errors_as_pages(request: Request, response: Response) -> None:
    if response.status_code in (400, 412, 422) and "/feedback" not in request.path:
        response.set_data(b"<h1>Bad Request</h1>")
        response.mimetype = "text/html"


def errors_with_traces(request: Request, response: Response) -> None:
    if response.status_code == 400:
        found = json.loads(response.get_data())
        found["issue"][0]["diagnostics"] = "Traceback (most recent call last): ..."
        response.set_data(json.dumps(found))


def without_feedback(request: Request, response: Response) -> Response | None:
    return Response(status=404) if request.path.endswith("/feedback") and response.status_code != 401 else None


def once_only(request: Request, response: Response) -> Response | None:
    """Feedback that is refused if it holds more than one entry."""
    asked = body_of(request)
    is_long = isinstance(asked, dict) and len(asked.get("feedback", ())) > 1
    return Response(b"{}", 400, mimetype="application/json") if is_long else None


def leaked_expiry(request: Request, response: Response) -> None:
    if response.status_code == 401 and request.path.startswith("/cds-services"):
        response.set_data(b"The token has expired.")


def open_discovery(request: Request, response: Response) -> Response | None:
    is_refused = request.path == "/cds-services" and response.status_code == 401
    return Response(b'{"services": []}', mimetype="application/json") if is_refused else None


BROKEN_PLAIN: dict[str, tuple[Change, Collection[str]]] = {
    "discovery without descriptions": (services(without_description), ["discovery.description"]),
    "a hook of another name": (services(misnamed), ["discovery.hook-names"]),
    "discovery as text": (as_text, ["discovery.media-type"]),
    "discovery with an empty extension": (
        changed_json(lambda found: {**found, "extension": {}}, "/cds-services"),
        ["discovery.no-empty-values"],
    ),
    "a prefetch template with a modifier": (services(modified_search), ["discovery.prefetch-queries"]),
    "a prefetch template of CDS Hooks 3.0": (services(token_of_drafts), ["discovery.prefetch-tokens"]),
    "no headers for browsers": (deaf_to_browsers, ["discovery.browsers"]),
    "answers in Latin-1": (in_latin_1, ["calls.media-type"]),
    "null in an answer": (
        changed_json(lambda found: {**found, "note": None} if "cards" in found else found),
        ["calls.no-empty-values"],
    ),
    "a summary of 141 characters": (each_card(long_summary), ["cards.summary"]),
    "a summary of 139 characters": (each_card(summary_of_139), []),
    "an unknown indicator": (each_card(lambda card: card.update(indicator="critical?")), ["cards.indicator"]),
    "a source without a label": (each_card(lambda card: card["source"].pop("label")), ["cards.source-label"]),
    "a link with appContext and another type": (each_card(link_with_context), ["cards.app-context"]),
    "a link of another type": (each_card(other_link), ["cards.link-type"]),
    "override reasons without display": (each_card(without_display), ["cards.override-reasons"]),
    "suggestions without selectionBehavior": (
        each_card(lambda card: card.pop("selectionBehavior", None)),
        ["cards.selection-behavior"],
    ),
    "suggestions without a label": (
        each_suggestion(lambda found: found.pop("label")),
        ["cards.suggestion-label"],
    ),
    "suggestions without a uuid": (each_suggestion(lambda found: found.pop("uuid")), ["cards.suggestion-uuid"]),
    "actions without a resource": (each_suggestion(without_resource), ["cards.action-resource"]),
    "cards for malformed JSON": (glad_of_anything, ["errors.not-json"]),
    "a fault for another hook": (broken_by_other_hooks, ["errors.another-hook"]),
    "a fault for a service that does not exist": (broken_by_unknown_services, ["errors.unknown-service"]),
    "errors as web pages": (errors_as_pages, ["errors.outcome"]),
    "errors with stack traces": (errors_with_traces, ["errors.discretion"]),
    "no feedback": (without_feedback, ["feedback.offered"]),
    "feedback on one card at a time": (once_only, ["feedback.several"]),
    "tokens whose refusal is explained": (leaked_expiry, ["tokens.status"]),
    "discovery without tokens": (open_discovery, ["tokens.discovery"]),
}


@pytest.mark.parametrize("name", BROKEN_PLAIN)
def test_what_is_broken_is_found_by_the_check_that_names_it(server: Server, name: str) -> None:
    change, expected = BROKEN_PLAIN[name]
    areas = (*HOOKS, "tokens") if any(each.startswith("tokens.") for each in expected) else HOOKS
    assert found_in(server, PLAIN, change, areas) == set(expected)


def without_part(name: str) -> Change:
    return each_information(lambda parts: [each for each in parts if each["url"] != name])


def with_value(name: str, **value: Any) -> Change:
    """Replace the value of a part."""
    return each_information(lambda parts: [{"url": name, **value} if each["url"] == name else each for each in parts])


def added(*parts: Mapping[str, Any]) -> Change:
    return each_information(lambda found: [*found, *parts])


def with_note(found: dict[str, Any]) -> None:
    for action in found.get("systemActions", ()):
        action["resource"]["note"] = [{"text": "Changed on the way."}]


def without_action_description(found: dict[str, Any]) -> None:
    for action in found.get("systemActions", ()):
        del action["description"]


def glad_of_any_payer(request: Request, response: Response) -> Response | None:
    return as_cards() if b"no-payer-of-this-service" in request.get_data() else None


def deaf_to_options(request: Request, response: Response) -> Response | None:
    asked = body_of(request)
    choices = asked.get("extension", {}).get("davinci-crd.configuration") if isinstance(asked, dict) else None
    return as_cards({}) if isinstance(choices, dict) and choices.get("max-cards") == 0 else None


def at_any_version(request: Request, response: Response) -> Response | None:
    return as_cards() if b'"9.9"' in request.get_data() else None


def option_without_default(service: dict[str, Any]) -> None:
    del service["extension"]["davinci-crd.configuration-options"][0]["default"]


def other_topic(card: dict[str, Any]) -> None:
    card["source"]["topic"]["system"] = "https://example.com/topics"


DETAIL = {"url": "detail", "extension": [{"url": "code", "valueCodeableConcept": {"text": "Copay"}}]}
BROKEN_CRD: dict[str, tuple[Change, Collection[str]]] = {
    "no coverage-assertion-id": (without_part("coverage-assertion-id"), ["assertion-id"]),
    "doc-needed without a questionnaire": (without_part("questionnaire"), ["questionnaire-named"]),
    "a code of no version": (added({"url": "doc-purpose", "valueCode": "perhaps"}), ["codes"]),
    "another Coverage": (with_value("coverage", valueReference={"reference": "Coverage/another"}), ["coverage"]),
    "a part that does not exist": (added({"url": "copay", "valueString": "10"}), ["parts"]),
    "a detail without a value": (added(DETAIL), ["details"]),
    "a conditional answer without info-needed": (without_part("info-needed"), ["conditional-needs-info"]),
    "an authorization number by itself": (
        added({"url": "satisfied-pa-id", "valueString": "A-1"}),
        ["satisfied-pa-id", "what-if"],
    ),
    "an order that changes on the way": (changed_json(with_note), ["order-unchanged"]),
    "system actions without a description": (changed_json(without_action_description), ["system-action"]),
    "cards for an unknown payer": (glad_of_any_payer, ["unknown-payer"]),
    "options that do nothing": (deaf_to_options, ["max-cards"]),
    "any version": (at_any_version, ["requested-version"]),
    "options without defaults": (services(option_without_default), ["options"]),
    "topics of another code system": (each_card(other_topic), ["topics"]),
}


@pytest.mark.parametrize("name", BROKEN_CRD)
def test_what_is_broken_in_crd_is_found_by_the_check_that_names_it(server: Server, name: str) -> None:
    change, expected = BROKEN_CRD[name]
    assert found_in(server, CRD, change, CRD_AREAS) == {f"crd-2.2.{each}" for each in expected}


class NeverExpires(Authenticator):
    """Takes a token that has expired."""

    def authenticate(self, authorization: str, audiences: Collection[str]) -> Principal:
        try:
            return super().authenticate(authorization, audiences)
        except InvalidTokenError as error:
            if error.reason != "exp is past":
                raise
            (client,) = (each for each in self.clients if each.issuer == error.issuer)
            return Principal(client, "", error.jti)


def audience_of(token: str) -> list[str]:
    """The audience that a token names."""
    stated = jwt.decode(token, options={"verify_signature": False}).get("aud", [])
    return [stated] if isinstance(stated, str) else stated


class AnyAudience(Authenticator):
    """Takes a token for any address."""

    def authenticate(self, authorization: str, audiences: Collection[str]) -> Principal:
        try:
            return super().authenticate(authorization, audiences)
        except InvalidTokenError as error:
            if error.reason != WRONG_AUDIENCE:
                raise
            return super().authenticate(authorization, audience_of(authorization.partition(" ")[2]))


class AnyAudienceOfAssertions(Authenticator):
    """Takes a client assertion for any address."""

    def authenticate_assertion(self, assertion: str, audiences: Collection[str]) -> Any:
        try:
            return super().authenticate_assertion(assertion, audiences)
        except InvalidTokenError as error:
            if error.reason != WRONG_AUDIENCE:
                raise
            return super().authenticate_assertion(assertion, audience_of(assertion))


@pytest.mark.parametrize(
    ("kind", "guard", "expected"),
    [
        (NeverExpires, InMemoryReplayGuard, {"tokens.expired"}),
        (AnyAudience, InMemoryReplayGuard, {"tokens.audience"}),
        (Authenticator, NoReplayGuard, {"tokens.replayed", "dtr.assertion-replayed"}),
    ],
)
def test_a_token_that_is_taken_wrongly_is_found(
    kind: type[Authenticator], guard: type[InMemoryReplayGuard], expected: set[str]
) -> None:
    with own_server(authenticator(kind, guard)) as server:
        found = checked(server, credentials(PLAIN), cases=[POSTERIOR], only=[*HOOKS, "tokens", "dtr"])
    assert failed(found) == expected


# --- The forms of a payer -------------------------------------------------------------------------------------------


def resources_of(package: Any, kind: str) -> Iterator[tuple[list[Any], Any]]:
    """Every entry of a package with a resource of a type, and the entries of its Bundle."""
    for parameter in package.get("parameter", ()):
        entries = parameter["resource"].get("entry", [])
        for entry in list(entries):
            if entry["resource"]["resourceType"] == kind:
                yield entries, entry


def without_draft(package: Any) -> None:
    for entries, entry in resources_of(package, "QuestionnaireResponse"):
        entries.remove(entry)


def each_draft(change: Any) -> Change:
    """Change every draft of a package."""
    return changed_json(
        lambda package: (
            [change(entry["resource"]) for _, entry in resources_of(package, "QuestionnaireResponse")] and None
        ),
        "$questionnaire-package",
    )


class Unversioned:
    """Drafts name their Questionnaire without its version; the server knows which one they mean."""

    def __init__(self) -> None:
        self._meant: dict[str, str] = {}

    def before(self, body: bytes) -> bytes:
        for named, meant in self._meant.items():
            body = body.replace(f'"{named}"'.encode(), f'"{meant}"'.encode())
        return body

    def __call__(self, request: Request, response: Response) -> None:
        each_draft(self._change)(request, response)

    def _change(self, draft: Any) -> None:
        for form in draft.get("contained", ()):
            (meant,) = form["derivedFrom"]
            named = meant.partition("|")[0]
            self._meant[named] = meant
            form["derivedFrom"] = [named]


def without_use(draft: Any) -> None:
    draft["extension"] = [each for each in draft["extension"] if not each["url"].endswith("intendedUse")]


def never_completed(response: Any) -> None:
    if response.get("status") == "completed":
        response["status"] = "in-progress"
        response["extension"] = [each for each in response["extension"] if "coverage-information" not in each["url"]]


def forgetful(response: Any) -> None:
    response.pop("item", None)


def with_inactive_codes(value_set: Any) -> None:
    value_set["expansion"]["contains"][0]["inactive"] = True


def of_last_year(value_set: Any) -> None:
    value_set["expansion"]["timestamp"] = "2025-01-05T12:00:00Z"


def glad_of_any_answer(request: Request, response: Response) -> Response | None:
    is_invalid = request.path.endswith("$next-question") and response.status_code == 400
    return Response(request.get_data(), mimetype="application/fhir+json") if is_invalid else None


def glad_of_any_context(request: Request, response: Response) -> Response | None:
    is_unknown = request.path.endswith("$questionnaire-package") and response.status_code == 404
    return Response(b'{"resourceType": "Parameters"}', mimetype="application/fhir+json") if is_unknown else None


def cached_tokens(request: Request, response: Response) -> None:
    if request.path == "/auth/token":
        response.headers.pop("Cache-Control", None)


def long_tokens(found: Any) -> None:
    found["expires_in"] = 86_400


BROKEN_FORMS: dict[str, tuple[Change, Collection[str]]] = {
    "a package without a draft": (changed_json(without_draft, "$questionnaire-package"), ["package-draft"]),
    "a questionnaire named without its version": (Unversioned(), ["draft-canonical"]),
    "a draft for no use": (each_draft(without_use), ["draft-use"]),
    "a draft with basedOn": (
        each_draft(lambda draft: draft.update(basedOn=[{"reference": "ServiceRequest/a"}])),
        ["draft-links"],
    ),
    "a form that is never completed": (changed_json(never_completed, "$next-question"), ["next-completes"]),
    "answers that are lost": (changed_json(forgetful, "$next-question"), ["next-keeps-answers"]),
    "an invalid response that is taken": (glad_of_any_answer, ["next-invalid"]),
    "a context that was never issued": (glad_of_any_context, ["package-unknown-context"]),
    "an expansion with inactive codes": (changed_json(with_inactive_codes, "$expand"), ["expand-active"]),
    "an expansion of last year": (changed_json(of_last_year, "$expand"), ["expand-today"]),
    "access tokens that may be cached": (cached_tokens, ["token-not-cached"]),
    "access tokens for a day": (changed_json(long_tokens, "/auth/token"), ["token-lifetime"]),
}


@pytest.mark.parametrize("name", BROKEN_FORMS)
def test_what_is_broken_in_forms_is_found_by_the_check_that_names_it(server: Server, name: str) -> None:
    change, expected = BROKEN_FORMS[name]
    assert found_in(server, CRD, change, ["dtr"]) == {f"dtr.{each}" for each in expected}


def test_a_client_assertion_for_another_address_that_is_taken_is_found() -> None:
    with own_server(authenticator(AnyAudienceOfAssertions)) as server:
        found = checked(server, credentials(CRD), cases=[CPAP], only=["dtr", "tokens"])
    assert failed(found) == {"dtr.assertion-audience"}


def test_a_server_that_answers_nobody_fails_in_discovery_alone() -> None:
    with own_server() as server, server.broken(lambda _request, _response: Response(status=503)):
        found = checked(server)
    assert failed(found) == {"discovery.answer", "discovery.media-type"}
    assert all(each.not_offered for each in found if each.name != "discovery")
