"""A database whose writes have spans."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from cds_service.observability.tracing import Tracing
from cds_service.records.database import Database
from cds_service.records.group_commit import Result


class TracedDatabase(Database):
    """Makes a span of each write of a call: from its wait for a turn or a connection until it is on disk."""

    def __init__(self, url: str, *, tracing: Tracing, **options: Any) -> None:
        super().__init__(url, **options)
        self._tracing = tracing

    def write(self, job: Callable[[Connection], Result]) -> Result:
        """Write in a span."""
        with self._tracing.span("store"):
            return super().write(job)
