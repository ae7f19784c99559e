"""The context of a launch: an opaque `appContext` of a card, which only this service reads (CDS Hooks 2.0.1, Link)."""

from dataclasses import dataclass

from cds_service.encryption import TextSealer
from fhir_mappings.bundle import Entry
from fhir_mappings.fhir_json import Json

_MOST_CHARACTERS = 16_000
_MEMBERS = 6
_NARRATIVE = ("text", "meta")


@dataclass(frozen=True, slots=True)
class LaunchContext:
    """The order that a card is about, and what the app needs to judge it again: no result, and nothing of the chart.

    `orders` are the draft orders of the call, each with its `fullUrl`, since the EHR may not have stored them. `order`
    is the reference of the order among them, and `policy` the full name of the revision that asks.
    """

    client: str
    patient: str
    encounter: str
    orders: tuple[Entry, ...]
    order: str
    policy: str


class ContextKey:
    """Seals contexts: equal calls get equal cards. `key` has 64 bytes, the same in all processes of a service."""

    def __init__(self, key: bytes) -> None:
        self._texts = TextSealer(key, _MOST_CHARACTERS)

    def seal(self, context: LaunchContext) -> str:
        """Return the text for the card; empty if it would be longer than EHRs can be expected to keep."""
        orders = [[url, _without_narrative(resource)] for url, resource in context.orders]
        return self._texts.seal(
            [context.client, context.patient, context.encounter, orders, context.order, context.policy]
        )

    def open(self, sealed: str) -> LaunchContext | None:
        """Return the context that this service sealed; None for anything else."""
        told = self._texts.open(sealed)
        if not isinstance(told, list) or len(told) != _MEMBERS:  # a card of another version of this service
            return None
        client, patient, encounter, orders, order, policy = told
        return LaunchContext(client, patient, encounter, tuple((url, each) for url, each in orders), order, policy)


def _without_narrative(resource: Json) -> Json:
    return {name: value for name, value in resource.items() if name not in _NARRATIVE}
