"""How far systemic opioids were weaned, as intervals that include every possible dose.

In reading order: `table` and `names` (what is an opioid), `quantities` and `dose` (one instruction), `sig` (all
instructions of one resource), `medication` and `prescriptions` (one resource), `regimens` and `timeline` (all of them),
and `reduction`.
"""

from fhir_mappings.opioids.names import is_opioid
from fhir_mappings.opioids.reduction import Baseline, Dose, DrugLine, Reduction, opioid_reduction
from fhir_mappings.opioids.table import ingredient_of

__all__ = ["Baseline", "Dose", "DrugLine", "Reduction", "ingredient_of", "is_opioid", "opioid_reduction"]
