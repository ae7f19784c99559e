"""The settings of the pages for operators: what stops the start, and what `serve` makes of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

from cds_service.cli.main import main
from cds_service.settings import Settings
from cds_service.wiring.login import NoLoginError, describe_operators, registration_of
from tests.support.client_fakes import pem
from tests.support.identity_provider import SECRET
from tests.support.operator_pages import login_settings

ISSUER = "https://login.example.org/realms/clinic"


def settings(**others: Any) -> Settings:
    return Settings(**login_settings(ISSUER, **others))


def test_the_registration_is_what_the_settings_say() -> None:
    found = registration_of(settings(operator_claim="roles"))
    assert found is not None
    assert (found.issuer, found.client_id, found.claim) == (ISSUER, "cds-pages", "roles")
    assert found.redirect_uri == "https://cds.example.org/coverage/login/callback"
    assert SECRET not in repr(found)


def test_without_the_pages_the_settings_of_the_login_do_not_matter() -> None:
    assert registration_of(Settings()) is None
    assert registration_of(settings(operator_pages=False, oidc_issuer=None)) is None


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("oidc_issuer", "CDS_OIDC_ISSUER"),
        ("oidc_client_id", "CDS_OIDC_CLIENT_ID"),
        ("oidc_client_secret", "CDS_OIDC_CLIENT_SECRET"),
    ],
)
def test_a_setting_that_is_missing_is_named(name: str, variable: str) -> None:
    with pytest.raises(NoLoginError, match=f"Set {variable}, or turn the pages off"):
        registration_of(settings(**{name: None}))


@pytest.mark.parametrize(
    ("others", "says"),
    [
        ({"public_url": "http://cds.example.org"}, "set CDS_PUBLIC_URL to the https address"),
        ({"oidc_issuer": "http://login.example.org"}, "CDS_OIDC_ISSUER must be https"),
    ],
)
def test_a_login_is_never_sent_unencrypted(others: dict[str, Any], says: str) -> None:
    with pytest.raises(NoLoginError, match=says):
        registration_of(settings(**others))


def test_on_this_machine_plain_http_is_enough() -> None:
    local = settings(public_url="http://127.0.0.1:8310", oidc_issuer="http://localhost:8311")
    assert registration_of(local) is not None


def test_the_start_says_who_the_operators_are() -> None:
    assert "whose groups has one of CDS_OPERATOR_VALUES" in describe_operators(settings())
    assert "without exception" in describe_operators(settings(operator_values=""))


@pytest.fixture(name="served")
def _served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Callable[[], Flask]]:
    """What `serve` would run in each process."""
    made: list[Callable[[], Flask]] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("cds_service.cli.serve.serve", lambda app_of_process, *_, **__: made.append(app_of_process))
    monkeypatch.setattr("cds_service.cli.serve.check_address", lambda *_: None)
    for name, value in login_settings(ISSUER).items():
        monkeypatch.setenv(f"CDS_{name.upper()}", str(value))
    return made


def test_serve_does_not_start_without_the_login(
    served: list[Callable[[], Flask]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDS_OIDC_CLIENT_SECRET", "")
    result = CliRunner().invoke(main, ["serve", "--allow-unauthenticated"])
    assert result.exit_code == 1
    assert "Set CDS_OIDC_CLIENT_SECRET" in result.output
    assert served == []


@pytest.mark.parametrize("has_clients", [True, False])
def test_every_process_serves_the_pages_behind_the_login(
    served: list[Callable[[], Flask]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, has_clients: bool
) -> None:
    options = ["serve"] if has_clients else ["serve", "--allow-unauthenticated"]
    if has_clients:
        (tmp_path / "ehr.pem").write_bytes(pem())
        (tmp_path / "clients.yaml").write_text(
            "clients:\n  - name: ehr\n    issuer: https://ehr.example.org\n    keys_file: ehr.pem\n"
            "    fhir_servers: [https://ehr.example.org/r4]\n"
        )
        monkeypatch.setenv("CDS_CLIENTS", "clients.yaml")
    assert CliRunner().invoke(main, options).exit_code == 0
    app = served[0]()
    asked = app.test_client().get("/sandbox")
    assert asked.headers["Location"] == "https://cds.example.org/coverage/login?back=%2Fsandbox"
    site = app.extensions["cds_service.site"]
    assert (site.key is not None) is has_clients
    assert site.allows("https://ehr.example.org/r4") is has_clients
