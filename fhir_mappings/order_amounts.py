"""How much an order asks for: quantity, days of supply, refills, dose, frequency, and flow.

Of several statements of one order, such as the steps of a dose, the highest counts. What cannot be read may be any
number, so it never lets an upper limit hold.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction

from fhir_mappings.amounts import Amount, Interval
from fhir_mappings.codings import items, plain_codes
from fhir_mappings.daily_amount import directions_of
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.measurements import measurement
from fhir_mappings.opioids.quantities import Interval as Times
from fhir_mappings.opioids.quantities import UnconvertibleError, days_of_unit
from fhir_mappings.opioids.sig_items import Unit
from fhir_mappings.opioids.timing import frequency
from fhir_mappings.order_elements import own_words
from fhir_mappings.order_text import is_unambiguous
from fhir_mappings.truth import Truth
from fhir_mappings.units import unit_named

_CALENDAR = {"mo": (Fraction(28), Fraction(31)), "a": (Fraction(365), Fraction(366))}
"""Units of time whose length in days varies, and the fewest and most days of one."""
_WORDED = {Unit.MILLIGRAMS: "mg", Unit.MILLILITERS: "mL", Unit.EACH: ""}
_DOSE_FORMS = {
    *("tablet", "tab", "tbl", "capsule", "cap", "each", "ea", "pill", "patch", "pen", "vial", "syringe", "kit"),
    *("device", "inhaler", "strip", "lancet", "item", "piece", "unit dose"),
}
"""What is counted one by one, in the singular; `unit` is left out, since it may be an international one."""
_FLOW = re.compile(
    r"(?<![\d.])(?P<low>\d{1,3}(?:\.\d{1,2})?)(?:\s?(?:-|\N{EN DASH}|to)\s?(?P<high>\d{1,3}(?:\.\d{1,2})?))?\s?"
    r"(?:(?:l|lit(?:er|re)s?)\s?(?:/|per)\s?min(?:utes?|\.)?\b|lpm\b)",
    re.IGNORECASE,
)
_FLOW_UNIT = "L/min"
_WEEK = 7
_LONGEST = 4_000
"""How many characters of a text are searched for a flow."""


def amounts_of(order: Resource, name: str) -> tuple[Amount | None, ...]:
    """Return the amounts of one kind that an order states; None for each that cannot be read."""
    return tuple(_READINGS[name](order))


def counted(unit: str) -> str:
    """Return what a unit counts, in the singular and without braces: `Tablets` and `{tablet}` are `tablet`."""
    word = " ".join(unit.strip(" {}").casefold().split())
    return word if word in _DOSE_FORMS else word.removesuffix("es" if word.endswith("ches") else "s")


def in_unit(amount: Amount, unit: str) -> Interval | None:
    """Return the numbers of an amount in another unit; None if it does not convert.

    Between days and months, or years, they lie between those for the longest and for the shortest month.
    """
    ours, theirs = _calendar(amount.unit), _calendar(unit)
    if bool(ours) is bool(theirs):
        return amount.in_unit(unit)
    if ours is not None:
        (shortest, longest), is_rate = ours
        low, high = (1 / longest, 1 / shortest) if is_rate else (shortest, longest)
        return Amount(_scaled(amount.interval, low, high), "/d" if is_rate else "d").in_unit(unit)
    (shortest, longest), is_rate = theirs  # type: ignore[misc]
    days = amount.in_unit("/d" if is_rate else "d")
    low, high = (shortest, longest) if is_rate else (1 / longest, 1 / shortest)
    return None if days is None else _scaled(days, low, high)


def _calendar(unit: str) -> tuple[tuple[Fraction, Fraction], bool] | None:
    """Return the days of a unit of months or years, and whether it is a rate by them; None for any other unit."""
    named = unit_named(unit) if unit else None
    for each, days in _CALENDAR.items():
        for is_rate in (False, True):
            if named is not None and named == unit_named(f"/{each}" if is_rate else each):
                return days, is_rate
    return None


def _scaled(interval: Interval, low: Fraction, high: Fraction) -> Interval:
    """Return what positive numbers times a factor between two lie between."""
    return Interval(
        None if interval.low is None else interval.low * low,
        None if interval.high is None else interval.high * high,
        interval.low_is_open,
        interval.high_is_open,
    )


def as_count(amount: Amount) -> Amount:
    """Return an amount of things that are counted one by one as a plain number; any other as it is."""
    return Amount(amount.interval) if counted(amount.unit) in _DOSE_FORMS else amount


def _quantity(order: Resource) -> Iterator[Amount | None]:
    yield from _stated(_one(order.get("dispenseRequest")), "quantity")
    yield from _stated(order, "quantityQuantity")
    yield from _stated(order, "quantityRange", "valueRange")
    if order.get("quantityRatio") is not None:
        yield None


def _supply(order: Resource) -> Iterator[Amount | None]:
    yield from _stated(_one(order.get("dispenseRequest")), "expectedSupplyDuration")


def _refills(order: Resource) -> Iterator[Amount | None]:
    number = _one(order.get("dispenseRequest")).get("numberOfRepeatsAllowed")
    if number is not None:
        is_count = isinstance(number, int) and not isinstance(number, bool) and number >= 0
        yield Amount(Interval.point(Fraction(number))) if is_count else None


def _dose(order: Resource) -> Iterator[Amount | None]:
    for dosage in items(order.get("dosageInstruction")):
        found = [
            amount
            for dose in items(dosage.get("doseAndRate"))
            for amount in (*_stated(dose, "doseQuantity"), *_stated(dose, "doseRange", "valueRange"))
        ]
        worded = _worded_doses(dosage)
        yield from found or worded or [None]
        if found and worded and not any(one and two and _may_agree(one, two) for one in found for two in worded):
            yield None


def _worded_doses(dosage: Resource) -> list[Amount | None]:
    """Return the doses in the words of a dosage; none if they do not tell."""
    said = directions_of(dosage)
    parts = said.parts if said is not None else ()
    given = [part.amount for part in parts if part.amount is not None]
    return [
        Amount(Interval(each.value.low, each.value.high), _WORDED[each.unit]) if each.unit in _WORDED else None
        for each in given
    ]


def _may_agree(one: Amount, two: Amount) -> bool:
    """Return whether two amounts may be the same; those in different units may."""
    return one.lies_in(two) is not Truth.NO


def _frequency(order: Resource) -> Iterator[Amount | None]:
    """Yield how often each dosage is taken; those without a sequence of their own may be taken beside each other."""
    dosages = list(items(order.get("dosageInstruction")))
    steps = {dosage.get("sequence") for dosage in dosages if isinstance(dosage.get("sequence"), int)}
    if len(dosages) > 1 and len(steps) < len(dosages):
        yield None
    yield from map(_rate, dosages)


def _rate(dosage: Resource) -> Amount | None:
    """Return how often a dosage is taken; None if it does not say, or if its timing and its words differ."""
    timing, worded = dosage.get("timing"), _worded_rate(dosage)
    try:
        per_day = frequency(timing).per_day if timing is not None else worded
    except UnconvertibleError:
        return None
    if per_day is None or (worded is not None and not worded.overlaps(per_day)):
        return None
    unit, days = _period(timing, per_day.low)
    low, high = per_day.low * days, None if per_day.high is None else per_day.high * days
    is_as_needed = dosage.get("asNeededBoolean") is True or dosage.get("asNeededCodeableConcept") is not None
    return Amount(Interval(Fraction(0) if is_as_needed else low, high), f"/{unit}")


def _worded_rate(dosage: Resource) -> Times | None:
    said = directions_of(dosage)
    return said.parts[0].times if said is not None and len(said.parts) == 1 else None


def _period(timing: Json, per_day: Fraction) -> tuple[str, Fraction]:
    """Return the unit of time by which a rate is stated, and the days that it was counted as.

    Months vary in length, so once a month stays that. Without a unit a rate of less than once a day is by weeks if it
    is a whole number of times.
    """
    stated = _one(_one(timing).get("repeat")).get("periodUnit")
    unit = stated or ("mo" if "MO" in plain_codes(_one(timing).get("code")) else "")
    days = days_of_unit(unit)
    if isinstance(unit, str) and days is not None:
        return unit, days
    return ("wk", Fraction(_WEEK)) if per_day < 1 and (per_day * _WEEK).denominator == 1 else ("d", Fraction(1))


def _flow(order: Resource) -> Iterator[Amount | None]:
    """Yield the flows of an order: its quantity, parameters, and rates of dosage, and the words of its details."""
    found = [*_stated(order, "quantityQuantity"), *_stated(order, "quantityRange", "valueRange")]
    for parameter in items(order.get("parameter")):
        found += [*_stated(parameter, "valueQuantity"), *_stated(parameter, "valueRange", "valueRange")]
    for dosage in items(order.get("dosageInstruction")):
        for rate in items(dosage.get("doseAndRate")):
            found += [*_stated(rate, "rateQuantity"), *_stated(rate, "rateRange", "valueRange")]
            found += [None] if rate.get("rateRatio") is not None else []
    yield from (each for each in found if each is None or _is_flow(each.unit))
    concepts = [*items(order.get("orderDetail")), *items(order.get("code")), *items(order.get("codeCodeableConcept"))]
    for text in dict.fromkeys(text for concept in concepts for text in own_words(concept)):
        yield from _flows_in(text[:_LONGEST])


def _flows_in(text: str) -> Iterator[Amount | None]:
    is_clear = is_unambiguous(text)
    for match in _FLOW.finditer(text):
        low, high = Fraction(match["low"]), Fraction(match["high"] or match["low"])
        yield Amount(Interval(low, high), _FLOW_UNIT) if is_clear and low <= high else None


def _is_flow(unit: str) -> bool:
    named, flow = unit_named(unit) if unit else None, unit_named(_FLOW_UNIT)
    return named is not None and flow is not None and named.kind == flow.kind


def _stated(holder: Resource, element: str, kind: str = "valueQuantity") -> list[Amount | None]:
    """Return the amount in an element, a Quantity or a Range: None for one that cannot be read, nothing for none."""
    value = holder.get(element)
    if value is None:
        return []
    found = measurement({kind: value})
    return [found.amount if found is not None else None]


def _one(element: Json) -> Resource:
    return next(iter(items(element)), {})


_READINGS: Mapping[str, Callable[[Resource], Iterator[Amount | None]]] = {
    "quantity": _quantity,
    "supply": _supply,
    "refills": _refills,
    "dose": _dose,
    "frequency": _frequency,
    "flow": _flow,
}
KINDS = tuple(_READINGS)
"""The kinds of amounts."""
