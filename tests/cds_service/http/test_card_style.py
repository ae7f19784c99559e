"""A client gets its cards in the way that it, or else the settings, ask for."""

from typing import Any

import pytest

from cds_service.clients.registry import Client
from cds_service.records.database import IN_MEMORY, Database
from cds_service.wiring.records import make_ready
from fhir_mappings.fhir_json import Json
from tests.support.client_fakes import Knows
from tests.support.record_fakes import RecordedService, sample_call

UPDATE, DELETE_CREATE = ["update"], ["delete", "create"]


def service(client: Client | None, **settings: Any) -> RecordedService:
    database = Database(IN_MEMORY, wait_seconds=2)
    make_ready(database)
    return RecordedService(database, authenticator=Knows(client) if client else None, **settings)


def suggested(of: RecordedService) -> Json:
    """The card with a suggestion that this service answers."""
    body, of.chart = sample_call("sij-posterior")
    (card,) = of.cards(body)
    return card


@pytest.mark.parametrize(
    ("client", "behavior", "actions"),
    [
        (None, "any", DELETE_CREATE),
        (Client("ehr", "urn:ehr"), "any", DELETE_CREATE),
        (Client("ehr", "urn:ehr", selection_behavior="at-most-one", actions="update"), "at-most-one", UPDATE),
    ],
    ids=["nobody registered", "says nothing", "says otherwise"],
)
def test_a_client_gets_what_it_asks_for_and_else_what_the_settings_say(
    client: Client | None, behavior: str, actions: list[str]
) -> None:
    card = suggested(service(client, card_selection_behavior="any", card_actions="delete-create"))
    assert card["selectionBehavior"] == behavior
    assert [each["type"] for each in card["suggestions"][0]["actions"]] == actions


@pytest.mark.parametrize("is_public", [False, True])
def test_a_client_with_a_token_gets_links_to_our_pages_only_if_they_are_public(is_public: bool) -> None:
    card = suggested(service(Client("ehr", "urn:ehr"), public_policies=is_public))
    assert ("links" in card) is is_public
