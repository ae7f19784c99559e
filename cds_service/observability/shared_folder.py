"""The folder in which the processes of one service count together (multiprocess mode of prometheus_client)."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client looks for this variable once, when it is imported."""


@contextmanager
def shared_folder() -> Iterator[Path]:
    """Create the folder and remove it at the end; import `metrics` only within this context.

    It is always a new folder: an old one would still hold the numbers of processes that ended. A forked process that
    leaves the context keeps the folder.
    """
    folder = Path(tempfile.mkdtemp(prefix="cds-metrics-"))
    creator = os.getpid()
    os.environ[_VARIABLE] = str(folder)
    try:
        yield folder
    finally:
        if os.getpid() == creator:
            os.environ.pop(_VARIABLE, None)
            shutil.rmtree(folder, ignore_errors=True)
