"""The counts of a run, from its files of rows, and the picture of them."""

import re
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from pyarrow import ArrowInvalid, parquet

from cds_service.population import rows as rows_module
from cds_service.population.picture import picture
from cds_service.population.rows import write_rows
from cds_service.population.summary import CriterionCount, Summary, summarize

NO_ROW: dict[str, Any] = {"failure": None}


def row(number: int = 1, **more: Any) -> dict[str, Any]:
    return {"patient": f"p-{number}", "order_number": 1, "failure": None, "outcome": "supported", **more}


def criterion(name: str, status: str, counted: str | None = "met") -> dict[str, Any]:
    return {"id": name, "status": status, "reason": None, "counted": counted, "is_group": False}


def summary_of(folder: Path, *files: list[dict[str, Any]]) -> Summary:
    paths = [folder / f"rows-{i}.parquet" for i in range(len(files))]
    for path, rows in zip(paths, files, strict=True):
        write_rows(path, rows, [f"{path.stem}:1: x"])
    return summarize(paths)


def test_counts_add_up_over_files(tmp_path: Path) -> None:
    found = summary_of(
        tmp_path,
        [row(1, missing=["a", "b"]), row(1, order_number=2, outcome="case-review", missing=["a"])],
        [row(2, unread=["Condition"]), row(3, failure="broken", outcome=None)],
        [],
    )
    assert (found.orders, found.patients, found.failed) == (4, 3, 1)
    assert found.outcomes == Counter({"supported": 2, "case-review": 1})
    assert found.failures == Counter({"broken": 1})
    assert found.missing == Counter({"a": 2, "b": 1})
    assert found.unread == Counter({"Condition": 1})
    assert found.malformed == ["rows-0:1: x", "rows-1:1: x", "rows-2:1: x"]


def test_criteria_are_counted_by_status_and_apart_where_they_do_not_count(tmp_path: Path) -> None:
    rows = [
        row(i, criteria=[criterion("A", status), criterion("B", status, counted)])
        for i, (status, counted) in enumerate(
            [("met", "met"), ("not-met", "unknown"), ("unknown", "unknown"), ("unknown", None), ("met", None)]
        )
    ]
    found = summary_of(tmp_path, rows)
    assert found.criteria == {"A": CriterionCount(2, 1, 2, 0), "B": CriterionCount(1, 1, 1, 2)}
    assert (found.criteria["A"].counted, found.criteria["B"].counted) == (5, 3)


def test_only_orders_whose_outcome_changes_count_as_changes_with_their_flips(tmp_path: Path) -> None:
    flips = [
        {"criterion": "A", "before": "met", "after": "not-met"},
        {"criterion": "B", "before": None, "after": "not-met"},
    ]
    changed = row(1, compared_outcome="supported", outcome="criteria-not-met", is_changed=True, flips=flips)
    same = row(2, compared_outcome="supported", is_changed=False, flips=flips)
    found = summary_of(tmp_path, [changed, same, row(3, failure="broken", outcome=None)], [changed])
    assert found.compared == 3
    assert found.changes == Counter({("supported", "criteria-not-met"): 2})
    assert found.flips == Counter({("A", "met", "not-met"): 2, ("B", "", "not-met"): 2})


def test_rows_are_written_a_bounded_number_at_a_time_and_appear_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows_module, "_ROWS_AT_A_TIME", 2)
    seen: list[bool] = []

    def rows() -> Any:
        for i in range(5):
            seen.append((tmp_path / "rows").exists())
            yield row(i, failure="x" if i > 2 else None)

    written = write_rows(tmp_path / "rows", rows(), [])
    assert (written.rows, written.failed) == (5, 2)
    assert seen == [False] * 5
    assert parquet.read_metadata(tmp_path / "rows").num_row_groups == 3
    assert [path.name for path in tmp_path.iterdir()] == ["rows"]


def test_rows_that_fail_half_way_leave_no_file_of_rows(tmp_path: Path) -> None:
    def rows() -> Any:
        yield row()
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 (what the disk says)
        write_rows(tmp_path / "rows.parquet", rows(), [])
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_parquet_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "rows-0000.parquet").write_bytes(b"no parquet")
    with pytest.raises(ArrowInvalid):
        summarize([tmp_path / "rows-0000.parquet"])


def test_the_picture_has_a_bar_as_long_as_each_count_and_says_it() -> None:
    summary = Summary(orders=10)
    summary.criteria = {"A": CriterionCount(5, 3, 2, 0), "B": CriterionCount(0, 0, 0, 10), "C": CriterionCount(2, 0, 3)}
    summary.missing = Counter({f"Q{i}": 20 - i for i in range(12)})
    drawn = picture("T & <x>", summary, {"A": "First & foremost", "B": "Elsewhere", "C": "Third"}, {"Q0": "Was it?"})
    root = ElementTree.fromstring(drawn)  # noqa: S314 (our own)
    space = {"s": "http://www.w3.org/2000/svg"}
    bars = {bar.findtext("s:title", namespaces=space): bar for bar in root.iterfind("s:rect", space)}
    widths = {says: float(bar.attrib["width"]) for says, bar in bars.items() if says}
    assert widths["A First & foremost: 5 met"] == pytest.approx(
        5 / 3 * widths["A First & foremost: 3 not met"], abs=0.2
    )
    first, second = (bars[f"A First & foremost: {each}"].attrib for each in ("5 met", "3 not met"))
    assert float(second["x"]) == pytest.approx(float(first["x"]) + float(first["width"]), abs=0.2)
    assert widths["C Third: 3 unknown"] == pytest.approx(3 / 10 * 728, abs=0.2)
    assert not any(says.startswith("B ") for says in widths)
    assert [says for says in widths if says.startswith("Q")][:2] == ["Q0 Was it?: 20 orders", "Q1 : 19 orders"]
    assert len(re.findall(r'class="missing"', drawn)) == 10
    assert root.findtext("s:title", namespaces=space) == "T & <x>"


def test_large_numbers_and_a_long_label_fit_into_a_row_of_the_picture() -> None:
    summary = Summary(criteria={"A": CriterionCount(1_234_567, 1_234_567, 1_234_567)})
    drawn = picture("T", summary, {"A": "x" * 200}, {})
    (label,) = re.findall(r'class="says">(.*)</text>', drawn)
    (numbers,) = re.findall(r'<text x="744" y="\d+" class="numbers">(.*)</text>', drawn)  # they end at the margin
    assert numbers == "1,234,567 / 1,234,567 / 1,234,567"
    assert 60 < len(label) < 728 / 7.2 - len(numbers)


def test_a_run_without_rows_has_a_picture_too() -> None:
    drawn = picture("T", Summary(), {"A": "First"}, {})
    assert ElementTree.fromstring(drawn).tag.endswith("svg")  # noqa: S314 (our own)
