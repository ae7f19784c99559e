"""What a CRD signing costs beside a plain one: `python -m tests.benchmarks.crd`.

Both answer the same order on the same chart in memory, in this process, with the decision on disk. The CRD signing
also checks the payer and the profiles, composes and checks the coverage information, and stores the exchange encrypted.
"""

import statistics
import time
from collections.abc import Callable

from cds_service.fhir_client.memory import ChartInMemory, Store
from cds_service.sample_ehr.payers import SAMPLE_PAYERS
from fhir_mappings.fhir_json import dumps, loads
from tests.benchmarks.calls import PATH, RESOURCES, SAMPLE, order_sign
from tests.benchmarks.in_process import InProcess

CRD_PATH = "/cds-services/crd-order-sign"
_ROUNDS = 200
_SERVER = "https://ehr.example.org/fhir"
_PAYER = ("Coverage", "Organization")


def signing() -> tuple[bytes, Store]:
    """A call that both services answer, and the chart that it is judged on: what the plain benchmarks prefetch.

    The call has one order with its full URL, and the Coverage in its prefetch, as CRD clients send it.
    """
    call = loads(order_sign())
    chart = [
        entry["resource"]
        for value in call["prefetch"].values()
        for entry in (value or {}).get("entry", [{"resource": value}] if value else [])
    ]
    chart += [each["resource"] for each in SAMPLE.bundle(None)["entry"] if each["resource"]["resourceType"] in _PAYER]
    for entry in call["context"]["draftOrders"]["entry"]:
        resource = entry["resource"]
        entry["fullUrl"] = f"{_SERVER}/{resource['resourceType']}/{resource['id']}"
    held = [{"resource": each} for each in chart if each["resourceType"] == "Coverage"]
    prefetch = {"coverage": {"resourceType": "Bundle", "type": "searchset", "entry": held}}
    body = dumps(call | {"prefetch": prefetch, "fhirServer": _SERVER}).encode()
    return body, Store.from_bundle({"resourceType": "Bundle", "entry": [{"resource": each} for each in chart]})


def medians(rounds: int, *works: Callable[[], bytes]) -> list[float]:
    """The median time of each work in milliseconds, run in turn."""
    for work in works:
        for _ in range(10):
            work()
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for times, work in zip(taken, works, strict=True):
            begin = time.perf_counter()
            work()
            times.append(time.perf_counter() - begin)
    return [statistics.median(times) * 1000 for times in taken]


def main() -> None:
    """Print both times and their ratio."""
    body, chart = signing()
    with InProcess(open_fhir_server=lambda _access, _deadline: ChartInMemory(chart), rules=SAMPLE_PAYERS) as service:
        plain, crd = service.answering(body), service.answering(body, CRD_PATH)
        assert loads(plain())["cards"], "the plain service has a card"
        assert loads(crd())["systemActions"], "the CRD service has a system action"
        of_plain, of_crd = medians(_ROUNDS, plain, crd)
    print(f"order-sign of one order, a chart of {RESOURCES} resources in memory, decision on disk")
    print(f"{PATH:<40} {of_plain:6.2f} ms")
    print(f"{CRD_PATH:<40} {of_crd:6.2f} ms  {of_crd / of_plain:.2f} times the plain one")


if __name__ == "__main__":
    main()
