"""Find the one Coverage of a CRD call, and the payer behind it that this service answers for.

CRD 2.2.1 (hook-13) refuses a call without Coverage, with several, or of a payer that is not ours by 400. CRD 2.0.1 does
not name these cases; there they are 422, since no answer can name a Coverage.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from cards.crd_versions import CrdVersion
from cds_service.crd.reads import has_read_failed
from cds_service.fhir_client.search_bundle import page_of
from cds_service.fhir_client.source import COVERAGE
from cds_service.hooks.errors import Issue, RefusedError
from cds_service.hooks.request import HookRequest
from cds_service.hooks.review import Review
from coverage_policies.judging.payer_terms import PayerTerms, Standing
from coverage_policies.judging.plan_rules import Payer, PlanRules
from fhir_mappings.bundle import contained_by_id
from fhir_mappings.codings import items, plain_codes
from fhir_mappings.coverages import coverages, payer_identifiers
from fhir_mappings.fhir_json import Resource
from fhir_mappings.record import Availability, PatientRecord
from fhir_mappings.references import address_of

UNKNOWN_PAYER = Payer("", (), terms=PayerTerms())
"""Stands for the payer of a Coverage whose payor could not be read."""

_WHERE = "prefetch.coverage"
_NONE = (
    "not-found",
    "The patient has no Coverage that this service can read. Send the primary Coverage in prefetch.coverage.",
)
_SEVERAL = ("multiple-matches", "There are several coverages. Send only the primary one in prefetch.coverage.")
_NO_IDENTIFIER = (
    "value",
    "The payor of the Coverage has no identifier. Send one in Coverage.payor.identifier, or in the Organization that "
    "payor references.",
)
_NOT_OURS = ("value", "The payor of the Coverage is not one that this service answers for.")
_SEVERAL_PAYERS = ("multiple-matches", "Coverage.payor has identifiers of several payers. Send the one payer.")
_NO_ID = ("required", "The Coverage has no id. Send it with the id that it has on the FHIR server.")
_NOT_READ = (
    "incomplete",
    "The Coverage was not sent and could not be read. Send it in prefetch.coverage, or fhirServer with a token that "
    "can read it.",
)


@dataclass(frozen=True, slots=True)
class CoverageInHand:
    """The Coverage of a call and its payer.

    `member_ids` are the ids of the member that it states; `own_ids` are those of them that are not the subscriber's if
    the patient is somebody else, such as a child. `plans` are the values of its classes. `is_payer_unread` is
    whether technical trouble kept the payor from being read; then `payer` is `UNKNOWN_PAYER`.
    """

    reference: str
    payer: Payer
    member_ids: frozenset[str]
    own_ids: frozenset[str]
    plans: frozenset[str]
    is_payer_unread: bool = False

    def standing(self, record: PatientRecord, days: tuple[date, date]) -> Standing:
        """Return the standing of the member: by the Coverage itself, then by the payer's list of members.

        `days` are the first and the last day on which the service may be; a member who has a plan on one of them only
        may have none.
        """
        found = {self._standing_on(day, record) for day in set(days)}
        return found.pop() if len(found) == 1 else Standing.UNCERTAIN

    def _standing_on(self, day: date, record: PatientRecord) -> Standing:
        held = next((each for each in coverages(record, day) if each.reference == self.reference), None)
        if held is None:
            return Standing.NOT_ACTIVE
        members = self.payer.terms.members if self.payer.terms else None
        found = Standing.ACTIVE if members is None else members.standing(self.member_ids, self.plans, day)
        is_certain = held.is_readable and held.is_certain
        return Standing.UNCERTAIN if found is Standing.ACTIVE and not is_certain else found


def check_sent_coverage(call: HookRequest, rules: PlanRules, version: CrdVersion) -> None:
    """Refuse a call by its prefetch alone, before anything is read of a patient whose payer is another one.

    Raise RefusedError if the client sent no Coverage where it was asked for one, several, or one whose payor has
    identifiers in it, none of them of a payer that we answer for.
    """
    if COVERAGE.key not in call.prefetch:
        return
    value = call.prefetch[COVERAGE.key]
    page = page_of(value, COVERAGE.resource_type) if value is not None else None
    if value is not None and (page is None or page.next or not page.is_complete):
        return
    found = _possible([resource for _, resource in page.entries] if page else [])
    if len(found) != 1:
        raise _refusal(version, _SEVERAL if found else _NONE)
    stated = set(_stated(found[0]))
    if stated and _payer(stated, rules) is None:
        raise _refusal(version, _NOT_OURS)


def keep_possible_coverages(record: PatientRecord) -> None:
    """Leave the coverages out of account that cannot be meant, so that no policy of their payers judges an order."""
    record.keep("Coverage", _possible(record.of_type("Coverage")))


def coverage_of(review: Review, rules: PlanRules, version: CrdVersion) -> CoverageInHand:
    """Return the Coverage that was sent or read, and its payer.

    Raise RefusedError: 412 if none could be read, else as `check_sent_coverage`.
    """
    record = review.record
    found = _possible(record.of_type("Coverage"))
    if not found and record.availability("Coverage") is not Availability.COMPLETE:
        raise RefusedError(412, Issue(*_NOT_READ, _WHERE))
    if len(found) != 1:
        raise _refusal(version, _SEVERAL if found else _NONE)
    (coverage,) = found
    if not coverage.get("id"):
        raise _refusal(version, _NO_ID)
    stated, read = set(_stated(coverage)), set(_read(record, coverage))
    identifiers = stated or read
    payer = _payer(identifiers, rules)
    if payer is not None and any(each is not payer and each.identifiers & (stated | read) for each in rules.payers):
        raise _refusal(version, _SEVERAL_PAYERS)
    is_unread = not identifiers and _is_payer_unread(review, coverage)
    if payer is None and not is_unread:
        raise _refusal(version, _NOT_OURS if identifiers else _NO_IDENTIFIER)
    return CoverageInHand(
        reference=record.reference(coverage),
        payer=payer or UNKNOWN_PAYER,
        member_ids=frozenset(_member_ids(coverage)),
        own_ids=frozenset(_own_ids(coverage)),
        plans=frozenset(value for each in items(coverage.get("class")) if isinstance(value := each.get("value"), str)),
        is_payer_unread=is_unread,
    )


def _refusal(version: CrdVersion, issue: tuple[str, str]) -> RefusedError:
    return RefusedError(400 if version is CrdVersion.V2_2 else 422, Issue(*issue, _WHERE))


def _possible(found: Iterable[Resource]) -> list[Resource]:
    """Return the coverages that may be meant: of several only those that are active."""
    usable = [each for each in found if each.get("status") not in ("draft", "entered-in-error")]
    active = [each for each in usable if each.get("status") == "active"]
    return active if len(usable) > 1 and active else usable


def _payer(identifiers: set[str], rules: PlanRules) -> Payer | None:
    return next((payer for payer in rules.answered_for if payer.identifiers & identifiers), None)


def _stated(coverage: Resource) -> Iterator[str]:
    """Yield the identifiers of the payors that the Coverage itself has: beside the reference, or contained."""
    contained = contained_by_id(coverage)
    for payor in items(coverage.get("payor")):
        yield from payer_identifiers(payor)
        reference = payor.get("reference")
        if isinstance(reference, str) and reference.startswith("#") and reference[1:] in contained:
            yield from payer_identifiers(contained[reference[1:]])


def _read(record: PatientRecord, coverage: Resource) -> Iterator[str]:
    """Yield the identifiers of the organizations that the payors reference."""
    for payor in items(coverage.get("payor")):
        target = record.resolve(payor, within=coverage)
        if target is not None and target.get("resourceType") == "Organization":
            yield from payer_identifiers(target)


def _is_payer_unread(review: Review, coverage: Resource) -> bool:
    """Return whether a server was asked for the payor and did not say whether there is one."""
    asks = any(
        isinstance(each.get("reference"), str) and review.record.resolve(each, within=coverage) is None
        for each in items(coverage.get("payor"))
    )
    return asks and has_read_failed(review)


def _own_ids(coverage: Resource) -> Iterator[str]:
    """Yield the ids of the member that are the patient's own: an authorization of the subscriber is not for a child."""
    subscriber = coverage.get("subscriberId")
    others = {subscriber.strip()} if isinstance(subscriber, str) and _is_dependent(coverage) else set()
    yield from (each for each in _member_ids(coverage) if each not in others)


def _is_dependent(coverage: Resource) -> bool:
    """Return whether the patient is not the subscriber, by the relationship or by the references to both."""
    relationship = plain_codes(coverage.get("relationship"))
    subscriber, patient = _target(coverage, "subscriber"), _target(coverage, "beneficiary")
    return (bool(relationship) and "self" not in relationship) or (bool(subscriber) and subscriber != patient)


def _target(coverage: Resource, element: str) -> str:
    """Return the type and id that an element of a Coverage references; empty if it references nothing."""
    references = (each.get("reference") for each in items(coverage.get(element)))
    return next((address_of(each).name for each in references if isinstance(each, str)), "")


def _member_ids(coverage: Mapping[str, object]) -> Iterator[str]:
    """Yield the ids of the member: of the subscriber, then the identifiers of the Coverage."""
    subscriber = coverage.get("subscriberId")
    for value in (subscriber, *(each.get("value") for each in items(coverage.get("identifier")))):
        if isinstance(value, str) and value.strip():
            yield value.strip()
