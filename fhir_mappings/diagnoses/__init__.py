"""Diagnoses: which codes ICD-10-CM has, and which of them words in a chart name.

`icd10cm.tsv` is the tabular list of April 1, 2026 (National Center for Health Statistics), taken from the wheel
`simple-icd-10-cm` 1.5.0 on PyPI: one line per code with its title and its inclusion terms, separated by tabs. Lines of
injuries and external causes below their category, and terms that name a side, have the code alone. `names.csv` has
common names and abbreviations that the tabular list does not use, with a code that stands for them; they are our own.
`icd10cm_sides.csv` has the codes of the tabular list whose title names one side of the body, without those of the heart
(I20 to I52, Q20 to Q28) and of left-sided colitis, whose left and right are no sides to treat.
"""

from fhir_mappings.diagnoses.diagnosis import Diagnosis, is_only_denied, read_diagnosis, says_it_lasts
from fhir_mappings.diagnoses.icd10cm import (
    LIST_VERSION,
    codes_below,
    codes_named,
    codes_titled,
    first_code_below,
    is_code,
    is_complete,
    needs_seventh_character,
    side_in_title,
    titles,
)

__all__ = [
    "LIST_VERSION",
    "Diagnosis",
    "codes_below",
    "codes_named",
    "codes_titled",
    "first_code_below",
    "is_code",
    "is_complete",
    "is_only_denied",
    "needs_seventh_character",
    "read_diagnosis",
    "says_it_lasts",
    "side_in_title",
    "titles",
]
