"""What keeps a code from ever matching: its form, its check digit, or that ICD-10-CM does not have it.

Only the form is known of most systems. ICD-10-CM alone ships with its list of codes.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from coverage_policies.authoring.check_digits import is_luhn, is_verhoeff
from fhir_mappings import code_systems as systems
from fhir_mappings.diagnoses.icd10cm import has_codes_below, is_code

_WITHOUT_DOT = 3
"""How many characters an ICD-10-CM code has before its dot."""
_NPI_PREFIX = "80840"
"""What stands before an NPI when its check digit is computed: health applications in the United States."""


def _anything(_code: str) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class _Form:
    """How the codes of a system look, in words and as a pattern, and what else is wrong with one that looks right.

    `begins` is the pattern of a prefix; without one the system's codes share no meaning by how they begin.
    """

    says: str
    whole: str
    begins: str = ""
    fault: Callable[[str], str] = _anything


def _loinc_fault(code: str) -> str:
    is_right = not code[0].isdigit() or is_luhn(code.replace("-", ""))
    return "" if is_right else f"the check digit of LOINC {code} is wrong; look the code up again"


def _snomed_fault(code: str) -> str:
    if not is_verhoeff(code):
        return f"the check digit of SNOMED CT {code} is wrong; look the code up again"
    if code[-2] != "0":
        return f"SNOMED CT {code} is the id of a description or relationship; write that of its concept"
    return ""


def _npi_fault(code: str) -> str:
    return "" if is_luhn(_NPI_PREFIX + code) else f"the check digit of NPI {code} is wrong; look the number up again"


def _icd10cm_fault(code: str) -> str:
    """Return the fault of a code with its dot; a code that has ended needs `to`, and then is not looked up."""
    return "" if is_code(code) else f"ICD-10-CM has no code {code}; look it up, or write in `to` when it ended"


_ICD10CM_FORM = r"[A-Z]\d[\dAB](?:\.[\dA-Z]{1,4})?"

_FORMS: Mapping[str, _Form] = {
    systems.ATC: _Form(
        "a letter, and up to two digits, two letters, and two digits: N02AA01",
        r"[A-Z](?:\d{2}(?:[A-Z](?:[A-Z](?:\d{2})?)?)?)?",
        r"[A-Z]\d{0,2}[A-Z]{0,2}\d{0,2}",
    ),
    systems.CPT: _Form("five characters: 27279, 0216T", r"\d{4}[\dUTFM]", r"\d{1,4}"),
    systems.CVX: _Form("up to three digits: 08", r"\d{1,3}"),
    systems.HCPCS: _Form("a letter and four digits: E0431", r"[A-V]\d{4}", r"[A-V]\d{0,3}"),
    systems.ICD9CM: _Form(
        "a category, and up to two digits after the dot: 724.2, V45.4",
        r"(?:\d{2,3}|V\d{2}|E\d{3})(?:\.\d{1,2})?",
        r"(?:\d{1,3}|V\d{0,2}|E\d{0,3})(?:\.\d{0,2})?",
    ),
    systems.ICD10CM: _Form(
        "a category, and up to four characters after the dot: M17.11",
        _ICD10CM_FORM,
        r"[A-Z](?:\d(?:[\dAB](?:\.[\dA-Z]{0,4})?)?)?",
        _icd10cm_fault,
    ),
    systems.ICD10PCS: _Form("seven characters, without I and O: 0SG734Z", r"[0-9A-HJ-NP-Z]{7}", r"[0-9A-HJ-NP-Z]{1,6}"),
    systems.LOINC: _Form(
        "up to seven digits, a hyphen, and a check digit: 59408-5", r"(?:LA|LP)?\d{1,7}-\d", fault=_loinc_fault
    ),
    systems.NDC: _Form(
        "eleven digits, or ten in three parts with hyphens: 0777-3105-02",
        r"\d{10,11}|\d{4}-\d{4}-\d{2}|\d{5}-\d{3}-\d{2}|\d{5}-\d{4}-\d{1,2}",
        r"[\d-]{4,11}",
    ),
    systems.NPI: _Form("ten digits, of which the last is a check digit: 1234567893", r"[12]\d{9}", fault=_npi_fault),
    systems.NUCC: _Form("ten characters that end in X: 207X00000X", r"[0-9A-Z]{9}X", r"[0-9A-Z]{1,9}"),
    systems.PLACE_OF_SERVICE: _Form("two digits: 12", r"\d{2}"),
    systems.REVENUE: _Form("four digits: 0360", r"\d{4}", r"\d{1,3}"),
    systems.RXNORM: _Form("the number of a concept: 7052", r"[1-9]\d{0,7}"),
    systems.SNOMED: _Form(
        "6 to 18 digits, of which the last is a check digit: 24693007", r"[1-9]\d{5,17}", fault=_snomed_fault
    ),
    systems.SPECIALTY: _Form("two characters: 29", r"[0-9A-Z]{2}"),
    systems.UNII: _Form("ten letters and digits: R16CO5Y76E", r"[0-9A-Z]{10}"),
}


def code_faults(system: str, code: str, *, has_ended: bool = False) -> Iterator[str]:
    """Yield why a code, or a prefix that ends in `*`, never matches, and how to write it right.

    `has_ended` is whether it ended by a date, so that a list of the codes of today need not have it.
    """
    if code != code.strip():
        yield f"there is a space before or after {code.strip()}; remove it"
        return
    form, plain = _FORMS.get(system), code.rstrip("*")
    if form is None:
        return
    name = systems.NAMES[system]
    if code.endswith("*"):
        yield from _prefix_faults(form, system, plain)
        return
    usual_system, usual, _ = systems.usual_form(system, code)
    if usual_system != system:
        yield f"{code} is a code of {systems.NAMES[usual_system]}; write the system {usual_system}"
    elif usual != code:
        yield f"a chart has {code} as {usual}; write {usual}"
    elif not re.fullmatch(form.whole, code, re.ASCII):
        yield f"{code} is no code of {name}; one has {form.says}"
    elif not has_ended and (fault := form.fault(code)):
        yield fault


def _prefix_faults(form: _Form, system: str, begins: str) -> Iterator[str]:
    name = systems.NAMES[system]
    if not form.begins:
        yield f"codes of {name} that begin alike have nothing in common; write each instead of {begins}*"
    elif system == systems.ICD10CM and "." not in begins and len(begins) > _WITHOUT_DOT:
        yield f"an ICD-10-CM code has its dot: {begins[:_WITHOUT_DOT]}.{begins[_WITHOUT_DOT:]}*"
    elif not re.fullmatch(form.begins, begins, re.ASCII):
        yield f"no code of {name} begins with {begins}; one has {form.says}"
    elif system == systems.ICD10CM and not (is_code(begins) or has_codes_below(begins)):
        yield f"ICD-10-CM has no code that begins with {begins}; look it up"
