"""The steps of a page of the docs, run as they are printed: its files, its commands, and the output below them."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

from tests.support.served_process import eventually

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(
    r"(?:^Save as `(?P<file>[^`]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)


def steps(page: str) -> Iterator[tuple[str, str, str]]:
    """In their order: files as path and content, and blocks of commands with the output printed below them."""
    blocks = list(_BLOCK.finditer(page))
    for block, after in zip(blocks, [*blocks[1:], None], strict=True):
        if block["kind"] == "sh":
            yield "", block["body"], after["body"] if after and after["kind"] == "text" else ""
        elif block["kind"] != "text":
            assert block["file"], f"a block of {block['kind']} does not say where to save it"
            yield block["file"], block["body"], ""


def _environment() -> dict[str, str]:
    """What a shell knows in which the service is installed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}
    return kept | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "160"}


def _ports() -> dict[str, str]:
    """Free ports in place of those printed: of the service, and of the sample EHR, which is 80 above."""
    for _ in range(100):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with socket.socket() as above:
            if port + 80 < 65536 and above.connect_ex(("127.0.0.1", port + 80)) != 0:
                return {"8000": str(port), "8080": str(port + 80)}
    raise AssertionError("no free ports")


@contextmanager
def _served(command: str, folder: Path, environment: dict[str, str], port: str) -> Iterator[None]:
    """Run what the tutorial starts in a second terminal, until the end of the block."""
    process = subprocess.Popen(  # noqa: S603
        ["bash", "-euc", command],  # noqa: S607
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        eventually(lambda: requests.get(f"http://127.0.0.1:{port}/cds-services", timeout=10).status_code == 200)
        yield
    finally:
        os.killpg(process.pid, 15)
        process.wait(timeout=30)


def run(page: str, tmp_path: Path) -> None:
    """Run the steps of a page in an empty folder; fail at the first that differs from what is printed."""
    environment, ports, exported = _environment(), _ports(), ""
    with ExitStack() as second_terminal:
        for file, text, printed in steps(page):
            body = re.sub("8000|8080", lambda port: ports[port[0]], text)
            if file:
                (tmp_path / file).write_text(body, encoding="utf-8")
                continue
            if body.startswith("cds-service serve"):
                second_terminal.enter_context(_served(exported + body, tmp_path, environment, ports["8000"]))
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
            lines = [line.strip().removeprefix(f"{tmp_path}/") for line in output.splitlines()]
            assert [line for line in printed.splitlines() if line.strip() not in lines] == [], f"{body}\n{output}"
            exported += "".join(f"{line}\n" for line in body.splitlines() if line.startswith("export "))
