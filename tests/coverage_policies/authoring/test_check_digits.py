"""Check digits, with identifiers that their issuers publish as examples."""

import pytest

from coverage_policies.authoring.check_digits import is_luhn, is_verhoeff


@pytest.mark.parametrize("digits", ["594085", "88674", "725143", "808401234567893", "0"])
def test_a_right_luhn_digit(digits: str) -> None:
    assert is_luhn(digits)


@pytest.mark.parametrize("digits", ["594086", "549085", "808401234567894", "1"])
def test_a_wrong_luhn_digit_or_two_exchanged_ones(digits: str) -> None:
    assert not is_luhn(digits)


@pytest.mark.parametrize("digits", ["24693007", "138875005", "900000000000207008", "2363"])
def test_a_right_verhoeff_digit(digits: str) -> None:
    assert is_verhoeff(digits)


@pytest.mark.parametrize("digits", ["24693008", "24639007", "138875006", "183875005", "2364"])
def test_a_wrong_verhoeff_digit_or_two_exchanged_ones(digits: str) -> None:
    assert not is_verhoeff(digits)
