"""The layout: few modules in the root of the service, and everything else in its folder."""

from pathlib import Path

SERVICE = Path(__file__).parent.parent / "cds_service"


def test_the_root_of_the_service_has_at_most_five_modules() -> None:
    assert len(list(SERVICE.glob("*.py"))) <= 5
