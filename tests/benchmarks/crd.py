"""What a CRD signing costs beside a plain one: `python -m tests.benchmarks.crd`.

Both answer the same order on the same prefetched chart, in this process, with the decision on disk. The CRD signing
also checks the payer and the profiles, composes and checks the coverage information, and stores the exchange encrypted.
"""

import statistics
import time
from collections.abc import Callable

from cds_service.sample_ehr.payers import SAMPLE_PAYERS
from fhir_mappings.fhir_json import dumps, loads
from tests.benchmarks.calls import PATH, RESOURCES, SAMPLE, order_sign
from tests.benchmarks.in_process import InProcess

CRD_PATH = "/cds-services/crd-order-sign"
_ROUNDS = 200
_SERVER = "https://ehr.example.org/fhir"


def signing() -> bytes:
    """A call that both services answer: one order with its full URL, and the Coverage and its payer prefetched."""
    call = loads(order_sign())
    for entry in call["context"]["draftOrders"]["entry"]:
        resource = entry["resource"]
        entry["fullUrl"] = f"{_SERVER}/{resource['resourceType']}/{resource['id']}"
    chart = [each["resource"] for each in SAMPLE.bundle(None)["entry"]]
    held = [{"resource": each} for each in chart if each["resourceType"] in ("Coverage", "Organization")]
    call["prefetch"]["coverage"] = {"resourceType": "Bundle", "type": "searchset", "entry": held}
    return dumps(call).encode()


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
    body = signing()
    with InProcess(rules=SAMPLE_PAYERS) as service:
        plain, crd = service.answering(body), service.answering(body, CRD_PATH)
        assert loads(plain())["cards"], "the plain service has a card"
        assert loads(crd())["systemActions"], "the CRD service has a system action"
        of_plain, of_crd = medians(_ROUNDS, plain, crd)
    print(f"order-sign of one order, {RESOURCES} resources prefetched, {len(body) / 1000:.0f} kB, decision on disk")
    print(f"{PATH:<40} {of_plain:6.2f} ms")
    print(f"{CRD_PATH:<40} {of_crd:6.2f} ms  {of_crd / of_plain:.2f} times the plain one")


if __name__ == "__main__":
    main()
