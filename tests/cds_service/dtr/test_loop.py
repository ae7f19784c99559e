"""The loop of a payer by DTR's operations: sign, get the form, answer it call by call, and sign again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cds_service.cli.crd_demo import FAVORABLE
from cds_service.records.database import Database
from cds_service.records.schema import upgrade
from coverage_policies.judging.payer_terms import Covered
from fhir_mappings.order_elements import COVERAGE_INFORMATION
from tests.support.crd_calls import parts
from tests.support.dtr_calls import SAMPLE
from tests.support.form_loop import CHART, Loop
from tests.support.postgresql_cluster import NEEDED, Cluster, UnavailableClusterError

UNFAVORABLE = {**FAVORABLE, "B.initial.events": False}
ASSERTION = "coverage-assertion-id"


def information(response: Any) -> Any:
    """The coverage information of a completed response."""
    (found,) = (each for each in response["extension"] if each["url"] == COVERAGE_INFORMATION)
    return parts(found)


def stored(response: Any, name: str = "form") -> Any:
    """A response as the EHR has it in the chart, read back from JSON."""
    return json.loads(json.dumps({**response, "id": name}, default=str))


@pytest.mark.requirement("dtr:spec-33", "dtr:spec-148", "crd:found-4")
@pytest.mark.parametrize("version", ["2.2", "2.0"])
def test_a_form_that_is_filled_in_makes_the_order_covered_and_says_so_itself(version: str) -> None:
    loop = Loop(version)
    signed = loop.told("order-sign")
    assert (signed["covered"], signed["doc-needed"]) == (["conditional"], ["clinical"])
    steps = loop.filled_in(FAVORABLE, signed[ASSERTION][0])
    assert [each.is_complete for each in steps] == [*[False] * (len(steps) - 1), True]
    told = information(steps[-1].response)
    assert (told["covered"], told[ASSERTION]) == (["covered"], signed[ASSERTION])
    loop.add(stored(steps[-1].response))
    assert loop.told("order-sign") == told


@pytest.mark.requirement("dtr:spec-45")
@pytest.mark.parametrize("if_not_met", [Covered.NOT_COVERED, Covered.CONDITIONAL])
def test_a_form_that_is_filled_in_again_replaces_the_one_before(if_not_met: Covered) -> None:
    loop = Loop(if_not_met=if_not_met)
    signed = loop.told("order-sign")
    first = loop.filled_in(FAVORABLE)[-1].response
    loop.add(stored(first))
    assert loop.told("order-sign")["covered"] == ["covered"]
    second = loop.filled_in(UNFAVORABLE)[-1].response
    told = information(second)
    assert (told["covered"], told[ASSERTION]) == ([if_not_met.value], signed[ASSERTION])
    loop.add(
        {**stored(second), "authored": "2026-03-02T15:00:00+00:00"},
        {**stored(first, "old"), "authored": "2026-03-02T14:00:00+00:00"},
    )
    assert loop.told("order-sign") == told


def test_what_nobody_knows_leaves_the_order_as_it_was() -> None:
    loop = Loop()
    signed = loop.told("order-sign")
    steps = loop.filled_in({})
    assert all(answer == "don't know" for each in steps for _, answer in each.said)
    told = information(steps[-1].response)
    assert (told["covered"], told["doc-needed"]) == (signed["covered"], signed["doc-needed"])


@pytest.mark.requirement("dtr:spec-17")
def test_an_answer_that_decides_ends_the_form() -> None:
    loop = Loop()
    loop.told("order-sign")
    all_asked = {text for each in loop.filled_in(FAVORABLE) for text, _ in each.said}
    asked = {text for each in loop.filled_in(UNFAVORABLE) for text, _ in each.said}
    assert asked < all_asked


@pytest.fixture(name="cluster", scope="module")
def _cluster() -> Iterator[Cluster]:
    try:
        made = Cluster()
    except UnavailableClusterError as error:
        if NEEDED:
            pytest.fail(str(error))
        pytest.skip(str(error))
    yield made
    made.remove()


@pytest.fixture(name="url", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def _url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/records.db"
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.emptied()


@pytest.mark.parametrize("is_seen", [True, False], ids=["after CRD", "without CRD"])
def test_every_call_may_go_to_another_process_on_the_same_database(url: str, is_seen: bool) -> None:
    opened = [Database(url, wait_seconds=5) for _ in range(3)]
    upgrade(opened[0])
    loop = Loop(database=opened[0])
    context = loop.told("order-sign")[ASSERTION][0] if is_seen else ""
    response: Any = None
    for number, step in enumerate(loop.client.steps(loop.package(context), FAVORABLE)):
        response = step.response
        loop.restart(database=opened[number % 3])
    assert response["status"] == "completed"
    loop.restart(stored(response), database=opened[1])
    assert loop.told("order-sign")["covered"] == ["covered"]
    for each in opened:
        each.close()


@pytest.mark.requirement("dtr:spec-40")
def test_a_form_is_judged_by_the_chart_that_crd_has_read_and_no_other() -> None:
    def asked(loop: Loop) -> list[str]:
        return [text for each in loop.filled_in(FAVORABLE) for text, _ in each.said if "AHI" in text]

    without_study = [each for each in CHART if each["resourceType"] not in ("Observation", "Procedure")]
    read, unread = Loop(), Loop(chart=without_study)
    for loop in (read, unread):
        loop.told("order-sign")
    read.chart, unread.chart = without_study, CHART
    for loop in (read, unread):
        loop.restart()
    assert asked(read) == []
    assert asked(unread)


@pytest.mark.requirement("dtr:spec-139", "dtr:spec-141")
def test_every_reference_of_a_response_leads_to_the_server_of_the_client() -> None:
    loop = Loop()
    loop.told("order-sign")
    package = loop.package()
    for response in (package.draft, *(each.response for each in loop.client.steps(package, FAVORABLE))):
        found = set(references({name: value for name, value in response.items() if name != "contained"}))
        assert f"Patient/{SAMPLE.id}" in found
        assert not [each for each in found if "#" in each or "://" in each]


def references(value: Any) -> Iterator[str]:
    """Every reference in a resource."""
    if isinstance(value, dict) and isinstance(value.get("reference"), str):
        yield value["reference"]
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from references(child)
