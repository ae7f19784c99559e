"""The orders that the self-check sends, and the charts behind them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from cds_service.fhir_client.memory import Store
from cds_service.sample_ehr.patients import SAMPLES, sample_store
from fhir_mappings.fhir_json import Resource

_SAMPLES = ("cpap-mild-apnea", "sij-posterior", "sij-all-documented")
"""Sample patients whose first order a policy asks about, fails, and supports."""


class CaseError(Exception):
    """An order or a chart that cannot be sent. The message says what is missing, and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Case:
    """A draft order, its patient's id, and the patient's Coverage; None without one."""

    patient_id: str
    order: Resource
    coverage: Resource | None

    @property
    def reference(self) -> str:
        """Return the reference to the order."""
        return f"{self.order['resourceType']}/{self.order['id']}"

    @property
    def requester(self) -> str:
        """Return the reference to who ordered."""
        stated = self.order.get("requester")
        found = stated.get("reference") if isinstance(stated, dict) else None
        return found if isinstance(found, str) and found.startswith("Practitioner") else "Practitioner/self-check"


def sample_cases(today: date) -> tuple[Store, tuple[Case, ...]]:
    """Return the sample charts and some of their orders, written today."""
    store = sample_store(today)
    found = {each.id: each.orders[0].resource(today) for each in SAMPLES}
    return store, tuple(_case(store, found[name]) for name in _SAMPLES)


def own_cases(charts: Sequence[Any], orders: Sequence[Any], today: date) -> tuple[Store, tuple[Case, ...]]:
    """Return the charts in these Bundles, or the sample charts without any, and orders for them.

    Raise CaseError if an order is none, or is for a patient who is not in the charts.
    """
    try:
        store = Store.from_bundle(*charts) if charts else sample_store(today)
    except ValueError as error:
        raise CaseError(str(error)) from None
    return store, tuple(_case(store, order) for order in orders)


def _case(store: Store, order: Any) -> Case:
    if not isinstance(order, dict) or not all(isinstance(order.get(each), str) for each in ("resourceType", "id")):
        raise CaseError("An order is a FHIR resource with resourceType and id.")
    subject = order.get("subject")
    reference = subject.get("reference") if isinstance(subject, dict) else None
    patient_id = reference.rpartition("/")[2] if isinstance(reference, str) else ""
    if store.read("Patient", patient_id) is None:
        raise CaseError("The subject of an order is not a Patient of the charts. Give its chart with --patient.")
    return Case(patient_id, order, next(_coverages(store, patient_id), None))


def _coverages(store: Store, patient_id: str) -> Iterator[Resource]:
    """Yield the active Coverages of a patient."""
    for _, found in store.search("Coverage", [("patient", f"Patient/{patient_id}")]):
        if found.get("status") == "active":
            yield found
