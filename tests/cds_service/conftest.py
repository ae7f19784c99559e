"""What the tests of the service share."""

from collections.abc import Iterator

import pytest

from cds_service.wiring.serving import on_loopback
from coverage_policies.format.searches import CONDITIONS, IMAGING_STUDIES, PROCEDURES, observation_search
from tests.support.hook_fakes import FakeEhr, Service, WatchingAssessor
from tests.support.postgresql_cluster import NEEDED, Cluster, UnavailableClusterError


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server for the whole run."""
    try:
        made = Cluster()
    except UnavailableClusterError as error:
        if NEEDED:
            pytest.fail(str(error))
        pytest.skip(str(error))
    try:
        yield made
    finally:
        made.remove()


@pytest.fixture
def ehr() -> Iterator[FakeEhr]:
    fake = FakeEhr()
    with on_loopback(fake.app) as address:
        fake.base = f"{address}/fhir"
        yield fake
        fake.stopped.set()


@pytest.fixture
def judge() -> WatchingAssessor:
    return WatchingAssessor(CONDITIONS, PROCEDURES, IMAGING_STUDIES, observation_search(["http://loinc.org|72514-3"]))


@pytest.fixture
def service(judge: WatchingAssessor) -> Service:
    return Service(judge)
