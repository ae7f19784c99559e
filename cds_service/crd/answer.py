"""The answer of a payer to a CRD call: coverage information for every order, as system actions (CRD 2.2.1 resp-25)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from cards.coverage_extension import extension, faults, same_meaning
from cards.coverage_information import compose, minimal, payer_unread
from cards.coverage_parts import CoverageInformation, Occasion, Subject
from cards.coverage_terms import service_days
from cards.crd_versions import CrdVersion
from cds_service.crd.assertions import AssertionIds, with_coverage_information
from cds_service.crd.payer_check import CoverageInHand
from cds_service.crd.reads import has_read_failed
from cds_service.hooks.response import visible_part
from cds_service.hooks.review import Review
from coverage_policies.judging.assessment import Assessment
from coverage_policies.judging.order_session import FOR_ANOTHER_PATIENT
from coverage_policies.judging.payer_terms import Standing
from coverage_policies.judging.plan_rules import PlanRules, Visibility
from fhir_mappings.fhir_json import Resource
from fhir_mappings.orders import Order

_REQUESTS_2_0 = frozenset(
    {
        *("Appointment", "CommunicationRequest", "DeviceRequest", "Encounter", "MedicationRequest"),
        *("NutritionOrder", "ServiceRequest"),
    }
)
_REQUESTS = {CrdVersion.V2_2: _REQUESTS_2_0 | {"VisionPrescription"}, CrdVersion.V2_0: _REQUESTS_2_0}
"""The resources that may carry coverage information (context of the extension).

CRD 2.0.1 allows none on a VisionPrescription; its own slip overwrites the context that has Appointment.
"""
_DESCRIPTION = "Add coverage information"


@dataclass(frozen=True, slots=True)
class AnsweredOrder:
    """An order, everything that our policies say of it, and the coverage information that it gets.

    `carried` are the extensions for the same Coverage that it came with. `is_new` is whether the answer says anything
    that those do not (CRD 2.2.1 resp-35). `has_plan` is whether the member has or may have a plan on the day of the
    service, so that our policies matter.
    """

    order: Order
    assessments: tuple[Assessment, ...]
    information: tuple[CoverageInformation, ...]
    extensions: tuple[Resource, ...]
    carried: tuple[Resource, ...]
    is_new: bool
    has_plan: bool

    @property
    def assertion_id(self) -> str:
        """Return the id of the assertion, the same in every repetition."""
        return self.information[0].assertion_id

    @property
    def is_authorized(self) -> bool:
        """Return whether the payer has an authorization of the order on file."""
        return any(each.satisfied_pa_id for each in self.information)

    def as_system_action(self) -> dict[str, Any]:
        """Return the system action that updates the order (CDS Hooks 2.0.1, System Action)."""
        resource = with_coverage_information(self.order.resource, self.carried, self.extensions)
        return {"type": "update", "description": _DESCRIPTION, "resource": resource}


@dataclass(frozen=True, slots=True)
class Answering:
    """What the answers to the orders of one call have in common.

    `on_fault` is called with the rules of CRD that a composed answer breaks; the order then gets one that says nothing.
    """

    review: Review
    rules: PlanRules
    hook: str
    coverage: CoverageInHand
    assertion_ids: AssertionIds
    occasion: Occasion
    today: date
    on_fault: Callable[[Sequence[str]], None]

    def orders(self) -> Iterator[AnsweredOrder]:
        """Yield an answer to every order of this patient that may carry one, in their order."""
        by_order: dict[str, list[Assessment]] = {}
        for each in self.shown():
            by_order.setdefault(each.determinations[0].order, []).append(each)
        for order in self.review.session.judged:
            may_carry = order.resource.get("resourceType") in _REQUESTS[self.occasion.version]
            if may_carry and order.obstacle != FOR_ANOTHER_PATIENT:
                yield self._answered(order, by_order.get(order.reference, ()))

    def shown(self) -> Sequence[Assessment]:
        """Return what may be shown of the assessments: none by policies of a payer that could not be read."""
        if self.coverage.is_payer_unread:
            return ()
        parts = (visible_part(each, self.rules, self.hook, Visibility.ON) for each in self.review.assessments)
        return [part for part in parts if part is not None]

    def _answered(self, order: Order, assessments: Sequence[Assessment]) -> AnsweredOrder:
        subject = Subject(
            coverage=self.coverage.reference,
            payer=self.coverage.payer,
            assertion_id=self.assertion_ids.id_of(order),
            day=self.today,
            standing=self.coverage.standing(self.review.record, service_days(order, self.today)),
            member_ids=self.coverage.own_ids,
        )
        is_unread = order.has_missing_product and not order.codes and has_read_failed(self.review)
        occasion = replace(self.occasion, is_unread=is_unread)
        if self.coverage.is_payer_unread:
            information: tuple[CoverageInformation, ...] = (payer_unread(subject, occasion.version),)
        else:
            information = compose(order, assessments, subject, occasion)
        extensions = tuple(extension(each, occasion.version) for each in information)
        if broken := [
            fault for each in extensions for fault in faults(each, occasion.version, is_signing=occasion.is_signing)
        ]:
            self.on_fault(broken)
            information = (minimal(subject, occasion.version),)
            extensions = tuple(extension(each, occasion.version) for each in information)
        carried = tuple(self.assertion_ids.carried(order.resource))
        return AnsweredOrder(
            order,
            tuple(assessments),
            information,
            extensions,
            carried,
            is_new=not _say_the_same(carried, extensions),
            has_plan=subject.standing in (Standing.ACTIVE, Standing.UNCERTAIN),
        )


def _say_the_same(carried: Sequence[Resource], new: Sequence[Resource]) -> bool:
    """Return whether each of the new extensions says what one of those carried says, and the other way around."""
    left = list(carried)
    for each in new:
        match = next((i for i, one in enumerate(left) if same_meaning(one, each)), None)
        if match is None:
            return False
        del left[match]
    return not left
