"""Two payers of one service, each with its own signing of the same five orders, and restarts in between."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests

from coverage_policies.judging.plan_rules import PlanRules
from fhir_mappings.codings import HCPCS
from fhir_mappings.fhir_json import dumps, loads
from fhir_mappings.order_elements import COVERAGE_INFORMATION
from tests.support.crd_calls import (
    ANKLE_BRACE,
    IDS,
    MEDICARE,
    PATIENT,
    CrdService,
    Parts,
    call,
    coverage,
    order,
    parts,
    payer,
    searchset,
)
from tests.support.served_process import ServedProcess

BOTH = pytest.mark.parametrize("version", ["2.2", "2.0"])
RULES = PlanRules(payers=(payer("Lakeshore"), payer("Medicare", MEDICARE)))
OF_LAKESHORE = coverage("cov-l")
OF_MEDICARE = coverage("cov-m", of="Medicare", type={"coding": [{"system": "https://nahdo.org/sopt", "code": "1"}]})
ORDERS = [
    order("o-1"),
    order("o-2", orderDetail=[{"text": "posterior approach"}]),
    order("o-3", code="E1390", system=HCPCS),
    order("o-4", code=ANKLE_BRACE, system=HCPCS),
    order("o-5") | {"code": {"text": "Something for the ankle"}},
]
Answer = Callable[[Any], Any]


def signed(answer: Answer, orders: Sequence[Any], held: Any) -> list[Any]:
    """The orders as they are after a signing for a Coverage: those that the answer updates, and the others."""
    body = call("order-sign", *orders, prefetch={"coverage": searchset(held)})
    actions = answer(body).get("systemActions", ())
    updated = {each["resource"]["id"]: each["resource"] for each in actions}
    assert len(updated) == len(actions)
    return [updated.get(each["id"], each) for each in orders]


def told(resource: Any, held: Any) -> Parts:
    """The one coverage information of an order for a Coverage."""
    found = [parts(each) for each in resource["extension"] if each["url"] == COVERAGE_INFORMATION]
    (one,) = [each for each in found if each["coverage"] == [{"reference": f"Coverage/{held['id']}"}]]
    return one


def ids(orders: Sequence[Any], held: Any) -> list[str]:
    """The assertion id of each order for a Coverage."""
    return [told(each, held)["coverage-assertion-id"][0] for each in orders]


@BOTH
@pytest.mark.requirement("7.77", "7.92", "7.93", "7.94", "7.137")
def test_each_payer_answers_every_order_once_under_ids_of_its_own_also_after_restarts(version: str) -> None:
    first = CrdService(RULES)

    def restarted() -> Answer:
        service = CrdService(RULES, database=first.database)
        return lambda body: service.answer(body, version)

    of_one = signed(lambda body: first.answer(body, version), ORDERS, OF_LAKESHORE)
    of_both = signed(restarted(), of_one, OF_MEDICARE)
    for before, after in zip(of_one, of_both, strict=True):
        assert len(before["extension"]) == 1
        assert after["extension"][:1] == before["extension"]
        assert len(after["extension"]) == 2
    known = [*ids(of_both, OF_LAKESHORE), *ids(of_both, OF_MEDICARE)]
    assert len(set(known)) == 2 * len(ORDERS)

    again = restarted()
    for held in (OF_LAKESHORE, OF_MEDICARE):
        assert signed(again, of_both, held) == of_both
    for own_id, held in zip(known, [OF_LAKESHORE] * 5 + [OF_MEDICARE] * 5, strict=True):
        found = first.records.find(own_id)
        assert found is not None
        assert found.content is not None
        assert found.content.coverage == f"Coverage/{held['id']}"


@pytest.mark.requirement("crd:found-15")
def test_each_payer_answers_by_its_own_policies() -> None:
    service = CrdService(RULES)
    of_both = signed(service.answer, signed(service.answer, ORDERS, OF_LAKESHORE), OF_MEDICARE)
    covered = [[told(each, held)["covered"][0] for each in of_both] for held in (OF_LAKESHORE, OF_MEDICARE)]
    assert covered == [
        ["conditional", "not-covered", "conditional", "conditional", "conditional"],
        ["conditional"] * 5,
    ]
    assert "CP.MP.126" in told(of_both[0], OF_LAKESHORE)["reason"][0]["text"]
    assert "No medical policy of Medicare" in told(of_both[0], OF_MEDICARE)["reason"][0]["text"]
    assert "No medical policy of Lakeshore" in told(of_both[2], OF_LAKESHORE)["reason"][0]["text"]
    assert "NCD.240.2" in told(of_both[2], OF_MEDICARE)["reason"][0]["text"]


# --- as a process ----------------------------------------------------------------------------------------------------

WRITTEN_RULES = f"""
payers:
  - name: Lakeshore
    owner: Centene Corporation
    identifiers: [{IDS}|Lakeshore]
    crd: yes
  - name: Medicare
    owner: {MEDICARE}
    identifiers: [{IDS}|Medicare]
    crd: yes
"""


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.requirement("7.93", "7.137")
def test_ids_outlive_the_process_that_issued_them(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(WRITTEN_RULES, encoding="utf-8")

    def served() -> ServedProcess:
        return ServedProcess(
            tmp_path, CDS_PLAN_RULES=str(rules), CDS_WORKERS="1", CDS_ENCRYPTION_KEYS="ab" * 32
        ).until_ready()

    def answer_of(process: ServedProcess) -> Answer:
        def answer(body: Any) -> Any:
            body = {name: value for name, value in body.items() if name != "fhirServer"}
            address, headers = f"{process.address}/cds-services/crd-order-sign", {"Content-Type": "application/json"}
            response = requests.post(address, dumps(body).encode(), headers=headers, timeout=60)
            assert response.status_code == 200, response.text
            return loads(response.content)

        return answer

    process = served()
    try:
        of_one = signed(answer_of(process), ORDERS, OF_LAKESHORE)
        assert process.stop() == 0
        process = served()
        of_both = signed(answer_of(process), of_one, OF_MEDICARE)
        assert len({*ids(of_both, OF_LAKESHORE), *ids(of_both, OF_MEDICARE)}) == 2 * len(ORDERS)
        for held in (OF_LAKESHORE, OF_MEDICARE):
            assert signed(answer_of(process), of_both, held) == of_both
        found = json.loads(process.run("crd", "assertion", ids(of_both, OF_LAKESHORE)[1], "--reason", "a test"))
        assert (found["content"]["order"], found["content"]["coverage"]) == ("ServiceRequest/o-2", "Coverage/cov-l")
        assert found["content"]["patient_id"] == PATIENT
    finally:
        process.stop()
