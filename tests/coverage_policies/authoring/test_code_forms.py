"""Which codes can match at all, system by system."""

import pytest

from coverage_policies.authoring.code_forms import code_faults
from fhir_mappings.code_systems import (
    ATC,
    CPT,
    CVX,
    HCPCS,
    ICD9CM,
    ICD10CM,
    ICD10PCS,
    LOINC,
    NDC,
    NPI,
    NUCC,
    PLACE_OF_SERVICE,
    REVENUE,
    RXNORM,
    SNOMED,
    UNII,
)


@pytest.mark.parametrize(
    ("system", "code"),
    [
        (ATC, "N02AA01"),
        (ATC, "N02*"),
        (CPT, "27279"),
        (CPT, "0216T"),
        (CPT, "2727*"),
        (CVX, "08"),
        (HCPCS, "E0431"),
        (HCPCS, "E04*"),
        (ICD9CM, "724.2"),
        (ICD9CM, "V45.4"),
        (ICD10CM, "M17.11"),
        (ICD10CM, "A00"),
        (ICD10CM, "S32.10XA"),
        (ICD10CM, "M17*"),
        (ICD10CM, "S33.2XX*"),
        (ICD10CM, "C*"),
        (ICD10PCS, "0SG734Z"),
        (ICD10PCS, "0SG*"),
        (LOINC, "59408-5"),
        (LOINC, "LA15173-0"),
        (NDC, "0777-3105-02"),
        (NDC, "00777310502"),
        (NPI, "1234567893"),
        (NUCC, "207X00000X"),
        (NUCC, "207*"),
        (PLACE_OF_SERVICE, "12"),
        (REVENUE, "0360"),
        (RXNORM, "7052"),
        (SNOMED, "24693007"),
        (UNII, "R16CO5Y76E"),
        ("urn:oid:1.2.3", "anything at all"),
        ("http://terminology.hl7.org/CodeSystem/claim-type", "professional"),
    ],
)
def test_a_code_of_its_system_can_match(system: str, code: str) -> None:
    assert list(code_faults(system, code)) == []


@pytest.mark.parametrize(
    ("system", "code", "what"),
    [
        (CPT, "2744", "2744 is no code of CPT; one has five characters: 27279, 0216T"),
        (CPT, "E0431", f"E0431 is a code of HCPCS level II; write the system {HCPCS}"),
        (HCPCS, "27279", f"27279 is a code of CPT; write the system {CPT}"),
        (CPT, "27279-RT", "a chart has 27279-RT as 27279; write 27279"),
        (CPT, "27A*", "no code of CPT begins with 27A; one has five characters: 27279, 0216T"),
        (HCPCS, "E043", "E043 is no code of HCPCS level II; one has a letter and four digits: E0431"),
        (HCPCS, "e0431", "a chart has e0431 as E0431; write E0431"),
        (ICD10CM, "M1711", "a chart has M1711 as M17.11; write M17.11"),
        (ICD10CM, "M1711*", "an ICD-10-CM code has its dot: M17.11*"),
        (ICD10CM, "M17.13", "ICD-10-CM has no code M17.13; look it up, or write in `to` when it ended"),
        (ICD10CM, "M17.8*", "ICD-10-CM has no code that begins with M17.8; look it up"),
        (ICD10CM, "knee", "knee is no code of ICD-10-CM; one has a category, and up to four characters after the dot: M17.11"),
        (LOINC, "59408-6", "the check digit of LOINC 59408-6 is wrong; look the code up again"),
        (LOINC, "594085", "594085 is no code of LOINC; one has up to seven digits, a hyphen, and a check digit: 59408-5"),
        (LOINC, "5940*", "codes of LOINC that begin alike have nothing in common; write each instead of 5940*"),
        (NPI, "1234567894", "the check digit of NPI 1234567894 is wrong; look the number up again"),
        (NUCC, "207X000000", "207X000000 is no code of NUCC provider taxonomy; one has ten characters that end in X: 207X00000X"),
        (PLACE_OF_SERVICE, "home", "home is no code of CMS place of service; one has two digits: 12"),
        (RXNORM, "ABC", "ABC is no code of RxNorm; one has the number of a concept: 7052"),
        (SNOMED, "24693008", "the check digit of SNOMED CT 24693008 is wrong; look the code up again"),
        (SNOMED, "41398015", "SNOMED CT 41398015 is the id of a description or relationship; write that of its concept"),
        (SNOMED, "2469*", "codes of SNOMED CT that begin alike have nothing in common; write each instead of 2469*"),
        (LOINC, "59408-5 ", "there is a space before or after 59408-5; remove it"),
    ],
)  # fmt: skip
def test_a_code_that_never_matches_is_told_with_what_to_write(system: str, code: str, what: str) -> None:
    assert list(code_faults(system, code)) == [what]


def test_a_code_that_ended_need_not_be_on_the_list_of_today() -> None:
    assert list(code_faults(ICD10CM, "M17.13", has_ended=True)) == []


def test_a_code_that_ended_still_has_the_form_of_its_system() -> None:
    assert list(code_faults(CPT, "2744", has_ended=True)) != []
