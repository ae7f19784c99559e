"""The programs that check the files of `docker/`: from the PATH, or from `make deploy-tools`."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

NEEDED = os.environ.get("CDS_TESTS_NEED_DEPLOY_TOOLS", "")
"""If set, as in CI, tests that need one of them fail instead of being skipped."""

_FOLDER = Path(__file__).parents[2] / "build" / "deploy" / "bin"
_FROM = {
    "docker-compose": "Debian: apt-get install docker-compose",
    "hadolint": "make deploy-tools",
    "kubernetes-validate": "make deploy-tools",
    "promtool": "Debian: apt-get install prometheus",
}


def run(program: str, *arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a program in a folder; skip the test if it is not installed."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:{_FOLDER}")
    if found is None:
        missing = f"{program} is not installed ({_FROM[program]})"
        if NEEDED:
            pytest.fail(missing)
        pytest.skip(missing)
    return subprocess.run(  # noqa: S603
        [found, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True
    )
