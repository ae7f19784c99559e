"""An exchange as text: no tokens, a curl line that a shell can run, and errors in words."""

import shlex
from dataclasses import replace
from typing import Any

import pytest

from cds_service.clients.authenticator import Authenticator
from cds_service.http.services import Services, attach
from cds_service.web.sandbox.exchange_view import exchange_view, trouble
from cds_service.web.sandbox.hook_calls import Exchange, Reply
from tests.support.sandbox import Sandbox

PATH = "/cds-services/coverage-order-sign"


def exchange(request: Any = None, *, status: int = 200, response: Any = None) -> Exchange:
    return Exchange("order-sign", PATH, request or {"hook": "order-sign"}, Reply(status, response, 1.0))


def curl_of(request: Any) -> str:
    with Sandbox().app.app_context():
        return exchange_view(exchange(request)).curl


def test_the_token_is_replaced_by_a_variable_everywhere() -> None:
    request = {"fhirAuthorization": {"access_token": "secret", "token_type": "Bearer"}}
    with Sandbox().app.app_context():
        shown = exchange_view(exchange(request))
    assert "secret" not in shown.request + shown.curl
    assert request["fhirAuthorization"]["access_token"] == "secret"


def test_a_shell_reads_the_words_of_the_curl_line_as_they_were_sent() -> None:
    words = shlex.split(curl_of({"text": 'it\'s "so" $HOME `x` \\'}))
    assert words[words.index("-d") + 1] == '{"text":"it\'s \\"so\\" $HOME `x` \\\\"}'


def test_the_token_of_the_fhir_server_is_the_only_thing_that_the_shell_fills_in() -> None:
    line = curl_of({"fhirAuthorization": {"access_token": "secret"}})
    assert line.endswith("""-d '{"fhirAuthorization":{"access_token":"'"$FHIR_TOKEN"'"}}'""")


@pytest.mark.parametrize(("characters", "is_whole"), [(9_980, True), (10_000, False)])
def test_a_long_request_is_sent_from_a_file(characters: int, is_whole: bool) -> None:
    line = curl_of({"text": "x" * characters})
    assert ("x" * characters in line) is is_whole
    assert ("-d @request.json" in line) is not is_whole


def test_the_curl_line_has_the_token_of_a_client_only_where_one_is_asked_for() -> None:
    assert "$TOKEN" not in curl_of({})
    app = Sandbox().app
    found: Services = app.extensions["cds_service"]
    attach(app, _with_authenticator(found))
    with app.app_context():
        assert '-H "Authorization: Bearer $TOKEN"' in exchange_view(exchange()).curl


def _with_authenticator(found: Services) -> Services:
    return replace(found, authenticator=Authenticator.__new__(Authenticator))


def test_a_response_without_a_body_has_no_text() -> None:
    with Sandbox().app.app_context():
        assert exchange_view(exchange(status=401)).response == ""


@pytest.mark.parametrize(("characters", "is_whole"), [(14_000, True), (16_000, False)])
def test_a_very_long_response_is_cut_and_says_so(characters: int, is_whole: bool) -> None:
    with Sandbox().app.app_context():
        shown = exchange_view(exchange(response={"text": "x" * characters})).response
    assert ("x" * characters in shown) is is_whole
    assert ("cut here, of 16," in shown) is not is_whole


def test_an_answer_is_no_trouble() -> None:
    assert trouble(exchange()) is None


@pytest.mark.parametrize("status", [400, 401, 404, 412, 413, 422, 503, 500, 418])
def test_an_error_says_what_happened_and_what_to_do(status: int) -> None:
    found = trouble(exchange(status=status))
    assert found is not None
    assert found.title.endswith(f"({status})")
    assert found.to_do.endswith(".")


def test_an_error_has_every_issue_of_its_outcome() -> None:
    issues = [{"diagnostics": "context.patientId is required."}, {"diagnostics": "hook is not valid."}]
    found = trouble(exchange(status=400, response={"resourceType": "OperationOutcome", "issue": issues}))
    assert found is not None
    assert found.issues == ("context.patientId is required.", "hook is not valid.")
