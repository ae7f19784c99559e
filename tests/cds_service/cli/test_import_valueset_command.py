"""`cds-service policies import-valueset`: a file is written once, checked, and never lost."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cds_service.cli.main import main

TABLE = "code,label,system\nM17.11,Right knee,ICD10CM\n"


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table to import, in the current folder."""
    monkeypatch.chdir(tmp_path)
    found = tmp_path / "knee.csv"
    found.write_text(TABLE, encoding="utf-8")
    return found


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, ["policies", "import-valueset", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_it_writes_the_value_set_into_a_folder_that_it_makes(source: Path) -> None:
    result = run(source)
    assert (result.exit_code, result.output) == (0, "Wrote my-policies/value_sets/knee.csv with 1 code of knee.\n")
    written = Path("my-policies/value_sets/knee.csv").read_text(encoding="utf-8")
    assert written.endswith("M17.11,Right knee,knee,,,decides\n")


def test_name_folder_and_use_can_be_given(source: Path) -> None:
    run(source, "--name", "arthritis", "--folder", "own", "--use", "asks")
    assert Path("own/value_sets/arthritis.csv").read_text(encoding="utf-8").endswith(",asks\n")


def test_without_a_folder_it_is_the_first_of_the_settings(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDS_POLICY_FOLDERS", "first,second")
    run(source)
    assert Path("first/value_sets/knee.csv").exists()


def test_a_file_that_exists_is_replaced_only_on_request(source: Path) -> None:
    run(source)
    source.write_text(TABLE.replace("Right knee", "Another label"), encoding="utf-8")
    written = Path("my-policies/value_sets/knee.csv")
    refused = run(source)
    assert (refused.exit_code, "Another label" in written.read_text(encoding="utf-8")) == (1, False)
    assert "exists already; nothing was written. Replace it with --force." in refused.output
    assert run(source, "--force").exit_code == 0
    assert "Another label" in written.read_text(encoding="utf-8")


def test_a_name_of_the_service_is_refused(source: Path) -> None:
    result = run(source, "--name", "opioid")
    assert (result.exit_code, "choose another name" in result.output) == (1, True)
    assert not Path("my-policies").exists()


def test_what_lint_finds_is_printed_at_once(source: Path) -> None:
    source.write_text(TABLE + "59408-6,SpO2,LOINC\nM17,Knee,ICD10CM\n", encoding="utf-8")
    result = run(source)
    assert result.exit_code == 1
    assert "my-policies/value_sets/knee.csv:3:1: error: the check digit of LOINC 59408-6 is wrong" in result.output


def test_what_is_not_imported_is_a_warning(source: Path) -> None:
    source.write_text(
        '{"resourceType": "ValueSet", "name": "Knee", "compose": {"include": [{"system": "http://loinc.org"}, '
        '{"system": "http://www.ama-assn.org/go/cpt", "concept": [{"code": "27447", "display": "x"}]}]}}',
        encoding="utf-8",
    )
    result = run(source)
    assert result.exit_code == 0
    assert "Warning: not imported: include all of http://loinc.org" in result.output
    assert "Warning: CPT descriptors belong to the AMA" in result.output


def test_a_file_that_cannot_be_imported_writes_nothing(source: Path) -> None:
    source.write_text("nothing\n", encoding="utf-8")
    result = run(source)
    assert (result.exit_code, "knee.csv:1: there is no row with the headings" in result.output) == (1, True)
    assert not Path("my-policies").exists()
