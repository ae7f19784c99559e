"""Reports on errors in forms: what is read of them, and that nothing of their words is."""

from dataclasses import replace
from typing import Any

import pytest

from cds_service.dtr.error_reports import MOST_FORMS, MOST_ISSUES, ErrorReport, read_error_report
from cds_service.dtr.parameters import read_parameters
from cds_service.hooks.errors import RefusedError
from coverage_policies.format.editions import Edition
from tests.support.policy_fakes import ON_ONE_SCREEN, policy

BASE = "https://plan.example"
FORM = f"{BASE}/fhir/Questionnaire/CP.TEST"
SECRET = "Xanthippe-7"
THIRD_EDITION = replace(policy(ON_ONE_SCREEN), edition=3, editions=(Edition(2, "hash", {}),))


def issue(severity: Any = "error", code: Any = "processing", **more: Any) -> dict[str, Any]:
    return {"severity": severity, "code": code, "diagnostics": SECRET, **more}


def outcome(*issues: Any) -> dict[str, Any]:
    return {"name": "operationOutcome", "resource": {"resourceType": "OperationOutcome", "issue": list(issues)}}


def form(canonical: str) -> dict[str, Any]:
    return {"name": "questionnaire", "valueCanonical": canonical}


def report(*parameters: Any) -> ErrorReport:
    sent = read_parameters({"resourceType": "Parameters", "parameter": list(parameters)})
    return read_error_report(sent, [THIRD_EDITION], BASE)


def refusal(*parameters: Any) -> tuple[int, str, str]:
    with pytest.raises(RefusedError) as refused:
        report(*parameters)
    (said,) = refused.value.issues
    assert SECRET not in said.diagnostics + said.expression
    return refused.value.status, said.code, said.expression


@pytest.mark.parametrize(
    ("canonical", "known", "others"),
    [
        (f"{FORM}|2025-01.3", (f"{FORM}|2025-01.3",), 0),
        (f"{FORM}|2025-01.2", (f"{FORM}|2025-01.2",), 0),
        (f"{FORM}|2025-01.1", (FORM,), 0),
        (f"{FORM}|{SECRET}", (FORM,), 0),
        (FORM, (FORM,), 0),
        (f"{FORM}X|2025-01.3", (), 1),
        (f"https://other.example/fhir/Questionnaire/{SECRET}", (), 1),
    ],
)
def test_only_what_is_ours_of_a_canonical_is_kept(canonical: str, known: tuple[str, ...], others: int) -> None:
    found = report(form(canonical), outcome(issue()))
    assert (found.forms, found.others) == (known, others)
    assert SECRET not in str(found.figures())


def test_severity_and_code_of_each_issue_are_kept_and_no_words() -> None:
    found = report(
        form(FORM), outcome(issue("warning", "not-found"), issue()), form("x"), outcome(issue("fatal", "exception"))
    )
    assert found.figures() == {
        "questionnaires": [FORM],
        "other_questionnaires": 1,
        "issues": [
            {"severity": "warning", "code": "not-found"},
            {"severity": "error", "code": "processing"},
            {"severity": "fatal", "code": "exception"},
        ],
    }
    assert list(found.severities().items()) == [("fatal", 1), ("error", 1), ("warning", 1)]


@pytest.mark.parametrize("sent", [(), (form(FORM),), (outcome(issue()),)])
def test_a_report_needs_a_form_and_an_outcome(sent: tuple[Any, ...]) -> None:
    assert refusal(*sent) == (400, "required", "Parameters.parameter")


PLACE = "Parameters.parameter[1].resource.issue"


@pytest.mark.parametrize(
    ("issues", "place"),
    [
        ([], PLACE),
        ([None], f"{PLACE}[0].severity"),
        ([SECRET], f"{PLACE}[0].severity"),
        ([issue(), issue("bad")], f"{PLACE}[1].severity"),
        ([issue(["error"])], f"{PLACE}[0].severity"),
        ([issue(code=SECRET)], f"{PLACE}[0].code"),
        ([issue(code=["processing"])], f"{PLACE}[0].code"),
        ([issue(code=None)], f"{PLACE}[0].code"),
    ],
)
def test_an_issue_without_a_severity_and_a_code_of_fhir_is_refused(issues: list[Any], place: str) -> None:
    assert refusal(form(FORM), outcome(*issues)) == (400, "value", place)


def test_another_resource_than_an_outcome_is_refused() -> None:
    for resource in ({"resourceType": "Patient", "id": SECRET}, {"resourceType": "OperationOutcome", "issue": SECRET}):
        status, *_ = refusal(form(FORM), {"name": "operationOutcome", "resource": resource})
        assert status == 400


def test_a_report_has_so_many_issues_and_forms() -> None:
    half = outcome(*[issue()] * (MOST_ISSUES // 2))
    assert len(report(form(FORM), half, half).issues) == MOST_ISSUES
    assert refusal(form(FORM), half, half, outcome(issue())) == (
        *(413, "too-long"),
        "Parameters.parameter[3].resource.issue",
    )
    assert refusal(form(FORM), outcome(*[issue()] * (MOST_ISSUES + 1))) == (413, "too-long", PLACE)
    forms = [form(f"https://other.example/{number}") for number in range(MOST_FORMS + 1)]
    assert report(*forms[1:], outcome(issue())).others == MOST_FORMS
    assert refusal(*forms, outcome(issue())) == (413, "too-long", "Parameters.parameter[0].valueCanonical")
