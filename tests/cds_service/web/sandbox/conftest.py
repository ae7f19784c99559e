"""The sandbox over the installed policies."""

import pytest

from cds_service.settings import Settings
from cds_service.wiring.loading import load_assessor
from coverage_policies.judging.assessment import Assessor
from tests.support.sandbox_pages import Sandbox


@pytest.fixture(scope="session")
def assessor() -> Assessor:
    """The installed policies."""
    return load_assessor(Settings())


@pytest.fixture(scope="session")
def sandbox(assessor: Assessor) -> Sandbox:
    """The sandbox on the day of the stories; it keeps nothing, so tests share it."""
    return Sandbox(assessor)
