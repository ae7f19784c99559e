"""The reads of single resources in a CRD call: whether the server answered them, and the orders that it lacks."""

from collections.abc import Sequence

from cards.crd_versions import CrdVersion
from cds_service.crd.profiles import INVALID_STATUS, check_order
from cds_service.fhir_client.server import REFERENCES
from cds_service.hooks.errors import Issue, RefusedError
from cds_service.hooks.review import Review
from coverage_policies.judging.order_session import FOR_ANOTHER_PATIENT
from fhir_mappings.references import address_of

_ANSWERED = ("200", "404", "410")
"""The answers to the read of a reference that are no technical trouble."""
_UNREAD = Issue(
    "incomplete",
    "The orders that the context names could not be read. Send them in the prefetch, or fhirServer with a token that "
    "can read them.",
    "context",
)
_UNKNOWN = Issue(
    "not-found",
    "The orders that the context names do not exist. Name orders that fhirServer or the prefetch has.",
    "context",
)


def has_read_failed(review: Review) -> bool:
    """Return whether a read of a reference got no answer, or none that says whether there is such a resource."""
    answers = review.answers.get(REFERENCES, ())
    return bool(answers) and not all(each.startswith(_ANSWERED) for each in answers)


def check_number_of_orders(named: Sequence[str], element: str, most: int) -> None:
    """Raise RefusedError (413) for a call that names more orders than allowed; `element` is where they stand."""
    if len(named) > most:
        raise RefusedError(413, Issue("too-long", f"{element} names more than {most} orders.", element))


def check_named_orders(review: Review, named: Sequence[str], element: str, version: CrdVersion) -> None:
    """Refuse a call that has none of the orders that its context names, or has an invalid one.

    `named` are their references, and `element` is where they stand (order-dispatch, appointment-book).
    Raise RefusedError: 412 if they could not be read, 422 if they do not exist, the status of an invalid call if all
    are for another patient, else as `check_order`.
    """
    judged = review.session.judged
    if named and judged and all(order.obstacle == FOR_ANOTHER_PATIENT for order in judged):
        what = f"{element} names orders for another patient only. Name orders whose subject is context.patientId."
        raise RefusedError(INVALID_STATUS[version], Issue("value", what, element))
    places = {address_of(each).name: number for number, each in enumerate(named)}
    for order in judged:
        if order.reference in places:
            check_order(order.resource, f"{element}[{places[order.reference]}].resolve()", version)
    if not review.unread_orders or judged:
        return
    is_unread = not review.server or has_read_failed(review)
    raise RefusedError(412, _UNREAD) if is_unread else RefusedError(422, _UNKNOWN)
