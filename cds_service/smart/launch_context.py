"""The context of a launch: an opaque `appContext` of a card, which only this service reads (CDS Hooks 2.0.1, Link)."""

import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from cds_service.packing import pack, unpack
from fhir_mappings.bundle import Entry
from fhir_mappings.fhir_json import Json

_MOST_CHARACTERS = 16_000
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
    """Seals contexts with AES-SIV (RFC 5297), which gives equal contexts the same text: equal calls get equal cards.

    `key` has 64 bytes, the same in all processes of a service.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(key)

    def seal(self, context: LaunchContext) -> str:
        """Return the text for the card; empty if it would be longer than EHRs can be expected to keep."""
        orders = [[url, _without_narrative(resource)] for url, resource in context.orders]
        told = [context.client, context.patient, context.encounter, orders, context.order, context.policy]
        sealed = urlsafe_b64encode(self._cipher.encrypt(pack(told, 9), None)).decode()
        return sealed if len(sealed) <= _MOST_CHARACTERS else ""

    def open(self, sealed: str) -> LaunchContext | None:
        """Return the context that this service sealed; None for anything else."""
        if not sealed.isascii() or len(sealed) > _MOST_CHARACTERS:
            return None
        try:
            told = unpack(self._cipher.decrypt(urlsafe_b64decode(sealed), None))
            client, patient, encounter, orders, order, policy = told
        except (ValueError, InvalidTag, zlib.error):
            return None
        return LaunchContext(client, patient, encounter, tuple((url, each) for url, each in orders), order, policy)


def _without_narrative(resource: Json) -> Json:
    return {name: value for name, value in resource.items() if name not in _NARRATIVE}
