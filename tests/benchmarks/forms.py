"""How long the operations of Da Vinci DTR take beside a CRD signing, as ratios to the floor.

`python -m tests.benchmarks.forms` measures them alone. The order is one that asks for documentation. All calls go to
`cds-service serve`, which stores exchanges encrypted.
"""

import copy
import os
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cds_service.crd.assertions import coverage_information_of, part_value
from cds_service.sample_ehr.dtr_client import DtrClient, Post
from cds_service.sample_ehr.patients import SAMPLES
from fhir_mappings.fhir_json import Json, Resource, dumps, loads
from tests.benchmarks.calls import PATH, clock, http_request, order_sign
from tests.benchmarks.load import Clients, Load, one_call
from tests.benchmarks.processes import Server, program
from tests.benchmarks.ratios import FLOOR

SIGN, PACKAGE = "`crd-order-sign`", "`$questionnaire-package`"
FIRST, LAST = "`$next-question`, the first", "`$next-question`, the last"
_SIGN_PATH = "/cds-services/crd-order-sign"
_SAMPLE = next(each for each in SAMPLES if each.id == "sij-nearly-empty")
_EHR = "https://ehr.example.org/fhir"
_PAYER = {"system": "https://payer.example/id", "value": "PAYER"}
_PLAN_RULES = """payers:
  - name: Payer
    owners: [Centene Corporation]
    identifiers: ["https://payer.example/id|PAYER"]
    crd: yes
"""
_WARM_UP = 10


@dataclass(slots=True)
class FormTiming:
    """One kind of call: its times, and the sizes of its request and of the answer in bytes."""

    sent: int = 0
    received: int = 0
    load: Load = field(default_factory=Load)


@dataclass(frozen=True, slots=True)
class Forms:
    """The kinds of calls by name, the floor among them, and how many calls of `$next-question` the form takes."""

    timings: Mapping[str, FormTiming]
    screens: int

    def ratio(self, name: str) -> float:
        """How many times the median of the floor the median of a call is."""
        return self.timings[name].load.ms(50) / self.timings[FLOOR].load.ms(50)


def measure(folder: Path, settings: Mapping[str, str], rounds: int) -> Forms:
    """Sign an order, get its form, and answer it to the end; then repeat each call in turn over one connection."""
    rules = folder / "forms-plan-rules.yaml"
    rules.write_text(_PLAN_RULES, encoding="utf-8")
    environment = {**settings, "CDS_PLAN_RULES": str(rules), "CDS_ENCRYPTION_KEYS": os.urandom(32).hex()}
    signing = _signing()
    sign = http_request(dumps(signing).encode(), _SIGN_PATH)
    with ExitStack() as stack:
        service = stack.enter_context(Server(program("service"), folder, environment))
        floor = stack.enter_context(Server(program(FLOOR), folder, dict(settings)))
        service.until_answered(sign)
        requests, screens = _requests(service.port, signing)
        requests = {SIGN: sign, **requests}
        ports = dict.fromkeys(requests, service.port) | {FLOOR: floor.port}
        requests[FLOOR] = http_request(dumps(signing).encode(), PATH)
        floor.until_answered(requests[FLOOR])
        timings = {name: FormTiming(len(_body(sent))) for name, sent in requests.items()}
        clients = {name: stack.enter_context(Clients(ports[name], sent)) for name, sent in requests.items()}
        for number in range(_WARM_UP + rounds):
            for name, each in clients.items():
                load = each.run(1)
                if number >= _WARM_UP:
                    timings[name].load.add(load)
        for name, each in clients.items():
            timings[name].received = len(each.answer)
    return Forms(timings, screens)


def _signing() -> dict[str, Any]:
    """Return a call with its chart and one Coverage in the prefetch, as a CRD client sends it."""
    call: dict[str, Any] = loads(order_sign(sample=_SAMPLE)) | {"hook": "order-sign"}
    for entry in call["context"]["draftOrders"]["entry"]:
        resource = entry["resource"]
        entry["fullUrl"] = f"{_EHR}/{resource['resourceType']}/{resource['id']}"
    coverage = {
        "resourceType": "Coverage",
        "id": "coverage-1",
        "status": "active",
        "subscriberId": "M-1",
        "beneficiary": {"reference": f"Patient/{_SAMPLE.id}"},
        "payor": [{"identifier": _PAYER}],
    }
    entry = {"fullUrl": f"{_EHR}/Coverage/coverage-1", "resource": coverage}
    call["prefetch"]["coverage"] = {"resourceType": "Bundle", "type": "searchset", "total": 1, "entry": [entry]}
    return call


def _requests(port: int, signing: dict[str, Any]) -> tuple[dict[str, bytes], int]:
    """Return the calls of one form from its package to its end, and how many screens it has."""
    made: list[tuple[str, Resource]] = []
    client = DtrClient(f"http://127.0.0.1:{port}/fhir", "Practitioner/p", clock, _recording(port, made))
    signed = loads(one_call(port, http_request(dumps(signing).encode(), _SIGN_PATH)))
    (action,) = signed["systemActions"]
    order = action["resource"]
    (information,) = coverage_information_of(order)
    (coverage,) = (each["resource"] for each in signing["prefetch"]["coverage"]["entry"])
    (package,) = client.packages(coverage, orders=[order], context=part_value(information, "coverage-assertion-id"))
    screens = len(list(client.steps(package, {})))
    calls = [http_request(dumps(body).encode(), path) for path, body in made]
    return {PACKAGE: calls[0], FIRST: calls[1], LAST: calls[-1]}, screens


def _recording(port: int, made: list[tuple[str, Resource]]) -> Post:
    def post(url: str, body: Json) -> Resource:
        path = urlsplit(url).path
        made.append((path, copy.deepcopy(body)))
        found: Resource = loads(one_call(port, http_request(dumps(body).encode(), path)))
        return found

    return post


def _body(request: bytes) -> bytes:
    return request.partition(b"\r\n\r\n")[2]


def main() -> None:
    """Print the times and their ratios."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = {"CDS_DATA_FOLDER": str(folder / "data"), "CDS_ALLOW_UNAUTHENTICATED": "yes"}
        found = measure(folder, settings, rounds=100)
    print(f"a form of {found.screens} screens")
    for name, timing in found.timings.items():
        print(f"{name:<26} {timing.load.ms(50):6.2f} ms  {found.ratio(name):5.2f} times the floor")


if __name__ == "__main__":
    main()
