"""What an address must be before the service calls it, or sends a browser there."""

import pytest

from cds_service.fhir_client.addresses import is_loopback, is_protected, usable_address


@pytest.mark.parametrize("address", ["https://a.example", "http://a.example:80/b?c=d", "https://[::1]/"])
def test_an_http_address_is_usable_as_it_is(address: str) -> None:
    assert usable_address(address) == address


@pytest.mark.parametrize(
    "address",
    [
        *(None, 7, "", "a.example", "ftp://a.example", "https://", "https://a:0/", "https://a:x/", "https://[::1"),
        *("https://a@b", "https://a#b", "https://a\\b", "https://a b", "https://a\n", "https://é.example"),
    ],
)
def test_anything_else_is_not(address: object) -> None:
    assert usable_address(address) == ""


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://a.example", True),
        ("http://a.example", False),
        ("http://localhost:8000/a", True),
        ("http://127.9.9.9/", True),
        ("http://[::1]:8000", True),
        ("http://127.0.0.1.example", False),
    ],
)
def test_https_and_this_machine_are_protected(address: str, expected: bool) -> None:
    assert is_protected(address) is expected


def test_this_machine_has_several_names() -> None:
    assert all(is_loopback(host) for host in ("localhost", "LOCALHOST", "127.0.0.1", "::1"))
    assert not any(is_loopback(host) for host in ("example.org", "10.0.0.1", ""))
