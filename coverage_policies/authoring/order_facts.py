"""How much the order of a case asks for, as FHIR has it: dosage, dispensing, parameters, and details."""

from typing import Any

from coverage_policies.authoring.fact_words import FactError, FactWords, decimal, present
from fhir_mappings.code_systems import UCUM
from fhir_mappings.codings import HCPCS
from fhir_mappings.units import unit_named

_MODIFIERS = {"rent": "RR", "purchase": "NU"}
_TIMES = {"hour": "h", "day": "d", "week": "wk", "month": "mo"}


def quantity(written: str) -> dict[str, Any]:
    """Return a Quantity of `4`, of `4 pens`, or of `1 mg`; a bare number has no unit."""
    value, _, unit = written.partition(" ")
    code = _TIMES.get(unit.removesuffix("s"), unit) if unit_named(unit) else ""
    return present(value=decimal(value), unit=unit, system=UCUM if code else "", code=code)


def dosages(words: FactWords) -> list[dict[str, Any]]:
    """Return the dosages of `dose` and `every`, of which each may be a list: one dosage after the other."""
    doses, every = words.texts("dose"), words.texts("every")
    found = []
    for i in range(max(len(doses), len(every))):
        dose, period = (given[min(i, len(given) - 1)] if given else "" for given in (doses, every))
        found.append(
            present(
                sequence=i + 1,
                timing={"repeat": _repeat(period)} if period else None,
                doseAndRate=[{"doseQuantity": quantity(dose)}] if dose else None,
            )
        )
    return found


def _repeat(every: str) -> dict[str, Any]:
    count, _, unit = every.rpartition(" ")
    code = _TIMES.get(unit.removesuffix("s"))
    if code is None:
        raise FactError(f"order.every must be written like '1 week' or '12 hours', not {every!r}")
    return {"frequency": 1, "period": decimal(count or "1"), "periodUnit": code}


def dispensing(words: FactWords) -> dict[str, Any]:
    """Return what is dispensed of `quantity`, `supply`, and `refills`."""
    amount, supply, refills = words.text("quantity"), words.text("supply"), words.text("refills")
    return present(
        quantity=quantity(amount) if amount else None,
        expectedSupplyDuration=quantity(supply) if supply else None,
        numberOfRepeatsAllowed=int(decimal(refills)) if refills else None,
    )


def parameters(words: FactWords) -> list[dict[str, Any]]:
    """Return the parameters of a device of `flow` and `acquisition`."""
    flow, modifier = words.text("flow"), _modifier(words)
    found: list[dict[str, Any]] = [{"valueQuantity": quantity(flow)}] if flow else []
    return [*found, *({"valueCodeableConcept": each} for each in modifier)]


def order_details(words: FactWords) -> list[dict[str, Any]]:
    """Return the details of a service of `flow` and `acquisition`."""
    flow = words.text("flow")
    return [*([{"text": flow}] if flow else []), *_modifier(words)]


def _modifier(words: FactWords) -> list[dict[str, Any]]:
    written = words.text("acquisition")
    if written and written not in _MODIFIERS:
        raise FactError(f"order.acquisition must be {' or '.join(_MODIFIERS)}, not {written!r}")
    return [{"coding": [{"system": HCPCS, "code": _MODIFIERS[written]}]}] if written else []
