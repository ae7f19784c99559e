"""How long an order-sign call takes, as a ratio against the least that any answer to it must do.

    .venv/bin/python tests/benchmarks/order_sign.py

The call carries a prefetch of 100 resources. The floor is a Flask route on the same server that parses the same body
with Flask's own JSON and serialises it again. Both are called in turn; printed are medians and their ratio.
"""

import statistics
import time
import uuid
from datetime import UTC, date, datetime
from typing import Any

import requests
from flask import Response, jsonify, request

from cds_service.app import create_app
from cds_service.call_log import CallLog
from cds_service.policy_judge import PolicyJudge
from cds_service.sample_ehr.hook_client import hook_call
from cds_service.sample_ehr.patients import SAMPLES, STORY_DATE
from cds_service.serving import on_loopback
from cds_service.settings import Settings
from coverage_policies.assessment import Assessor
from coverage_policies.library import load_library
from coverage_policies.plan_rules import PlanRules
from fhir_mappings.fhir_json import dumps

ROUNDS = 200
WARM_UP = 20
RESOURCES = 100
SEARCHSET = {"resourceType": "Bundle", "type": "searchset"}


class Nowhere:
    """A stream that keeps nothing."""

    def write(self, text: str) -> int:
        """Nothing."""
        return len(text)

    def flush(self) -> None:
        """Nothing."""


def new_id() -> str:
    """A new UUID."""
    return str(uuid.uuid4())


def body(keys: dict[str, str]) -> str:
    """An order-sign call for the pump trial of a sample patient; its chart is filled up to 100 resources."""
    sample = next(each for each in SAMPLES if each.id == "trial-not-weaned")
    order = sample.orders[0]
    call = hook_call(sample, order, fhir_server="", token="", today=STORY_DATE, new_id=new_id)
    chart = [entry["resource"] for entry in sample.bundle(None)["entry"]]
    filler = next(each for each in chart if each["resourceType"] == "Condition")
    chart += [
        {**filler, "id": f"filler-{n}", "code": {"coding": [{"system": "http://snomed.info/sct", "code": "38341003"}]}}
        for n in range(RESOURCES - len(chart))
    ]
    prefetch: dict[str, Any] = {key: {**SEARCHSET, "entry": []} for key in keys}
    for resource in chart:
        for key, kind in keys.items():
            if kind == resource["resourceType"]:
                prefetch[key]["entry"].append({"resource": resource})
    patient = next(each for each in chart if each["resourceType"] == "Patient")
    call = {name: value for name, value in call.items() if not name.startswith("fhir")}
    return dumps(call | {"prefetch": prefetch | {"patient": patient, "coverage": None}})


def main() -> None:
    """Run the benchmark and print its table."""
    settings = Settings()
    library = load_library()

    def clock() -> datetime:
        return datetime.combine(date(2026, 3, 2), datetime.min.time(), UTC)

    judge = PolicyJudge(Assessor(library, PlanRules()), zone=settings.time_zone, clock=clock, new_id=new_id)
    app = create_app(
        settings=settings,
        judge=judge,
        clock=clock,
        new_id=new_id,
        log=CallLog(Nowhere(), clock),  # type: ignore[arg-type]
    )

    @app.post("/floor")
    def floor() -> Response:
        return jsonify(request.get_json())

    sent = body({search.key: search.resource_type for search in library.searches()}).encode()
    times: dict[str, list[float]] = {"floor": [], "cds-services/coverage-order-sign": []}
    with on_loopback(app) as address, requests.Session() as session:
        for round_ in range(WARM_UP + ROUNDS):
            for path, taken in times.items():
                begin = time.perf_counter()
                response = session.post(
                    f"{address}/{path}", data=sent, headers={"Content-Type": "application/json"}, timeout=30
                )
                response.raise_for_status()
                if round_ >= WARM_UP:
                    taken.append(time.perf_counter() - begin)
    medians = {path: statistics.median(taken) * 1000 for path, taken in times.items()}
    print(f"order-sign with {RESOURCES} prefetched resources, {len(sent)} bytes, {ROUNDS} calls each, in turn")
    for path, median in medians.items():
        print(f"  {path:36} median {median:7.2f} ms")
    print(f"  ratio to the floor {medians['cds-services/coverage-order-sign'] / medians['floor']:.2f}")


if __name__ == "__main__":
    main()
