"""The page about clients: what it shows of access tokens runs as it is written."""

import json
import re
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cds_service.clients.client_entries import BackendServicesEntry
from cds_service.clients.scopes import KNOWN_SCOPES
from coverage_policies.judging.plan_rules import PlanRules
from tests.support.backend_tokens import BackendService, assertion, backend_client
from tests.support.client_fakes import Clock, private_key
from tests.support.crd_calls import LAKESHORE

PAGE = (Path(__file__).parent.parent / "docs" / "clients.md").read_text(encoding="utf-8")
PUBLIC = "https://cds.example.org"


class Now(Clock):
    """The clock of this machine, which the example has."""

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(time.time(), UTC)


class Requests:
    """What the example uses of requests, over an application."""

    def __init__(self, service: BackendService) -> None:
        self._http = service.http

    def get(self, url: str, headers: Any = None, **_: Any) -> Any:
        return self._answer(self._http.get(url.removeprefix(PUBLIC), headers=headers))

    def post(self, url: str, data: Any, **_: Any) -> Any:
        return self._answer(self._http.post(url.removeprefix(PUBLIC), data=data))

    @staticmethod
    def _answer(response: Any) -> Any:
        return SimpleNamespace(json=lambda: response.json)


def test_the_example_in_python_gets_a_token_and_reads_a_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    service = BackendService(backend_client(client_id="north-dtr"), clock=Now(), public_url=PUBLIC)
    key = private_key("ES384", "first").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "private.pem").write_bytes(key)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "requests", Requests(service))
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102
    assert [line["event"] for line in service.lines()] == ["access token issued"], service.lines()
    assert names["found"]["resourceType"] == "Questionnaire"
    assert names["found"]["id"].startswith("CP.MP.126")


def test_the_line_of_curl_sends_the_parameters_that_the_endpoint_takes() -> None:
    (line,) = re.findall(r"curl -s https://cds.example.org(/auth/token.*?)\n```", PAGE, re.DOTALL)
    path, *_ = line.split()
    stated = dict(each.strip('"').split("=", 1) for each in re.findall(r"-d (\S+)", line))
    value = assertion(client_id="dtr-app", aud=f"{PUBLIC}/auth/token")
    form = {name: value if said.startswith('"$') or "$" in said else said for name, said in stated.items()}
    response = BackendService(public_url=PUBLIC).http.post(path, data=form)
    assert response.status_code == 200, response.text
    (shown,) = (json.loads(each) for each in re.findall(r'^(\{"access_token".*?\})$', PAGE, re.MULTILINE))
    answer: dict[str, Any] = json.loads(response.data)
    assert {**answer, "access_token": "…"} == shown
    assert jwt.get_unverified_header(answer["access_token"])["typ"] == "at+jwt"


def test_the_document_of_a_payer_is_the_one_that_is_shown() -> None:
    (shown,) = (json.loads(each) for each in re.findall(r'^(\{"identifier".*?\}\})$', PAGE, re.MULTILINE | re.DOTALL))
    identifier = "|".join(shown["identifier"].values())
    rules = PlanRules(payers=(replace(LAKESHORE, identifiers=frozenset({identifier})),))
    service = BackendService(rules=rules, public_url=PUBLIC)
    addresses = re.findall(r"`(?:GET )?((?:/payers/\d+)?/\.well-known/davinci-configuration)`", PAGE)
    assert len(set(addresses)) == 2
    for path in addresses:
        assert service.http.get(path).json == shown


def test_every_key_of_the_registration_is_explained() -> None:
    (table,) = re.findall(r"^\| key of `backend_services` \|.*?\n\n", PAGE, re.MULTILINE | re.DOTALL)
    assert re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE) == list(BackendServicesEntry.model_fields)
    assert all(each in PAGE for each in KNOWN_SCOPES if each.endswith(".rs"))
