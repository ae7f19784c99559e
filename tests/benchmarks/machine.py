"""What the benchmarks ran on, and what they ran."""

import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from cds_service.settings import Settings
from tests.benchmarks.processes import ROOT

_LIBRARIES = ("gunicorn", "flask", "fhir.resources", "pydantic", "simplejson", "sqlalchemy")


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine as rows of a table: what, and which."""

    rows: tuple[tuple[str, str], ...]


def describe(database: str) -> Machine:
    """Describe this machine now, before the benchmarks load it."""
    settings = Settings()
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return Machine(
        (
            ("date", f"{datetime.now(UTC):%Y-%m-%d}"),
            ("commit", _commit()),
            ("processor", f"{_first('/proc/cpuinfo', 'model name')}, {len(os.sched_getaffinity(0))} cores"),
            ("memory", f"{int(_first('/proc/meminfo', 'MemTotal').split()[0]) / 1024 / 1024:.0f} GiB"),
            ("system", f"{_first('/etc/os-release', 'PRETTY_NAME')}, Linux {platform.release().partition('-')[0]}"),
            ("Python", f"{platform.python_implementation()} {platform.python_version()}"),
            ("libraries", ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)),
            ("web server", f"gunicorn, {settings.workers} workers with {settings.threads} threads each"),
            ("database", database),
            ("load average at the start", f"{load} (1, 5, and 15 minutes)"),
        )
    )


def _commit() -> str:
    try:
        name = _git("rev-parse", "--short", "HEAD").strip()
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{name}, with changes" if changed else name


def _git(*args: str) -> str:
    return subprocess.check_output(["git", *args], cwd=ROOT, text=True, stderr=subprocess.DEVNULL)  # noqa: S603, S607


def _first(path: str, name: str) -> str:
    """The value of the first line of a file that begins with a name; `unknown` if there is none."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return "unknown"
    found = (line.replace("=", ":", 1).partition(":")[2] for line in lines if line.startswith(name))
    return next(found, "unknown").strip().strip('"')
