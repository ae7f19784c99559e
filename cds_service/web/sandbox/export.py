"""Read the chart of a case once more, and make cases for the authors of policies of it."""

from functools import partial

from cds_service.fhir_client.source import FhirAccess
from cds_service.hooks.draft_orders import draft_orders
from cds_service.hooks.errors import RefusedError
from cds_service.hooks.request import HookRequest
from cds_service.hooks.review import review
from cds_service.http.services import services
from cds_service.web.sandbox.case import Case
from cds_service.web.sandbox.hook_calls import SIGN
from cds_service.web.sandbox.policy_case import PolicyCase, policy_cases, said_in
from cds_service.web.sandbox.reading import open_chart
from fhir_mappings.fhir_json import Json


def exported_cases(case: Case, token: str, response: Json) -> tuple[PolicyCase, ...]:
    """Return the cases for authors: for each order and each revision that judges it by the one walk of the service.

    `token` is that for the FHIR server, and `response` what the service answered to the orders. There is none for
    orders of another patient.
    """
    used = services()
    entries = [{"resource": order} for order in case.orders]
    try:
        orders = draft_orders(entries, case.patient, case.fhir_server, None)
    except RefusedError:
        return ()
    request = HookRequest(SIGN, "", case.user, case.patient, "", orders, {}, FhirAccess(case.fhir_server, token))
    found = review(
        request,
        used.assessor,
        used.limits,
        open_source=partial(open_chart, case, token),
        clock=used.clock,
        monotonic=used.monotonic,
    )
    return policy_cases(case, found, used.assessor.library.policies, said_in(response))
