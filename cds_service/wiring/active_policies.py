"""The texts in force, read again on demand while the service runs."""

from collections.abc import Callable
from datetime import datetime
from typing import TextIO

import structlog

from cds_service.records.policy_snapshot import PolicySnapshot
from cds_service.settings import Settings
from cds_service.wiring.loading import load_assessor
from coverage_policies.authoring.lint import lint
from coverage_policies.format.problems import DocumentError
from coverage_policies.judging.assessment import Assessor


def load_linted(settings: Settings) -> Assessor:
    """The texts and rules of these settings. Raises DocumentError also for what only lint finds."""
    assessor = load_assessor(settings)
    if problems := lint(assessor.library):
        raise DocumentError(problems)
    return assessor


class ActivePolicies:
    """Those of the last reading in which everything was in order.

    The first reading raises what is wrong. A later one that fails changes nothing, and what is wrong is logged.
    """

    def __init__(self, settings: Settings, stream: TextIO, clock: Callable[[], datetime]) -> None:
        self.assessor = load_linted(settings)
        self.snapshot = _snapshot(self.assessor, settings)
        self.since = clock()
        self._settings = settings
        self._clock = clock
        self._logger = structlog.wrap_logger(
            structlog.WriteLogger(stream),
            processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()],
        )

    def reload(self) -> None:
        """Read everything again."""
        at = self._clock().isoformat(timespec="milliseconds")
        try:
            assessor = load_linted(self._settings)
            snapshot = _snapshot(assessor, self._settings)
        except (DocumentError, OSError) as error:
            problems = str(error).splitlines()
            self._logger.error("texts not reloaded, the old ones stay in force", at=at, problems=problems)
        else:
            self.assessor, self.snapshot, self.since = assessor, snapshot, self._clock()
            self._logger.info("texts reloaded", at=at, texts=sorted(self.assessor.library.policies))


def _snapshot(assessor: Assessor, settings: Settings) -> PolicySnapshot:
    """Taken where the files are read: a process that starts later may find others in their place."""
    return PolicySnapshot.of(assessor, settings.time_zone, settings.answers_valid_days)
