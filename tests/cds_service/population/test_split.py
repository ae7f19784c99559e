"""Splitting an export into buckets by patient."""

import json
import sqlite3
import stat
from errno import ENOSPC
from pathlib import Path
from typing import Any

import pytest

from cds_service.population import bucket as bucket_module
from cds_service.population import split as split_module
from cds_service.population.bucket import ExportedPatient, Place, patients_of
from cds_service.population.export import files_in
from cds_service.population.shared import SharedResources, SharedResourcesWriter
from cds_service.population.split import Charts, SplitReport, bucket_count, kinds_read, split
from fhir_mappings.fhir_json import canonical
from tests.support.bulk_export import sample_charts, write_export
from tests.support.population_runs import ASSESSOR, EARLIER, FUSION

POLICY = ASSESSOR.library.policies[FUSION]


def written(folder: Path, **files: list[Any]) -> Path:
    """A folder with a file per name; what is no string is written as JSON."""
    folder.mkdir()
    for name, found in files.items():
        text = "".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in found)
        (folder / f"{name}.ndjson").write_text(text, encoding="utf-8")
    return folder


def condition(own_id: str, patient: str, **more: object) -> dict[str, object]:
    return {"resourceType": "Condition", "id": own_id, "subject": {"reference": f"Patient/{patient}"}, **more}


def patient(own_id: str) -> dict[str, object]:
    return {"resourceType": "Patient", "id": own_id}


def split_up(source: Path, folder: Path, buckets: int = 4) -> tuple[SplitReport, dict[str, ExportedPatient], Charts]:
    charts = Charts(folder / "charts")
    report = split(charts, files_in(source), buckets=buckets, policies=[POLICY])
    found = {
        each.id: each
        for number in range(buckets)
        if charts.bucket(number).exists()
        for each in patients_of(charts.bucket(number))
    }
    return report, found, charts


def ids(exported: ExportedPatient) -> list[object]:
    return [each["id"] for each in exported.resources]


def test_each_patient_has_all_resources_in_the_order_of_the_export(tmp_path: Path) -> None:
    source = written(
        tmp_path / "in",
        Condition=[condition("c-1", "b"), condition("c-2", "a"), condition("c-3", "b")],
        Patient=[patient("a"), patient("b"), patient("odd id/%")],
    )
    report, found, _ = split_up(source, tmp_path)
    assert {name: ids(each) for name, each in found.items()} == {
        "a": ["c-2", "a"],
        "b": ["c-1", "c-3", "b"],
        "odd id/%": ["odd id/%"],
    }
    assert report.kinds == {"Condition": 3, "Patient": 3}


@pytest.mark.parametrize(("buckets", "buffer"), [(1, 1), (7, 1_000), (64, 64 * 1024 * 1024)])
def test_no_number_of_buckets_and_no_size_of_the_buffer_changes_a_chart(
    tmp_path: Path, buckets: int, buffer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    charts = sample_charts()[:4]
    monkeypatch.setattr(split_module, "_BUFFER_BYTES", buffer)
    write_export(tmp_path / "in", charts, copies=2, compress=buckets == 7)
    _, found, _ = split_up(tmp_path / "in", tmp_path, buckets)
    reads = kinds_read([POLICY])
    for chart in charts:
        resources = [entry["resource"] for entry in chart["entry"]]
        (own,) = [each["id"] for each in resources if each["resourceType"] == "Patient"]
        expected = [each for each in resources if each["resourceType"] in reads and _is_of(each, own)]
        got = found[own].resources
        assert sorted(map(canonical, got)) == sorted(map(canonical, expected))
        assert len(found[f"{own}-1"].resources) == len(got)


def _is_of(resource: dict[str, Any], own: str) -> bool:
    subjects = [resource.get(name, {}).get("reference") for name in ("subject", "patient", "beneficiary")]
    return f"Patient/{own}" in subjects or (resource["resourceType"] == "Patient" and resource["id"] == own)


def test_what_is_about_no_patient_is_shared(tmp_path: Path) -> None:
    source = written(
        tmp_path / "in",
        Medication=[{"resourceType": "Medication", "id": "m-1"}],
        Organization=[{"resourceType": "Organization", "id": "o-1"}, {"resourceType": "Organization"}],
        Observation=[{"resourceType": "Observation", "id": "x", "subject": {"identifier": {"value": "7"}}}],
    )
    report, found, charts = split_up(source, tmp_path)
    shared = SharedResources(charts.shared)
    assert shared.read("Medication/m-1") == {"resourceType": "Medication", "id": "m-1"}
    assert shared.read("Organization/o-2") is None
    assert shared.read("https://other.example/fhir/Medication/m-1") is None
    assert (report.of_nobody, report.incomplete, found) == ({"Observation": 1}, ("Observation",), {})
    shared.close()


def test_of_two_shared_resources_with_one_id_the_later_stays(tmp_path: Path) -> None:
    with SharedResourcesWriter(tmp_path / "shared") as writer:
        for updated, said in (("2026-01-02", b'"first"'), ("2026-01-03", b'"later"'), ("2026-01-01", b'"older"')):
            writer.add("Medication/1", updated, b'{"is":%s}' % said)
        writer.add("Medication/2", "", b'{"number": 1e9999}')
    shared = SharedResources(tmp_path / "shared")
    assert shared.read("Medication/1") == {"is": "later"}
    assert shared.read("Medication/2") is None
    shared.close()


def test_shared_resources_that_the_disk_has_no_room_for_are_its_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect

    def small(*arguments: Any, **options: Any) -> sqlite3.Connection:
        database = connect(*arguments, **options)
        database.execute("PRAGMA max_page_count = 3")
        return database

    monkeypatch.setattr(sqlite3, "connect", small)
    with pytest.raises(OSError, match="full") as raised, SharedResourcesWriter(tmp_path / "shared") as writer:
        writer.add("Medication/1", "", b"x" * 100_000)
    assert raised.value.errno == ENOSPC


def test_types_that_no_revision_reads_are_counted_and_left_out(tmp_path: Path) -> None:
    claim = {"resourceType": "Claim", "id": "k", "patient": {"reference": "Patient/a"}}
    source = written(tmp_path / "in", Claim=[claim], Patient=[patient("a")])
    report, found, _ = split_up(source, tmp_path)
    assert (report.unread, ids(found["a"])) == ({"Claim": 1}, ["a"])
    assert report.kinds == {"Claim": 1, "Patient": 1}


def test_a_comparison_reads_the_types_of_both_revisions() -> None:
    earlier, pump = (ASSESSOR.library.policies[name] for name in (EARLIER, "CP.MP.173@2024-01"))
    assert "CarePlan" in kinds_read([earlier, pump])
    assert "CarePlan" not in kinds_read([earlier])


def test_malformed_lines_are_counted_and_named_without_content(tmp_path: Path) -> None:
    source = written(
        tmp_path / "in",
        Condition=[condition("c-1", "a"), '{"resourceType":"Condition","secret', "", {"id": "secret"}],
        Patient=[patient("a"), {"resourceType": "Patient"}],
    )
    report, _, _ = split_up(source, tmp_path)
    assert report.malformed == 3
    assert report.incomplete == ("Condition",)  # the object without a type may be anything but a patient's Patient
    assert report.named == (
        "Condition.ndjson:2: this is not one JSON object",
        "Condition.ndjson:4: the object has no resourceType",
        "Patient.ndjson:2: the Patient has no id",
    )


def test_a_malformed_line_that_names_a_patient_makes_that_chart_incomplete(tmp_path: Path) -> None:
    broken = json.dumps(condition("c-1", "a"))[:-1]
    source = written(tmp_path / "in", Condition=[broken], Patient=[patient("a"), patient("b")])
    _, found, _ = split_up(source, tmp_path)
    assert (found["a"].is_whole, found["b"].is_whole) == (False, True)


BROKEN = '{"resourceType":"Condition","id":"c-9","subject":{"identifier":{"value":"7"}},"code'
OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
REMARK = {"resourceType": "OperationOutcome", "issue": [{"severity": "information", "code": "informational"}]}
OF_A_GROUP = condition("c-9", "") | {"subject": {"reference": "Group/g-1"}}
UNREAD = {"resourceType": "Claim", "id": "k"}


@pytest.mark.parametrize(
    ("line", "incomplete"),
    [
        (BROKEN, ("Condition",)),
        ("<html>502 Bad Gateway</html>", ("Condition", "Observation")),
        (OUTCOME, ("Condition", "Observation")),
        ('{"resourceType":"Patient","id', ()),
        (REMARK, ()),
        (OF_A_GROUP, ()),
        (UNREAD, ()),
    ],
    ids=["a type", "no type", "an error", "a Patient", "a remark", "of a group", "not read"],
)
def test_a_line_that_may_be_anybodys_leaves_no_chart_complete(
    tmp_path: Path, line: str | dict[str, object], incomplete: tuple[str, ...]
) -> None:
    observation = condition("o-1", "a") | {"resourceType": "Observation"}
    source = written(tmp_path / "in", all=[patient("a"), condition("c-1", "a"), observation, line])
    report, _, _ = split_up(source, tmp_path)
    assert report.incomplete == incomplete
    assert report.of_nobody == {}


def test_a_number_out_of_bounds_makes_a_line_malformed_when_the_chart_is_read(tmp_path: Path) -> None:
    huge = json.dumps(condition("c-1", "a")).replace('"c-1"', '"c-1", "x": 1e99999')
    source = written(tmp_path / "in", Condition=[condition("c-0", "a"), huge], Patient=[patient("a")])
    _, found, _ = split_up(source, tmp_path)
    assert (ids(found["a"]), found["a"].malformed) == (["c-0", "a"], (Place(0, 2),))
    assert not found["a"].is_whole


def test_a_chart_over_the_limit_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = written(tmp_path / "in", Patient=[patient("a"), {**patient("b"), "text": "x" * 200}])
    _, found, charts = split_up(source, tmp_path)
    size = max(len(line) for path in charts.folder.glob("bucket-*") for line in path.read_bytes().splitlines(True))
    for limit, is_too_large in ((size, False), (size - 1, True)):
        monkeypatch.setattr(bucket_module, "MOST_CHART_BYTES", limit)
        _, found, _ = split_up(source, tmp_path)
        assert (found["a"].is_too_large, found["b"].is_too_large) == (False, is_too_large)
        assert bool(found["b"].resources) is not is_too_large


def test_only_the_owner_can_open_the_charts_and_an_unfinished_split_is_begun_anew(tmp_path: Path) -> None:
    source = written(tmp_path / "in", Patient=[patient("a")])
    charts = Charts(tmp_path / "charts")
    charts.folder.mkdir()
    (charts.bucket(0)).write_bytes(b"what was left")
    assert charts.report() is None
    report, found, _ = split_up(source, tmp_path)
    assert list(found) == ["a"]
    assert charts.report() == report
    assert stat.S_IMODE(charts.folder.stat().st_mode) == 0o700


def test_the_progress_adds_up_to_the_bytes_of_the_files(tmp_path: Path) -> None:
    write_export(tmp_path / "in", sample_charts()[:3])
    files = files_in(tmp_path / "in")
    read: list[int] = []
    split(Charts(tmp_path / "charts"), files, buckets=2, policies=[POLICY], advance=read.append)
    assert sum(read) == sum(path.stat().st_size for path in files)


def test_the_number_of_buckets_follows_the_size_within_bounds(tmp_path: Path) -> None:
    def files(size: int, name: str = "a.ndjson") -> list[Path]:
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
        return [tmp_path / name]

    mega = 1024 * 1024
    assert bucket_count(files(10)) == 16
    assert bucket_count(files(32 * mega * 20)) == 20
    assert bucket_count(files(32 * mega * 20, "a.ndjson.gz")) == 160
    assert bucket_count(files(32 * mega * 5_000)) == 1_024
