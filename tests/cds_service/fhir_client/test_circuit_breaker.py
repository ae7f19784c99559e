"""The circuit of a failing server opens for a while, then closes again."""

import pytest

from cds_service.fhir_client.circuit_breaker import CircuitBreakers
from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.opener import FhirClients
from cds_service.fhir_client.source import FhirAccess, FhirSource
from cds_service.settings import Settings
from coverage_policies.format.searches import CONDITIONS
from fhir_mappings.record import Availability
from tests.support.hook_fakes import LOOPBACK, FakeEhr, bundle, condition


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuits(clock: Clock) -> CircuitBreakers:
    return CircuitBreakers(failures=3, seconds=30, monotonic=clock)


def test_the_circuit_opens_after_consecutive_failures_and_lets_one_trial_call_through(
    circuits: CircuitBreakers, clock: Clock
) -> None:
    for _ in range(2):
        circuits.failed("a")
    assert circuits.allows("a")
    circuits.failed("a")
    assert not circuits.allows("a")
    assert circuits.allows("b")
    clock.now += 29.9
    assert not circuits.allows("a")
    clock.now += 0.1
    assert circuits.allows("a")
    assert not circuits.allows("a")
    circuits.failed("a")
    clock.now += 29.9
    assert not circuits.allows("a")
    clock.now += 0.2
    assert circuits.allows("a")
    circuits.answered("a")
    assert all(circuits.allows("a") for _ in range(9))


def test_an_answer_resets_the_failure_count(circuits: CircuitBreakers) -> None:
    for _ in range(5):
        circuits.failed("a")
        circuits.failed("a")
        circuits.answered("a")
    assert circuits.allows("a")


def test_retry_after_opens_the_circuit_but_no_longer_than_failures_do(circuits: CircuitBreakers, clock: Clock) -> None:
    circuits.retry_after("a", 10)
    circuits.retry_after("b", 10_000)
    clock.now += 9
    assert not circuits.allows("a")
    clock.now += 1
    assert circuits.allows("a")
    clock.now += 20
    assert circuits.allows("b")


def test_the_number_of_remembered_servers_is_bounded(circuits: CircuitBreakers) -> None:
    for n in range(1500):
        for _ in range(3):
            circuits.failed(str(n))
    assert circuits.allows("0")
    assert not circuits.allows("1499")


def opened(clients: FhirClients, ehr: FakeEhr, seconds: float = 5) -> FhirSource:
    """Open the server for one call."""
    return clients(FhirAccess(ehr.base), Deadline(seconds))


def test_a_failing_server_is_not_queried_while_its_circuit_is_open(ehr: FakeEhr, clock: Clock) -> None:
    warnings: list[dict[str, str]] = []
    settings = Settings(**LOOPBACK, fhir_circuit_failures=2, fhir_circuit_open_seconds=30)
    clients = FhirClients(settings, monotonic=clock, warn=lambda _event, **details: warnings.append(details))
    ehr.answers["Condition"] = (500, None)
    for _ in range(4):
        source = opened(clients, ehr)
        for _ in range(3):
            assert source.search(CONDITIONS, "p-1").availability is Availability.UNAVAILABLE
    assert len(ehr.asked) == 2 * 3
    assert source.notes == (
        "The FHIR server was not read: it failed several times in a row; the service tries it again after a pause.",
    )
    assert len(warnings) == 2
    ehr.answers["Condition"] = (200, bundle(condition("1")))
    clock.now += 30
    for _ in range(3):
        assert opened(clients, ehr).search(CONDITIONS, "p-1").availability is Availability.COMPLETE


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404])
def test_client_errors_do_not_count_as_failures_of_the_server(ehr: FakeEhr, status: int) -> None:
    clients = FhirClients(Settings(**LOOPBACK, fhir_circuit_failures=1))
    ehr.answers |= {"Condition": (status, {}), "metadata": (404, None)}
    asked = []
    for _ in range(3):
        opened(clients, ehr).search(CONDITIONS, "p-1")
        asked.append(ehr.asked_for("Condition"))
    assert asked[0] >= 1
    assert asked == [asked[0], 2 * asked[0], 3 * asked[0]]


def test_one_search_that_always_fails_does_not_open_the_circuit(ehr: FakeEhr) -> None:
    clients = FhirClients(Settings(**LOOPBACK, fhir_circuit_failures=2))
    ehr.answers["Observation"] = (500, None)
    for _ in range(5):
        source = opened(clients, ehr)
        source.read("Observation/1")
        ehr.answers["Observation/1"] = (500, None)
        source.search(CONDITIONS, "p-1")
    assert ehr.asked_for("Condition") == 5


def test_a_query_with_little_time_does_not_count_against_the_server(ehr: FakeEhr) -> None:
    clients = FhirClients(Settings(**LOOPBACK, fhir_circuit_failures=1))
    ehr.answers["Condition"] = lambda: (ehr.stopped.wait(0.3), None)[1]  # type: ignore[arg-type,return-value]
    opened(clients, ehr, seconds=0.1).search(CONDITIONS, "p-1")
    assert opened(clients, ehr).notes == ()
