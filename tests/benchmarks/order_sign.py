"""How long an order-sign call takes, as a ratio against the least that any answer to it must do.

    .venv/bin/python tests/benchmarks/order_sign.py

The call carries a prefetch of 100 resources. The floor is a Flask route on the same server that parses the same body
with Flask's own JSON and serializes it again. The call is answered once without records and once with its decision on
disk, in a SQLite file in the temporary folder or in the PostgreSQL that an argument names (its schema must be current):

    .venv/bin/python tests/benchmarks/order_sign.py postgresql://…

All are called in turn; printed are medians and their ratio to the floor.
"""

import statistics
import sys
import tempfile
import time
import uuid
from datetime import UTC, date, datetime
from typing import Any

import requests
from flask import Flask, Response, jsonify, request

from cds_service.observability.logging import service_log
from cds_service.records.database import Database
from cds_service.records.policy_snapshot import PolicySnapshot
from cds_service.records.protocol import Records
from cds_service.records.pseudonyms import Pseudonymizer, random_key
from cds_service.sample_ehr.hook_client import hook_call
from cds_service.sample_ehr.patients import SAMPLES, STORY_DATE
from cds_service.settings import Settings
from cds_service.wiring.app import create_app
from cds_service.wiring.records import make_ready, records_in
from cds_service.wiring.serving import on_loopback
from coverage_policies.format.library import load_library
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.plan_rules import PlanRules
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

    assessor = Assessor(library, PlanRules())

    def app_with(records: Records | None) -> Flask:
        return create_app(
            settings=settings,
            assessor=assessor,
            clock=clock,
            new_id=new_id,
            records=records,
            log=service_log(Nowhere(), clock),  # type: ignore[arg-type]
        )

    folder = tempfile.TemporaryDirectory()
    database = Database(sys.argv[1] if sys.argv[1:] else f"sqlite:///{folder.name}/records.db", wait_seconds=5)
    make_ready(database)
    snapshot = PolicySnapshot.of(assessor, settings.time_zone, settings.answers_valid_days)
    recorded = app_with(records_in(database, Pseudonymizer(random_key()), settings, snapshot, clock))
    app = app_with(None)

    @app.post("/floor")
    def floor() -> Response:
        return jsonify(request.get_json())

    sent = body({search.key: search.resource_type for search in library.searches()}).encode()
    with on_loopback(app) as address, on_loopback(recorded) as recording, requests.Session() as session, folder:
        urls = {
            "floor": f"{address}/floor",
            "order-sign": f"{address}/cds-services/coverage-order-sign",
            "order-sign, decision on disk": f"{recording}/cds-services/coverage-order-sign",
        }
        times: dict[str, list[float]] = {name: [] for name in urls}
        for round_ in range(WARM_UP + ROUNDS):
            for name, url in urls.items():
                begin = time.perf_counter()
                response = session.post(url, data=sent, headers={"Content-Type": "application/json"}, timeout=30)
                response.raise_for_status()
                if round_ >= WARM_UP:
                    times[name].append(time.perf_counter() - begin)
        database.close()
    medians = {name: statistics.median(taken) * 1000 for name, taken in times.items()}
    print(f"order-sign with {RESOURCES} prefetched resources, {len(sent)} bytes, {ROUNDS} calls each, in turn")
    for name, median in medians.items():
        print(f"  {name:36} median {median:7.2f} ms   ratio to the floor {median / medians['floor']:5.2f}")


if __name__ == "__main__":
    main()
