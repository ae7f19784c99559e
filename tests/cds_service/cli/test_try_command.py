"""`cds-service policies try`: what a clinician would see of a policy, without a request."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cds_service.cli.main import main
from fhir_mappings.fhir_json import dumps
from tests.support.own_policies import OwnPolicies

PATIENT = {"resourceType": "Patient", "id": "1"}


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OwnPolicies:
    """A folder of an operator's own with one policy, in force."""
    found = OwnPolicies(tmp_path)
    found.add()
    monkeypatch.setenv("CDS_POLICY_FOLDERS", str(found.folder))
    monkeypatch.setenv("COLUMNS", "160")
    return found


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, ["policies", "try", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def chart(own: OwnPolicies, *resources: dict[str, Any]) -> Path:
    path = own.folder.parent / "chart.json"
    entries = [{"resource": each} for each in resources]
    path.write_text(dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}), encoding="utf-8")
    return path


def test_it_shows_card_outcome_and_questions_for_a_sample_patient(own: OwnPolicies) -> None:
    shown = run("SLEEP.1", "--patient", "sij-posterior")
    assert shown.exit_code == 0
    assert "SLEEP.1@2026-01 for Patient/sij-posterior: Sleep test at home (95806), 2026-03-02" in shown.output
    assert "1 item to document" in shown.output
    assert "Outcome: documentation-needed" in shown.output
    assert "I.A Was sleepiness scored?" in shown.output


def test_a_chart_of_ones_own_decides(own: OwnPolicies) -> None:
    score = {
        "resourceType": "Observation",
        "id": "s",
        "status": "final",
        "subject": {"reference": "Patient/1"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "90001-9"}]},
        "effectiveDateTime": "2026-03-01",
        "valueInteger": 14,
    }
    shown = run("SLEEP.1@2026-01", "--chart", chart(own, PATIENT, score), "--at", "2026-03-16")
    assert "Outcome: supported\nNo questions." in shown.output
    assert "(95806), 2026-03-16" in shown.output


def test_another_code_of_the_policy_can_be_ordered(own: OwnPolicies) -> None:
    assert "Outcome: not-supported" in run("CP.MP.126", "--patient", "sij-posterior", "--order", "27278").output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("sleep.1@2026-01", "--patient", "SIJ-posterior"), "Outcome: documentation-needed"),
        (("SLEPE.1", "--patient", "sij-posterior"), "There is no policy SLEPE.1. Did you mean SLEEP.1?"),
        (("SLEEP.1", "--patient", "sij-posteror"), "Did you mean sij-posterior?"),
        (("SLEEP.1", "--patient", "sij-posterior", "--order", "95807"), "There is no code of this policy 95807."),
        (("SLEEP.1",), "Give one of --patient and --chart."),
    ],
)
def test_a_name_may_be_in_any_case_and_a_mistyped_one_is_answered_with_the_closest(
    own: OwnPolicies, arguments: tuple[str, ...], says: str
) -> None:
    assert says in run(*arguments).output


def test_a_patient_and_a_chart_are_one_too_many(own: OwnPolicies) -> None:
    result = run("SLEEP.1", "--patient", "sij-posterior", "--chart", chart(own, PATIENT))
    assert (result.exit_code, "Give one of" in result.output) == (2, True)


@pytest.mark.parametrize("resources", [(), (PATIENT, PATIENT | {"id": "2"}), ({"resourceType": "Patient"},)])
def test_a_chart_needs_one_patient_with_an_id(own: OwnPolicies, resources: tuple[dict[str, Any], ...]) -> None:
    result = run("SLEEP.1", "--chart", chart(own, *resources))
    assert (result.exit_code, "must be a Bundle with one Patient that has an id" in result.output) == (1, True)


def test_a_drug_is_ordered_as_a_prescription(own: OwnPolicies) -> None:
    own.value_set("home-sleep-test").write_text(
        "system,code,label,source,from,to,use\n"
        "http://www.nlm.nih.gov/research/umls/rxnorm,7052,Morphine,Lakeside,,,decides\n",
        encoding="utf-8",
    )
    assert "Outcome: documentation-needed" in run("SLEEP.1", "--patient", "sij-nearly-empty").output
