"""What a session asks: the chart read with the user's own token, and the next screen of the policy's questions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus

from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.kept_chart import Kept, KeptChart
from cds_service.fhir_client.source import FhirAccess, FhirOpener
from cds_service.hooks.chart_reader import Waiting
from cds_service.hooks.draft_orders import draft_orders
from cds_service.hooks.errors import RefusedError
from cds_service.hooks.request import HookRequest
from cds_service.hooks.review import Review, ReviewLimits, review
from cds_service.smart.errors import LaunchError, ehr_failed, ended
from cds_service.smart.launches import SmartClient
from cds_service.smart.sessions import FormSession
from coverage_policies.format.model import Policy
from coverage_policies.format.searches import Search
from coverage_policies.format.terms import Outcome
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.next_screen import Screen
from coverage_policies.judging.questions import question_named
from fhir_mappings.bundle import Entry
from fhir_mappings.fhir_json import Resource
from fhir_mappings.orders import Order

_ORDER_SIGN = "order-sign"
_UNFINISHED = ("draft", "active", "on-hold")
_ORDERS = (
    Search("ServiceRequest", "unfinishedServiceRequests", (("status", ",".join(_UNFINISHED)),)),
    Search("DeviceRequest", "unfinishedDeviceRequests", (("status", ",".join(_UNFINISHED)),), in_us_core=False),
    Search("MedicationRequest", "unfinishedMedicationRequests", (("status", ",".join(_UNFINISHED)),)),
)
"""The orders to choose from when no card launched the app."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form in a session: the order, the revision that asks, the next screen, and the review that it comes from.

    `chart` is what was read for it, for the session to keep.
    """

    order: Order
    policy: Policy
    screen: Screen
    review: Review
    chart: Kept = field(repr=False)


@dataclass(frozen=True, slots=True)
class Choice:
    """An order of the chart that a policy has questions about."""

    order: Order
    policy: Policy


class Forms:
    """Reads charts and judges orders for sessions, by the one walk of the service."""

    def __init__(
        self,
        assessor: Assessor,
        limits: ReviewLimits,
        *,
        open_fhir_server: FhirOpener,
        order_keys: Callable[[str], Callable[[Order], str]],
        max_orders: int,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._assessor = assessor
        self._limits = limits
        self._open_fhir_server = open_fhir_server
        self._order_keys = order_keys
        self._max_orders = max_orders
        self._clock = clock
        self._monotonic = monotonic

    def form(self, session: FormSession, client: SmartClient, waiting: Waiting) -> Form:
        """Return the form of a session that has its order and its policy.

        Raise LaunchError if the chart cannot be read, or if the order or the policy is gone.
        """
        found, chart = self._reviewed(session, client, waiting)
        order = next((each for each in found.session.judged if each.reference == session.order), None)
        policy = self._assessor.library.policies.get(session.policy)
        if order is None or policy is None:
            raise LaunchError(
                HTTPStatus.GONE,
                "This form is no longer in use",
                "The policy of the card, or its order, is no longer known to this service.",
                "Sign the order again in the EHR, and open the form from the new card.",
            )
        screen = self._assessor.next_screen(policy, order, found.session, found.record, session.answers)
        if session.again and (asked := question_named(policy, session.again)):
            screen = replace(screen, question=asked)
        return Form(order, policy, screen, found, chart)

    def with_orders(self, session: FormSession, client: SmartClient) -> FormSession:
        """Return a session with the unfinished orders of its patient, the newest first, for a launch without a card."""
        source = self._open_fhir_server(self._access(session, client), self._deadline())
        entries = [each for search in _ORDERS for each in source.search(search, session.grant.patient).entries]
        usable = [each for each in entries if each[1].get("status") in _UNFINISHED]
        usable.sort(key=lambda entry: str(entry[1].get("authoredOn", "")), reverse=True)
        return replace(session, orders=tuple(usable[: self._max_orders]))

    def choices(
        self, session: FormSession, client: SmartClient, waiting: Waiting
    ) -> tuple[tuple[Choice, ...], FormSession]:
        """Return the orders of a session that a policy has questions about, and the session with what was read.

        Raise LaunchError as `form` does.
        """
        if not session.orders:
            return (), session
        found, chart = self._reviewed(session, client, waiting)
        return tuple(self._choices(found)), replace(session, chart=chart)

    def _choices(self, found: Review) -> Iterator[Choice]:
        orders = {each.reference: each for each in found.session.judged}
        for each in found.determinations:
            policy = self._assessor.library.policies.get(each.full_name)
            if policy is not None and each.questions and each.outcome is not Outcome.NOT_APPLICABLE:
                yield Choice(orders[each.order], policy)

    def stored_order(self, session: FormSession, client: SmartClient, order: Order) -> str:
        """Return the reference of an order in the EHR; empty if it is not stored there yet."""
        source = self._open_fhir_server(self._access(session, client), self._deadline())
        found = source.read(order.reference)
        return order.reference if found is not None and _is_same(found, order.resource) else ""

    def _reviewed(self, session: FormSession, client: SmartClient, waiting: Waiting) -> tuple[Review, Kept]:
        grant = session.grant
        if grant.expires_at <= self._clock():
            raise LaunchError(
                HTTPStatus.FORBIDDEN,
                "Your sign-in has expired",
                "The EHR gave access to the chart for a limited time, and that time is over.",
                "Open the form again from the card in the EHR. Answers that you saved are still there.",
            )
        try:
            orders = draft_orders(
                [{"fullUrl": url, "resource": order} for url, order in session.orders], grant.patient, session.iss, None
            )
        except RefusedError:
            raise ended() from None
        access = self._access(session, client)
        request = HookRequest(_ORDER_SIGN, "", grant.user, grant.patient, grant.encounter, orders, {}, access)
        opened: list[KeptChart] = []

        def open_chart(deadline: Deadline) -> KeptChart:
            source = self._open_fhir_server(access, deadline)
            opened.append(KeptChart(source, session.chart, without=session.response))
            return opened[0]

        found = review(
            request,
            self._assessor,
            self._limits,
            open_source=open_chart,
            clock=self._clock,
            monotonic=self._monotonic,
            waiting=waiting,
            order_key=self._order_keys(grant.patient),
        )
        if found.refusal is not None:
            raise ehr_failed("It did not let this page read the chart.")
        return found, opened[0].kept

    def _access(self, session: FormSession, client: SmartClient) -> FhirAccess:
        seconds = (session.grant.expires_at - self._clock()).total_seconds()
        return FhirAccess(session.iss, session.grant.access_token, max(0.0, seconds), registered=client.fhir_servers)

    def _deadline(self) -> Deadline:
        return Deadline(self._limits.call_timeout_seconds, self._monotonic)


def _is_same(found: Entry, draft: Resource) -> bool:
    """Return whether a stored resource is the order: an EHR may give the id of a draft to something else."""
    return found[1].get("resourceType") == draft.get("resourceType") and found[1].get("id") == draft.get("id")
