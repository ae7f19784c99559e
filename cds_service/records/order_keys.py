"""The identifiers of orders: a response that names an order by its key still does once the EHR has stored the order."""

from collections.abc import Callable

from cds_service.records.pseudonyms import Pseudonymizer
from fhir_mappings.codings import items
from fhir_mappings.orders import Order


def order_keys(pseudonym: Pseudonymizer, patient_id: str) -> Callable[[Order], str]:
    """Return a function from an order of this patient to its key.

    The key is a keyed hash of the patient, the requester, the codes, the side, and the day on which the order was
    written: what stays the same when an EHR stores a draft under another id.
    """

    def key(order: Order) -> str:
        codes = sorted(f"{coding.system}|{coding.code}" for coding in order.codes)
        day = order.authored.latest.isoformat() if order.authored else ""
        return pseudonym("order key", patient_id, _requester(order), order.side or "", day, *codes)

    return key


def _requester(order: Order) -> str:
    """Return the requester as type and id, whatever server the reference names; empty if it names none."""
    references = [each.get("reference") for each in items(order.resource.get("requester"))]
    return next(("/".join(each.split("/")[-2:]) for each in references if isinstance(each, str)), "")
