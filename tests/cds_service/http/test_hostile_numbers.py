"""Numbers that no conversion ends with: refused where they enter, whatever element they stand in."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
_SECONDS = 240
"""Enough for a slow machine; a single number that is not bounded takes longer than that."""


def answered(way_in: str) -> list[dict[str, object]]:
    """Return the answers to every number in every kind of element, sent this way."""
    command = [sys.executable, "-m", "tests.support.hostile_numbers", way_in]
    done = subprocess.run(  # noqa: S603
        command, cwd=ROOT, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("way_in", ["draft orders", "prefetch"])
def test_a_body_with_a_number_out_of_bounds_is_refused_and_one_within_them_does_no_harm(way_in: str) -> None:
    found = answered(way_in)
    assert not [each for each in found if str(each["number"]).startswith("refused") and each["status"] != 400]
    assert not [each for each in found if each["status"] not in (200, 400)]
    assert {each["status"] for each in found if str(each["number"]).startswith("allowed")} >= {200}
    assert not [each for each in found if str(each["number"]).startswith("refused") and each["repeats"]]


@pytest.mark.slow
@pytest.mark.process
def test_a_page_of_a_fhir_server_with_any_such_number_costs_no_more_than_the_page() -> None:
    found = answered("FHIR server")
    assert not [each for each in found if each["status"] != 200]
