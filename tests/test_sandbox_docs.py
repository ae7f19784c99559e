"""docs/sandbox.md: its orders are those of the demo, and its commands work as printed."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from cds_service.cli.main import main
from cds_service.clients.registry import parse_clients
from cds_service.sample_ehr.public_sandbox import ORDERS

PAGE = (Path(__file__).parent.parent / "docs" / "sandbox.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(command.replace("\\\n", ""))
    for command in re.findall(r"^cds-service ((?:.*\\\n)*.*)$", PAGE, re.MULTILINE)
]


def test_the_orders_are_those_of_the_demo() -> None:
    assert re.findall(r"^\| (\d{5}) \| `([\w-]+)` \|", PAGE, re.MULTILINE) == [(o.code, o.patient) for o in ORDERS]


def test_the_sandbox_is_registered_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CDS_CLIENTS", "clients.yaml")
    (command,) = [words for words in COMMANDS if words[:2] == ["clients", "add"]]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    (client,) = parse_clients(Path("clients.yaml").read_text(encoding="utf-8"), Path("clients.yaml"))
    assert client.issuer == "https://sandbox.cds-hooks.org"


def test_the_options_exist() -> None:
    assert len(COMMANDS) > 3
    for words in COMMANDS:
        group = 2 if words[0] == "clients" else 1
        shown = CliRunner().invoke(main, [*words[:group], "--help"]).output
        assert [word for word in words if word.startswith("--") and word not in shown] == []
