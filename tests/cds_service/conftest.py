"""What the tests of the service share."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from hook_fakes import FakeEhr, LookingJudge, Service

from cds_service.serving import on_loopback
from coverage_policies.searches import CONDITIONS, IMAGING_STUDIES, PROCEDURES, observations


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test may only name requirements that tests/requirements.csv states."""
    with (Path(__file__).parent.parent / "requirements.csv").open(newline="") as rows:
        stated = {row["id"] for row in csv.DictReader(rows)}
    for item in items:
        for marker in item.iter_markers("requirement"):
            if unknown := set(marker.args) - stated:
                raise pytest.UsageError(f"{item.nodeid}: tests/requirements.csv does not state {sorted(unknown)}")


@pytest.fixture
def ehr() -> Iterator[FakeEhr]:
    fake = FakeEhr()
    with on_loopback(fake.app) as address:
        fake.base = f"{address}/fhir"
        yield fake
        fake.stopped.set()


@pytest.fixture
def judge() -> LookingJudge:
    return LookingJudge(CONDITIONS, PROCEDURES, IMAGING_STUDIES, observations(["http://loinc.org|72514-3"]))


@pytest.fixture
def service(judge: LookingJudge) -> Service:
    return Service(judge)
