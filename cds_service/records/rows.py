"""The rows that are stored of a call, with keyed hashes for all data of the patient.

The store and the replay both compute `InputDigest` and `answer_hash` here.
"""

from dataclasses import dataclass
from typing import Any

from cards.build import AssessedCard
from cds_service.hooks.request import HookRequest
from cds_service.hooks.review import Review
from cds_service.records.policy_snapshot import PolicySnapshot
from cds_service.records.pseudonyms import Pseudonymizer
from coverage_policies.judging.determination import Determination
from coverage_policies.judging.failures import failed_criteria
from fhir_mappings.fhir_json import canonical

SUPPRESSED = "overridden by this user for the same order, patient, and facts"
"""Why a card was not shown."""


@dataclass(frozen=True, slots=True)
class InputDigest:
    """The input of a decision as keyed hashes, and the resource types that could not be read or are not offered."""

    patient: str
    user: str
    orders: str
    chart: str
    unavailable: tuple[str, ...] = ()
    not_offered: tuple[str, ...] = ()
    is_cut_short: bool = False

    @classmethod
    def of(cls, pseudonym: Pseudonymizer, client: str, request: HookRequest, review: Review) -> "InputDigest":
        """Return the digest of a call. Ids of patients and users are hashed together with the client's name."""
        orders = review.orders
        groups = [orders.judged, orders.others, orders.referenced]
        if orders.for_others:
            groups.append(orders.for_others)
        record = review.record
        return cls(
            patient=patient_hash(pseudonym, client, request),
            user=user_hash(pseudonym, client, request),
            orders=pseudonym("orders", request.hook, *(canonical([list(each) for each in group]) for group in groups)),
            chart=pseudonym("chart", *sorted(map(canonical, record.resources))),
            unavailable=record.unavailable(),
            not_offered=record.not_offered(),
            is_cut_short=any(each.is_cut_short for each in review.determinations),
        )

    def as_json(self) -> dict[str, object]:
        """Return the digest as it is stored."""
        found: dict[str, object] = {
            "patient": self.patient,
            "user": self.user,
            "orders": self.orders,
            "chart": self.chart,
            "unavailable": list(self.unavailable),
            "not_offered": list(self.not_offered),
        }
        return found | ({"cut_short": True} if self.is_cut_short else {})


def patient_hash(pseudonym: Pseudonymizer, client: str, request: HookRequest) -> str:
    """Return the hash of the patient of a call, within the ids of its client."""
    return pseudonym("patient", client, request.patient_id)


def user_hash(pseudonym: Pseudonymizer, client: str, request: HookRequest) -> str:
    """Return the hash of the user of a call, within the ids of its client."""
    return pseudonym("user", client, request.user_id)


def answer_hash(pseudonym: Pseudonymizer, determination: Determination) -> str:
    """Return the hash of a determination as answered, with its evidence, dates, and notes."""
    return pseudonym("answer", canonical(determination.as_json()))


def facts_hash(pseudonym: Pseudonymizer, determination: Determination) -> str:
    """Return the hash of the findings of a determination, without what time alone changes: dates, notes, wording."""
    pathway = determination.presumed.pathway if determination.presumed else ""
    head = [determination.full_name, determination.edition, determination.outcome.value, pathway]
    return pseudonym("facts", canonical([head, determination.findings]))


def criteria_targeted(determination: Determination) -> list[str]:
    """Return the criteria that a card is about: those that fail, or if none fails, those it asks for."""
    if failed := failed_criteria(determination):
        return [result.id for result in failed]
    return [question.id for question in determination.questions]


def criterion_key(revision: str, criterion: str) -> str:
    """Return the name of a criterion among all policies: `CP.MP.126@2025-04#II.I`."""
    return f"{revision}#{criterion}"


def card_row(decision: str, made: AssessedCard) -> dict[str, Any]:
    """Return the row of a card, with the criteria that each of its suggestions was made for."""
    suggestions = zip(made.card.get("suggestions", ()), made.suggestions, strict=bool(made.suggestions))
    return {
        "card": made.card["uuid"],
        "decision": decision,
        "outcome": made.assessment.outcome.value,
        "indicator": made.card["indicator"],
        "suppressed": "",
        "suggestions": {
            on_card["uuid"]: [criterion_key(*each) for each in suggestion.criteria]
            for on_card, suggestion in suggestions
        },
    }


def determination_row(
    decision: str,
    position: int,
    determination: Determination,
    card: str | None,
    pseudonym: Pseudonymizer,
    snapshot: PolicySnapshot,
) -> dict[str, Any]:
    """Return the row of a determination; `card` is the id of the card that shows it, None if none does."""
    return {
        "decision": decision,
        "position": position,
        "card": card,
        "policy": determination.policy,
        "revision": determination.revision,
        "edition": determination.edition,
        "content_hash": snapshot.policies[determination.full_name].content,
        "section": determination.section,
        "order_hash": pseudonym("order", determination.order),
        "outcome": determination.outcome.value,
        "pathway": determination.presumed.pathway if determination.presumed else "",
        "criteria": [
            {"id": name, "status": status, "reason": reason} for name, status, reason, _ in determination.findings
        ],
        "criteria_targeted": criteria_targeted(determination),
        "facts_hash": facts_hash(pseudonym, determination),
        "answer_hash": answer_hash(pseudonym, determination),
    }
