"""Storing feedback returns each new override once, with its policy and reason, for the metrics."""

import pytest

from cds_service.hooks.feedback import read_feedback
from cds_service.observability.call_log import Call
from cds_service.records.protocol import NullStore, Override
from tests.support.record_fakes import RecordedService, accepted, overridden, sample_call

PATH = "/cds-services/coverage-order-sign/feedback"
UNKNOWN = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"


@pytest.fixture
def card(recorded: RecordedService) -> str:
    body, recorded.chart = sample_call("sij-fibromyalgia")
    (found,) = recorded.cards(body)
    return str(found["uuid"])


def new_overrides(recorded: RecordedService, *entries: object) -> tuple[Override, ...]:
    offered = frozenset({"urgent", "clinical-judgement"})
    return recorded.records.store_feedback(Call("c", 0.0), PATH, read_feedback({"feedback": list(entries)}, offered))


def test_an_override_is_returned_once_with_its_policy_and_reason(recorded: RecordedService, card: str) -> None:
    assert new_overrides(recorded, overridden(card, "urgent")) == (Override("CP.MP.126", "urgent"),)
    assert new_overrides(recorded, overridden(card, "urgent")) == ()
    twice = overridden(card, "clinical-judgement")
    assert len(new_overrides(recorded, twice, twice)) == 1


def test_a_reason_that_no_card_offers_is_returned_as_unlisted(recorded: RecordedService, card: str) -> None:
    assert new_overrides(recorded, overridden(card, "Lovelace")) == (Override("CP.MP.126", "unlisted"),)
    silent = overridden(card)
    del silent["overrideReason"]
    assert new_overrides(recorded, silent) == (Override("CP.MP.126", "none"),)
    assert new_overrides(recorded, overridden(UNKNOWN, "urgent")) == (Override("unknown", "urgent"),)


def test_an_accepted_card_is_no_override(recorded: RecordedService, card: str) -> None:
    assert new_overrides(recorded, accepted(card, UNKNOWN)) == ()


def test_a_null_store_returns_no_override() -> None:
    assert NullStore().store_feedback(Call("c", 0.0), PATH, ()) == ()
