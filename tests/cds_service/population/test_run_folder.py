"""The folder of a run: which run may go on in it, and what is left to do."""

import stat
from pathlib import Path

import msgspec
import pytest

from cds_service.population.folder import Description, Identity, OtherRunError, RunFolder, describe, fingerprint
from cds_service.population.split import SplitReport
from cds_service.population.work import rows_file
from tests.support.population_runs import ASSESSOR, EARLIER, FUSION

POLICY = ASSESSOR.library.policies[FUSION]
IDENTITY = Identity(
    policy=FUSION,
    compare="",
    order="27279",
    orders="",
    at="2026-01-15T12:00-05:00",
    input="abc",
    with_ids=False,
    key="k",
    rules="r",
    version="1",
)


def description(**changes: object) -> Description:
    return describe(msgspec.structs.replace(IDENTITY, **changes), 3, [POLICY])


def test_a_run_begins_in_a_new_or_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("new", "empty"):
        folder = RunFolder(tmp_path / name)
        assert folder.begin(description(), resume=False) == description()
        assert folder.description() == description()
        assert folder.left(3) == (0, 1, 2)


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(OtherRunError, match="is not empty, and holds no run"):
        RunFolder(tmp_path).begin(description(), resume=True)


def test_a_run_is_never_overwritten(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out")
    folder.begin(description(), resume=False)
    with pytest.raises(OtherRunError, match=r"holds a run\. Add --resume"):
        folder.begin(description(), resume=False)


def test_the_same_run_goes_on_with_what_is_left(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out")
    folder.begin(description(), resume=False)
    rows_file(folder.rows, 1).touch()
    (folder.rows / "rows-0002.parquet.7.new").touch()
    assert folder.begin(describe(IDENTITY, 99, [POLICY]), resume=True).buckets == 3
    assert folder.left(3) == (0, 2)
    assert [path.name for path in folder.row_files()] == ["rows-0001.parquet"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"policy": EARLIER}, "--policy differs"),
        ({"order": "27280", "at": "2026-02-01T12:00-05:00"}, "--order; --at differ"),
        ({"input": "other"}, "the files of --input differs"),
        ({"with_ids": True}, "--with-ids differs"),
        ({"rules": "s"}, "the policies, plan rules, or time zone differs"),
        ({"key": "l"}, "the pseudonym key differs"),
    ],
)
def test_another_run_is_refused_with_what_differs(tmp_path: Path, changes: dict[str, object], named: str) -> None:
    folder = RunFolder(tmp_path / "out")
    folder.begin(description(), resume=False)
    with pytest.raises(OtherRunError) as raised:
        folder.begin(description(**changes), resume=True)
    assert f"holds another run: {named}. " in str(raised.value)


def test_a_description_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"identity": 7}', encoding="utf-8")
    with pytest.raises(OtherRunError, match="describes no run of this version"):
        RunFolder(tmp_path).description()


def test_a_finished_run_keeps_no_chart_and_nothing_unfinished(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out")
    folder.begin(description(), resume=False)
    folder.charts.folder.mkdir()
    folder.charts.bucket(0).touch()
    (folder.rows / "rows-0002.parquet.7.new").touch()
    folder.finish()
    assert sorted(path.name for path in folder.folder.rglob("*")) == ["rows", "run.json"]


def test_two_processes_do_not_work_in_one_folder(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out")
    folder.begin(description(), resume=False)
    with folder.locked(), pytest.raises(OtherRunError, match="A run is going on in"), RunFolder(folder.folder).locked():
        pass
    with folder.locked():
        assert folder.begin(description(), resume=True) == description()


def test_only_the_owner_can_open_the_rows(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out")
    folder.begin(description(), resume=False)
    assert stat.S_IMODE(folder.rows.stat().st_mode) == 0o700


def test_the_words_of_criteria_are_those_of_the_first_revision_and_in_its_order() -> None:
    found = describe(IDENTITY, 1, [POLICY, ASSESSOR.library.policies[EARLIER]])
    assert list(found.criteria)[: len(POLICY.index)] == [each.id for each in POLICY.walk()]
    assert found.criteria["II.E"] == POLICY.index["II.E"].says
    assert found.questions["II.D.faber"] == POLICY.index["II.D.faber"].ask


def test_the_types_that_the_revision_looks_for_and_the_export_lacks_are_known_after_the_split() -> None:
    begun = description()
    report = SplitReport(3, dict.fromkeys((*POLICY.kinds - {"Procedure"}, "Claim"), 1), {}, {}, 0, (), ())
    assert begun.lacking == ()
    assert msgspec.structs.replace(begun, split=report).lacking == ("Procedure",)


def test_a_fingerprint_tells_another_size_or_time_or_name(tmp_path: Path) -> None:
    path = tmp_path / "Patient.ndjson"
    path.write_bytes(b"{}")
    before = fingerprint([path])
    assert fingerprint([path]) == before
    path.write_bytes(b"{} ")
    assert fingerprint([path]) != before
