"""docs/dtr.md: its commands work as printed, its JSON is what the service answers, and its tables are complete."""

import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from cds_service.clients.registry import parse_clients
from cds_service.dtr.package_request import ORDER_TYPES, read_package_request
from cds_service.hooks.hooks import SERVICE_OF_HOOK
from coverage_policies.format.library import load_library
from coverage_policies.judging.plan_rules_file import load_plan_rules
from fhir_mappings.fhir_json import loads
from tests.support.crd_calls import CrdService
from tests.support.printed_steps import DOCS, run

PAGE = (DOCS / "dtr.md").read_text(encoding="utf-8")
EXAMPLE, CRD_EXAMPLE = DOCS / "examples" / "dtr", DOCS / "examples" / "crd"
NOW = datetime(2026, 3, 2, 17, tzinfo=UTC)
ANSWERED = "B.initial.events"


def section(title: str) -> str:
    """The text below a heading, up to the next one of its level."""
    (found,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.mark.process
@pytest.mark.slow
def test_the_commands_of_the_page_work_as_printed(tmp_path: Path) -> None:
    for folder in (EXAMPLE, CRD_EXAMPLE):
        shutil.copytree(folder, tmp_path / "docs" / "examples" / folder.name)
    blocks = re.findall(r"^```(?:sh|text)\n.*?^```$", section("Try it"), re.MULTILINE | re.DOTALL)
    assert any("cds-service serve" in each for each in blocks)
    run("\n".join(blocks), tmp_path)
    written = json.loads((tmp_path / "response.json").read_bytes())
    assert written["status"] == "completed"


@pytest.fixture(name="service", scope="module")
def _service() -> CrdService:
    """The service of the page, after it has answered the order of the example by CRD."""
    rules = load_plan_rules(CRD_EXAMPLE / "plan-rules.yaml", load_library().policies, SERVICE_OF_HOOK)
    made = CrdService(rules, clock=lambda: NOW, public_url="http://127.0.0.1:8000")
    assert made.information(json.loads((CRD_EXAMPLE / "order-sign.json").read_bytes()))
    return made


def answer_to(service: CrdService, url: str, body: bytes) -> Any:
    """What an operation answers."""
    response = service.client.post(urlsplit(url).path, data=body, content_type="application/fhir+json")
    assert response.status_code == 200, response.text
    return loads(response.data)


@pytest.fixture(name="package", scope="module")
def _package(service: CrdService) -> Any:
    """The answer to the call of the page."""
    address, file = re.findall(r"^curl -s '(http\S+package)' .*?-d @docs/examples/dtr/(\S+)", PAGE, re.M | re.S)[0]
    return answer_to(service, address, (EXAMPLE / file).read_bytes())


def test_the_example_asks_for_the_order_and_the_coverage_of_the_example_of_crd() -> None:
    asked = read_package_request(json.loads((EXAMPLE / "package.json").read_bytes()), most_orders=1)
    signed = json.loads((CRD_EXAMPLE / "order-sign.json").read_bytes())
    (entry,) = signed["context"]["draftOrders"]["entry"]
    (coverage,) = signed["prefetch"]["coverage"]["entry"]
    assert ([each for _, each in asked.orders], asked.coverage) == ([entry["resource"]], coverage["resource"])


def test_the_package_on_the_page_is_what_is_answered(package: Any) -> None:
    (shown,) = re.findall(
        r"^```json\n(\{\n    \"resourceType\": \"Parameters\".*?)^```", PAGE, re.MULTILINE | re.DOTALL
    )
    lines = iter(json.dumps(package, indent=4, ensure_ascii=False, default=str).splitlines())
    kept = [line for line in shown.splitlines() if line.strip() != "…"]
    assert len(kept) > 15
    assert [line for line in kept if line not in lines] == []


def test_the_answer_on_the_page_is_taken_as_it_stands(service: CrdService, package: Any) -> None:
    (shown,) = re.findall(r"^```json\n(\{\n    \"linkId\".*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    answer = json.loads(shown)
    assert answer["linkId"] == ANSWERED
    (bundle,) = (each["resource"] for each in package["parameter"])
    form, response = (each["resource"] for each in bundle["entry"])
    (url,) = (each["valueUrl"] for each in form["extension"] if "valueUrl" in each)
    asked: list[str] = []
    for _ in range(20):
        items = response["contained"][0].get("item", [])
        asked = [each["linkId"] for each in items]
        if ANSWERED in asked:
            break
        response = answer_to(service, url, _with(response, items))
    (item,) = (each for each in response["contained"][0]["item"] if each["linkId"] == ANSWERED)
    assert answer["text"] == item["text"]
    response = answer_to(service, url, _with(response, items, answer))
    assert answer in response["item"]


def _with(response: Any, items: Any, *answers: Any) -> bytes:
    """The response with an open item for each question, and with these answers."""
    given = {each["linkId"]: each for each in answers}
    made = [given.get(each["linkId"], _open(each)) for each in items if each["type"] != "display"]
    return json.dumps({**response, "item": made} if made else response, default=str).encode()


def _open(item: Any) -> Any:
    below = [_open(each) for each in item.get("item", ()) if each["type"] != "display"]
    if item["linkId"] == "pathway":
        coding = item["answerOption"][0]["valueCoding"]
        return {"linkId": "pathway", "answer": [{**_MANUAL, "valueCoding": coding}]}
    return {"linkId": item["linkId"], **({"item": below} if below else {})}


_MANUAL = {
    "extension": [
        {
            "url": "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/information-origin",
            "extension": [
                {"url": "source", "valueCode": "manual"},
                {
                    "url": "author",
                    "extension": [{"url": "practitioner", "valueReference": {"reference": "Practitioner/p"}}],
                },
            ],
        }
    ]
}


def test_every_address_of_the_table_is_there(service: CrdService) -> None:
    rules = {rule.rule for rule in service.client.application.url_map.iter_rules()}
    named = re.findall(r"^\| `(?:GET|POST) (/\S+)` \|", PAGE, re.MULTILINE)
    without_tokens = {"/auth/token", "/fhir/.well-known/smart-configuration"}
    assert len(named) == 8
    assert set(named) - without_tokens <= rules


def test_the_entry_of_the_clients_file_is_one() -> None:
    (shown,) = re.findall(r"^```yaml\n(.*?)^```", section("Get access"), re.MULTILINE | re.DOTALL)
    _, app = parse_clients(shown, Path("clients.yaml"))
    assert app.backend_services is not None
    assert (app.backend_services.client_id, app.backend_services.contexts_of) == ("dtr-app", ("north",))
    keys = set(re.findall(r"^\| `(\w+)` \|", section("Get access"), re.MULTILINE))
    assert set(type(app.backend_services).__dataclass_fields__) <= keys


def test_every_parameter_of_a_package_is_explained() -> None:
    table = section("Get the form")
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [
        "coverage",
        "order",
        "context",
        "questionnaire",
        "changedsince",
    ]
    assert "DeviceRequest" in ORDER_TYPES


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"resourceType": "Parameters"}),
        (404, "context"),
    ],
)
def test_a_status_of_the_table_is_answered(service: CrdService, status: int, body: Any) -> None:
    assert re.search(rf"^\| {status} \|", section("Errors"), re.MULTILINE)
    if body == "context":
        body = json.loads((EXAMPLE / "package.json").read_bytes())
        body["parameter"].append({"name": "context", "valueString": "none"})
    response = service.client.post("/fhir/Questionnaire/$questionnaire-package", json=body)
    assert response.status_code == status
    assert response.json["resourceType"] == "OperationOutcome"
