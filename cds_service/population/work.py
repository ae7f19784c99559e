"""What every process of a run needs to judge a bucket, and how it judges one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cds_service.hooks.review import ReviewLimits
from cds_service.population.bucket import patients_of
from cds_service.population.chart import ExportedTypes
from cds_service.population.judge import Judge
from cds_service.population.rows import Written, write_rows
from cds_service.population.shared import SharedResources
from cds_service.population.split import Charts
from cds_service.records.policy_snapshot import PolicySnapshot
from cds_service.records.pseudonyms import Pseudonymizer
from cds_service.settings import Settings
from cds_service.wiring.loading import load_assessor
from coverage_policies.judging.assessment import Assessor
from fhir_mappings.fhir_json import Resource


class OtherPoliciesError(Exception):
    """A process has other policies or rules than the one that began the run."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides besides the chart, as it is sent to every process: where the policies are, and what they must be.

    `snapshot` is the name of their snapshot; a process whose files say something else does not judge.
    """

    policy_folders: tuple[Path, ...]
    plan_rules: Path | None
    time_zone: str
    answers_valid_days: int
    snapshot: str

    @classmethod
    def of(cls, settings: Settings, assessor: Assessor) -> "Rules":
        """Return the rules of these settings, loaded as this assessor."""
        return cls(
            tuple(folder.resolve() for folder in settings.policy_folders),
            settings.plan_rules.resolve() if settings.plan_rules else None,
            str(settings.time_zone),
            settings.answers_valid_days,
            PolicySnapshot.of(assessor, settings.time_zone, settings.answers_valid_days).name,
        )

    def settings(self) -> Settings:
        """Return settings with these rules; the environment of the process changes nothing."""
        return Settings.model_construct(
            policy_folders=self.policy_folders,
            plan_rules=self.plan_rules,
            time_zone=ZoneInfo(self.time_zone),
            answers_valid_days=self.answers_valid_days,
        )

    def load(self) -> Assessor:
        """Load the policies and rules. Raise OtherPoliciesError, DocumentError, OSError."""
        settings = self.settings()
        assessor = load_assessor(settings)
        if PolicySnapshot.of(assessor, settings.time_zone, settings.answers_valid_days).name != self.snapshot:
            raise OtherPoliciesError(
                "A worker has other policies or plan rules than this machine. Every machine of the cluster needs the "
                "same version of this program, and the same files under the same paths."
            )
        return assessor


@dataclass(frozen=True, slots=True)
class Work:
    """One run: which orders to judge by which revisions, as of when, and where the charts and the rows are.

    `policy` and `compared` are names such as CP.MP.126@2025-04. `key` makes the pseudonyms; None leaves the ids.
    """

    rules: Rules
    policy: str
    compared: str | None
    at: datetime
    order: Resource | None
    types: ExportedTypes
    files: tuple[str, ...]
    charts: Path
    rows: Path
    key: bytes | None

    def __repr__(self) -> str:
        return f"Work({self.policy})"

    def open(self) -> "OpenedWork":
        """Load what judging needs, which takes about a second. Raise as `Rules.load`."""
        assessor = self.rules.load()
        charts = Charts(self.charts)
        judge = Judge(
            assessor=assessor.limited_to(assessor.library.policies[self.policy]),
            compared=assessor.limited_to(assessor.library.policies[self.compared]) if self.compared else None,
            limits=ReviewLimits.of(self.rules.settings()),
            at=self.at,
            order=self.order,
            types=self.types,
            shared=SharedResources(charts.shared),
            pseudonym=Pseudonymizer(self.key) if self.key is not None else None,
        )
        return OpenedWork(judge, charts, self.rows, self.files)


@dataclass(frozen=True, slots=True)
class OpenedWork:
    """A run in a process that is ready to judge."""

    judge: Judge
    charts: Charts
    rows: Path
    files: Sequence[str]

    def do(self, bucket: int) -> Written:
        """Judge a bucket and write its rows. Doing it again gives the same file.

        Raise OSError if the bucket cannot be read, such as one whose rows are written: they stay.
        """
        malformed: list[str] = []
        return write_rows(rows_file(self.rows, bucket), self._rows(bucket, malformed), malformed)

    def _rows(self, bucket: int, malformed: list[str]) -> Iterator[Mapping[str, Any]]:
        for patient in patients_of(self.charts.bucket(bucket)):
            malformed += (
                f"{self.files[place.file]}:{place.line}: this is not JSON as FHIR has it" for place in patient.malformed
            )
            yield from self.judge.rows(patient)


def rows_file(folder: Path, bucket: int) -> Path:
    """Return the file with the rows of a bucket."""
    return folder / f"rows-{bucket:04d}.parquet"
