"""Check digits at the end of identifiers: one mistyped digit, or two exchanged ones, and they are wrong."""

_VERHOEFF_MULTIPLICATION = (
    *("0123456789", "1234067895", "2340178956", "3401289567", "4012395678"),
    *("5987604321", "6598710432", "7659821043", "8765932104", "9876543210"),
)
"""The dihedral group of order 10: the product of two digits is in the row of the first at the place of the second."""
_VERHOEFF_PERMUTATION = (
    *("0123456789", "1576283094", "5803796142", "8916043527"),
    *("9453126870", "4286573901", "2793806415", "7046913258"),
)
"""What becomes of a digit by its place, counted from the last one, modulo 8."""


def is_luhn(digits: str) -> bool:
    """Return whether the last digit is the modulus 10 check digit (ISO/IEC 7812-1) of those before it."""
    doubled = (str(int(digit) * (1 + place % 2)) for place, digit in enumerate(reversed(digits)))
    return sum(int(digit) for each in doubled for digit in each) % 10 == 0


def is_verhoeff(digits: str) -> bool:
    """Return whether the last digit is the check digit of those before it by Verhoeff's dihedral scheme."""
    product = 0
    for place, digit in enumerate(reversed(digits)):
        product = int(_VERHOEFF_MULTIPLICATION[product][int(_VERHOEFF_PERMUTATION[place % 8][int(digit)])])
    return product == 0
