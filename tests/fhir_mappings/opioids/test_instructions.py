"""What is kept of a dosage instruction depends on nothing but the elements that tell it from another one.

An element that is read, but does not tell instructions apart, would give one prescription the dose of another.
"""

from collections.abc import Callable
from datetime import UTC
from typing import Any

import pytest

from fhir_mappings.opioids.instructions import instruction_of
from fhir_mappings.opioids.product_names import product_named
from fhir_mappings.opioids.quantities import exactly
from fhir_mappings.opioids.table import Product
from fhir_mappings.short_texts import Kept

MG = {"unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
TABLET = {"unit": "tablet"}
PATIENT_INSTRUCTION = {"patientInstruction": "may take an extra tablet"}
PRODUCTS = [
    product_named("morphine sulfate 15 MG Oral Tablet"),
    product_named("fentanyl 0.025 MG/HR Transdermal System"),
]
"""A tablet and a patch: their doses are read in different ways."""
TIMES = [
    {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
    {"repeat": {"frequency": 1, "frequencyMax": 3, "period": 4, "periodMax": 6, "periodUnit": "h", "count": 1}},
    {"repeat": {"when": ["MORN", "HS"], "dayOfWeek": ["mon"], "countMax": 5}},
    {"repeat": {"timeOfDay": ["08:00:00"]}, "event": ["2026-01-05"]},
    {"code": {"text": "every 6 hours"}},
]
DOSES: list[dict[str, Any]] = [
    {"doseAndRate": [{"type": {"coding": [{"code": "ordered"}]}, "doseQuantity": {"value": 2, **TABLET}}]},
    {"doseAndRate": [{"doseRange": {"low": {"value": 15, **MG}, "high": {"value": 30, **MG}}}]},
    {"doseAndRate": [{"rateQuantity": {"value": 25, "unit": "mcg/h"}}]},
    {"maxDosePerPeriod": {"numerator": {"value": 60, **MG}, "denominator": {"value": 1, "unit": "d"}}},
    {"maxDosePerAdministration": {"value": 15, **MG}, "doseAndRate": [{"doseQuantity": {"value": 15, **MG}}]},
    {"text": "Take 1 tablet by mouth twice daily as needed"},
    {"text": "apply 1 patch every 72 hours", **PATIENT_INSTRUCTION},
    {"asNeededCodeableConcept": {"text": "pain"}, "additionalInstruction": [{"text": "1 tablet every 8 hours"}]},
    {"asNeededBoolean": True, "route": {"text": "oral"}},
]
ASIDE: dict[str, Any] = {
    "id": "1",
    "sequence": 1,
    "site": {"text": "arm"},
    "method": {"text": "swallow"},
    "dose": {"value": 90, **MG},
    "maxDosePerLifetime": {"value": 90, **MG},
    "extension": [{"url": "http://example.org/x", "valueString": "3 tablets daily"}],
}
BOUNDS = {"boundsPeriod": {"start": "2026-01-01"}, "boundsDuration": {"value": 3, "unit": "d"}, "boundsRange": {}}


class Watched(dict[str, Any]):
    """A JSON object that notes which of its members a reading that is kept looks at."""

    is_reading = False

    def __init__(self, members: dict[str, Any]) -> None:
        super().__init__(members)
        self.read: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self._note(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        self._note(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self._note(str(name))
        return super().__contains__(name)

    def _note(self, name: str) -> None:
        if Watched.is_reading and dict.__contains__(self, name):
            self.read.add(name)


@pytest.fixture(autouse=True)
def watching(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every reading is made anew, and watched."""

    def read_again(_kept: object, _content: str, _other: object, read: Callable[[], Any]) -> Any:
        was_reading, Watched.is_reading = Watched.is_reading, True
        try:
            return read()
        finally:
            Watched.is_reading = was_reading

    monkeypatch.setattr(Kept, "of", read_again)


@pytest.mark.parametrize("product", PRODUCTS, ids=["tablet", "patch"])
@pytest.mark.parametrize("timing", TIMES, ids=str)
@pytest.mark.parametrize("dose", DOSES, ids=str)
def test_an_element_that_is_read_tells_instructions_apart(
    dose: dict[str, Any], timing: dict[str, Any], product: Product | None
) -> None:
    assert product is not None
    repeat = Watched(BOUNDS | timing.get("repeat", {}))
    often = Watched(timing | {"repeat": repeat})
    dosage = Watched(ASIDE | dose | {"timing": often})
    instruction = instruction_of(dosage, UTC)
    for supplied in (None, exactly(60)):
        instruction.daily_mme(product, supplied)
    assert dosage.read  # it is watched
    for held, path in ((dosage, ()), (often, ("timing",)), (repeat, ("timing", "repeat"))):
        for name in sorted(held.read - {"timing", "repeat"}):
            without = instruction_of(_without(dosage, path, {k: v for k, v in held.items() if k != name}), UTC)
            assert without.content != instruction.content, (*path, name)


def _without(dosage: dict[str, Any], at: tuple[str, ...], members: dict[str, Any]) -> dict[str, Any]:
    """Return a dosage with these members at a place."""
    if not at:
        return members
    inner = _without(dict(dict.__getitem__(dosage, at[0])), at[1:], members)
    return {**dosage, at[0]: inner}
