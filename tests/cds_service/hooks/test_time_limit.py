"""The time limit of a call covers the evaluation: what the walk and the card say if it is stopped."""

from collections.abc import Callable, Sequence
from uuid import UUID

import pytest

from cards.build import build_cards
from cards.style import CardStyle
from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.memory import ChartInMemory, Store
from cds_service.hooks.request import read_request
from cds_service.hooks.review import Review, ReviewLimits, review
from cds_service.settings import Settings
from coverage_policies.format.terms import Reason, Status
from coverage_policies.judging.assessment import Assessment, Assessor, OrderCandidates
from coverage_policies.judging.order_session import Session
from coverage_policies.judging.stopping import ShouldStop, never
from fhir_mappings.record import PatientRecord
from tests.support.policy_fakes import after
from tests.support.record_fakes import NOW, sample_call, shipped

TIMEOUT = Settings().call_timeout_seconds
SAMPLES = ["sij-fibromyalgia", "sij-rich-chart", "trial-not-weaned"]


class Clock:
    """A clock that moves only when a test moves it."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class StoppedAssessor(Assessor):
    """The built-in policies; a test says what happens before the evaluation, or when it is to stop."""

    def __init__(self, *, before: Callable[[], None] = lambda: None, stop: ShouldStop | None = None) -> None:
        super().__init__(shipped().library, shipped().rules)
        self._before = before
        self._stop = stop

    def assess(
        self,
        session: Session,
        orders: Sequence[OrderCandidates],
        record: PatientRecord,
        hook: str,
        should_stop: ShouldStop = never,
    ) -> tuple[Assessment, ...]:
        """Assess after what happens before."""
        self._before()
        return super().assess(session, orders, record, hook, self._stop or should_stop)


def reviewed(name: str, assessor: Assessor, clock: Clock, *, reading_seconds: float = 0) -> Review:
    """The review of the order of a sample patient, whose chart takes so long to read."""
    body, chart = sample_call(name)

    def open_source(_deadline: Deadline) -> ChartInMemory:
        clock.now += reading_seconds
        return ChartInMemory(Store.from_bundle(chart))

    return review(
        read_request(body),
        assessor,
        ReviewLimits.of(Settings()),
        open_source=open_source,
        clock=lambda: NOW,
        monotonic=clock,
    )


@pytest.mark.parametrize(
    ("reading", "judging", "is_cut"),
    [
        (0, TIMEOUT - 0.01, False),
        (0, TIMEOUT, True),
        (TIMEOUT * 0.9, TIMEOUT * 0.14, False),
        (TIMEOUT * 0.9, TIMEOUT * 0.16, True),
    ],
)
def test_the_evaluation_stops_at_the_end_of_the_call_or_after_its_share(
    reading: float, judging: float, is_cut: bool
) -> None:
    clock = Clock()

    def pass_time() -> None:
        clock.now += judging

    found = reviewed("sij-fibromyalgia", StoppedAssessor(before=pass_time), clock, reading_seconds=reading)
    assert found.determinations
    assert {each.is_cut_short for each in found.determinations} == {is_cut}


@pytest.mark.parametrize("count", [0, 1, 3, 8, 20])
@pytest.mark.parametrize("name", SAMPLES)
def test_a_stopped_evaluation_says_nothing_that_the_whole_one_does_not(name: str, count: int) -> None:
    whole = {each.full_name: each for each in reviewed(name, StoppedAssessor(), Clock()).determinations}
    for found in reviewed(name, StoppedAssessor(stop=after(count)), Clock()).determinations:
        for result in found.criteria:
            if result.status is not Status.UNKNOWN:
                assert result.status is whole[found.full_name].criterion(result.id).status
            elif not found.is_cut_short:
                assert result == whole[found.full_name].criterion(result.id)
            elif result.counted is not whole[found.full_name].criterion(result.id).counted:
                assert result.reason is Reason.DATA_UNAVAILABLE


@pytest.mark.parametrize("count", [0, 3])
def test_a_card_says_that_its_evaluation_was_cut_short(count: int) -> None:
    found = reviewed("sij-fibromyalgia", StoppedAssessor(stop=after(count)), Clock())
    cards = [card for _, card in build_cards(found.assessments, "order-sign", CardStyle(), lambda _: UUID(int=1))]
    assert cards
    for card in cards:
        assert "Checked in part only (time limit)." in card["detail"]
        assert "suggestions" not in card


def test_a_card_without_any_evaluation_says_so_on_top() -> None:
    found = reviewed("sij-fibromyalgia", StoppedAssessor(stop=after(0)), Clock())
    ((_, card),) = build_cards(found.assessments, "order-sign", CardStyle(), lambda _: UUID(int=1))
    assert card["summary"].endswith("not checked: time limit reached.")
