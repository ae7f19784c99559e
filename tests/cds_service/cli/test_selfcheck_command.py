"""`cds-service selfcheck`: the report, the exit codes, and what is refused."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from werkzeug.wrappers import Response

from cds_service.cli.main import main
from cds_service.sample_ehr.patients import SAMPLES
from fhir_mappings.fhir_json import dumps
from tests.support.checked_servers import ISSUERS, KID, Server, authenticator, changed_json, own_server
from tests.support.client_fakes import private_key

SAMPLE = next(each for each in SAMPLES if each.id == "sij-posterior")
ADDRESS = "https://cds.example.org"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["selfcheck", *map(str, arguments)])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Our server for anybody."""
    with own_server() as found:
        yield found


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with a key, an order, and its chart."""
    key = private_key("ES384", "first").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "order.json").write_text(dumps(SAMPLE.orders[0].resource(None)))
    (tmp_path / "chart.json").write_text(dumps(SAMPLE.bundle(None)))
    (tmp_path / "broken.json").write_text("{")
    return tmp_path


def test_a_server_that_passes_exits_with_0(server: Server) -> None:
    found = run(server.url, "--only", "discovery", "--only", "tokens")
    assert found.exit_code == 0, found.output
    assert "CDS Hooks: discovery (discovery)" in found.output
    assert "not offered: no key was given" in found.output
    assert "The server breaks no SHALL that was tried." in found.output


def test_the_report_says_what_was_seen_and_what_is_right(server: Server) -> None:
    def change(document: Any) -> None:
        del document["services"][0]["description"]
        del document["services"][0]["title"]

    with server.broken(changed_json(change, "/cds-services")):
        found = run(server.url, "--only", "discovery")
    said = " ".join(found.output.split())
    assert found.exit_code == 1
    assert "failed SHALL discovery.description services[0].description is absent" in said
    assert "right: Every service has a description, a string that is not empty. (CDS Hooks 2.0.1, Discovery)" in said
    assert "The server breaks one SHALL: discovery.description" in said
    assert "Of the failures, 1 is no SHALL." in said
    assert "discovery.hook " not in said


def test_a_server_that_breaks_a_should_alone_exits_with_0(server: Server) -> None:
    with server.broken(changed_json(lambda found: found["services"][0].pop("title") and None, "/cds-services")):
        found = run(server.url, "--only", "discovery", "--verbose")
    assert found.exit_code == 0
    assert "discovery.hook " in found.output


def test_checks_that_were_not_tried_for_one_reason_stand_together(server: Server) -> None:
    found = run(server.url, "--only", "dtr")
    said = " ".join(found.output.split())
    assert said.count("no key was given; give one with --key") == 1
    assert "not tried dtr.smart-configuration, dtr.token, dtr.token-lifetime," in said


def test_the_report_as_json_has_every_check(server: Server) -> None:
    found = run(f"{server.url}/cds-services", "--only", "errors", "--json")
    report = json.loads(found.output)
    assert (report["url"], report["passes"], report["counts"]["failed"]) == (server.url, True, 0)
    (area,) = report["areas"]
    assert area["offered"]
    assert set(area["checks"][0]) == {"id", "level", "source", "status", "seen", "right"}
    assert {each["level"] for each in area["checks"]} == {"SHOULD", "advice"}


def test_a_server_that_cannot_be_reached_fails(server: Server) -> None:
    found = run("http://127.0.0.1:1", "--only", "discovery", "--timeout", "1")
    assert found.exit_code == 1
    assert "no answer from 127.0.0.1:1 (ConnectionError)" in " ".join(found.output.split())


def test_an_order_of_ones_own_is_sent_with_its_chart(server: Server, files: Path) -> None:
    found = run(
        *(server.url, "--only", "cards", "--verbose", "--order", files / "order.json"),
        *("--patient", files / "chart.json"),
    )
    assert found.exit_code == 0, found.output
    assert "cards.summary" in found.output


def test_calls_are_signed_and_the_report_has_no_token(files: Path) -> None:
    signed = ("--key", files / "key.pem", "--kid", KID, "--issuer", ISSUERS["plain"])
    with own_server(authenticator()) as registered:
        found = run(registered.url, *signed, "--only", "discovery", "--only", "tokens", "--json")
        unsigned = run(registered.url, "--only", "discovery")
    assert found.exit_code == 0, found.output
    assert json.loads(found.output)["areas"][1]["checks"][0]["status"] == "passed"
    assert "eyJ" not in found.output
    assert unsigned.exit_code == 1


def test_a_redirect_is_not_followed(server: Server) -> None:
    away = Response(status=302, headers={"Location": server.url + "/health/live"})
    with server.broken(lambda _request, _response: away):
        found = run(server.url, "--only", "discovery")
    assert "discovery.answer status 302" in " ".join(found.output.split())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["cds.example.org"], "write an http or https address"),
        (["https://user@cds.example.org"], "write an http or https address"),
        ([ADDRESS, "--only", "billing"], "'billing' is not one of"),
        ([ADDRESS, "--kid", "k"], "are for use with --key"),
        ([ADDRESS, "--client-id", "c"], "are for use with --key"),
        ([ADDRESS, "--key", "{}/key.pem", "--kid", "k"], "--key needs --issuer"),
        ([ADDRESS, "--key", "{}/key.pem", "--issuer", "https://ehr"], "the key has no kid"),
        ([ADDRESS, "--key", "{}/broken.json", "--issuer", "https://ehr"], "neither a PEM nor a JWK"),
        ([ADDRESS, "--key", "{}/none.pem", "--issuer", "https://ehr"], "does not exist"),
        ([ADDRESS, "--fhir-url", "https://ehr.example.org/r4"], "the address ends in /fhir"),
        ([ADDRESS, "--patient", "{}/chart.json"], "--patient needs --order"),
        ([ADDRESS, "--order", "{}/broken.json"], "is not JSON"),
        ([ADDRESS, "--order", "{}/chart.json"], "resourceType and id"),
        ([ADDRESS, "--order", "{}/order.json", "--patient", "{}/order.json"], "A chart is a FHIR Bundle"),
        ([ADDRESS, "--timeout", "0"], "--timeout"),
    ],
)
def test_a_wrong_command_line_exits_with_2(files: Path, arguments: list[str], says: str) -> None:
    found = run(*(each.format(files) for each in arguments))
    assert found.exit_code == 2
    assert says in found.output


def test_an_order_for_nobody_is_refused(files: Path) -> None:
    order = {**SAMPLE.orders[0].resource(None), "subject": {"reference": "Patient/nobody"}}
    (files / "order.json").write_text(dumps(order))
    found = run(ADDRESS, "--order", files / "order.json")
    assert (found.exit_code, "not a Patient of the charts" in found.output) == (2, True)
