"""The CRD call behind a form: found by its coverage assertion, or by the order and the Coverage of the form."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from cds_service.crd.records_protocol import CallContext, CrdRecords, StoredAssertion
from cds_service.dtr.client import FormClient
from cds_service.dtr.same_order import has_same_id, is_same_order
from fhir_mappings.bundle import Entry, entry_reference

_UNKNOWN = "indeterminate"


@dataclass(frozen=True, slots=True)
class CrdContext:
    """A coverage assertion that CRD has issued, and the chart that it was issued by; None if none is stored."""

    assertion: StoredAssertion
    seen: CallContext | None = field(repr=False)

    @property
    def client(self) -> str:
        """Return the name of the client that the assertion was issued to."""
        return self.assertion.client

    @property
    def order(self) -> Entry | None:
        """Return the order of the assertion, as CRD received it; None if it was stored without a key."""
        return _order_of(self.assertion)

    @property
    def is_documented(self) -> bool:
        """Return whether CRD said last that no documentation is needed, at a signing and knowing the payer.

        An answer to order-select asks for no documents, since nothing is signed yet. That a form was completed proves
        nothing: its response may never have been stored.
        """
        path, codes = self.assertion.path, self.assertion.codes
        is_signing = path.startswith("cds-services/") and not path.endswith("order-select")
        is_open = any(each.get("doc-needed") or _UNKNOWN in each.get("covered", ()) for each in codes)
        return is_signing and bool(codes) and not is_open

    def is_about(self, order: Entry) -> bool:
        """Return whether an order is that of the assertion, changed a little perhaps (DTR 2.2.0 spec-128)."""
        return _is_order_of(self.assertion, order)

    def order_among(self, orders: Sequence[Entry]) -> Entry | None:
        """Return the one of these orders that the assertion is about: rather one that has its id."""
        same = [each for each in orders if self.is_about(each)]
        with_id = (each for each in same if self.order and has_same_id(self.order, each))
        return next(iter((*with_id, *same)), None)


def context_named(assertion_id: str, client: FormClient, records: CrdRecords) -> CrdContext | None:
    """Return the context of a coverage-assertion-id; None if there is none that this client may use.

    Raise UnavailableError or UnsealableError.
    """
    found = records.find(assertion_id)
    return _context(found, records) if found is not None and found.client in client.reads else None


def context_of_orders(
    orders: Sequence[str], coverage: str, client: FormClient, records: CrdRecords
) -> CrdContext | None:
    """Return the newest context of the first of these orders, given as references, that CRD has answered for."""
    for order in orders:
        for name in client.reads:
            if (found := records.newest(order, coverage, name)) is not None:
                return _context(found, records)
    return None


def assertion_ids(
    context: CrdContext | None, orders: Sequence[Entry], coverage: str, client: FormClient, records: CrdRecords
) -> dict[str, str]:
    """Return the ids under which CRD has answered for orders, by their references; that of the context comes first.

    An id is for one order: a second order of the same has an id of its own, or none if CRD was not called for it.
    Raise UnavailableError or UnsealableError.
    """
    if context is None:
        return {}
    own = context.order_among(orders)
    found = {entry_reference(own): context.assertion.assertion_id} if own else {}
    for order in orders:
        reference = entry_reference(order)
        for name in client.reads if reference not in found else ():
            known = records.newest(reference, coverage, name)
            if (
                known is not None
                and _is_order_of(known, order)
                and _patient_of(known) == _patient_of(context.assertion)
            ):
                found[reference] = known.assertion_id
                break
    return found


def _order_of(assertion: StoredAssertion) -> Entry | None:
    content = assertion.content
    if content is None:
        return None
    return "" if content.order_resource.get("id") else content.order, content.order_resource


def _is_order_of(assertion: StoredAssertion, order: Entry) -> bool:
    known = _order_of(assertion)
    return known is not None and is_same_order(known, order)


def _patient_of(assertion: StoredAssertion) -> str | None:
    return assertion.content.patient_id if assertion.content else None


def _context(found: StoredAssertion, records: CrdRecords) -> CrdContext:
    return CrdContext(found, records.context(found.chart_call_id) if found.chart_call_id else None)
