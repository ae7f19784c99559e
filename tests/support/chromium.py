"""Headless Chromium, if it is installed: the DOM of a page, and pictures."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

NEEDED = os.environ.get("CDS_TESTS_NEED_CHROMIUM", "")
"""If set, as in CI, tests that need Chromium fail instead of being skipped."""

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

_OPTIONS = (
    "--headless",
    "--no-sandbox",  # containers run as root
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--disable-lcd-text",  # gray edges make smaller pictures
)


def dom(address: str, *, width: int = 620) -> str:
    """Return the HTML of a page after its scripts ran and got the answers that they wait for."""
    return _run(address, "--dump-dom", f"--window-size={width},800", "--virtual-time-budget=60000")


def take_picture(address: str, png: Path, *, width: int = 620) -> None:
    """Write a picture of a whole page at 1.5 pixels per CSS pixel. Its body must state its height as `data-height`."""
    (height,) = re.findall(r'<body data-height="(\d+)"', dom(address, width=width))
    _run(address, f"--screenshot={png}", f"--window-size={width},{height}", "--force-device-scale-factor=1.5")


def _run(address: str, *options: str) -> str:
    assert PROGRAM is not None
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run(  # noqa: S603
            [PROGRAM, *_OPTIONS, f"--user-data-dir={profile}", *options, address],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
    return done.stdout
