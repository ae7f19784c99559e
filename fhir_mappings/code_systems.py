"""Code systems by the addresses that senders write, and each code in its usual form.

Senders write the address of a code system in many ways, and billing codes under the address of their neighbor. What
leaves one reading is read; a code whose form fits nothing stays as it was sent.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

ATC = "http://www.whocc.no/atc"
CPT = "http://www.ama-assn.org/go/cpt"
CVX = "http://hl7.org/fhir/sid/cvx"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
ICD9CM = "http://hl7.org/fhir/sid/icd-9-cm"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICD10PCS = "http://www.cms.gov/Medicare/Coding/ICD10"
LOINC = "http://loinc.org"
NDC = "http://hl7.org/fhir/sid/ndc"
NPI = "http://hl7.org/fhir/sid/us-npi"
NUCC = "http://nucc.org/provider-taxonomy"
PLACE_OF_SERVICE = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
REVENUE = "https://www.nubc.org/CodeSystem/RevenueCodes"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SNOMED = "http://snomed.info/sct"
SPECIALTY = "https://bluebutton.cms.gov/resources/variables/prvdr_spclty"
UCUM = "http://unitsofmeasure.org"
UNII = "http://fdasis.nlm.nih.gov"

NAMES: Mapping[str, str] = {
    ATC: "ATC",
    CPT: "CPT",
    CVX: "CVX",
    DICOM: "DICOM",
    HCPCS: "HCPCS level II",
    ICD9CM: "ICD-9-CM",
    ICD10CM: "ICD-10-CM",
    ICD10PCS: "ICD-10-PCS",
    LOINC: "LOINC",
    NDC: "NDC",
    NPI: "NPI",
    NUCC: "NUCC provider taxonomy",
    PLACE_OF_SERVICE: "CMS place of service",
    REVENUE: "NUBC revenue code",
    RXNORM: "RxNorm",
    SNOMED: "SNOMED CT",
    SPECIALTY: "Medicare provider specialty",
    UCUM: "UCUM",
    UNII: "UNII",
}
"""The code systems that policies use, by their usual address; those of HL7 are known by their address alone."""

_HL7 = ("http://terminology.hl7.org/CodeSystem/", "http://hl7.org/fhir/")
_HL7_OUTSIDE = "http://hl7.org/fhir/sid/"
"""Systems of others to which HL7 gave an address."""

_THO = "terminology.hl7.org/CodeSystem"
_SPELLINGS = (
    # system, source, its other addresses and names
    (ATC, "FHIR R4, Code Systems; HL7 OID registry", f"{ATC} 2.16.840.1.113883.6.73"),
    (CPT, "FHIR R4, Code Systems", CPT),
    (CPT, "HL7 OID registry", "2.16.840.1.113883.6.12"),
    (CPT, "HL7 table 0396", "C4 CPT"),
    (CPT, "names in public FHIR code", f"cpt4 hl7.org/fhir/sid/cpt {_THO}/CPT urn:ama:cpt"),
    (CVX, "FHIR R4, Code Systems; HL7 OID registry", f"{CVX} 2.16.840.1.113883.12.292"),
    (DICOM, "FHIR R4, Code Systems; HL7 OID registry", f"{DICOM} 1.2.840.10008.2.16.4"),
    (HCPCS, "FHIR R4, Code Systems", HCPCS),
    (HCPCS, "HL7 OID registry: level II, all codes", "2.16.840.1.113883.6.285 2.16.840.1.113883.6.14"),
    (HCPCS, "HL7 table 0396", "HCPCS"),
    (HCPCS, "HL7 Terminology 6.3, ids of its resources", f"{_THO}/hcpcs-Level-II {_THO}/HCPCS-all-codes"),
    (HCPCS, "names in public FHIR code", f"{_THO}/HCPCS hl7.org/fhir/sid/hcpcs hl7.org/fhir/CodeSystem/hcpcs"),
    (HCPCS, "UMLS source, as in C-CDA on FHIR", "nlm.nih.gov/research/umls/hcpcs"),
    (HCPCS, "CMS Blue Button, Da Vinci CRD reference server", "bluebutton.cms.gov/resources/codesystem/hcpcs"),
    (HCPCS, "CMS Blue Button, until 2018", "cms.gov/Medicare/Coding/MedHCPCSGenInfo/index.html"),
    (HCPCS, "CMS web site", "cms.gov/medicare/coding-billing/healthcare-common-procedure-system"),
    (ICD10CM, "FHIR R4, Code Systems", ICD10CM),
    (ICD10CM, "HL7 OID registry", "2.16.840.1.113883.6.90"),
    (ICD10CM, "HL7 table 0396", "I10C"),
    (ICD10CM, "FHIR DSTU2, and US senders who leave the modification out", "hl7.org/fhir/sid/icd-10-us"),
    (ICD10CM, "US senders who leave the modification out", "hl7.org/fhir/sid/icd-10 hl7.org/fhir/sid/icd10 icd10"),
    (ICD10CM, "names in public FHIR code", f"icd10cm hl7.org/fhir/sid/icd10cm {_THO}/icd10CM {_THO}/icd-10-cm"),
    (ICD9CM, "FHIR R4, Code Systems", f"{ICD9CM} {ICD9CM}/diagnosis"),
    (ICD9CM, "HL7 OID registry", "2.16.840.1.113883.6.103"),
    (ICD9CM, "HL7 table 0396, names", "I9C icd9cm icd9"),
    (ICD9CM, "HL7 Terminology 6.3", f"{_THO}/ICD-9CM-diagnosiscodes"),
    (ICD9CM, "names in public FHIR code", "hl7.org/fhir/sid/icd-9"),
    (ICD10PCS, "FHIR R4, Code Systems; HL7 OID registry", f"{ICD10PCS} 2.16.840.1.113883.6.4"),
    (ICD10PCS, "HL7 table 0396, names in public FHIR code", "I10P icd10pcs hl7.org/fhir/sid/icd-10-pcs"),
    (LOINC, "FHIR R4, Code Systems", LOINC),
    (LOINC, "HL7 OID registry", "2.16.840.1.113883.6.1"),
    (LOINC, "HL7 table 0396, names", "LN loinc"),
    (NDC, "FHIR R4, Code Systems", NDC),
    (NDC, "HL7 OID registry", "2.16.840.1.113883.6.69"),
    (NDC, "HL7 table 0396", "NDC"),
    (NPI, "FHIR R4, Identifier Systems; HL7 OID registry", f"{NPI} 2.16.840.1.113883.4.6"),
    (NUCC, "HL7 Terminology; HL7 OID registry", f"{NUCC} 2.16.840.1.113883.6.101"),
    (PLACE_OF_SERVICE, "CARIN Blue Button", PLACE_OF_SERVICE),
    (REVENUE, "CARIN Blue Button", REVENUE),
    (RXNORM, "FHIR R4, Code Systems", RXNORM),
    (RXNORM, "HL7 OID registry", "2.16.840.1.113883.6.88"),
    (RXNORM, "names in public FHIR code", "rxnorm hl7.org/fhir/sid/rxnorm"),
    (SNOMED, "FHIR R4, Code Systems", SNOMED),
    (SNOMED, "HL7 OID registry", "2.16.840.1.113883.6.96"),
    (SNOMED, "HL7 table 0396, names", "SCT snomedct snomed"),
    (SNOMED, "names in public FHIR code", "hl7.org/fhir/sid/snomed"),
    (SPECIALTY, "CMS Blue Button", SPECIALTY),
    (UCUM, "FHIR R4, Code Systems; HL7 OID registry", f"{UCUM} 2.16.840.1.113883.6.8"),
    (UNII, "FHIR R4, Code Systems; HL7 OID registry", f"{UNII} 2.16.840.1.113883.4.9"),
)

_LONGEST_ADDRESS = 200
_PREFIX = re.compile(r"\A(?:urn:oid:|(?:https?://)?(?:www\.)?)")
_SNOMED_EDITION = "snomed.info/sct/"

_CPT_CODE = r"\d{4}[\dUTFM]"
_LEVEL_II_CODE = r"[A-V]\d{4}"
_MODIFIER = r"(?:[2-9]\d|[A-Z][\dA-Z])"
_BILLING_CODE = re.compile(rf"({_CPT_CODE}|{_LEVEL_II_CODE})((?:[\s,:/_–-]+{_MODIFIER}){{0,4}}|[A-Z]{{2}})\Z", re.ASCII)
"""A code of CPT or of HCPCS level II, and up to four modifiers; only letters may follow it without a separator."""
_IS_CPT = re.compile(rf"{_CPT_CODE}\Z", re.ASCII)
_SIDE_MODIFIERS = ("RT", "LT", "50")
DISCONTINUED = frozenset({"53", "73", "74"})
"""Modifiers of procedures that were discontinued."""
_ICD10CM_CODE = re.compile(r"([A-Z]\d[\dAB])(?:\.?([\dA-Z]{1,4}))?[.-]*\Z", re.ASCII)


def _key(address: str) -> str:
    """Return an address without what makes no difference: case, scheme, `www`, version, and a slash at its end.

    A name, which has neither slash nor colon, is returned without hyphens, spaces, and underscores.
    """
    key = _PREFIX.sub("", address.partition("|")[0].casefold(), count=1).rstrip("/")
    return key if set("/:.") & set(key) else re.sub(r"[\s_-]", "", key)


_SYSTEM_OF = {_key(address): system for system, _, addresses in _SPELLINGS for address in addresses.split()}


@lru_cache(maxsize=1_000)
def _system_of(address: str) -> str:
    key = _key(address)
    return SNOMED if key.startswith(_SNOMED_EDITION) else _SYSTEM_OF.get(key, address)


def system_of(address: str) -> str:
    """Return the usual address of a code system that is known by this one; any other address as it is."""
    address = address.strip()
    return _system_of(address) if len(address) <= _LONGEST_ADDRESS else address


def is_known(system: str) -> bool:
    """Return whether an address is the usual one of a code system that is named here, or one of HL7's own."""
    return system in NAMES or (system.startswith(_HL7) and not system.startswith(_HL7_OUTSIDE))


def usual_form(system: str, code: str) -> tuple[str, str, tuple[str, ...]]:
    """Return the system, the code in its usual form, and the modifiers of a billing code.

    A billing code gets the system that its form tells: five digits, or four and U, T, F, or M, are CPT; a letter and
    four digits HCPCS level II. A code of a discontinued procedure stays as it is, because it would count as done. A
    modifier in place of a code, which says something of the codes beside it, is returned as its own modifier.
    """
    code = code.strip()
    if system in (CPT, HCPCS):
        written = code.upper()
        if written in _SIDE_MODIFIERS or written in DISCONTINUED:
            return system, written, (written,)
        if matched := _BILLING_CODE.match(written):
            modifiers = tuple(re.findall(_MODIFIER, matched[2]))
            if not DISCONTINUED.intersection(modifiers):
                return CPT if _IS_CPT.match(matched[1]) else HCPCS, matched[1], modifiers
    elif system == ICD10CM and (matched := _ICD10CM_CODE.match(code.upper())):
        return system, f"{matched[1]}.{matched[2]}" if matched[2] else matched[1], ()
    return system, code, ()
