"""`cds-service demo`: what it prints fits a terminal, and what it saves can be judged again."""

import re
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from cds_service.cli.main import main


@pytest.fixture
def printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The output of a run on 80 columns that saved its requests to the folder `saved`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    result = CliRunner().invoke(main, ["demo", "--once", "--port", str(min(port, 65000)), "--save", "saved"])
    assert result.exit_code == 0, result.output
    return result.output


def test_cards_fit_and_name_their_source_whole(printed: str) -> None:
    cards = [line for line in printed.splitlines() if line.startswith("│")]
    assert cards
    assert {len(line) for line in cards} == {80}
    assert "revision 2025-04" in printed


def test_the_address_of_the_sample_ehr_is_one_that_answers(printed: str) -> None:
    assert re.search(r"^Sample EHR  http://127\.0\.0\.1:\d+/fhir/metadata$", printed, re.MULTILINE)


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
