"""The tutorial for policy writers, step by step: every file and every command exactly as printed."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.process, pytest.mark.slow]

TUTORIAL = (Path(__file__).parent.parent / "docs" / "write-a-policy.md").read_text(encoding="utf-8")
_BLOCK = re.compile(
    r"(?:^Save as `(?P<file>[^`]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)


def steps() -> Iterator[tuple[str, str, str]]:
    """In their order: files as path and content, and blocks of commands with the output printed below them."""
    blocks = list(_BLOCK.finditer(TUTORIAL))
    for block, after in zip(blocks, [*blocks[1:], None], strict=True):
        if block["kind"] == "sh":
            yield "", block["body"], after["body"] if after and after["kind"] == "text" else ""
        elif block["kind"] != "text":
            assert block["file"], f"a block of {block['kind']} does not say where to save it"
            yield block["file"], block["body"], ""


@pytest.fixture
def environment() -> dict[str, str]:
    """What a shell knows in which the service is installed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}
    return kept | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "160"}


def test_the_steps_work_as_printed(tmp_path: Path, environment: dict[str, str]) -> None:
    exported = ""
    for file, body, printed in steps():
        if file:
            (tmp_path / file).write_text(body, encoding="utf-8")
            continue
        done = subprocess.run(  # noqa: S603
            ["bash", "-euc", exported + body],  # noqa: S607
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        output = done.stdout + done.stderr
        assert (done.returncode != 0) == (": error: " in printed), f"{body}\n{output}"
        lines = [line.strip() for line in output.splitlines()]
        assert [line for line in printed.splitlines() if line.strip() not in lines] == [], f"{body}\n{output}"
        exported += "".join(f"{line}\n" for line in body.splitlines() if line.startswith("export "))
