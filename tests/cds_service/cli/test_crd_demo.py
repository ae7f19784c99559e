"""`cds-service demo --crd`: an order as its payer answers it, before and after its form is filled in."""

import io
import json
import re
import socket
from datetime import UTC, datetime
from typing import Any

import pytest
import responses
from click import ClickException
from click.testing import CliRunner
from rich.console import Console

from cds_service.cli.crd_demo import PATIENT, CrdLoop, run_crd_loop
from cds_service.cli.main import main
from cds_service.sample_ehr.charts import Charts
from cds_service.sample_ehr.patients import sample_store
from fhir_mappings.order_elements import COVERAGE_INFORMATION

SERVICE = "http://service.test"
ORDER = {"resourceType": "DeviceRequest", "id": "o"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return min(free.getsockname()[1], 65000)


@pytest.fixture(scope="module")
def printed() -> str:
    result = CliRunner().invoke(main, ["demo", "--crd", "--port", str(free_port())], env={"COLUMNS": "100"})
    assert result.exit_code == 0, result.output
    return result.output


def test_the_order_goes_from_conditional_to_covered_and_to_not_covered(printed: str) -> None:
    said = re.findall(r"│ covered +│ (\S+)", printed)
    assert said == ["conditional", "conditional", "covered", "covered", "not-covered", "not-covered"]


def test_each_form_says_at_its_end_what_the_next_signing_says(printed: str) -> None:
    titles = re.findall(r"^(?:\S+) for cpap-mild-apnea: (.*)$", printed, re.MULTILINE)
    assert titles[2:6] == [
        "the form is complete",
        "with the form filled in",
        "the form is complete",
        "with the changed answer",
    ]
    assert printed.count("$next-question 1: begin") == 2


def test_the_form_is_asked_for_at_signing_only(printed: str) -> None:
    before, _, after = printed.partition("order-sign")
    assert "doc-needed" not in before
    assert re.search(r"│ doc-needed +│ clinical", after)
    assert "/fhir/Questionnaire/NCD.240.4|2008-03.1" in after


def test_what_the_clinician_answers_stands_in_the_words_of_the_form(printed: str) -> None:
    assert "Did the treating physician order the test, and was it done under appropriate supervision? yes" in printed


def test_all_answers_carry_one_assertion_id(printed: str) -> None:
    ids = re.findall(r"│ coverage-assertion-id +│ (\S+)", printed)
    assert len(ids) == 6
    assert len(set(ids)) == 1


def test_signing_again_without_a_change_says_nothing_new(printed: str) -> None:
    assert printed.rstrip().endswith("nothing new")


@pytest.mark.parametrize("other", ["--sandbox", "--save=x", "--answer"])
def test_it_goes_with_no_other_kind_of_demo(other: str) -> None:
    assert CliRunner().invoke(main, ["demo", "--crd", other]).exit_code == 2


def answer(covered: str) -> dict[str, Any]:
    """An answer of a CRD service to the order."""
    parts = [
        {"url": "covered", "valueCode": covered},
        {"url": "coverage-assertion-id", "valueString": "a-1"},
        {"url": "questionnaire", "valueCanonical": f"{SERVICE}/fhir/Questionnaire/P|1"},
    ]
    return {
        "systemActions": [{"resource": {**ORDER, "extension": [{"url": COVERAGE_INFORMATION, "extension": parts}]}}]
    }


@responses.activate
@pytest.mark.parametrize(
    ("select", "sign", "wanted"), [("covered", "x", "conditional"), ("conditional", "covered", "conditional")]
)
def test_an_answer_that_is_not_the_expected_one_ends_it(select: str, sign: str, wanted: str) -> None:
    for hook, covered in (("order-select", select), ("order-sign", sign)):
        responses.post(f"{SERVICE}/cds-services/crd-{hook}", json.dumps(answer(covered)))
    loop = CrdLoop(
        SERVICE,
        "http://ehr.test",
        Charts(sample_store(None)),
        "t",
        lambda: "id",
        lambda: datetime(2026, 3, 2, tzinfo=UTC),
    )
    assert loop.charts.read("Coverage", f"{PATIENT}-coverage")
    with pytest.raises(ClickException, match=f"The order is covered; expected: {wanted}."):
        run_crd_loop(Console(file=io.StringIO()), loop, ORDER)
