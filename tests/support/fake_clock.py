"""The wall clock of another process, moved while it runs (libfaketime); its monotonic clock stays right."""

import os
from pathlib import Path

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
"""Where Debian's package `faketime` has the library; empty without it."""
NEEDED = os.environ.get("CDS_TESTS_NEED_FAKETIME", "")
"""If set, as in CI, tests that need faketime fail instead of being skipped."""

# With FAKETIME_DONT_FAKE_MONOTONIC, clock_nanosleep of libfaketime 0.9.10 fails, and time.sleep with it.
_SLEEP = "import select, time\ntime.sleep = lambda seconds: select.select([], [], [], seconds) and None\n"


class FakeClock:
    """Moves the wall clock of every Python process that has these environment variables."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        (folder / "sitecustomize.py").write_text(_SLEEP)
        self.environment = {
            "LD_PRELOAD": str(LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH")))),
        }
        self.set(0)

    def set(self, seconds: float) -> None:
        """Let the clock be so many seconds ahead of the right time from now on; behind it if negative."""
        written = self._file.with_suffix(".new")
        written.write_text(f"{seconds:+.0f}")
        written.replace(self._file)
