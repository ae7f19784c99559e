"""docs/inferno: what its page says of each request body is what the service answers to it, in both versions of CRD."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from cards.coverage_rules import RULES
from cards.crd_versions import CrdVersion
from cds_service.clients.registry import load_clients
from cds_service.hooks.hooks import SERVICE_OF_HOOK
from coverage_policies.judging.plan_rules_file import load_plan_rules
from tests.support.crd_calls import CrdService, Parts, information_of, parts
from tests.support.hostile_fhir import says, serving
from tests.support.printed_steps import DOCS
from tests.support.record_fakes import shipped

FOLDER = DOCS / "inferno"
PAGE = (FOLDER / "README.md").read_text(encoding="utf-8")
ROWS = {
    (file, int(place or 1)): {"2.2": new, "2.0": old}
    for file, place, new, old in re.findall(
        r"^\| `([\w.-]+\.json)`(?: (\d+))? \|[^|]*\|([^|]*)\|([^|]*)\|$", PAGE, re.MULTILINE
    )
}
EVERYWHERE = {"coverage", "covered", "date", "coverage-assertion-id", "contact"}
EHRS = {
    "fails": ("500 Internal Server Error", {}),
    "finds nothing": ("200 OK", {"resourceType": "Bundle", "type": "searchset", "total": 0}),
}
STORY, YEARS_LATER = datetime(2026, 11, 27, 17, tzinfo=UTC), datetime(2029, 3, 2, 17, tzinfo=UTC)


def bodies(file: str) -> list[dict[str, Any]]:
    """The request bodies in a file."""
    found = json.loads((FOLDER / file).read_bytes())
    return found if isinstance(found, list) else [found]


def promised(cell: str) -> set[str]:
    """The parts in a cell of the table, such as `pa-needed: no-auth`."""
    return set(re.findall(r"`([^`]+)`", cell))


def shown(told: Parts) -> Iterator[str]:
    """Each part of an answer, with its code or value, and by itself."""
    for part, values in told.items():
        yield part
        for value in values:
            yield from (f"{part}: {each}" for each in _codes(value))


def _codes(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (code for each in value if each["url"] == "code" for code in _codes(each["valueCodeableConcept"]))
    else:
        yield from (each["code"] for each in value.get("coding", ()))


def answered(body: dict[str, Any], version: str, ehr: tuple[str, Any], now: datetime) -> Parts:
    """The one coverage information in the answer to a body, with an EHR in place of Inferno's."""
    rules = load_plan_rules(DOCS / "examples" / "crd" / "plan-rules.yaml", shipped().library.policies, SERVICE_OF_HOOK)
    status, found = ehr
    with serving(says(found, status)) as server:
        service = CrdService(rules, over_http=True, clock=lambda: now)
        (information,) = information_of(service.answer(body | {"fhirServer": server.base}, version))
    assert not [line for line in service.log_lines() if line["level"] == "error"]
    return parts(information)


def test_the_table_has_every_body() -> None:
    files = {path.name for path in FOLDER.glob("*.json")} - {"mock-ehr.json"}
    assert set(ROWS) == {(file, n) for file in files for n, _ in enumerate(bodies(file), 1)}


CASES = [
    (file, place, version, ehr)
    for (file, place), cells in ROWS.items()
    for version, cell in cells.items()
    for ehr in EHRS
    if promised(cell) and not (file == "technical-issues.json" and ehr != "fails")
]


@pytest.mark.parametrize("now", [STORY, YEARS_LATER], ids=["then", "years later"])
@pytest.mark.parametrize(("file", "place", "version", "ehr"), CASES)
def test_a_body_shows_the_parts_of_the_table(file: str, place: int, version: str, ehr: str, now: datetime) -> None:
    said = set(shown(answered(bodies(file)[place - 1], version, EHRS[ehr], now)))
    assert promised(ROWS[file, place][version]) | EVERYWHERE <= said


@pytest.mark.parametrize("version", CrdVersion)
def test_every_part_and_code_is_shown_or_is_listed_as_not_shown(version: CrdVersion) -> None:
    (section,) = re.findall(r"^## What is not shown\n(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)
    not_shown = promised(" ".join(re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE)))
    told = {each for row in ROWS.values() for each in promised(row[version.value])}
    told |= {each.partition(": ")[0] for each in told} | EVERYWHERE
    rules = RULES[version]
    wanted = {*rules.parts} - {"response"}  # CRD 2.0.1 alone has it, and it refers to what the client has
    wanted |= {f"{name}: {code}" for name, part in rules.parts.items() for code in part.codes}
    wanted |= {f"reason: {code}" for code in rules.reasons} | {f"detail: {code}" for code in rules.details}
    assert wanted - told - not_shown == set()
    assert told & not_shown == set()


def test_the_clients_are_the_two_suites_each_with_its_version() -> None:
    found = load_clients(FOLDER / "clients.yaml")
    assert [(each.services, each.issuer.rpartition("/")[2]) for each in found] == [
        ("crd-2.2", "crd_server_v221"),
        ("crd-2.0", "crd_server"),
    ]
    for each in found:
        assert each.jwks_url == f"{each.issuer}/jwks.json"
        assert each.fhir_servers == (f"{each.issuer}/fhir",)


def test_the_chart_has_what_the_bodies_refer_to() -> None:
    held = {
        f"{each['resource']['resourceType']}/{each['resource']['id']}"
        for each in json.loads((FOLDER / "mock-ehr.json").read_bytes())["entry"]
    }
    assert held >= {"Patient/patient-1", "Coverage/coverage-1", "Organization/payer-1", "Practitioner/practitioner-1"}
    for file in ("order-dispatch-2.2.json", "order-dispatch-2.0.json"):
        for body in bodies(file):
            context = body["context"]
            assert held >= {*context.get("dispatchedOrders", ()), *filter(None, [context.get("order")])}


def test_the_signings_show_the_card_types_that_2_0_1_requires() -> None:
    rules = load_plan_rules(DOCS / "examples" / "crd" / "plan-rules.yaml", shipped().library.policies, SERVICE_OF_HOOK)
    answer = CrdService(rules).answer(bodies("order-sign.json")[0], "2.0")
    assert any("links" in card for card in answer["cards"])
    assert any("links" not in card and "suggestions" not in card and card["detail"] for card in answer["cards"])


@pytest.mark.parametrize("file", sorted({file for file, _ in ROWS}))
def test_a_file_that_an_input_takes_is_named_on_the_page(file: str) -> None:
    (inputs,) = re.findall(r"^## Enter the inputs\n(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)
    assert f"`{file}`" in inputs
