"""The policies in force, and their reload while the service runs."""

from collections.abc import Callable
from datetime import datetime

from cds_service.observability.logging import Log
from cds_service.records.policy_snapshot import PolicySnapshot
from cds_service.settings import Settings
from cds_service.wiring.loading import load_assessor
from coverage_policies.authoring.lint import lint
from coverage_policies.format.problems import DocumentError
from coverage_policies.judging.assessment import Assessor


def load_linted(settings: Settings) -> Assessor:
    """Load policies and plan rules. Raise DocumentError, also for problems that only lint finds."""
    assessor = load_assessor(settings)
    if problems := lint(assessor.library):
        raise DocumentError(problems)
    return assessor


class ActivePolicies:
    """The policies of the last load without problems.

    The first load raises its problems. A later load with problems changes nothing and logs them.
    """

    def __init__(self, settings: Settings, log: Log, clock: Callable[[], datetime]) -> None:
        self.assessor = load_linted(settings)
        self.snapshot = _snapshot(self.assessor, settings)
        self.since = clock()
        self._settings = settings
        self._clock = clock
        self._log = log

    def reload(self) -> None:
        """Load everything again."""
        try:
            assessor = load_linted(self._settings)
            snapshot = _snapshot(assessor, self._settings)
        except (DocumentError, OSError) as error:
            problems = str(error).splitlines()
            self._log.error("policies not reloaded, the previous ones stay in force", problems=problems)
        else:
            self.assessor, self.snapshot, self.since = assessor, snapshot, self._clock()
            self._log.info("policies reloaded", policies=sorted(self.assessor.library.policies))


def _snapshot(assessor: Assessor, settings: Settings) -> PolicySnapshot:
    """Return the snapshot of what was loaded, whatever the files say by now."""
    return PolicySnapshot.of(assessor, settings.time_zone, settings.answers_valid_days)
