"""The page of the self-check: its areas, its options, and its example are those of the command."""

import json
import re
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from cds_service.cli.main import main
from cds_service.cli.selfcheck import selfcheck_command
from cds_service.selfcheck.outcomes import Level
from cds_service.selfcheck.run import AREAS
from tests.support.checked_servers import changed_json, own_server

PAGE = (Path(__file__).parent.parent / "docs" / "selfcheck.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found


def test_every_area_is_on_the_page_in_the_order_of_the_report() -> None:
    (table,) = re.findall(r"## Areas\n(.*?)\n## ", PAGE, re.DOTALL)
    rows = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    assert [name for row in rows for name in re.findall(r"`([^`]+)`", row)] == [area.name for area in AREAS]


def test_every_option_and_level_is_on_the_page() -> None:
    options = {option for each in selfcheck_command.params for option in each.opts if option.startswith("--")}
    assert {each for each in options if f"`{each}" not in PAGE} == set()
    assert all(f"| `{level.value}` |" in PAGE for level in Level)


def test_ids_of_checks_are_unique() -> None:
    ids = [check.id for area in AREAS for check in area.checks]
    assert len(set(ids)) == len(ids)


def test_the_example_is_what_the_command_prints() -> None:
    def change(document: Any) -> None:
        del document["services"][0]["description"]
        del document["services"][0]["title"]

    with own_server() as server, server.broken(changed_json(change, "/cds-services")):
        options = [server.url, "--only", "discovery", "--only", "tokens"]
        printed = CliRunner().invoke(main, ["selfcheck", *options]).output
        report = json.loads(CliRunner().invoke(main, ["selfcheck", *options, "--json"]).output)
    without_lines = printed.replace("─", "").replace(server.url, "")
    (example,) = blocks("text")
    assert without_lines.split() == example.split()
    (stated,) = (json.loads(each) for each in blocks("json"))
    assert stated["counts"] == report["counts"]
    assert stated["areas"][0]["checks"][0] in report["areas"][0]["checks"]
    assert set(stated) == set(report)
