"""Run the Node scripts of tests/browser, which drive Chromium: JSON in, JSON out."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support import chromium

NEEDED = os.environ.get("CDS_TESTS_NEED_NODE", "")
"""If set, as in CI, tests that run a script in Node fail instead of being skipped."""

SCRIPTS = Path(__file__).parent.parent / "browser"
WIDTHS = (1280, 390)
COLOR_SCHEMES = ("light", "dark")

_NODE = shutil.which("node")


def _missing() -> str:
    if _NODE is None:
        return "needs Node"
    if not (SCRIPTS / "node_modules" / "playwright-core").is_dir():
        return "needs `npm ci --prefix tests/browser`"
    return "" if chromium.PROGRAM else "needs Chromium"


MISSING = _missing()
"""What a script needs and this machine does not have; empty if nothing."""

needs_browser = pytest.mark.skipif(bool(MISSING) and not NEEDED, reason=MISSING)
"""The mark of a test that runs a script. Mark it `slow` and `process`, too."""


def run_script(name: str, task: Mapping[str, Any], *, seconds: float = 120) -> Any:
    """Return what tests/browser/NAME.mjs answers to a task; the script says what both are.

    Raises AssertionError with what the script printed if it fails, or takes longer than `seconds`.
    """
    if _NODE is None or MISSING:
        pytest.fail(MISSING)
    command = [_NODE, str(SCRIPTS / f"{name}.mjs")]
    given = json.dumps({"program": chromium.PROGRAM, **task})
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=seconds)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise AssertionError(f"{name}.mjs took longer than {seconds:g} s") from error
    assert done.returncode == 0, f"{name}.mjs failed:\n{done.stderr}"
    return json.loads(done.stdout)


def axe_violations(
    addresses: Iterable[str],
    *,
    widths: Iterable[int] = WIDTHS,
    color_schemes: Iterable[str] = COLOR_SCHEMES,
    seconds: float = 120,
) -> list[dict[str, Any]]:
    """Return what axe-core finds on pages, at each width in CSS pixels and in each color scheme.

    An address is that of a page on this machine, `http://127.0.0.1:…` or `file:///…`. Each violation has the `address`,
    `width`, and `colorScheme` at which it was found, its rule as `id`, the `impact` (minor, moderate, serious, or
    critical), what to do as `help`, and the `nodes` as HTML.
    """
    task = {"addresses": list(addresses), "widths": list(widths), "colorSchemes": list(color_schemes)}
    found: list[dict[str, Any]] = run_script("axe", task, seconds=seconds)
    return found
