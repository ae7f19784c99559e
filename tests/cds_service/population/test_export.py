"""The files and lines of a bulk export."""

import gzip
import json
from pathlib import Path

import pytest

from cds_service.population import export
from cds_service.population.export import (
    Line,
    MalformedLineError,
    UnreadableExportError,
    files_in,
    head_of,
    lines_of,
    patient_hinted,
    types_hinted,
)
from fhir_mappings.ownership import SUBJECT_ELEMENTS


def lines(path: Path) -> list[Line]:
    with path.open("rb") as file:
        return list(lines_of(path, file))


def test_files_are_found_by_their_names_also_in_folders_below(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for name in ("Patient.ndjson", "below/1.Condition.ndjson.gz", "x.jsonl", "manifest.json", "Patient.ndjson.part"):
        (tmp_path / name).touch()
    assert [path.name for path in files_in(tmp_path)] == ["Patient.ndjson", "1.Condition.ndjson.gz", "x.jsonl"]


def test_a_folder_without_an_export_is_refused(tmp_path: Path) -> None:
    (tmp_path / "chart.json").touch()
    with pytest.raises(UnreadableExportError, match=r"no file of a bulk export in .*\.ndjson"):
        files_in(tmp_path)


@pytest.mark.parametrize("name", ["a.ndjson", "a.ndjson.gz"])
def test_lines_have_their_numbers_and_blank_ones_are_skipped(tmp_path: Path, name: str) -> None:
    content = b'\xef\xbb\xbf{"a":1}\n\n  \r\n{"b":2}\r\n{"c":3}'
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert lines(tmp_path / name) == [Line(1, b'{"a":1}'), Line(4, b'{"b":2}'), Line(5, b'{"c":3}')]


def test_a_line_over_the_limit_is_not_read_and_the_next_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "MOST_LINE_BYTES", 8)
    (tmp_path / "a.ndjson").write_bytes(b"1234567\n12345678\n1234567890123456789\n12\n123456789")
    assert lines(tmp_path / "a.ndjson") == [
        Line(1, b"1234567"),
        Line(2, b"12345678\n", is_too_long=True),
        Line(3, b"123456789", is_too_long=True),
        Line(4, b"12"),
        Line(5, b"123456789", is_too_long=True),
    ]
    with pytest.raises(MalformedLineError, match="too long"):
        head_of(Line(1, b'{"resourceType":"Patient"}', is_too_long=True))


@pytest.mark.parametrize("damage", [lambda packed: packed[:-12], lambda packed: packed[:40] + b"\0" * 40])
def test_a_damaged_gzip_file_ends_the_reading_and_is_named(tmp_path: Path, damage: object) -> None:
    path = tmp_path / "Condition.ndjson.gz"
    path.write_bytes(damage(gzip.compress(b"".join(b'{"id":"%d"}\n' % i for i in range(1_000)))))
    with pytest.raises(UnreadableExportError, match=r"Condition\.ndjson\.gz is damaged after line"):
        lines(path)


@pytest.mark.parametrize("element", SUBJECT_ELEMENTS)
def test_the_patient_is_read_from_every_element_that_names_one(element: str) -> None:
    resource = {"resourceType": "X", "id": "x-1", element: {"reference": "Patient/p-1"}, "other": [1.5, {"a": "b"}]}
    head = head_of(Line(1, json.dumps(resource).encode()))
    assert (head.kind, head.own_id, head.patient) == ("X", "x-1", "p-1")


@pytest.mark.parametrize(
    ("reference", "patient", "is_of_no_patient"),
    [
        ("https://ehr.example/fhir/Patient/p-1", "p-1", False),
        ("Patient/p-1/_history/3", "p-1", False),
        ("Group/g-1", "", True),
        ("https://ehr.example/fhir/Device/d-1", "", True),
        ("Encounter/e-1", "", False),
        ("Patient?identifier=7", "", False),
        ("urn:uuid:0d1fd3f0-2e6b-4f59-9f43-8c8f4f4f0d0e", "", False),
        (7, "", False),
    ],
)
def test_a_reference_means_a_patient_however_it_is_written(
    reference: object, patient: str, is_of_no_patient: bool
) -> None:
    line = json.dumps({"resourceType": "Condition", "subject": {"reference": reference}}).encode()
    head = head_of(Line(1, line))
    assert (head.patient, head.is_of_no_patient) == (patient, is_of_no_patient)


def test_a_patient_is_its_own_and_has_the_time_of_its_update() -> None:
    line = Line(1, b'{"resourceType":"Patient","id":"p-1","meta":{"lastUpdated":"2026-01-02T00:00:00Z"}}')
    head = head_of(line)
    assert (head.patient, head.updated) == ("p-1", "2026-01-02T00:00:00Z")


@pytest.mark.parametrize(
    "line", [b"[1]", b'{"resourceType":"Patient"', b'{"id":"p-1"}', b'{"resourceType":7}', b"null", b'{"a":1}{"b":2}']
)
def test_what_is_no_resource_is_malformed_and_not_quoted(line: bytes) -> None:
    with pytest.raises(MalformedLineError) as raised:
        head_of(Line(1, line))
    assert "p-1" not in str(raised.value)


def test_deep_nesting_is_no_crash() -> None:
    deep = b'{"resourceType":"X","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with pytest.raises(MalformedLineError):
        head_of(Line(1, deep))


def test_a_malformed_line_hints_at_the_patient_only_if_it_names_one() -> None:
    one = b'{"resourceType":"Condition","subject":{"display":"x","reference":"Patient/p-1"},"code":'
    other = b'"patient": {"reference": "https://ehr.example/Patient/p-2/_history/1"}'
    assert patient_hinted(one) == "p-1"
    assert patient_hinted(other) == "p-2"
    assert patient_hinted(one + other) == ""
    assert patient_hinted(b'"performer":{"reference":"Patient/p-1"}') == ""


def test_a_malformed_line_hints_at_the_types_that_it_names() -> None:
    line = b'{"contained":[{"resourceType":"Medication"}],"resourceType" : "MedicationRequest","status":'
    assert types_hinted(line) == {"Medication", "MedicationRequest"}
    assert types_hinted(b"<html>502 Bad Gateway</html>") == frozenset()
