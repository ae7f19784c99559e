"""The opioid in a quantity of a product: in mg, for patches in mcg/h."""

from collections.abc import Set
from fractions import Fraction

from fhir_mappings.fhir_json import Json
from fhir_mappings.opioids.quantities import Amount, AmountKind, Interval, UnconvertibleError, amount, exactly
from fhir_mappings.opioids.table import Product

TABLETS_AT_ONCE = frozenset(Fraction(halves, 2) for halves in (1, 2, 3, 4, 6, 8))
"""How many tablets of a combination product a dose in mg may be; more than four is likely the other drug's strength."""

TABLETS_A_DAY = frozenset(Fraction(tablets) for tablets in range(1, 25))
"""The same for a maximum per day in mg."""

MCG_PER_MG = 1000


def factor_of(product: Product) -> Fraction:
    """Return the MME per mg, for patches per mcg/h; raise UnconvertibleError if CDC 2022 has none."""
    if product.factor is None:
        raise UnconvertibleError("medication: CDC 2022 has no factor for it")
    return product.factor


def opioid_in(quantity: Json, product: Product, element: str, tablets: Set[Fraction] = TABLETS_AT_ONCE) -> Interval:
    """Return the opioid in a Quantity of a product: in mg, for patches in mcg/h.

    A mass of a combination product counts as the opioid's own only if it equals one of these numbers of `tablets`.
    Raise UnconvertibleError if the opioid content is unknown.
    """
    return content(amount(quantity, element), product, element, tablets)


def content(measured: Amount, product: Product, element: str, tablets: Set[Fraction] = TABLETS_AT_ONCE) -> Interval:
    """Return the opioid in an amount of a product, as `opioid_in` does."""
    if product.strength is None:
        if measured.kind is not AmountKind.MILLIGRAMS:
            raise UnconvertibleError(f"{element}: the strength of the product is not known")
        return exactly(measured.value)
    unit_strength = product.strength * (MCG_PER_MG if product.is_patch else 1)
    if measured.kind is AmountKind.BARE and not product.is_liquid:
        return _without_unit(measured.value, unit_strength)
    if product.is_patch:
        if measured.kind is AmountKind.MICROGRAMS_PER_HOUR:
            return exactly(measured.value)
        if measured.kind is AmountKind.UNITS:
            return exactly(measured.value * unit_strength)
    elif measured.kind is AmountKind.MILLIGRAMS:
        return exactly(_opioid_mass(measured.value, product.strength, product, element, tablets))
    elif measured.kind is (AmountKind.MILLILITERS if product.is_liquid else AmountKind.UNITS):
        return exactly(measured.value * unit_strength)
    raise UnconvertibleError(f"{element}: the unit does not fit the product")


def _without_unit(value: Fraction, strength: Fraction) -> Interval:
    """Return the content for a number without a unit: a count of tablets or patches, or a mass of whole tablets."""
    units = value * strength
    may_be_content = value > 0 and (value / strength).denominator == 1
    return Interval(min(units, value), max(units, value)) if may_be_content else exactly(units)


def _opioid_mass(
    mass: Fraction, strength: Fraction, product: Product, element: str, tablets: Set[Fraction]
) -> Fraction:
    """Return a dose in mg if it is certainly the opioid's; in a combination it may be the other drug's."""
    if product.single:
        return mass
    if product.is_liquid or mass / strength not in tablets:
        raise UnconvertibleError(f"{element}: a mass of a combination product, possibly the other drug's")
    return mass
