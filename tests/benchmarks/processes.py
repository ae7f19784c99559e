"""A server in processes of its own, and what they take of the processor and of memory. Reads /proc, so Linux only."""

import errno
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from tests.benchmarks.load import one_call

ROOT = Path(__file__).parents[2]
_TICKS = os.sysconf("SC_CLK_TCK")
_PORTS = 20_000, 30_000
_START_SECONDS = 120
_STOP_SECONDS = 60
_POLL_SECONDS = 0.02


def free_port() -> int:
    """A port on which nothing listens, below those that systems give to whoever asks for any port."""
    while True:
        try:
            with socket.create_server(("127.0.0.1", random.randrange(*_PORTS))) as listener:
                port: int = listener.getsockname()[1]
                return port
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise


class Server:
    """A command that serves on a port, with what it logs in a folder; to be used as a context.

    `command` has `{port}` in place of the port.
    """

    def __init__(
        self, command: Sequence[str], folder: Path, settings: Mapping[str, str] | None = None, cwd: Path = ROOT
    ) -> None:
        self.port = free_port()
        self._log = folder / f"{self.port}.log"
        self.begun = time.perf_counter()
        with self._log.open("w") as stream:
            self._process = subprocess.Popen(  # noqa: S603
                [part.format(port=self.port) for part in command],
                cwd=cwd,
                env={**os.environ, "PYTHONPATH": str(ROOT), **(settings or {})},
                stdout=stream,
                stderr=stream,
            )

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def until_answered(self, request: bytes) -> float:
        """Wait until this call is answered 200; return how long that took since the start, in seconds."""
        return self._until(lambda: one_call(self.port, request))

    def until_listening(self) -> float:
        """Wait until the server takes connections; return how long that took since the start, in seconds."""
        return self._until(lambda: socket.create_connection(("127.0.0.1", self.port)).close())

    def _until(self, succeed: Callable[[], object]) -> float:
        while time.perf_counter() - self.begun < _START_SECONDS and self._process.poll() is None:
            try:
                succeed()
            except OSError:
                time.sleep(_POLL_SECONDS)
            else:
                return time.perf_counter() - self.begun
        raise AssertionError(f"no answer from {self._process.args!r}:\n{self._log.read_text(encoding='utf-8')[-4000:]}")

    @property
    def workers(self) -> list[int]:
        """The ids of the processes that it has started, or its own if there are none."""
        return _children(self._process.pid) or [self._process.pid]

    def cpu_seconds(self) -> float:
        """The CPU time of its workers so far."""
        return sum(_cpu_seconds(each) for each in self.workers)

    def resident_mib(self) -> float:
        """The mean memory of a worker: its resident set, in MiB."""
        found = [_resident_kib(each) for each in self.workers]
        return sum(found) / len(found) / 1024


def program(name: str) -> list[str]:
    """The command of a program in `served`."""
    return [sys.executable, "-m", "tests.benchmarks.served", name, "{port}"]


def _children(parent: int) -> list[int]:
    return sorted(int(path.parent.name) for path in Path("/proc").glob("[0-9]*/stat") if _parent(path) == parent)


def _parent(stat: Path) -> int:
    fields = _fields(stat)
    return int(fields[1]) if fields else 0


def _cpu_seconds(process: int) -> float:
    fields = _fields(Path(f"/proc/{process}/stat"))
    return (int(fields[11]) + int(fields[12])) / _TICKS if fields else 0.0


def _fields(stat: Path) -> list[str]:
    """The fields of `stat` after the name of the program (proc(5)); none of a process that has ended."""
    try:
        return stat.read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return []


def _resident_kib(process: int) -> int:
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
