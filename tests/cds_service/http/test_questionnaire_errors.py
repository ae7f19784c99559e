"""Reports on errors in forms over HTTP: stored as an exchange, sealed, and logged without their words."""

from typing import Any

import pytest

from cds_service.records.crd_sealing import opened_bodies
from cds_service.records.database import UnavailableError
from cds_service.records.sealing import Sealer
from fhir_mappings.fhir_json import dumps
from tests.support.backend_tokens import backend_client, given_token
from tests.support.crd_calls import CrdService
from tests.support.record_fakes import rows

PATH = "/fhir/Questionnaire/$log-questionnaire-errors"
FHIR_JSON = "application/fhir+json"
FORM = "https://cds.example.org/fhir/Questionnaire/CP.MP.126"
SECRET = "Xanthippe-7"
REPORT = {
    "resourceType": "Parameters",
    "parameter": [
        {"name": "questionnaire", "valueCanonical": f"{FORM}|2025-04.2"},
        {"name": "questionnaire", "valueCanonical": f"https://other.example/Questionnaire/{SECRET}"},
        {
            "name": "operationOutcome",
            "resource": {
                "resourceType": "OperationOutcome",
                "issue": [
                    {"severity": "error", "code": "processing", "diagnostics": SECRET},
                    {"severity": "warning", "code": "not-supported"},
                ],
            },
        },
    ],
}
METRICS = {
    "operation": "log-questionnaire-errors",
    "questionnaires": [f"{FORM}|2025-04.2"],
    "other_questionnaires": 1,
    "issues": [{"severity": "error", "code": "processing"}, {"severity": "warning", "code": "not-supported"}],
}


def sent(service: CrdService, body: bytes | None = None, **headers: str) -> Any:
    data = dumps(REPORT) if body is None else body
    return service.client.post(PATH, data=data, content_type=FHIR_JSON, headers=headers)


@pytest.mark.requirement("dtr:oper-1")
def test_a_report_is_stored_sealed_and_answered() -> None:
    client = backend_client()
    service = CrdService(client=client)
    assert sent(service).status_code == 401
    token = given_token(service.client.application, client)
    response = sent(service, Authorization=f"Bearer {token}")
    assert (response.status_code, response.mimetype) == (200, FHIR_JSON)
    assert response.json["issue"][0]["severity"] == "information"
    (row,) = rows(service.database, "crd_exchanges")
    assert (row["path"], row["client"], row["issuer"]) == (PATH.strip("/"), "ehr", client.issuer)
    assert (row["status"], row["metrics"]) == (200, METRICS)
    assert SECRET not in str(row)
    bodies = opened_bodies(row, Sealer([b"k" * 32]))
    assert bodies == (dumps(REPORT).encode(), b"")


def test_the_log_has_one_warning_with_counts_and_our_own_canonicals() -> None:
    service = CrdService()
    sent(service)
    (line,) = [each for each in service.log_lines() if each["level"] == "warning"]
    assert line["questionnaires"] == [f"{FORM}|2025-04.2"]
    assert (line["other_questionnaires"], line["issues"]) == (1, {"error": 1, "warning": 1})
    assert SECRET not in service.written.getvalue()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{}", 400),
        (b"[", 400),
        (b'{"resourceType": "Parameters"}', 400),
        (dumps(REPORT).replace("processing", SECRET).encode(), 400),
        (dumps({**REPORT, "parameter": REPORT["parameter"] * 60}).encode(), 413),
    ],
)
def test_of_a_report_that_cannot_be_read_nothing_is_stored_but_its_status(body: bytes, status: int) -> None:
    service = CrdService()
    response = sent(service, body)
    assert (response.status_code, response.mimetype) == (status, FHIR_JSON)
    assert SECRET not in response.text
    (row,) = rows(service.database, "crd_exchanges")
    assert (row["status"], row["metrics"], row["sealed"]) == (status, {"operation": "log-questionnaire-errors"}, None)
    assert [each for each in service.log_lines() if each["level"] == "warning"] == []


def test_a_report_that_cannot_be_stored_is_answered_503(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise UnavailableError("full")

    service = CrdService()
    monkeypatch.setattr(service.records, "store", fail)
    response = sent(service)
    assert (response.status_code, response.mimetype) == (503, FHIR_JSON)
    assert "error" in [line["level"] for line in service.log_lines()]
