"""What all tests share."""

import csv
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("suite", max_examples=50)
settings.register_profile("endure", max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile(os.environ.get("CDS_TEST_PROFILE") or "suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse requirements that no list states, and mark what asks for the PostgreSQL server."""
    guides = {f"{guide}:{each}" for guide in ("crd", "dtr") for each in _ids(f"{guide}-requirements.csv")}
    stated = _ids("requirements.csv") | guides
    for item in items:
        if "cluster" in getattr(item, "fixturenames", ()):
            item.add_marker("postgres")
        for marker in item.iter_markers("requirement"):
            if unknown := set(marker.args) - stated:
                raise pytest.UsageError(f"{item.nodeid}: no list of requirements states {sorted(unknown)}")


def _ids(name: str) -> set[str]:
    with (Path(__file__).parent / name).open(newline="", encoding="utf-8") as rows:
        return {row["id"] for row in csv.DictReader(rows)}
