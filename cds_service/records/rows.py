"""What is kept of a call: rows without anything of the patient but keyed hashes (house rule 3).

What replay must find again, `InputDigest` and `answer_hash`, is computed here and nowhere else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cds_service.hooks.request import HookRequest
from cds_service.hooks.response import Finding
from cds_service.hooks.review import Review
from cds_service.records.policy_snapshot import PolicySnapshot
from cds_service.records.pseudonyms import Pseudonymizer, canonical
from coverage_policies.judging.determination import Determination, failed_criteria
from fhir_mappings.record import Entry, reference_of

_VOLATILE = ("meta", "text", "authoredOn")
"""What an EHR may write anew each time it sends an order that nobody touched."""

SUPPRESSED = "overridden by this user for the same order, patient and facts"


@dataclass(frozen=True, slots=True)
class InputDigest:
    """What a call was answered from, as keyed hashes, and the types of resources that could not be read."""

    patient: str
    user: str
    orders: str
    chart: str
    unavailable: tuple[str, ...] = ()
    not_offered: tuple[str, ...] = ()

    @classmethod
    def of(cls, keyed: Pseudonymizer, client: str, request: HookRequest, review: Review) -> "InputDigest":
        """The digest of a call from this client; ids count per client."""
        orders = review.orders
        groups = (orders.judged, orders.others, orders.referenced)
        record = review.record
        return cls(
            patient=keyed("patient", client, request.patient_id),
            user=keyed("user", client, request.user_id),
            orders=keyed("orders", request.hook, *(canonical([list(each) for each in group]) for group in groups)),
            chart=keyed("chart", *sorted(canonical(each) for each in record.resources)),
            unavailable=record.unavailable(),
            not_offered=record.not_offered(),
        )

    def as_json(self) -> dict[str, object]:
        """The digest as it is stored."""
        return {
            "patient": self.patient,
            "user": self.user,
            "orders": self.orders,
            "chart": self.chart,
            "unavailable": list(self.unavailable),
            "not_offered": list(self.not_offered),
        }


def answer_hash(keyed: Pseudonymizer, determination: Determination) -> str:
    """The hash of a determination as it is answered, with its evidence, dates and notes."""
    return keyed("answer", canonical(determination.as_json()))


def facts_hash(keyed: Pseudonymizer, determination: Determination) -> str:
    """The hash of what a determination found, leaving out what changes by time alone: dates, spans, notes, wording."""
    found = [
        [
            result.id,
            result.status.value,
            result.reason.value if result.reason else "",
            sorted([item.reference, item.value] for item in result.evidence),
        ]
        for result in determination.criteria
    ]
    pathway = determination.presumed.pathway if determination.presumed else ""
    text = [determination.full_name, determination.edition, determination.outcome.value, pathway]
    return keyed("facts", canonical([text, found]))


def card_fingerprint(
    keyed: Pseudonymizer, digest: InputDigest, finding: Finding, orders: Iterable[Entry], facts: Iterable[str]
) -> str | None:
    """Equal for the same card: user, patient, order and facts; None where the order cannot be told from another."""
    named = finding.assessment.determinations[0].order
    same_name = [resource for url, resource in orders if reference_of(resource, url) == named]
    if len(same_name) != 1:
        return None
    order = {name: value for name, value in same_name[0].items() if name not in _VOLATILE}
    return keyed("card_fingerprint", digest.user, digest.patient, named, canonical(order), *facts)


def criteria_targeted(determination: Determination) -> list[str]:
    """The criteria that a card is about: those that fail, else those that are asked."""
    if failed := failed_criteria(determination):
        return [result.id for result in failed]
    return [question.id for question in determination.questions]


def criterion_key(revision: str, criterion: str) -> str:
    """Return the name of a criterion among all policies: `CP.MP.126@2025-04#II.I`."""
    return f"{revision}#{criterion}"


def card_row(decision: str, finding: Finding, card: Mapping[str, Any], same: str | None) -> dict[str, Any]:
    """Return the row of a card, with the criteria that each of its suggestions was made for."""
    return {
        "card": card["uuid"],
        "decision": decision,
        "outcome": finding.assessment.outcome.value,
        "indicator": card["indicator"],
        "card_fingerprint": same,
        "suppressed": "",
        "suggestions": {
            on_card["uuid"]: [criterion_key(*each) for each in suggestion.criteria]
            for on_card, suggestion in zip(card.get("suggestions", ()), finding.assessment.suggestions, strict=True)
        },
    }


def determination_row(
    decision: str,
    position: int,
    determination: Determination,
    card: str | None,
    keyed: Pseudonymizer,
    snapshot: PolicySnapshot,
) -> dict[str, Any]:
    """The row of a determination."""
    return {
        "decision": decision,
        "position": position,
        "card": card,
        "policy": determination.policy,
        "revision": determination.revision,
        "edition": determination.edition,
        "content_hash": snapshot.policies[determination.full_name].content,
        "section": determination.section,
        "order_hash": keyed("order", determination.order),
        "outcome": determination.outcome.value,
        "pathway": determination.presumed.pathway if determination.presumed else "",
        "criteria": [
            {"id": result.id, "status": result.status.value, "reason": result.reason.value if result.reason else ""}
            for result in determination.criteria
        ],
        "criteria_targeted": criteria_targeted(determination),
        "facts_hash": facts_hash(keyed, determination),
        "answer_hash": answer_hash(keyed, determination),
    }
