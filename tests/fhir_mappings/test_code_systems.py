"""Code systems by the addresses that senders write, and codes in their usual form."""

import pytest

from fhir_mappings.code_systems import (
    CPT,
    HCPCS,
    ICD9CM,
    ICD10CM,
    LOINC,
    NDC,
    RXNORM,
    SNOMED,
    system_of,
    usual_form,
)


@pytest.mark.parametrize(
    ("sent", "known_as"),
    [
        ("http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", HCPCS),
        ("https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets/", HCPCS),
        ("http://cms.gov/medicare/coding/hcpcsreleasecodesets", HCPCS),
        ("http://www.nlm.nih.gov/research/umls/hcpcs", HCPCS),
        ("http://terminology.hl7.org/CodeSystem/hcpcs-Level-II", HCPCS),
        ("http://terminology.hl7.org/CodeSystem/HCPCS", HCPCS),
        ("http://terminology.hl7.org/CodeSystem/HCPCS-all-codes", HCPCS),
        ("https://bluebutton.cms.gov/resources/codesystem/hcpcs", HCPCS),
        ("urn:oid:2.16.840.1.113883.6.285", HCPCS),
        ("urn:oid:2.16.840.1.113883.6.14", HCPCS),
        ("HCPCS", HCPCS),
        ("http://www.ama-assn.org/go/cpt/", CPT),
        ("urn:oid:2.16.840.1.113883.6.12", CPT),
        ("URN:OID:2.16.840.1.113883.6.12", CPT),
        ("http://hl7.org/fhir/sid/cpt", CPT),
        ("CPT-4", CPT),
        ("http://hl7.org/fhir/sid/icd-10-us", ICD10CM),
        ("http://hl7.org/fhir/sid/icd-10-cm/", ICD10CM),
        ("HTTP://HL7.ORG/FHIR/SID/ICD-10-CM", ICD10CM),
        ("http://hl7.org/fhir/sid/icd-10-cm|2026", ICD10CM),
        ("http://hl7.org/fhir/sid/icd-10", ICD10CM),
        ("ICD-10-CM", ICD10CM),
        ("icd10 cm", ICD10CM),
        ("2.16.840.1.113883.6.90", ICD10CM),
        ("http://hl7.org/fhir/sid/icd-9-cm/diagnosis", ICD9CM),
        ("urn:oid:2.16.840.1.113883.6.103", ICD9CM),
        ("ICD-9-CM", ICD9CM),
        ("http://loinc.org/", LOINC),
        ("https://www.loinc.org", LOINC),
        ("urn:oid:2.16.840.1.113883.6.1", LOINC),
        ("https://snomed.info/sct", SNOMED),
        ("http://snomed.info/sct/731000124108", SNOMED),
        ("http://snomed.info/sct/731000124108/version/20250901", SNOMED),
        ("urn:oid:2.16.840.1.113883.6.96", SNOMED),
        ("SNOMED CT", SNOMED),
        ("http://www.nlm.nih.gov/research/umls/rxnorm/", RXNORM),
        ("urn:oid:2.16.840.1.113883.6.88", RXNORM),
        ("urn:oid:2.16.840.1.113883.6.69", NDC),
        ("http://hl7.org/fhir/sid/ndc/", NDC),
    ],
)
def test_a_code_system_is_known_by_its_other_addresses(sent: str, known_as: str) -> None:
    assert system_of(sent) == known_as


@pytest.mark.parametrize(
    "address",
    [
        "http://hl7.org/fhir/sid/icd-10-de",
        "http://hl7.org/fhir/sid/icd-9-cm/procedure",
        "http://hl7.org/fhir/sid/icd-11",
        "urn:oid:2.16.840.1.113883.6.9",
        "urn:oid:2.16.840.1.113883.6.1.1",
        "http://ehr.example.org/cpt",
        "http://snomed.info/sctx",
        "http://loinc.org/vs",
        "http://",
        "/",
        "",
        "HCPCS/" * 1000,
    ],
)
def test_an_unknown_address_stays_as_it_is(address: str) -> None:
    assert system_of(address) == address


@pytest.mark.parametrize(
    ("system", "sent", "usual"),
    [
        (HCPCS, "27279", (CPT, "27279")),
        (HCPCS, "0809t", (CPT, "0809T")),
        (HCPCS, "0002M", (CPT, "0002M")),
        (HCPCS, "1123F", (CPT, "1123F")),
        (HCPCS, "0241U", (CPT, "0241U")),
        (CPT, "G0260", (HCPCS, "G0260")),
        (CPT, "e0783", (HCPCS, "E0783")),
        (HCPCS, " E0783 ", (HCPCS, "E0783")),
    ],
)
def test_a_billing_code_has_the_system_that_its_form_tells(system: str, sent: str, usual: tuple[str, str]) -> None:
    assert usual_form(system, sent) == (*usual, ())


@pytest.mark.parametrize(
    ("sent", "modifiers"),
    [
        ("27279-RT", ("RT",)),
        ("27279 rt", ("RT",)),
        ("27279RT", ("RT",)),
        ("27279-RT-59", ("RT", "59")),
        ("27279, LT, XS", ("LT", "XS")),
        ("27279-50", ("50",)),
        ("27279:26", ("26",)),
        ("27279/TC", ("TC",)),
        ("27279_F5", ("F5",)),
        ("27279-22-51-59-RT", ("22", "51", "59", "RT")),
    ],
)
def test_the_modifiers_of_a_billing_code_are_apart_from_it(sent: str, modifiers: tuple[str, ...]) -> None:
    assert usual_form(CPT, sent) == (CPT, "27279", modifiers)


@pytest.mark.parametrize("code", ["RT", "LT", "50", "53", "73", "74"])
def test_a_modifier_of_a_side_or_of_what_was_discontinued_alone_is_one(code: str) -> None:
    assert usual_form(HCPCS, code.lower()) == (HCPCS, code, (code,))


@pytest.mark.parametrize("modifier", ["53", "73", "74"])
def test_a_discontinued_procedure_keeps_its_code(modifier: str) -> None:
    assert usual_form(CPT, f"27096-RT-{modifier}") == (CPT, f"27096-RT-{modifier}", ())


@pytest.mark.parametrize(
    "code",
    [
        *("2727", "272790", "2727950", "27279-01", "27279.01", "27279-27280", "27279-RTX", "27279-"),
        *("W0260", "G026", "G02600", "27279A", "IMG27279", "27279-22-51-59-RT-XS", "\u0662\u0667\u0662\u0667\u0669"),
    ],
)
@pytest.mark.parametrize("system", [CPT, HCPCS])
def test_what_has_no_form_of_a_billing_code_stays_as_it_is(system: str, code: str) -> None:
    assert usual_form(system, code) == (system, code, ())


@pytest.mark.parametrize(
    ("sent", "usual"),
    [
        ("C7951", "C79.51"),
        ("c79.51", "C79.51"),
        ("M533", "M53.3"),
        ("s32.10xa", "S32.10XA"),
        ("J11", "J11"),
        ("c7a", "C7A"),
        ("M54.", "M54"),
        ("M54.1-", "M54.1"),
        ("M54.-", "M54"),
    ],
)
def test_a_diagnosis_has_capitals_and_its_dot(sent: str, usual: str) -> None:
    assert usual_form(ICD10CM, sent) == (ICD10CM, usual, ())


@pytest.mark.parametrize("code", ["724.2", "M5", "M5X.1", "M54.50000", "M54..5", "chronic pain", "m54 5"])
def test_what_has_no_form_of_a_diagnosis_stays_as_it_is(code: str) -> None:
    assert usual_form(ICD10CM, code) == (ICD10CM, code, ())


@pytest.mark.parametrize("system", [SNOMED, LOINC, ICD9CM, "http://ehr.example.org/codes", ""])
def test_codes_of_other_systems_stay_as_they_are(system: str) -> None:
    assert usual_form(system, "g0260-RT") == (system, "g0260-RT", ())
