"""`cds-service demo`: what it prints fits a terminal, and what it saves can be judged again."""

import io
import json
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from click import ClickException
from click.testing import CliRunner
from flask import Flask
from rich.console import Console

from cards.build import DETERMINATION
from cds_service.cli.answering import run_loop
from cds_service.cli.demo import Demo, run_demo
from cds_service.cli.main import main
from cds_service.cli.sample_app import sample_app
from cds_service.fhir_client.address_guard import LOOPBACK
from cds_service.sample_ehr.form_client import FormClient, Page
from cds_service.sample_ehr.public_sandbox import with_sandbox_policies
from cds_service.sample_ehr.smart.server import SmartServer
from cds_service.settings import Settings
from cds_service.wiring.app import create_app
from cds_service.wiring.loading import load_assessor
from cds_service.wiring.serving import free_port
from cds_service.wiring.system import new_id, now


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run the demo once on 80 columns, with its requests saved to the folder `saved`, and return the output."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def demo(*options: str) -> str:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = str(min(free.getsockname()[1], 65000))
        result = CliRunner().invoke(main, ["demo", "--once", "--port", port, "--save", "saved", *options])
        assert result.exit_code == 0, result.output
        return result.output

    return demo


@pytest.fixture
def printed(run: Callable[..., str]) -> str:
    return run()


def test_cards_fit_and_name_their_source_and_revision(printed: str) -> None:
    cards = [line for line in printed.splitlines() if line.startswith("│")]
    assert cards
    assert {len(line) for line in cards} == {80}
    assert "CP.MP.126 (2025-04)" in printed
    assert any("Source: Centene " in line for line in cards)


def test_the_address_of_the_sample_ehr_is_one_that_answers(printed: str) -> None:
    assert re.search(r"^Sample EHR  http://127\.0\.0\.1:\d+/fhir/metadata$", printed, re.MULTILINE)


def test_a_card_links_to_the_demo_and_not_to_the_address_in_the_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CDS_PUBLIC_URL", "https://cds.example.org")
    apps: list[Flask] = []
    monkeypatch.setattr("cds_service.cli.demo.run_demo", lambda demo, _console, **_: apps.append(demo.app))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = min(taken.getsockname()[1], 65000)
        assert CliRunner().invoke(main, ["demo", "--once", "--port", str(port)]).exit_code == 0
    (server,) = apps[0].test_client().get("/openapi.json").get_json()["servers"]
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", server["url"])
    assert server["url"] != f"http://127.0.0.1:{port}", "the port is taken"


def test_the_saved_requests_are_judged_as_the_demo_says(printed: str) -> None:
    (command,) = re.findall(r"^ +\S+ (evaluate saved/.*)$", printed, re.MULTILINE)
    judged = CliRunner().invoke(main, command.split())
    assert (judged.exit_code, "criteria-not-met" in judged.output) == (0, True)
    assert "…" not in judged.output
    changed = CliRunner().invoke(main, ["policies", "diff", *["CP.MP.126"] * 2, "--requests", "saved"])
    assert "0 of 2 orders change." in changed.output


@pytest.mark.parametrize("port", ["0", "65500", "x"])
def test_a_port_without_room_for_those_after_it_is_a_usage_error(port: str) -> None:
    assert CliRunner().invoke(main, ["demo", "--once", "--port", port]).exit_code == 2


def test_with_sandbox_every_order_of_the_imaging_screen_gets_a_card(run: Callable[..., str]) -> None:
    printed = run("--sandbox")
    assert len(re.findall(r"^order-select of \d{5} for ", printed, re.MULTILINE)) == printed.count("╭") == 4
    assert "no card" not in printed


def test_with_sandbox_the_links_name_the_service_and_an_open_sample_ehr(run: Callable[..., str]) -> None:
    printed = run("--sandbox")
    (service,) = re.findall(r"^Service +(\S+)$", printed, re.MULTILINE)
    (ehr,) = re.findall(r"^Sample EHR +(\S+)/metadata$", printed, re.MULTILINE)
    links = [parse_qs(urlsplit(link).query) for link in re.findall(r"https://sandbox\.cds-hooks\.org/\S+", printed)]
    assert [(link["serviceDiscoveryURL"], link["fhirServiceUrl"]) for link in links] == [([service], [ehr])] * 4
    assert {(link["hook"][0], link["screen"][0]) for link in links} == {("order-select", "pama")}
    assert "no token needed" in printed
    assert "Bearer" not in printed


def test_with_sandbox_the_saved_requests_have_no_token(run: Callable[..., str]) -> None:
    run("--sandbox")
    saved = [path for path in Path("saved").iterdir() if not path.name.endswith(".chart.json")]
    assert len(saved) == 4
    assert not any("fhirAuthorization" in json.loads(path.read_text(encoding="utf-8")) for path in saved)


def test_with_sandbox_the_saved_requests_are_judged_as_the_demo_says(run: Callable[..., str]) -> None:
    (found,) = re.findall(r"^ +(CDS_\S+) (CDS_\S+) \S+ (evaluate saved/.*)$", run("--sandbox"), re.MULTILINE)
    settings = dict(each.split("=") for each in found[:2])
    judged = CliRunner().invoke(main, found[2].split(), env=settings)
    assert (judged.exit_code, "MRI.1@2026-01" in judged.output) == (0, True)


def test_with_sandbox_an_override_hides_no_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDS_SUPPRESS_OVERRIDDEN_DAYS", "30")
    assert with_sandbox_policies(Settings()).suppress_overridden_days == 0


def test_the_printed_address_opens_the_questionnaire_app() -> None:
    opened: list[Page] = []
    said: list[str] = []

    class Watched(Console):
        """A console on which the address of the app is opened when it is printed."""

        def print(self, *objects: object, **_options: object) -> None:
            line = str(objects[0]) if objects else ""
            said.append(line)
            if "[bold]Answer" in line:
                client = FormClient()
                sign_in = client.open(line.split("]")[-1].strip())
                opened.append(client.submit(sign_in, {"decision": "continue"}))

    # Below the ports that connections get, and another one in each process of the tests.
    port = free_port(20_000 + os.getpid() % 5_000)
    ehr_port = free_port(port + 5_000)
    settings = Settings(public_url=f"http://127.0.0.1:{port}", fhir_private_networks=(LOOPBACK,))
    assessor = load_assessor(settings)
    both = sample_app(settings, ehr_port)
    app = create_app(settings=settings, assessor=assessor, clock=now, new_id=new_id, smart=both.clients)
    run_demo(Demo(app, both.smart, now().date(), "token", port, ehr_port), Watched(file=io.StringIO()), once=True)
    (page,) = opened
    assert page.url == f"http://127.0.0.1:{port}/smart/form"
    assert list(page.questions) == ["answer:II.G"]
    assert any("opens the questionnaire app for sij-rich-chart" in line for line in said), (
        "an order with open questions"
    )


def test_answer_runs_the_loop_and_says_what_each_step_gives() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = min(free.getsockname()[1], 65000)
    result = CliRunner().invoke(main, ["demo", "--answer", "--port", str(port)])
    assert result.exit_code == 0, result.output
    found = [
        result.output.index(words)
        for words in (
            "is this the first 12 weeks of CPAP",
            "Did the treating physician order the test, and was it done under appropriate supervision? yes",
            "completed, by Practitioner/sample-pulmonologist",
            "All requirements documented",
            "One answer is changed",
            "amended, by Practitioner/sample-pulmonologist",
            "Policy requires as many events as 2 hours of sleep would need",
        )
    ]
    assert found == sorted(found)


def test_with_payers_the_cards_name_the_insurer(run: Callable[..., str]) -> None:
    assert "Source: Sample Health Plan" in run("--payers")


@pytest.mark.parametrize("other", ["--sandbox", "--crd"])
def test_payers_go_with_no_other_kind_of_demo(other: str) -> None:
    assert CliRunner().invoke(main, ["demo", "--payers", other]).exit_code == 2


@pytest.mark.parametrize("other", ["--sandbox", "--save=x"])
def test_answer_goes_with_no_other_kind_of_demo(other: str) -> None:
    assert CliRunner().invoke(main, ["demo", "--answer", other]).exit_code == 2


@pytest.mark.parametrize("outcome", ["supported", "criteria-not-met"])
def test_answer_fails_if_an_outcome_is_not_the_expected_one(outcome: str) -> None:
    card = {"extension": {DETERMINATION: {"outcome": outcome}}}
    smart = SmartServer([], now)
    with pytest.raises(ClickException, match=f"{outcome}, and documentation-needed was expected"):
        run_loop(Console(file=io.StringIO()), sign=lambda _hook: card, ehr="http://x", smart=smart, token="t")


def test_answer_finds_the_sample_ehr_where_its_port_was_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = min(free.getsockname()[1], 65000)
    with socket.create_server(("127.0.0.1", port + 80)):
        result = CliRunner().invoke(main, ["demo", "--answer", "--port", str(port)])
    assert result.exit_code == 0, result.output


def test_with_sandbox_no_card_links_to_the_questionnaire_app(run: Callable[..., str]) -> None:
    assert "Answer the open questions" not in run("--sandbox")
