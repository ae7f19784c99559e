"""The lists of requirements can be read by whatever reports on them."""

import csv
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent


def test_every_requirement_has_an_id_a_level_and_a_statement() -> None:
    with (TESTS / "requirements.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["id"] for row in rows}) == len(rows)
    assert {row["level"] for row in rows} == {"MUST", "SHOULD", "PRUDENT"}
    assert all(row["statement"].endswith(".") and None not in row for row in rows)
    assert all(row["source"] for row in rows if row["level"] != "PRUDENT")


@pytest.mark.parametrize("guide", ["crd", "dtr"])
def test_every_statement_of_a_guide_has_an_id_a_level_and_words_of_ours(guide: str) -> None:
    with (TESTS / f"{guide}-requirements.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["id"] for row in rows}) == len(rows)
    levels = {"SHALL", "SHALL NOT", "SHOULD", "SHOULD NOT", "MAY"}
    assert all(set(row["level"].split("/")) <= levels for row in rows)
    assert all(row["statement"].endswith(".") and None not in row for row in rows)
