"""Code systems: those that the service knows, and those that a folder declares."""

from pathlib import Path

import pytest

from coverage_policies.authoring.own_systems import own_systems, system_fault
from coverage_policies.format.problems import DocumentError


@pytest.mark.parametrize(
    "system",
    [
        "http://loinc.org",
        "http://nucc.org/provider-taxonomy",
        "http://terminology.hl7.org/CodeSystem/claim-type",
        "http://hl7.org/fhir/administrative-gender",
        "urn:oid:1.2.3",
    ],
)
def test_a_known_or_declared_system_has_no_fault(system: str) -> None:
    assert system_fault(system, {"urn:oid:1.2.3"}) == ""


@pytest.mark.parametrize(
    ("system", "what"),
    [
        ("http://loinc.com", "'http://loinc.com' is not the address of a code system; did you mean http://loinc.org?"),
        (
            "http://hl7.org/fhir/sid/icd-10",
            "write http://hl7.org/fhir/sid/icd-10-cm; the service reads 'http://hl7.org/fhir/sid/icd-10' in a chart as "
            "ICD-10-CM",
        ),
        (
            "HCPCS",
            "write http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets; the service reads 'HCPCS' in a chart as "
            "HCPCS level II",
        ),
        ("ATC", "'ATC' is not the address of a code system; did you mean http://www.whocc.no/atc?"),
    ],
)
def test_a_misspelled_system_or_another_name_is_told_with_the_right_address(system: str, what: str) -> None:
    assert system_fault(system, ()) == what


@pytest.mark.parametrize("system", ["http://example.com/foo", "http://www.ada.org/cdt"])
def test_any_other_system_is_told_with_those_that_are_known_and_how_to_declare_it(system: str) -> None:
    found = system_fault(system, ())
    assert "name it in code_systems.csv beside your value_sets folder" in found
    assert "http://loinc.org (LOINC)" in found


def declared(folder: Path, text: str) -> frozenset[str]:
    (folder / "code_systems.csv").write_text(text, encoding="utf-8")
    return own_systems(folder)


def test_a_folder_without_a_list_declares_none(tmp_path: Path) -> None:
    assert own_systems(tmp_path) == frozenset()


def test_a_list_declares_its_systems(tmp_path: Path) -> None:
    assert declared(tmp_path, "system,name\nurn:oid:1.2.3,Flowsheet rows\n") == {"urn:oid:1.2.3"}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", ":1: the header must be system,name"),
        ("url,title\n", ":1: the header must be system,name"),
        ("system,name\nurn:oid:1.2.3,\n", ":2: a row has the address of a code system and its name"),
        ("system,name\nurn:oid:1.2.3\n", ":2: a row has the address of a code system and its name"),
        ("system,name\nhttp://loinc.org,LOINC\n", ":2: http://loinc.org is known; leave it out"),
        (
            "system,name\nurn:oid:1.2.3,Ours\nhttp://loinc.com,Laboratory\n",
            ":3: 'http://loinc.com' is not the address of a code system; did you mean http://loinc.org?",
        ),
    ],
)
def test_a_faulty_list_is_told_with_its_line(text: str, what: str, tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as raised:
        declared(tmp_path, text)
    assert str(raised.value) == f"{tmp_path / 'code_systems.csv'}{what}"
