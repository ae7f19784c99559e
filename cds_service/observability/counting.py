"""Whether and how a service counts: for Prometheus where the settings say so, else not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from flask import Flask

from cds_service.observability.metrics import Metrics, NoMetrics
from cds_service.observability.shared_folder import shared_folder
from cds_service.settings import Settings


class Counting(Protocol):
    """Counting in all processes of a service."""

    def metrics(self) -> Metrics:
        """What counts in one process; made anew in each."""

    def expose(self, app: Flask) -> None:
        """Let an application show what was counted in all processes."""

    def process_ended(self, pid: int) -> None:
        """A process is gone; what it counted stays, what it was just holding does not."""


class _NoCounting:
    def metrics(self) -> Metrics:
        return NoMetrics()

    def expose(self, app: Flask) -> None:
        """Nothing to show."""

    def process_ended(self, pid: int) -> None:
        """Nothing to do."""


class _PrometheusCounting:
    """Imports what counts only when it is needed: the library looks for the folder when it is imported."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def metrics(self) -> Metrics:
        from cds_service.observability.prometheus import PrometheusMetrics

        return PrometheusMetrics()

    def expose(self, app: Flask) -> None:
        from cds_service.observability.prometheus import expose, exposition_of

        expose(app, exposition_of(self._folder))

    def process_ended(self, pid: int) -> None:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(pid, str(self._folder))  # type: ignore[no-untyped-call]


@contextmanager
def counting_of(settings: Settings) -> Iterator[Counting]:
    """Counting as the settings say, for as long as the service runs."""
    if not settings.metrics:
        yield _NoCounting()
        return
    with shared_folder() as folder:
        yield _PrometheusCounting(folder)
