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


@pytest.mark.parametrize("client", [None, Client("ehr", "urn:ehr")], ids=["nobody registered", "with a token"])
def test_every_client_gets_links_to_our_pages_which_need_no_token(client: Client | None) -> None:
    assert "/policies/CP.MP.126@2025-04#" in suggested(service(client))["links"][0]["url"]
