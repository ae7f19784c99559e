"""The folder in which the processes of one service keep their metrics together (multiprocess mode)."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Where prometheus_client looks for the folder, once, when it is imported."""


@contextmanager
def shared_folder() -> Iterator[Path]:
    """A new folder for as long as the service runs; processes that were forked meanwhile leave it alone when they end.

    Always a new one: the numbers of processes that are gone would otherwise be counted on.
    """
    made = Path(tempfile.mkdtemp(prefix="cds-metrics-"))
    maker = os.getpid()
    os.environ[VARIABLE] = str(made)
    try:
        yield made
    finally:
        if os.getpid() == maker:
            os.environ.pop(VARIABLE, None)
            shutil.rmtree(made, ignore_errors=True)
