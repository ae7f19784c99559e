"""The rows of a run: the same answers as one call gives, and a reason for each patient who gets none."""

import json
import time
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from cds_service.hooks.coded_order import signing
from cds_service.hooks.request import read_request
from cds_service.hooks.review import review
from cds_service.population import judge as judge_module
from cds_service.population.bucket import ExportedPatient
from cds_service.population.chart import ExportedChart, ExportedTypes
from cds_service.population.shared import SharedResources, SharedResourcesWriter
from cds_service.population.work import OtherPoliciesError
from cds_service.settings import Settings
from coverage_policies.format.searches import CONDITIONS, PROCEDURES
from coverage_policies.judging.determination import Determination
from fhir_mappings.fhir_json import Json
from fhir_mappings.record import Availability
from tests.support.bulk_export import sample_charts, write_export
from tests.support.population_runs import ASSESSOR, AT, EARLIER, FUSION, ORDER, judge_here, split_and_judge, work_of
from tests.support.reviews import review_call

INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
CHARTS = [chart for chart in sample_charts() if len(chart["entry"]) > 9]


def determination(chart: Json, policy: str = FUSION, order: Json = ORDER) -> Determination:
    """The answer for a chart by itself, as `evaluate` gives it."""
    call = read_request(signing(order, patient_of(chart), INSTANCE))
    revision = ASSESSOR.library.policies[policy]
    found = review_call(call, ASSESSOR, Settings(), chart=chart, policy=revision, clock=lambda: AT)
    (only,) = found.determinations
    return only


def patient_of(chart: Json) -> str:
    (found,) = [each["resource"]["id"] for each in chart["entry"] if each["resource"]["resourceType"] == "Patient"]
    return str(found)


def exported(folder: Path, *resources: Json) -> Path:
    folder.mkdir()
    lines = "".join(f"{json.dumps(each)}\n" for each in resources)
    (folder / "all.ndjson").write_text(lines, encoding="utf-8")
    return folder


def ordered(patient: str, **more: object) -> dict[str, Any]:
    return {**ORDER, "subject": {"reference": f"Patient/{patient}"}, **more}


def orders_file(folder: Path, *orders: Json) -> Path:
    path = folder / "orders.ndjson"
    path.write_text("".join(f"{json.dumps(each)}\n" for each in orders), encoding="utf-8")
    return path


PATIENT = {"resourceType": "Patient", "id": "p-1", "birthDate": "1970-01-01"}


def test_every_sample_patient_gets_the_answer_that_a_call_gives(tmp_path: Path) -> None:
    write_export(tmp_path / "in", CHARTS, copies=2)
    _, rows = split_and_judge(tmp_path / "in", tmp_path)
    found = {row["patient"]: row for row in rows}
    assert len(CHARTS) > 10
    for chart in CHARTS:
        expected = determination(chart)
        for copy in ("", "-1"):
            row = found[patient_of(chart) + copy]
            assert row["failure"] is None
            assert (row["outcome"], row["code"]) == (expected.outcome.value, "27279")
            assert [(each["id"], each["status"]) for each in row["criteria"]] == [
                (each.id, each.status.value) for each in expected.criteria
            ]
            assert (row["documented"], row["required"]) == (expected.documented, expected.required)


def test_the_number_of_buckets_changes_no_row(tmp_path: Path) -> None:
    write_export(tmp_path / "in", CHARTS[:6])
    found = []
    for buckets in (1, 5):
        (tmp_path / str(buckets)).mkdir()
        found.append(split_and_judge(tmp_path / "in", tmp_path / str(buckets), buckets=buckets)[1])
    assert found[0] == found[1]
    assert len(found[0]) >= 6


def test_a_bucket_that_was_deleted_is_an_error_and_its_rows_stay(tmp_path: Path) -> None:
    source = exported(tmp_path / "in", PATIENT)
    split_and_judge(source, tmp_path, buckets=1)
    (tmp_path / "charts" / "bucket-0000").unlink()
    before = (tmp_path / "rows" / "rows-0000.parquet").read_bytes()
    with pytest.raises(FileNotFoundError):
        judge_here(work_of(source, tmp_path), [0], lambda _bucket, _written: None)
    assert (tmp_path / "rows" / "rows-0000.parquet").read_bytes() == before


def test_a_process_with_other_policies_does_not_judge(tmp_path: Path) -> None:
    source = exported(tmp_path / "in", PATIENT)
    work = work_of(source, tmp_path)
    with pytest.raises(OtherPoliciesError, match="same version of this program, and the same files"):
        replace(work, rules=replace(work.rules, snapshot="0" * 64)).open()


def test_the_speed_of_a_machine_changes_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_export(tmp_path / "in", CHARTS[:1])
    found = []
    for seconds in (0, 1_000):
        (tmp_path / str(seconds)).mkdir()
        ticks = count(0, seconds)
        monkeypatch.setattr(time, "monotonic", lambda ticks=ticks: next(ticks))
        found.append(split_and_judge(tmp_path / "in", tmp_path / str(seconds))[1])
    assert found[0] == found[1]
    assert found[0][0]["outcome"] == "documentation-needed"


def test_open_questions_are_listed_by_their_link_ids(tmp_path: Path) -> None:
    _, (row,) = split_and_judge(exported(tmp_path / "in", PATIENT), tmp_path)
    expected = determination({"resourceType": "Bundle", "entry": [{"resource": PATIENT}]})
    asked = [part.id for question in expected.questions for part in question.parts or (question,)]
    assert "II.D.faber" in row["missing"]
    assert row["missing"] == asked


def test_a_comparison_says_whose_outcome_changes_and_by_which_criterion(tmp_path: Path) -> None:
    write_export(tmp_path / "in", CHARTS)
    _, rows = split_and_judge(tmp_path / "in", tmp_path, compared="CP.MP.166@2019-08")
    found = {row["patient"]: row for row in rows}
    for chart in CHARTS:
        before, after = (determination(chart, name) for name in ("CP.MP.166@2019-08", FUSION))
        row = found[patient_of(chart)]
        assert row["compared_outcome"] == before.outcome.value
        assert row["is_changed"] is (before.outcome is not after.outcome) is True  # the other is about injections


def test_flips_name_a_criterion_with_its_status_under_both_revisions(tmp_path: Path) -> None:
    (chart,) = [each for each in CHARTS if patient_of(each) == "sij-fibromyalgia"]
    write_export(tmp_path / "in", [chart])
    _, (row,) = split_and_judge(tmp_path / "in", tmp_path, compared=EARLIER)
    assert row["flips"] == [{"criterion": "II.F.2.films", "before": "unknown", "after": "met"}]
    assert (row["compared_outcome"], row["outcome"], row["is_changed"]) == (*["criteria-not-met"] * 2, False)


def test_real_orders_are_judged_each_by_itself(tmp_path: Path) -> None:
    source = exported(tmp_path / "in", PATIENT, {**PATIENT, "id": "p-2"}, {**PATIENT, "id": "p-3"})
    imaging = {"coding": [{"system": ORDER["code"]["coding"][0]["system"], "code": "73030"}]}
    orders = orders_file(
        tmp_path,
        ordered("p-1", id="o-1"),
        ordered("p-2", id="o-2", code=imaging),
        ordered("p-1", id="o-3", status="revoked"),
    )
    _, rows = split_and_judge(source, tmp_path, orders=orders)
    assert [(row["patient"], row["order_number"], row["order_id"]) for row in rows] == [
        ("p-1", 1, "ServiceRequest/o-1"),
        ("p-1", 2, "ServiceRequest/o-3"),
        ("p-2", 1, "ServiceRequest/o-2"),
    ]
    assert [row["outcome"] for row in rows] == ["not-evaluated", None, "not-applicable"]
    assert rows[1]["failure"] == judge_module.NO_ACTION


def test_a_patient_without_a_patient_resource_is_a_row_with_the_reason(tmp_path: Path) -> None:
    condition = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p-9"}}
    _, rows = split_and_judge(exported(tmp_path / "in", PATIENT, condition), tmp_path)
    assert [(row["patient"], row["failure"]) for row in rows] == [("p-1", None), ("p-9", judge_module.NO_PATIENT)]
    assert rows[1]["outcome"] is None


def test_an_order_for_nobody_in_the_export_is_a_row_with_the_reason(tmp_path: Path) -> None:
    source = exported(tmp_path / "in", PATIENT)
    _, (row,) = split_and_judge(source, tmp_path, orders=orders_file(tmp_path, ordered("p-8")))
    assert (row["patient"], row["failure"]) == ("p-8", judge_module.NO_PATIENT)


def test_an_error_with_one_patient_is_the_reason_of_its_row_without_what_the_error_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(call: Any, *args: Any, **kwargs: Any) -> Any:
        if call.patient_id == "p-1":
            raise ValueError("Jane Doe, born 1970-01-01")
        return review(call, *args, **kwargs)

    monkeypatch.setattr(judge_module, "review", failing)
    _, rows = split_and_judge(exported(tmp_path / "in", PATIENT, {**PATIENT, "id": "p-2"}), tmp_path)
    assert rows[0]["failure"].startswith("ValueError at test_judge.py:")
    assert "Jane" not in rows[0]["failure"]
    assert (rows[1]["failure"], rows[1]["outcome"]) == (None, "not-evaluated")


def test_an_id_that_fhir_does_not_have_is_the_reason_and_is_not_quoted(tmp_path: Path) -> None:
    _, (row,) = split_and_judge(exported(tmp_path / "in", {**PATIENT, "id": "odd id"}), tmp_path, key=b"k" * 32)
    assert row["failure"] == judge_module.NO_ID
    assert "odd id" not in json.dumps(row)


def test_pseudonyms_hide_every_id_and_are_the_same_in_every_run(tmp_path: Path) -> None:
    source = exported(tmp_path / "in", PATIENT)
    orders = orders_file(tmp_path, ordered("p-1", id="o-secret"))
    found = []
    for run, key in (("a", b"k" * 32), ("b", b"k" * 32), ("c", b"l" * 32)):
        (tmp_path / run).mkdir()
        _, (row,) = split_and_judge(source, tmp_path / run, orders=orders, key=key)
        assert row["order_id"] is None
        assert "o-secret" not in json.dumps(row)
        assert "p-1" not in json.dumps(row)
        found.append(row["patient"])
    assert found[0] == found[1] != found[2]
    assert len(found[0]) == 64


def test_what_the_export_lacks_for_all_patients_is_not_offered_and_what_it_has_is_complete(tmp_path: Path) -> None:
    with SharedResourcesWriter(tmp_path / "shared"):
        pass
    shared = SharedResources(tmp_path / "shared")
    types = ExportedTypes(frozenset({"Condition"}))
    whole = ExportedChart(ExportedPatient("p-1", (PATIENT,)), types, shared)
    broken = ExportedChart(ExportedPatient("p-1", (PATIENT,), is_whole=False), types, shared)
    assert whole.search(PROCEDURES, "p-1").availability is Availability.NOT_OFFERED
    assert whole.search(CONDITIONS, "p-1").availability is Availability.COMPLETE
    assert broken.search(CONDITIONS, "p-1").availability is Availability.UNAVAILABLE
    shared.close()


def test_an_export_of_patients_alone_is_not_evaluated_and_one_with_conditions_is(tmp_path: Path) -> None:
    _, (row,) = split_and_judge(exported(tmp_path / "in", PATIENT), tmp_path)
    (tmp_path / "other").mkdir()
    condition = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p-2"}}
    _, rows = split_and_judge(exported(tmp_path / "in-2", PATIENT, condition), tmp_path / "other")
    assert (row["outcome"], rows[0]["outcome"]) == ("not-evaluated", "documentation-needed")


def test_a_chart_with_a_malformed_line_proves_no_absence_and_the_line_is_named(tmp_path: Path) -> None:
    condition = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p-2"}}
    source = exported(tmp_path / "in", PATIENT, {**PATIENT, "id": "p-2"}, condition)
    lines = (source / "all.ndjson").read_text(encoding="utf-8")
    lost = json.dumps({**condition, "subject": {"reference": "Patient/p-1"}, "x": 0}).replace('"x": 0', '"x": 1e9999')
    (source / "all.ndjson").write_text(f"{lines}{lost}\n", encoding="utf-8")
    _, rows = split_and_judge(source, tmp_path)
    assert "Condition" in rows[0]["unread"]
    assert rows[1]["unread"] == []


@pytest.mark.parametrize("of_whom", [{"identifier": {"value": "7"}}, {"reference": "urn:uuid:7"}, None])
def test_where_nobody_knows_whose_a_condition_is_none_is_proven_absent(
    tmp_path: Path, of_whom: dict[str, object] | None
) -> None:
    known = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p-1"}}
    procedure = {"resourceType": "Procedure", "id": "x", "subject": {"reference": "Patient/p-1"}}
    source = exported(tmp_path / "in", PATIENT, known, procedure, {**known, "id": "d", "subject": of_whom})
    _, (row,) = split_and_judge(source, tmp_path)
    assert row["unread"] == ["Condition"]


def test_a_drug_beside_the_charts_is_read_by_its_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drug = {
        "resourceType": "Medication",
        "id": "m-1",
        "code": {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "197696"}]},
    }
    order = {
        "resourceType": "MedicationRequest",
        "status": "draft",
        "intent": "order",
        "medicationReference": {"reference": "Medication/m-1"},
        "subject": {"reference": "Patient/p-1"},
    }
    orders = orders_file(tmp_path, order)
    source = exported(tmp_path / "in", PATIENT, drug)
    asked: list[tuple[str, bool]] = []
    read = SharedResources.read

    def watched(self: SharedResources, reference: str) -> Any:
        found = read(self, reference)
        asked.append((reference, found is not None))
        return found

    monkeypatch.setattr(SharedResources, "read", watched)
    _, (row,) = split_and_judge(source, tmp_path, orders=orders)
    assert asked == [("Medication/m-1", True)]
    assert row["failure"] is None
