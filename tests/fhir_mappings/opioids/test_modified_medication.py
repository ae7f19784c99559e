"""A referenced medication with a modifier may be any drug, an opioid too."""

from typing import Any

import pytest

from fhir_mappings.codings import RXNORM
from fhir_mappings.opioids.medication import medication_of
from tests.support.fhir_builders import record, resource

IBUPROFEN = {"coding": [{"system": RXNORM, "code": "5640"}], "text": "Ibuprofen"}
ORDER = resource("MedicationRequest", medicationReference={"reference": "Medication/m"})


def product(**members: Any) -> dict[str, Any]:
    return {"resourceType": "Medication", "id": "m", "code": IBUPROFEN, **members}


def test_a_referenced_drug_that_is_no_opioid_is_none() -> None:
    assert medication_of(record(ORDER, product()), ORDER) is None


@pytest.mark.parametrize(
    ("members", "modifier"),
    [
        ({"implicitRules": "http://example.org/rules"}, "implicitRules"),
        ({"modifierExtension": [{"url": "http://example.org/absent"}]}, "modifierExtension"),
        ({"ingredient": [{"modifierExtension": [{"url": "http://example.org/absent"}]}]}, "modifierExtension"),
    ],
)
def test_a_referenced_drug_with_a_modifier_may_be_an_opioid(members: dict[str, Any], modifier: str) -> None:
    found = medication_of(record(ORDER, product(**members)), ORDER)
    assert found is not None
    assert (found.product, found.problem) == (None, f"Medication.{modifier}: it may change what the product is")
