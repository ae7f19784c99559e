"""The ids of cards: the same orders and facts get the same id however often the hook fires."""

from collections import Counter
from uuid import UUID, uuid5

from cds_service.crd.assertions import coverage_information_of
from cds_service.hooks.request import HookRequest
from cds_service.records.pseudonyms import Pseudonymizer
from cds_service.records.rows import facts_hash, patient_hash, user_hash
from coverage_policies.judging.assessment import Assessment
from coverage_policies.judging.determination import Determination
from fhir_mappings.bundle import reference_of
from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Resource, canonical
from fhir_mappings.order_elements import COVERAGE_INFORMATION

_NAMESPACE = UUID("8a4e6d0c-3f0b-5c57-9f0e-5d1f6f6a2b11")
_VOLATILE = ("meta", "text", "authoredOn")
"""Elements that an EHR may change each time it sends an order, although nobody edited it."""


class CardIds:
    """Makes the ids of the cards of one call.

    An id is a UUID of version 5 over a keyed hash of the client, user, patient, orders, and findings, so that it says
    nothing about them. It includes the user because feedback names no one, and an override hides a card only from the
    user who gave it. Cards of one call never share an id.
    """

    def __init__(self, pseudonym: Pseudonymizer, client: str, request: HookRequest) -> None:
        self._pseudonym = pseudonym
        self._called = (user_hash(pseudonym, client, request), patient_hash(pseudonym, client, request))
        self._orders = request.orders.judged
        self._made: Counter[str] = Counter()

    def __call__(self, assessment: Assessment) -> UUID:
        """Return the id of the card of an assessment."""
        about = [part for each in assessment.all_determinations for part in self._about(each)]
        payer = canonical([assessment.payer, assessment.may_not_apply])
        hashed = self._pseudonym("card", *self._called, payer, *about)
        self._made[hashed] += 1
        return uuid5(_NAMESPACE, f"{hashed} {self._made[hashed]}")

    def _about(self, determination: Determination) -> tuple[str | bytes, ...]:
        """Return what tells a determination from another: order, findings, plan, and what could not be read."""
        named = [order for url, order in self._orders if determination.order in (reference_of(order, url), url)]
        # An order that only its place tells from another has the name of its type: then every order of the call counts.
        orders = named or [order for _, order in self._orders]
        content = canonical([_unedited(order) for order in orders])
        known = canonical([list(determination.lines), list(determination.unread), determination.unused])
        return determination.order, content, facts_hash(self._pseudonym, determination), known


def _unedited(order: Resource) -> Resource:
    """Return an order without what changes although nobody edited it, and without the answers of payers."""
    kept = {name: value for name, value in order.items() if name not in _VOLATILE}
    if any(coverage_information_of(order)):
        others = [each for each in items(kept.pop("extension")) if each.get("url") != COVERAGE_INFORMATION]
        return kept | ({"extension": others} if others else {})
    return kept
