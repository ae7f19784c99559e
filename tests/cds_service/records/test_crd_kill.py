"""`kill -9` while CRD calls are stored: whatever was acknowledged opens afterwards, in another process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cds_service.records.crd_log import exchange_row
from cds_service.records.crd_sealing import opened_bodies
from cds_service.records.database import Database
from cds_service.records.sealing import Sealer
from tests.support.crd_records import KEYS, NOW, crd_records
from tests.support.record_fakes import ROOT, rows

pytestmark = [pytest.mark.process, pytest.mark.slow]

KILLS = 3
ENOUGH = 20
"""The calls to wait for before each kill."""
PROGRAM = """
import itertools, os, sys
from concurrent.futures import ThreadPoolExecutor
from cds_service.records.database import Database
from tests.support.crd_records import KEYS, assertion, crd_records, stored
records = crd_records(Database(sys.argv[1], wait_seconds=30), *KEYS)
numbers = itertools.count()
def work(_):
    while True:
        name = f"{os.getpid()}-{next(numbers)}"
        stored(records, f"c{name}", [assertion(f"a{name}")], request=name.encode())
        os.write(1, f"{name}\\n".encode())
list(ThreadPoolExecutor(4).map(work, range(4)))
"""


@pytest.fixture(name="processes")
def _processes() -> Iterator[list["subprocess.Popen[bytes]"]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for each in started:
        each.kill()
        each.wait()


def test_what_was_acknowledged_opens_after_kill_9(
    url: str, database: Database, tmp_path: Path, processes: list["subprocess.Popen[bytes]"]
) -> None:
    acknowledged: list[str] = []
    for n in range(KILLS):
        log = tmp_path / f"acknowledged-{n}"
        with log.open("wb") as output:
            storing = subprocess.Popen([sys.executable, "-c", PROGRAM, url], cwd=ROOT, stdout=output)  # noqa: S603
        processes.append(storing)
        until = time.monotonic() + 60
        while len(log.read_bytes().splitlines()) < ENOUGH:
            assert time.monotonic() < until, "nothing is stored"
            assert storing.poll() is None, "the process ended by itself"
            time.sleep(0.01)
        os.kill(storing.pid, signal.SIGKILL)
        storing.wait()
        acknowledged += log.read_text().split("\n")[:-1]
    records = crd_records(database, *KEYS)
    for name in acknowledged:
        found = records.find(f"a{name}")
        assert found is not None
        assert found.content is not None
        row = exchange_row(database, f"c{name}", NOW)
        assert row is not None
        assert opened_bodies(row, Sealer(KEYS)) == (name.encode(), b'{"cards": []}')
    assert len(acknowledged) >= KILLS * ENOUGH
    # What was stored and not acknowledged is whole, too.
    exchanges, assertions = (rows(database, table) for table in ("crd_exchanges", "crd_assertions"))
    assert sorted(row["exchange"] for row in exchanges) == sorted(row["exchange"] for row in assertions)
