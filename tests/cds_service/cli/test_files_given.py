"""Files that commands are given and cannot read: the place, and never what stands there."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from cds_service.cli.main import main


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"hook": "order-sign",\n "name": Jane}', "{path}:2:10: this is not JSON"),
        (b"", "{path}:1:1: this is not JSON"),
        (b'{"name": "Jan\xe9"}', "{path} cannot be read as JSON: byte 13 is not UTF-8"),
        (b"[" * 200 + b"]" * 200, "{path} cannot be read as JSON: the JSON is nested too deeply"),
    ],
)
def test_a_request_that_is_not_json_is_answered_with_its_place(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "request.json"
    path.write_bytes(content)
    result = CliRunner().invoke(main, ["evaluate", str(path)])
    assert (result.exit_code, result.output) == (1, f"Error: {message.format(path=path)}\n")
    assert "Jane" not in result.output


def test_a_file_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    assert CliRunner().invoke(main, ["evaluate", str(tmp_path / "none.json")]).exit_code == 2
