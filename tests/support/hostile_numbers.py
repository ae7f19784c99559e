"""Numbers that are short to write and endless to work with, in every kind of element, through every way in.

Run as a script with the name of a way in. A conversion that does not end holds the interpreter and cannot be stopped
from within the process, so tests run it in a process of its own and limit its time.
"""

import json
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

from flask import Response

from cds_service.wiring.serving import on_loopback
from coverage_policies.format.library import load_library
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.plan_rules import PlanRules
from tests.support.hook_fakes import PATIENT_ID, FakeEhr, Service, authorization, bundle, call

WORST = {
    "huge": "1e99999999",
    "tiny": "1e-99999999",
    "negative": "-1e999999",
    "zero": "0e99999999",
    "beyond Decimal": "1e99999999999999999999",
    "just too large": "1e401",
    "just too small": "1e-401",
    "long integer": "9" * 5000,
    "integer just too long": "9" * 1001,
    "decimal just too long": "0." + "0" * 300 + "1" * 699,
}
"""Numbers that are refused where they enter."""
ALLOWED = {
    "large": "1e400",
    "small": "-1e-400",
    "longest integer": "9" * 1000,
    "longest negative": "-" + "9" * 1000,
    "longest decimal": "0." + "0" * 300 + "1" * 698,
    "zero": "0e400",
}
"""The last numbers on the other side of each bound, which must do no harm anywhere."""

_MARK = "@number@"
_CODED = {"coding": [{"system": "http://snomed.info/sct", "code": "24693007"}]}
_OPIOID = {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "892582"}]}
_SUBJECT = {"reference": f"Patient/{PATIENT_ID}"}
_TIMING = {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}
_RESOURCES: dict[str, dict[str, Any]] = {
    "Patient": {"id": PATIENT_ID},
    "Condition": {"subject": _SUBJECT, "code": _CODED},
    "Procedure": {"subject": _SUBJECT, "status": "completed", "code": _CODED},
    "Observation": {"subject": _SUBJECT, "status": "final", "code": _CODED},
    "ImagingStudy": {"subject": _SUBJECT, "status": "available", "started": "2026-01-01"},
    "Coverage": {"beneficiary": _SUBJECT, "status": "active", "payor": [{"display": "A plan"}]},
    "QuestionnaireResponse": {"subject": _SUBJECT, "status": "completed", "authored": "2026-03-01T10:00:00Z"},
    "MedicationRequest": {
        "subject": _SUBJECT,
        "status": "active",
        "intent": "order",
        "authoredOn": "2026-02-01",
        "medicationCodeableConcept": _OPIOID,
        "dosageInstruction": [{"timing": _TIMING, "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}]}],
    },
    "ServiceRequest": {
        "subject": _SUBJECT,
        "status": "draft",
        "intent": "order",
        "code": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "62362"}], "text": "pump"},
    },
}
_ELEMENTS = {
    "Patient": "multipleBirthInteger birthDate name.0.family",
    "Condition": "onsetAge.value code.coding.0.code code.text recordedDate category.0.coding.0.system",
    "Procedure": "performedAge.value code.coding.0.code status performedDateTime",
    "Observation": "valueInteger valueQuantity.value valueQuantity.unit code.coding.0.code effectiveDateTime"
    " component.0.valueInteger valueRange.low.value valueRatio.numerator.value valueSampledData.dimensions",
    "ImagingStudy": "numberOfSeries series.0.number started",
    "Coverage": "order costToBeneficiary.0.valueQuantity.value period.start",
    "QuestionnaireResponse": "item.0.answer.0.valueInteger item.0.answer.0.valueDecimal item.0.linkId authored",
    "MedicationRequest": "dosageInstruction.0.timing.repeat.frequency dosageInstruction.0.timing.repeat.count"
    " dosageInstruction.0.timing.repeat.period dosageInstruction.0.sequence dosageInstruction.0.text"
    " dosageInstruction.0.doseAndRate.0.doseQuantity.value dispenseRequest.numberOfRepeatsAllowed authoredOn"
    " dispenseRequest.quantity.value dispenseRequest.expectedSupplyDuration.value"
    " medicationCodeableConcept.coding.0.code",
    "ServiceRequest": "quantityQuantity.value occurrenceTiming.repeat.count occurrenceTiming.repeat.offset"
    " orderDetail.0.text code.coding.0.code code.coding.0.userSelected authoredOn note.0.text id",
}


def _with(value: Any, path: list[str]) -> Any:
    """Return a JSON document with the mark at a path, which may lead through what is not there yet."""
    if not path:
        return _MARK
    name, *rest = path
    if name.isdigit():
        return [_with(value[0] if value else None, rest)]
    return {**(value or {}), name: _with((value or {}).get(name), rest)}


def marked_resources(*kinds: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each kind of element with a resource that has the mark in it."""
    for kind in kinds or _RESOURCES:
        for element in _ELEMENTS[kind].split():
            resource = {"resourceType": kind, "id": f"{kind}-1", **_RESOURCES[kind]}
            yield f"{kind}.{element}", _with(resource, element.split("."))


def marked_orders(assessor: Assessor) -> Iterator[tuple[str, Any]]:
    """Yield calls with the mark in the call itself, and in each element of a draft order."""
    nothing = {key: bundle() for key in _prefetch_keys(assessor).values()}
    for name, resource in marked_resources("ServiceRequest", "MedicationRequest"):
        request = call(prefetch=nothing)
        request["context"]["draftOrders"]["entry"] += [{"resource": resource}]
        yield f"draftOrders {name}", request
    address = {"fhirServer": "https://none.invalid/fhir", "prefetch": nothing}
    yield "expires_in", call(fhirAuthorization=authorization(expires_in=_MARK), **address)
    yield "extension", call(extension={"org.example": _MARK}, prefetch=nothing)
    yield "hookInstance", call(hookInstance=_MARK)


def _signing(**members: Any) -> dict[str, Any]:
    """Return a call whose orders need every kind of resource."""
    request = call(**members)
    pump = {"resourceType": "ServiceRequest", "id": "sr-2", **_RESOURCES["ServiceRequest"]}
    request["context"]["draftOrders"]["entry"] += [{"resource": pump}]
    return request


def _prefetch_keys(assessor: Assessor) -> dict[str, str]:
    return {search.resource_type: search.key for search in assessor.library.searches()} | {
        "Patient": "patient",
        "Coverage": "coverage",
    }


def marked_prefetch(assessor: Assessor) -> Iterator[tuple[str, Any]]:
    """Yield calls with the mark in each element of a prefetched resource, and in the number of results."""
    keys = _prefetch_keys(assessor)
    nothing = {key: bundle() for key in keys.values()}
    for name, resource in marked_resources():
        key = keys.get(resource["resourceType"], "conditions")
        held = resource if key == "patient" else bundle(resource)
        yield f"prefetch {name}", _signing(prefetch=nothing | {key: held})
    yield "prefetch Bundle.total", _signing(prefetch=nothing | {keys["Condition"]: bundle(total=_MARK)})


def _report(name: str, which: str, number: str, response: Any) -> None:
    body = response.get_data(as_text=True)
    repeats = len(number) > 5 and number in body
    print(json.dumps({"element": name, "number": which, "status": response.status_code, "repeats": repeats}))


def _posted(service: Service, value: Any, number: str) -> Any:
    return service.client.post(
        "/cds-services/coverage-order-sign",
        data=json.dumps(value).replace(f'"{_MARK}"', number),
        content_type="application/json",
    )


def send_bodies(service: Service, calls: Iterator[tuple[str, Any]]) -> None:
    """Send each call with each number in the place of its mark, and print what it is answered."""
    for name, value in calls:
        for numbers, verdict in ((WORST, "refused"), (ALLOWED, "allowed")):
            for which, number in numbers.items():
                _report(name, f"{verdict}: {which}", number, _posted(service, value, number))


def _page(resource: Any, number: str) -> Response:
    written = json.dumps(resource if resource["resourceType"] in ("Patient", "Bundle") else bundle(resource))
    return Response(written.replace(f'"{_MARK}"', number), mimetype="application/fhir+json")


def serve_pages(assessor: Assessor) -> None:
    """Answer the searches of a call with each number in each element, and print what the call is answered."""
    ehr = FakeEhr()
    with on_loopback(ehr.app) as address:
        service = Service(assessor, fhir_circuit_failures=10**6)
        request = _signing(fhirServer=f"{address}/fhir")
        marked = [*marked_resources(), ("Bundle.total", bundle(total=_MARK))]
        for name, resource in marked:
            kind = resource["resourceType"]
            path = {"Patient": f"Patient/{PATIENT_ID}", "Bundle": "Condition"}.get(kind, kind)
            before = ehr.answers.copy()
            for numbers, verdict in ((WORST, "refused"), (ALLOWED, "allowed")):
                for which, number in numbers.items():
                    ehr.answers[path] = partial(_page, resource, number)
                    response = service.post(request)
                    _report(f"page {name}", f"{verdict}: {which}", number, response)
            ehr.answers = before


def main(way_in: str) -> None:
    """Try every number in every kind of element through one way in."""
    assessor = Assessor(load_library(), PlanRules())
    service = Service(assessor, fhir_servers="https://none.invalid/fhir")
    if way_in == "draft orders":
        send_bodies(service, marked_orders(assessor))
    elif way_in == "prefetch":
        send_bodies(service, marked_prefetch(assessor))
    else:
        serve_pages(assessor)


if __name__ == "__main__":
    main(sys.argv[1])
