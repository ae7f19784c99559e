"""What all tests share."""

import csv
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("endure", max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
if os.environ.get("CDS_TEST_PROFILE"):
    settings.load_profile(os.environ["CDS_TEST_PROFILE"])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse requirements that tests/requirements.csv does not state, and mark what asks for the PostgreSQL server."""
    with (Path(__file__).parent / "requirements.csv").open(newline="") as rows:
        stated = {row["id"] for row in csv.DictReader(rows)}
    for item in items:
        if "cluster" in getattr(item, "fixturenames", ()):
            item.add_marker("postgres")
        for marker in item.iter_markers("requirement"):
            if unknown := set(marker.args) - stated:
                raise pytest.UsageError(f"{item.nodeid}: tests/requirements.csv does not state {sorted(unknown)}")
