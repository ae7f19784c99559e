"""Judge the orders of one patient after another, by the one walk (`review`). Knows no Dask: what one process does."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cds_service.hooks.coded_order import signing
from cds_service.hooks.errors import RefusedError
from cds_service.hooks.impact import Flip, compared
from cds_service.hooks.request import HookRequest, read_request
from cds_service.hooks.review import ReviewLimits, review
from cds_service.observability.logging import where
from cds_service.population.bucket import ExportedPatient
from cds_service.population.chart import ExportedChart, ExportedTypes
from cds_service.population.shared import SharedResources
from cds_service.records.pseudonyms import Pseudonymizer
from coverage_policies.format.terms import Status
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.determination import CriterionResult, Determination
from fhir_mappings.bundle import reference_of
from fhir_mappings.fhir_json import Resource

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_INSTANCE = "00000000-0000-4000-8000-000000000000"
"""The hookInstance of every call: nobody but the review sees it."""

NO_ID = "the id of the patient is not as FHIR has it: 1 to 64 letters, digits, hyphens, and periods"
NO_PATIENT = "the export has no Patient resource for this patient"
TOO_LARGE = "the chart is larger than 64 MB"
NO_ACTION = "the order is revoked, canceled, entered in error, or asks not to do something"
NOTHING_READ = "nothing of the chart could be read"


class _FailedError(Exception):
    """An order cannot be judged; the message is the reason that its row states."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges orders by one revision, and by another one to compare with, as of one moment.

    `order` is the order of every patient; None if the export comes with the orders of each. `pseudonym` replaces the
    ids of patients; None leaves them in the rows, with those of the orders. `types` are those of the export.
    """

    assessor: Assessor
    compared: Assessor | None
    limits: ReviewLimits
    at: datetime
    order: Resource | None
    types: ExportedTypes
    shared: SharedResources
    pseudonym: Pseudonymizer | None

    def rows(self, exported: ExportedPatient) -> Iterator[Mapping[str, Any]]:
        """Yield a row for each order of a patient. What goes wrong with one is its row's reason, never an error."""
        if self.order is None and not exported.orders and not exported.is_too_large:
            return  # a patient without an order
        patient = self.pseudonym("population patient", exported.id) if self.pseudonym else exported.id
        orders = exported.orders if self.order is None else (self.order,)
        chart = ExportedChart(exported, self.types, self.shared)
        problem = _problem(exported)
        for number, order in enumerate(orders or ({},), start=1):
            row: dict[str, Any] = {"patient": patient, "order_number": number, "failure": problem}
            if self.pseudonym is None and self.order is None:
                row["order_id"] = reference_of(order)
            if problem is None:
                try:
                    row |= self._judged(order, exported.id, chart)
                except _FailedError as error:
                    row["failure"] = str(error)
                except RefusedError as error:  # its sentences name places and quote nothing
                    row["failure"] = " ".join(issue.diagnostics for issue in error.issues)
                except Exception as error:  # one patient must not end a run, and the message may quote the chart
                    row["failure"] = where(error)
            yield row

    def _judged(self, order: Resource, patient: str, chart: ExportedChart) -> dict[str, Any]:
        call = read_request(signing(order, patient, _INSTANCE))
        found = self._determination(call, self.assessor, chart)
        row = _columns(found)
        if self.compared is not None:
            before = self._determination(call, self.compared, chart)
            impact = compared("", before, found)
            row["compared_outcome"] = before.outcome.value
            row["is_changed"] = impact.is_changed
            row["flips"] = [_flip(flip) for flip in impact.flips]
        return row

    def _determination(self, call: HookRequest, assessor: Assessor, chart: ExportedChart) -> Determination:
        found = review(
            call, assessor, self.limits, open_source=chart.open, clock=self._clock, monotonic=_standing_still
        )
        if found.refusal is not None:
            raise _FailedError(NOTHING_READ)
        if len(found.determinations) != 1:
            raise _FailedError(NO_ACTION)
        return found.determinations[0]

    def _clock(self) -> datetime:
        return self.at


def _standing_still() -> float:
    """Return no passing time, so no limit: what a run finds must not depend on how fast a machine is."""
    return 0.0


def _problem(exported: ExportedPatient) -> str | None:
    """Return why nothing can be judged for a patient; None if it can."""
    if not _ID.fullmatch(exported.id):
        return NO_ID
    if exported.is_too_large:
        return TOO_LARGE
    return None if any(each.get("resourceType") == "Patient" for each in exported.resources) else NO_PATIENT


def _columns(found: Determination) -> dict[str, Any]:
    return {
        "code": found.codes[0].code if found.codes else None,
        "outcome": found.outcome.value,
        "section": found.section or None,
        "pathway": found.pathway or (found.presumed.pathway if found.presumed else None),
        "documented": found.documented,
        "required": found.required,
        "items_left": found.items_left[1],
        "criteria": [_criterion(each) for each in found.criteria],
        "missing": [part.id for question in found.questions for part in question.parts or (question,)],
        "unread": list(found.unread),
    }


def _criterion(result: CriterionResult) -> dict[str, Any]:
    return {
        "id": result.id,
        "status": result.status.value,
        "reason": result.reason.value if result.reason else None,
        "counted": _value(result.counted),
        "is_group": result.is_group,
    }


def _flip(flip: Flip) -> dict[str, str | None]:
    return {"criterion": flip.criterion, "before": _value(flip.before), "after": _value(flip.after)}


def _value(status: Status | None) -> str | None:
    return status.value if status is not None else None
