"""The order-sign calls that the benchmarks send, of any size.

The base is the pump trial of a sample patient, judged on a fixed day: determinations depend on the date.
"""

import uuid
from datetime import UTC, datetime
from typing import Any

from cds_service.sample_ehr.hook_client import hook_call
from cds_service.sample_ehr.patients import SAMPLES, STORY_DATE, Sample
from coverage_policies.format.library import Library, load_library
from fhir_mappings.fhir_json import dumps

RESOURCES = 100
PATH = "/cds-services/coverage-order-sign"
SAMPLE = next(each for each in SAMPLES if each.id == "trial-not-weaned")

_NOW = datetime(STORY_DATE.year, STORY_DATE.month, STORY_DATE.day, tzinfo=UTC)
_SEARCHSET = {"resourceType": "Bundle", "type": "searchset"}
_HYPERTENSION = {"coding": [{"system": "http://snomed.info/sct", "code": "38341003"}]}
_OPIOID = "trial-not-weaned-morphine-1"


def clock() -> datetime:
    """The time of every call."""
    return _NOW


def new_id() -> str:
    """A new UUID."""
    return str(uuid.uuid4())


def order_sign(
    *,
    resources: int = RESOURCES,
    orders: int = 1,
    opioids: int | None = None,
    library: Library | None = None,
    sample: Sample = SAMPLE,
) -> bytes:
    """A call with everything prefetched: a chart of so many resources, filled up with conditions.

    `orders` are copies of the order, and `opioids` replaces the prescriptions of the chart by so many others.
    """
    call = {name: value for name, value in _call("", orders, sample).items() if not name.startswith("fhir")}
    chart = [entry["resource"] for entry in sample.bundle(None)["entry"]]
    if opioids is not None:
        like = next(each for each in chart if each["id"] == _OPIOID)
        chart = [each for each in chart if each["resourceType"] != "MedicationRequest"]
        chart += [_prescription(like, n) for n in range(opioids)]
    filler = next(each for each in chart if each["resourceType"] == "Condition")
    chart += [{**filler, "id": f"filler-{n}", "code": _HYPERTENSION} for n in range(resources - len(chart))]
    by_type: dict[str, list[Any]] = {}
    for resource in chart:
        by_type.setdefault(resource["resourceType"], []).append({"resource": resource})
    prefetch: dict[str, Any] = {
        search.key: {**_SEARCHSET, "entry": by_type.get(search.resource_type, [])}
        for search in (library or load_library()).searches()
    }
    prefetch |= {"patient": by_type["Patient"][0]["resource"], "coverage": None}
    return dumps(call | {"prefetch": prefetch}).encode()


def without_prefetch(fhir_server: str) -> bytes:
    """A call whose chart is read from a FHIR server."""
    return dumps(_call(fhir_server, orders=1)).encode()


def _call(fhir_server: str, orders: int, sample: Sample = SAMPLE) -> dict[str, Any]:
    call: dict[str, Any] = hook_call(
        sample, sample.orders[0], fhir_server=fhir_server, token="none", today=STORY_DATE, new_id=new_id
    )
    (entry,) = call["context"]["draftOrders"]["entry"]
    order = entry["resource"]
    call["context"]["draftOrders"]["entry"] = [
        {"resource": {**order, "id": order["id"] if n == 0 else f"{order['id']}-{n}"}} for n in range(orders)
    ]
    return call


def _prescription(like: Any, n: int) -> dict[str, Any]:
    """A prescription of a month, one of the last twelve, of a dose that others have too."""
    begin = f"2025-{3 + n % 10:02}-01"
    (dosage,) = like["dosageInstruction"]
    bounds = {"start": begin, "end": f"2025-{3 + n % 10:02}-28"}
    timing = {"repeat": {**dosage["timing"]["repeat"], "frequency": 1 + n % 4, "boundsPeriod": bounds}}
    written = {name: value for name, value in dosage.items() if name != "text"}
    return {**like, "id": f"opioid-{n}", "authoredOn": begin, "dosageInstruction": [{**written, "timing": timing}]}


def http_request(body: bytes, path: str = PATH) -> bytes:
    """The bytes of a request, for a connection that is kept open."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
