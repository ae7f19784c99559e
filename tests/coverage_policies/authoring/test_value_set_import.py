"""Value sets of others: what is taken over from each form of file, and what is told."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from coverage_policies.authoring.value_set_import import Concept, Imported, csv_text, read_value_set
from coverage_policies.format.problems import DocumentError
from fhir_mappings.code_systems import CPT, HCPCS, ICD10CM, LOINC, RXNORM, SNOMED

OID = "2.16.840.1.113762.1.4.1047.502"


def imported(folder: Path, text: str, only: str = "", name: str = "source.txt") -> Imported:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_value_set(path, only)


def refused(folder: Path, text: str, only: str = "") -> str:
    with pytest.raises(DocumentError) as raised:
        imported(folder, text, only)
    (problem,) = raised.value.problems
    return f"{problem.line}: {problem.what}"


# --- FHIR ------------------------------------------------------------------------------------------------------------


def fhir(**members: Any) -> str:
    return json.dumps({"resourceType": "ValueSet", "title": "Knee Arthritis"} | members)


ENUMERATED = {
    "include": [
        {
            "system": ICD10CM,
            "concept": [{"code": "M17.11", "display": "Right  knee"}, {"code": "M1712", "display": "Left knee"}],
        },
        {"system": SNOMED, "concept": [{"code": "239873007"}]},
    ],
    "exclude": [{"system": ICD10CM, "concept": [{"code": "M17.12"}]}],
}


def test_the_codes_of_a_definition_are_taken_over_without_those_that_it_excludes(tmp_path: Path) -> None:
    found = imported(tmp_path, fhir(url="http://plan.example/vs", version="3", compose=ENUMERATED))
    assert found.concepts == (Concept(ICD10CM, "M17.11", "Right knee"), Concept(SNOMED, "239873007", "239873007"))
    assert (found.name, found.source) == ("knee-arthritis", "Knee Arthritis http://plan.example/vs 3")
    assert found.left_out == ()


def test_the_codes_of_an_expansion_are_taken_over_at_every_depth_and_outrank_the_definition(tmp_path: Path) -> None:
    contains = [
        {
            "system": LOINC,
            "code": "59408-5",
            "display": "SpO2",
            "contains": [{"system": "urn:oid:2.16.840.1.113883.6.1", "code": "2708-6"}],
        },
        {"system": LOINC, "code": "1-8", "abstract": True},
        {"system": LOINC, "code": "3-4", "inactive": True},
        {"system": LOINC, "display": "a heading", "contains": [{"system": LOINC, "code": "59408-5"}]},
    ]
    found = imported(tmp_path, fhir(compose=ENUMERATED, expansion={"total": 2, "contains": contains}))
    assert found.concepts == (Concept(LOINC, "59408-5", "SpO2"), Concept(LOINC, "2708-6", "2708-6"))
    assert found.left_out == ()


def test_an_expansion_that_is_a_page_of_a_larger_one_is_told(tmp_path: Path) -> None:
    contains = [{"system": LOINC, "code": "59408-5"}]
    found = imported(tmp_path, fhir(expansion={"total": 900, "contains": contains}))
    assert found.left_out == ("the expansion has 900 codes, and the file 1 that count; download all of it",)


def test_rules_other_sets_and_whole_systems_are_told_and_not_taken_over(tmp_path: Path) -> None:
    include = [
        {"system": SNOMED, "filter": [{"property": "concept", "op": "is-a", "value": "239873007"}]},
        {"valueSet": ["http://plan.example/other"]},
        {"system": RXNORM},
        {"system": LOINC, "concept": [{"code": "59408-5"}]},
    ]
    found = imported(tmp_path, fhir(compose={"include": include, "exclude": [{"system": ICD10CM}]}))
    assert [each.code for each in found.concepts] == ["59408-5"]
    assert found.left_out == (
        f"not imported: include {SNOMED} where concept is-a 239873007; import the expansion instead",
        "not imported: include the value set http://plan.example/other",
        f"not imported: include all of {RXNORM}",
        f"not imported: exclude all of {ICD10CM}",
    )


def test_a_value_set_of_rules_alone_has_nothing_to_import_and_says_why(tmp_path: Path) -> None:
    told = refused(tmp_path, fhir(compose={"include": [{"system": RXNORM}]}))
    assert told == f"1: this value set has no codes to import\nnot imported: include all of {RXNORM}"


@pytest.mark.parametrize("text", ['{"resourceType": "CodeSystem"}', '{"a": 1}'])
def test_json_that_is_no_value_set_is_refused(text: str, tmp_path: Path) -> None:
    assert refused(tmp_path, text) == "1: this is no ValueSet of FHIR"


def test_text_that_only_looks_like_json_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, "{code") == "1: this is not JSON"


@pytest.mark.parametrize(
    "members",
    [
        {"compose": "x"},
        {"compose": {"include": "x"}},
        {"compose": {"include": [{"concept": ["x", {"code": 1}]}]}},
        {"expansion": "x"},
        {"expansion": {"contains": [{"contains": 1}], "total": "many"}},
    ],
)
def test_a_malformed_value_set_has_no_codes(members: dict[str, Any], tmp_path: Path) -> None:
    assert refused(tmp_path, fhir(**members)).startswith("1: this value set has no codes to import")


# --- the VSAC --------------------------------------------------------------------------------------------------------

ONE = f"""\
Value Set Name\tHome Oxygen Therapy
OID\t{OID}
Type\tExtensional
Definition Version\t20250222
Steward\tExample Steward

Code\tDescriptor\tCode System\tVersion\tCode System OID
E0424\tStationary oxygen\tHCPCS Level II\t2025\t2.16.840.1.113883.6.285
J96.11\tChronic respiratory failure with hypoxia\tICD10CM\t2025\t2.16.840.1.113883.6.90
E0424\tStationary oxygen\tHCPCS Level II\t2025\t2.16.840.1.113883.6.285
"""
MANY = """\
Value Set Name|Value Set OID|Definition Version|Purpose: Clinical Focus|Code|Description|Code System|Code System OID
Oximetry|1.2.3|20240101|Saturation|59408-5|Oxygen saturation|LOINC|2.16.840.1.113883.6.1
Oximetry|1.2.3|20240101|Saturation|2708-6|Oxygen saturation, arterial|LOINC|2.16.840.1.113883.6.1
Fusion|1.2.4|20240101|Spine|27279|A descriptor of the AMA|CPT|2.16.840.1.113883.6.12
"""


def test_a_download_of_one_value_set_says_above_its_header_what_it_is(tmp_path: Path) -> None:
    found = imported(tmp_path, ONE)
    assert (found.name, found.source) == ("home-oxygen-therapy", f"Home Oxygen Therapy {OID} 20250222")
    assert found.concepts == (
        Concept(HCPCS, "E0424", "Stationary oxygen"),
        Concept(ICD10CM, "J96.11", "Chronic respiratory failure with hypoxia"),
    )


@pytest.mark.parametrize("only", ["Oximetry", "1.2.3"])
def test_of_a_download_of_many_one_is_chosen_by_name_or_oid(only: str, tmp_path: Path) -> None:
    found = imported(tmp_path, MANY, only)
    assert [each.code for each in found.concepts] == ["59408-5", "2708-6"]
    assert found.source == "Oximetry 1.2.3 20240101"


def test_a_download_of_many_needs_a_choice(tmp_path: Path) -> None:
    told = "1: there are several value sets; choose one with --only: Oximetry, Fusion"
    assert refused(tmp_path, MANY) == told


def test_a_choice_that_there_is_not_is_told(tmp_path: Path) -> None:
    assert refused(tmp_path, MANY, "Knee") == "1: there is no value set 'Knee' in this file"


def test_a_descriptor_of_cpt_is_not_copied(tmp_path: Path) -> None:
    found = imported(tmp_path, MANY, "Fusion")
    assert found.concepts == (Concept(CPT, "27279", "CPT 27279: write a label of your own"),)
    assert "AMA" not in csv_text(found, "asks")


# --- tables ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Code,Description,Code System\nM1711,Arthritis of the right knee,ICD-10-CM\n",
        "code;label;system\nM17.11;Arthritis of the right knee;http://hl7.org/fhir/sid/icd-10-cm\n",
        'System,Code,Display\nICD10CM,M17.11,"Arthritis of the right knee"\n,,\n',
    ],
)
def test_a_table_is_read_by_its_headings(text: str, tmp_path: Path) -> None:
    found = imported(tmp_path, text, name="knee.csv")
    assert found.concepts == (Concept(ICD10CM, "M17.11", "Arthritis of the right knee"),)
    assert (found.name, found.source) == ("knee", "knee")


def test_a_column_of_names_has_labels_and_not_the_name_of_the_set(tmp_path: Path) -> None:
    found = imported(tmp_path, "code,name,system\nM17.11,Right knee,ICD10CM\n", name="knee.csv")
    assert (found.title, found.concepts) == ("knee", (Concept(ICD10CM, "M17.11", "Right knee"),))


def test_a_system_that_is_not_known_stays_as_it_is_for_lint_to_tell(tmp_path: Path) -> None:
    found = imported(tmp_path, "code,label,system\n1,One,Our flowsheets\n")
    assert found.concepts == (Concept("Our flowsheets", "1", "One"),)


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "code,label\nM17.11,Knee\n"])
def test_a_text_without_the_three_headings_is_refused(text: str, tmp_path: Path) -> None:
    told = "1: there is no row with the headings Code, a label (Descriptor, Description), and Code System"
    assert refused(tmp_path, text) == told


def spreadsheet(folder: Path, *tables: list[list[object]]) -> Path:
    book = Workbook()
    book.remove(book.worksheets[0])
    for rows in tables:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    path = folder / "vs.xlsx"
    book.save(path)
    return path


HEADINGS = ["Code", "Descriptor", "Code System", "Version", "Code System OID"]
METFORMIN: list[object] = [6809, "metformin", "RXNORM", "2026-11", "2.16.840.1.113883.6.88"]


def test_a_spreadsheet_is_read_with_what_stands_above_its_header(tmp_path: Path) -> None:
    about: list[list[object]] = [["Value Set Name", "Biguanides"], ["OID", "2.16.840.1.113762.1.4"], [None]]
    found = read_value_set(spreadsheet(tmp_path, [*about, [*HEADINGS], METFORMIN]))
    assert (found.title, found.source) == ("Biguanides", "Biguanides 2.16.840.1.113762.1.4 2026-11")
    assert found.concepts == (Concept(RXNORM, "6809", "metformin"),)


def test_a_sheet_of_its_own_may_say_what_the_value_set_is(tmp_path: Path) -> None:
    about: list[list[object]] = [["Value Set Name", "Biguanides"]]
    assert read_value_set(spreadsheet(tmp_path, about, [[*HEADINGS], METFORMIN])).title == "Biguanides"


def test_a_code_that_a_spreadsheet_stores_as_a_number_has_no_decimal_point(tmp_path: Path) -> None:
    found = read_value_set(spreadsheet(tmp_path, [[*HEADINGS], [6809.0, *METFORMIN[1:]]]))
    assert [each.code for each in found.concepts] == ["6809"]


def test_a_spreadsheet_without_the_headings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="there is no row with the headings"):
        read_value_set(spreadsheet(tmp_path, [["a", "b"], [1, 2]]))


def test_a_damaged_spreadsheet_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "vs.xlsx"
    path.write_bytes(b"PK\x03\x04\xff")
    with pytest.raises(DocumentError, match=r"no spreadsheet that can be read; save it as CSV \(UTF-8\)"):
        read_value_set(path)


def test_without_the_library_a_spreadsheet_is_refused_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = spreadsheet(tmp_path, [[*HEADINGS], METFORMIN])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(DocumentError, match=r"install `cds-coverage-policies\[spreadsheets\]`"):
        read_value_set(path)


def test_the_file_has_the_columns_of_a_value_set_and_the_use_that_is_asked_for(tmp_path: Path) -> None:
    found = imported(tmp_path, 'code,label,system\nM17.11,"Knee, right",ICD10CM\n', name="knee.csv")
    assert csv_text(found, "asks") == (
        'system,code,label,source,from,to,use\nhttp://hl7.org/fhir/sid/icd-10-cm,M17.11,"Knee, right",knee,,,asks\n'
    )
