"""`cds-service evaluate` on orders that clinicians write, one thing at stake in each."""

import json
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cds_service.cli.evaluate import NOTHING_READ
from cds_service.cli.main import main
from coverage_policies.authoring.fact_builder import PATIENT, order, resources
from fhir_mappings.fhir_json import dumps

ANCHOR = date(2026, 3, 16)
FUSION = "CP.MP.126@2025-04"
PUMP = "CP.MP.173@2024-01"

Run = Callable[..., Result]


@pytest.fixture(name="run")
def _run(tmp_path: Path) -> Run:
    def run(
        written: dict[str, Any],
        facts: Sequence[dict[str, Any]] | None = (),
        *options: str,
        server: str | None = None,
        **context: Any,
    ) -> Result:
        request = {
            "fhirServer": server,
            "hook": "order-sign",
            "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
            "context": {
                "userId": "Practitioner/practitioner-1",
                "patientId": PATIENT,
                "draftOrders": {
                    "resourceType": "Bundle",
                    "type": "collection",
                    "entry": [{"resource": order(written, 1, ANCHOR)}],
                },
            }
            | context,
        }
        request_file, chart_file = tmp_path / "request.json", tmp_path / "chart.json"
        request_file.write_text(dumps(request), encoding="utf-8")
        arguments = ["evaluate", str(request_file), "--json", *options]
        if facts is not None:
            found = [each for i, fact in enumerate(facts) for each in resources(fact, i + 1, ANCHOR)]
            found.append({"resourceType": "Patient", "id": PATIENT})
            bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in found]}
            chart_file.write_text(dumps(bundle), encoding="utf-8")
            arguments += ["--chart", str(chart_file)]
        return CliRunner().invoke(main, arguments, env={"CDS_FHIR_PRIVATE_NETWORKS": "127.0.0.0/8"})

    return run


def only(result: Result) -> dict[str, Any]:
    """The one determination that was printed."""
    assert result.exit_code == 0, result.output
    (found,) = json.loads(result.stdout)
    return dict(found)


def criterion(determination: dict[str, Any], name: str) -> tuple[str, str | None]:
    """Status and reason of one criterion."""
    (found,) = [each for each in determination["criteria"] if each["id"] == name]
    return found["status"], found.get("reason")


def prescription(code: str, dose: int, hours: int, first: str, last: str) -> dict[str, Any]:
    span = {"from": first, "to": last}
    return {"prescription": {"code": code, "dose": str(dose), "every": f"{hours} hours"} | span}


OXYCODONE_5 = "rxnorm 1049621"
# 4 tablets of 5 mg, 1.5 MME per mg: every 6 hours 120 MME a day, every 8 hours 90, every 12 hours 60.
BEFORE = prescription(OXYCODONE_5, 4, 6, "2025-06-01", "2026-02-20")
LESS = prescription(OXYCODONE_5, 4, 8, "2026-02-21", "2026-03-31")
HALF = prescription(OXYCODONE_5, 4, 12, "2026-02-21", "2026-03-31")
POSTLAMINECTOMY = {"condition": {"code": "icd10cm M96.1", "onset": "2023-05"}}
CANCER_PAIN = {"condition": {"code": "icd10cm G89.3", "onset": "2025-05"}}
CANCER = {"condition": {"code": "icd10cm C50.911", "onset": "2025-04"}}
TRIAL = {"code": "62327", "detail": "Intrathecal opioid trial"}


def block(day: str, before: str, after: str) -> dict[str, Any]:
    return {"injection": {"code": "27096", "at": f"{day}T10:00", "pain": {"before": before, "after": after}}}


def test_a_posterior_approach_fails_the_criterion_on_the_approach(run: Run) -> None:
    found = only(run({"code": "27279", "detail": "Posterior approach"}))
    assert found["outcome"] == "criteria-not-met"
    assert criterion(found, "II.I") == ("not-met", "InvalidAttribute")


def test_an_implant_that_does_not_cross_the_joint_is_not_supported(run: Run) -> None:
    found = only(run({"code": "27278"}))
    assert (found["outcome"], found["section"]) == ("not-supported", "IV")


def test_open_fusion_with_all_four_reasons_answered_no_is_not_supported(run: Run) -> None:
    answers = {"answers": {"based_on": "ServiceRequest/order-1", "I.A": "no", "I.B": "no", "I.C": "no", "I.D": "no"}}
    found = only(run({"code": "27280"}, [answers]))
    assert (found["outcome"], found["section"]) == ("not-supported", "III")


def test_open_fusion_with_one_reason_unanswered_is_still_open(run: Run) -> None:
    answers = {"answers": {"based_on": "ServiceRequest/order-1", "I.A": "no", "I.B": "no", "I.C": "no"}}
    assert only(run({"code": "27280"}, [answers]))["outcome"] == "documentation-needed"


def test_active_fibromyalgia_fails_the_fusion_and_is_shown(run: Run) -> None:
    found = only(
        run({"code": "27279"}, [{"condition": {"code": "icd10cm M79.7", "onset": "2024-05-01", "id": "fm-1"}}])
    )
    (failed,) = [each for each in found["criteria"] if each["id"] == "II.E"]
    assert found["outcome"] == "criteria-not-met"
    assert failed["evidence"] == [{"reference": "Condition/fm-1", "label": "Fibromyalgia", "date": "2024-05-01"}]


@pytest.mark.parametrize(
    ("day", "expected"), [("2025-09-16", ("met", None)), ("2025-09-15", ("unknown", "DateOutOfRange"))]
)
def test_imaging_of_six_months_ago_to_the_day_is_recent_and_a_day_older_is_not(
    run: Run, day: str, expected: tuple[str, str | None]
) -> None:
    found = only(run({"code": "27279"}, [{"imaging": {"code": "cpt 72202", "at": day}}]))
    assert criterion(found, "II.F.1.films") == expected


@pytest.mark.parametrize(
    ("second", "expected"),
    [(("8", "2"), ("met", None)), (("10", "2.501"), ("unknown", "ValueOutOfRange"))],
    ids=["75 %", "74.99 %"],
)
def test_two_blocks_at_75_percent_count_and_one_at_74_99_does_not(
    run: Run, second: tuple[str, str], expected: tuple[str, str | None]
) -> None:
    found = only(run({"code": "27279"}, [block("2026-01-05", "8", "2"), block("2026-02-02", *second)]))
    assert criterion(found, "II.G") == expected


def test_a_wean_from_120_to_90_fails_the_trial_on_the_presumed_pathway(run: Run) -> None:
    found = only(run(TRIAL, [POSTLAMINECTOMY, BEFORE, LESS]))
    assert found["outcome"] == "criteria-not-met"
    assert found["presumed"] == {"pathway": "non-malignant", "because": ["Condition/condition-1"]}
    assert criterion(found, "I.A.2.h") == ("not-met", "ValueOutOfRange")


def test_a_wean_from_120_to_60_is_met(run: Run) -> None:
    found = only(run(TRIAL, [POSTLAMINECTOMY, BEFORE, HALF]))
    assert found["outcome"] == "documentation-needed"
    assert criterion(found, "I.A.2.h") == ("met", None)


def test_with_cancer_beside_it_the_wean_fails_nothing_and_the_pathway_is_asked(run: Run) -> None:
    found = only(run(TRIAL, [POSTLAMINECTOMY, CANCER_PAIN, CANCER, BEFORE, LESS]))
    assert found["outcome"] == "documentation-needed"
    assert "presumed" not in found
    assert criterion(found, "I.A.2.h") == ("unknown", "other-pathway")


def test_with_cancer_alone_the_wean_is_not_asked_for(run: Run) -> None:
    found = only(run(TRIAL, [CANCER_PAIN, CANCER, BEFORE, LESS]))
    assert found["presumed"]["pathway"] == "malignant"
    assert criterion(found, "I.A.2.h") == ("unknown", "other-pathway")


def test_a_rotation_to_buprenorphine_is_never_a_wean(run: Run) -> None:
    buprenorphine = prescription("rxnorm 351266", 1, 24, "2026-02-21", "2026-03-31")
    found = only(run(TRIAL, [POSTLAMINECTOMY, BEFORE, buprenorphine]))
    assert criterion(found, "I.A.2.h") == ("unknown", "unconvertible")


@pytest.mark.parametrize(("written", "text"), [({"code": "27279"}, FUSION), (TRIAL, PUMP)])
def test_in_an_empty_record_everything_is_unknown(run: Run, written: dict[str, Any], text: str) -> None:
    found = only(run(written, [], "--policy", text))
    assert found["outcome"] == "documentation-needed"
    assert {each["status"] for each in found["criteria"]} == {"unknown"}


@pytest.mark.parametrize(
    ("settings", "base"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"CDS_PUBLIC_URL": "https://cds.example.org/"}, "https://cds.example.org"),
        (
            {"CDS_PUBLIC_URL": "https://cds.example.org", "CDS_CANONICAL_BASE": "https://policies.example.org/x"},
            "https://policies.example.org/x",
        ),
    ],
)
def test_the_questions_name_their_questionnaire_below_the_canonical_base(
    run: Run, settings: dict[str, str], base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    found = only(run({"code": "27279"}, [], "--policy", "CP.MP.126@2025-04"))
    assert found["questionnaire"] == f"{base}/fhir/Questionnaire/CP.MP.126|2025-04.{found['edition']}"
    assert {"linkId", "text", "type", "met_by", "about"} <= found["questions"][0].keys()


def test_where_nothing_can_be_read_it_says_so_and_ends_with_a_code_of_its_own(run: Run) -> None:
    result = run({"code": "27279"}, None)
    assert result.exit_code == NOTHING_READ
    assert "HTTP 412" in result.stderr
    (found,) = json.loads(result.stdout)
    assert found["outcome"] == "not-evaluated"


def test_where_nothing_can_be_read_it_says_what_the_server_answered(run: Run) -> None:
    result = run({"code": "27279"}, None, server="http://127.0.0.1:1/fhir")
    assert result.exit_code == NOTHING_READ
    assert "queries to the FHIR server http://127.0.0.1:1 failed: connection refused." in result.stderr


def test_an_order_that_settles_itself_needs_no_chart(run: Run) -> None:
    assert only(run({"code": "27278"}, None))["outcome"] == "not-supported"


def test_a_text_that_is_named_is_used_whatever_its_date(run: Run) -> None:
    early = {"code": "27279", "planned": "2021-01-15"}
    assert only(run(early, []))["outcome"] == "not-evaluated"
    assert only(run(early, [], "--policy", FUSION))["outcome"] == "documentation-needed"


def test_a_text_that_is_not_held_is_told_with_those_that_are(run: Run) -> None:
    result = run({"code": "27279"}, [], "--policy", "CP.MP.999@2020-01")
    assert result.exit_code == 1
    assert FUSION in result.stderr


def test_a_request_that_breaks_cds_hooks_is_told_by_path_and_without_its_values(
    run: Run,
) -> None:
    result = run({"code": "27279"}, [], patientId=["Jane Doe"])
    assert result.exit_code == 1
    assert "context.patientId" in result.stderr
    assert "Jane" not in result.output


def test_without_json_the_criteria_are_a_table(run: Run, tmp_path: Path) -> None:
    run({"code": "27279"}, [])
    files = [str(tmp_path / "request.json"), "--chart", str(tmp_path / "chart.json")]
    result = CliRunner().invoke(main, ["evaluate", *files], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert "documentation-needed" in result.output
    assert "II.D.faber" in result.output
