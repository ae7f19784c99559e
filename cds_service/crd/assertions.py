"""The ids of coverage assertions: one per Coverage and order, kept as long as this order alone carries it.

An id is a keyed hash, so it says nothing about whom or what it is for. Its second half proves that this service issued
it for this Coverage and patient, also after the order is stored under another id.
"""

import hmac
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.order_elements import COVERAGE_INFORMATION
from fhir_mappings.orders import Order
from fhir_mappings.references import Address, address_of, server_of

KeyedHash: TypeAlias = Callable[..., str]
"""Makes a keyed hash, in hexadecimal digits, of a kind of input and its parts."""

_DIGITS = 20
_NONE_ISSUED: Mapping[str, str] = {}


class AssertionIds:
    """Makes the assertion ids of one call: for a client, a patient, and a Coverage (CRD 2.2.1 resp-32, resp-33).

    `server` is the address of the client's FHIR server, empty if it named none, and `orders` are those of the call:
    where an order was copied with its extensions, the copy gets an id of its own. `issued` are ids under which orders
    were answered before, by the reference of the order.
    """

    def __init__(
        self,
        keyed_hash: KeyedHash,
        client: str,
        patient_id: str,
        coverage: str,
        *,
        server: str = "",
        orders: Iterable[Order] = (),
        issued: Mapping[str, str] = _NONE_ISSUED,
    ) -> None:
        self._hash = keyed_hash
        self._for = (client, patient_id, coverage)
        self._coverage = address_of(coverage)
        self._server = server_of(server)
        self._issued = issued
        self._carried_by = Counter(found for order in orders for found in set(self._ids_in(order.resource)))

    def id_of(self, order: Order) -> str:
        """Return the id that this order alone carries for this Coverage if this service issued it, else its new id."""
        for found in self._ids_in(order.resource):
            if self._carried_by[found] <= 1 and self._is_ours(found):
                return found
        if order.reference in self._issued:
            return self._issued[order.reference]
        # The ids of drafts need not last, and one may come again for another order: what is ordered counts as well.
        body = self._hash("assertion", *self._for, order.reference, order.key)[:_DIGITS]
        return f"{body}-{self._proof(body)}"

    def carried(self, order: Resource) -> list[Resource]:
        """Return the coverage information for this Coverage that an order carries."""
        return [each for each in coverage_information_of(order) if self._is_for_this_coverage(each)]

    def _is_for_this_coverage(self, extension: Resource) -> bool:
        """Return whether an extension names this Coverage: not one of another server that has the same id."""
        found = _coverage_in(extension)
        is_here = not (found.base and self._server) or found.base in (self._server, self._coverage.base)
        return found.name == self._coverage.name and (is_here or self._is_ours(_assertion_id(extension)))

    def _ids_in(self, order: Resource) -> list[str]:
        return [found for each in self.carried(order) if (found := _assertion_id(each))]

    def _is_ours(self, found: str) -> bool:
        body, _, proof = found.partition("-")
        return hmac.compare_digest(proof.encode(errors="replace"), self._proof(body).encode())

    def _proof(self, body: str) -> str:
        return self._hash("assertion proof", *self._for, body)[:_DIGITS]


def coverage_information_of(order: Resource) -> Iterator[Resource]:
    """Yield the coverage-information extensions of an order."""
    return (each for each in items(order.get("extension")) if each.get("url") == COVERAGE_INFORMATION)


def _coverage_in(extension: Resource) -> Address:
    """Return the address of the Coverage that an extension is for; an empty one if it names none."""
    named = part_value(extension, "coverage")
    reference = named.get("reference") if isinstance(named, Mapping) else None
    return address_of(reference if isinstance(reference, str) else "")


def _assertion_id(extension: Resource) -> str:
    """Return the assertion id of an extension; empty if it has none."""
    found = part_value(extension, "coverage-assertion-id")
    return found if isinstance(found, str) else ""


def part_value(extension: Resource, url: str) -> Json:
    """Return the value of the first part of an extension with this url; None if it has none."""
    for part in items(extension.get("extension")):
        if part.get("url") == url:
            return next((value for name, value in part.items() if name.startswith("value")), None)
    return None


def with_coverage_information(order: Resource, carried: Sequence[Resource], new: Sequence[Resource]) -> Resource:
    """Return the order as received, but for its coverage information: `new` in place of what is `carried`.

    Every other element and extension stays, in its place (CRD 2.2.1 resp-37).
    """
    replaced = {id(each) for each in carried}
    stated = order.get("extension")
    kept = [each for each in stated if id(each) not in replaced] if isinstance(stated, list) else []
    return {**order, "extension": [*kept, *new]}
