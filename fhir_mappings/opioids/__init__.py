"""How far systemic opioids were weaned, as intervals that include every possible dose.

In reading order: `table` and `names` (what is an opioid), `quantities`, `dose`, and `instructions` (one instruction),
`sig` (all instructions of one resource), `medication`, `sources`, and `prescriptions` (one resource), `treatments`
(resources that belong together), `nearby`, `acute`, `endings`, `denials`, `spans`, `ends`, and `takeovers` (until when
each may have been taken), `series` and `bounds` (all of them), `history`, and `lines`, `reduction`, and `daily`.
"""

from fhir_mappings.opioids.daily import DailyDose, daily_doses
from fhir_mappings.opioids.lines import Dose, DrugLine
from fhir_mappings.opioids.names import is_opioid
from fhir_mappings.opioids.reduction import Baseline, Periods, Reduction, opioid_reduction
from fhir_mappings.opioids.table import ingredient_of

__all__ = [
    "Baseline",
    "DailyDose",
    "Dose",
    "DrugLine",
    "Periods",
    "Reduction",
    "daily_doses",
    "ingredient_of",
    "is_opioid",
    "opioid_reduction",
]
