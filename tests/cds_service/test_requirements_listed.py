"""tests/requirements.csv can be read by whatever reports on it."""

import csv
from pathlib import Path


def test_every_requirement_has_an_id_a_level_and_a_statement() -> None:
    with (Path(__file__).parent.parent / "requirements.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["id"] for row in rows}) == len(rows)
    assert {row["level"] for row in rows} == {"MUST", "SHOULD", "PRUDENT"}
    assert all(row["statement"].endswith(".") and None not in row for row in rows)
    assert all(row["source"] for row in rows if row["level"] != "PRUDENT")
