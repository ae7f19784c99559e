"""The questionnaire app of one service: what its routes and its links on cards need."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from cards.links import AppLink
from cds_service.clients.registry import Client
from cds_service.hooks.request import HookRequest
from cds_service.hooks.review import Review
from cds_service.smart.forms import Forms
from cds_service.smart.launch_context import ContextKey, LaunchContext
from cds_service.smart.launches import Launches, SmartClient
from cds_service.smart.responses import Responses
from cds_service.smart.sessions import Sessions
from coverage_policies.judging.determination import Determination

PATH = "/smart"
LAUNCH = f"{PATH}/launch"
CALLBACK = f"{PATH}/callback"


@dataclass(frozen=True, slots=True)
class SmartApp:
    """The parts of the app. All are thread-safe. `address` is that of the service, without a slash at the end."""

    address: str
    launches: Launches
    sessions: Sessions
    contexts: ContextKey
    forms: Forms
    responses: Responses

    def link(self, call: HookRequest, review: Review, caller: Client | None) -> AppLink | None:
        """Return the link of a card to the app; None if the EHR of the call cannot launch it.

        `caller` is None if the service asks for no tokens; otherwise the EHR must be registered for the client that
        called. The test client calls in place of any EHR.
        """
        client = self.launches.client_of(call.fhir.server) if call.fhir else None
        is_own = client is not None and (caller is None or caller.is_sandbox or caller.name == client.name)
        if client is None or not is_own:
            return None
        return AppLink(f"{self.address}{LAUNCH}", self._context_of(call, review, client))

    def _context_of(self, call: HookRequest, review: Review, client: SmartClient) -> Callable[[Determination], str]:
        names = Counter(order.reference for order in (*review.session.judged, *review.session.others))
        orders = (*call.orders.judged, *call.orders.others)

        def context(determination: Determination) -> str:
            if names[determination.order] != 1:  # orders without an id: the app could ask about another one
                return ""
            return self.contexts.seal(
                LaunchContext(
                    client=client.name,
                    patient=call.patient_id,
                    encounter=call.encounter_id,
                    orders=orders,
                    order=determination.order,
                    policy=determination.full_name,
                )
            )

        return context
