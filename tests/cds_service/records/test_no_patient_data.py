"""Names, ids and dates of patients are in no log line, error or row (house rule 3)."""

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from record_fakes import RecordedService, overridden, sample_call

from cds_service.records.tables import METADATA
from cds_service.sample_ehr.patients import SAMPLES
from fhir_mappings.fhir_json import Json

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_IDENTIFYING = (
    "id",
    "family",
    "given",
    "text",
    "value",
    "line",
    "city",
    "postalCode",
    "reference",
    "div",
    "user",
    "note",
)
"""Members that hold what may identify: ids, names, addresses, identifiers, free text."""


def strings(value: Json, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text in JSON with the name of its member."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from strings(member, key)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each, name)
    elif isinstance(value, str):
        yield name, value


def secrets_of(*values: Json) -> set[str]:
    """What must not be kept: every id, name, identifier, free text and date."""
    found: set[str] = set()
    for name, text in (pair for value in values for pair in strings(value)):
        found |= set(_DATE.findall(text))
        if name in _IDENTIFYING and len(text) > 2:
            found.add(text)
            found |= {text.rpartition("/")[2]} if name == "reference" else set()
    return found


def everything_kept(service: RecordedService) -> str:
    """All rows of all tables and the whole log."""
    return "\n".join(
        [service.written.getvalue(), *(str(row) for table in METADATA.tables for row in service.rows(table))]
    )


@pytest.mark.requirement("7.124", "7.138")
def test_nothing_of_any_sample_patient_is_kept(recorded: RecordedService) -> None:
    recorded.clock.pass_days(4000)
    forbidden: set[str] = set()
    for sample in SAMPLES:
        for n in range(len(sample.orders)):
            body, chart = sample_call(sample.id, n)
            recorded.chart = chart
            forbidden |= secrets_of(body["context"], chart) | {body["fhirAuthorization"]["access_token"]}
            for card in recorded.cards(body):
                said = {"reason": {"code": chart["entry"][0]["resource"]["id"]}, "userComment": sample.id}
                assert recorded.tell(overridden(card["uuid"], overrideReason=said)).status_code == 200
            assert recorded.call(body).status_code == 200
            for broken in broken_calls(body):
                response = recorded.call(broken)
                assert response.status_code == 400
                assert leaks(response.text, forbidden) == set()
            refused = recorded.tell({"card": sample.id, "outcome": sample.id, "outcomeTimestamp": sample.id})
            assert refused.status_code == 400
            assert leaks(refused.text, forbidden) == set()
    kept = everything_kept(recorded)
    assert len(forbidden) > 300
    assert {sample.id for sample in SAMPLES} <= forbidden
    assert len(recorded.rows("determinations")) > 20
    assert leaks(kept, forbidden) == set()


def test_the_search_would_find_a_leak(recorded: RecordedService) -> None:
    body, recorded.chart = sample_call("sij-fibromyalgia")
    (card,) = recorded.cards(body)
    assert leaks(str(card), secrets_of(recorded.chart)) > {"Condition/fibromyalgia"} or leaks(
        str(card), secrets_of(recorded.chart)
    )


def broken_calls(body: Any) -> Iterator[Json]:
    """The call with something wrong in several places, its data all still there."""
    for path in (("hookInstance",), ("context", "draftOrders"), ("context", "userId"), ("prefetch",)):
        other = deepcopy(body)
        inner = other
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = [body["context"]["patientId"]]
        yield other


def leaks(text: str, forbidden: set[str]) -> set[str]:
    """What of it occurs in a text as a whole word."""
    return {each for each in forbidden if each in text and re.search(rf"(?<![\w-]){re.escape(each)}(?![\w-])", text)}
