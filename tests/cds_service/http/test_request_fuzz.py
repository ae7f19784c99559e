"""Every member of a call missing, null, and of every wrong type: no failure, and no value in the error."""

import copy
import json
import re
from typing import Any

import pytest

from coverage_policies.format.searches import CONDITIONS
from tests.support.fuzzing import paths
from tests.support.hook_fakes import FakeEhr, Service, WatchingAssessor, authorization, bundle, call, condition

MARK = "Xanthippe"
LEFT_OUT = object()
WRONG = [LEFT_OUT, None, "", MARK, 7, -1.5, True, False, [], [MARK], [{"a": MARK}], {}, {MARK: MARK}]


def marked_call() -> dict[str, Any]:
    """Return a valid order-select call with the mark in as many values as possible."""
    request = call(hook="order-select", extension={"org.example": {"name": MARK}})
    context = request["context"]
    context |= {"userId": f"Practitioner/{MARK}", "patientId": MARK, "encounterId": MARK}
    context["selections"] = [f"ServiceRequest/{MARK}"]
    order = context["draftOrders"]["entry"][0]["resource"]
    order |= {"id": MARK, "subject": {"reference": f"Patient/{MARK}"}, "note": [{"text": MARK}]}
    order["code"] = {"text": MARK, "coding": [{"system": MARK, "code": MARK, "display": MARK}]}
    request["fhirServer"] = f"http://127.0.0.1:1/{MARK}"
    request["fhirAuthorization"] = authorization(access_token=MARK, scope=f"patient/{MARK}.rs", subject=MARK)
    request["prefetch"] = {
        "patient": {"resourceType": "Patient", "id": MARK, "name": [{"family": MARK}]},
        "conditions": bundle(condition(MARK, MARK)),
    }
    return request


def changed(value: Any, path: tuple[str | int, ...], to: Any) -> Any:
    """Return a copy of a document with one change."""
    result = parent = copy.deepcopy(value)
    for name in path[:-1]:
        parent = parent[name]
    if to is LEFT_OUT:
        del parent[path[-1]]
    else:
        parent[path[-1]] = to
    return result


def written(path: tuple[str | int, ...]) -> str:
    """Return a path in the form of an error."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


@pytest.mark.requirement("7.21", "7.34", "7.113", "7.115", "7.124")
@pytest.mark.parametrize("path", list(paths(marked_call())), ids=written)
def test_no_mutation_of_a_call_fails_the_service_or_leaks_into_an_error(path: tuple[str | int, ...]) -> None:
    service = Service(WatchingAssessor(CONDITIONS, settled=True))
    for wrong in WRONG:
        response = service.post(changed(marked_call(), path, wrong), "coverage-order-select")
        assert response.status_code in (200, 400), (wrong, response.text)
        if response.status_code == 400:
            assert MARK not in response.text
            named = [place for issue in response.json["issue"] for place in issue["expression"]]
            assert any(re.match(re.escape(written(path)) + r"(?![A-Za-z_])", place) for place in named), (wrong, named)
    assert MARK not in service.written.getvalue()


@pytest.mark.requirement("7.124")
def test_an_answered_call_leaves_nothing_of_the_patient_in_the_log(ehr: FakeEhr) -> None:
    service = Service(WatchingAssessor(CONDITIONS))
    request = marked_call() | {"fhirServer": ehr.base, "prefetch": {}}
    assert service.post(request, "coverage-order-select").status_code == 200
    assert MARK not in service.written.getvalue()
    assert json.loads(service.written.getvalue()) == {
        "timestamp": "2026-03-02T15:00:00.000+00:00",
        "request_id": "call-0",
        "hook": "order-select",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "status": 200,
        "orders": 1,
        "cards": 1,
        "ms": service.lines()[0]["ms"],
        "fhir_server": ehr.base.removesuffix("/fhir"),
        "searches": {"conditions": "200", "patient": "200", "coverage": "200"},
        "event": "hook call",
        "level": "info",
    }
