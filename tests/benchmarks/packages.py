"""Packages that only the benchmarks use, installed by pip into build/bench; a pinned version each."""

import subprocess
import sys
from pathlib import Path

from tests.benchmarks.processes import ROOT

FOLDER = ROOT / "build" / "bench"
ORJSON = "orjson==3.13.0"
HEALTHCHAIN = "healthchain==0.16.1"
_TIMEOUT_SECONDS = 300


class NotInstalledError(Exception):
    """A package could not be installed; the message says why."""


def orjson_folder() -> Path:
    """The folder to add to the path of a process that imports orjson."""
    folder = FOLDER / "orjson"
    if not any(folder.glob("orjson-*.dist-info")):
        _run(sys.executable, "-m", "pip", *_INSTALL, "--target", str(folder), ORJSON)
    return folder


def healthchain_python() -> Path:
    """The interpreter of an environment of its own that has HealthChain."""
    folder = FOLDER / "healthchain"
    python = folder / "bin" / "python"
    version = HEALTHCHAIN.partition("==")[2]
    if not any(folder.glob(f"lib/python*/site-packages/healthchain-{version}.dist-info")):
        _run(sys.executable, "-m", "venv", str(folder))
        _run(str(python), "-m", "pip", *_INSTALL, HEALTHCHAIN)
    return python


_INSTALL = ("install", "--quiet", "--disable-pip-version-check")


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise NotInstalledError("pip took too long") from None
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.splitlines() if line.startswith("ERROR: ")]
        raise NotInstalledError(lines[-1].removeprefix("ERROR: ") if lines else "pip failed") from None
