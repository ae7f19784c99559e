"""The words of a US chart."""

import pytest

from cards.phrasing import chart_words, counted, evidence_words, lower_first
from fhir_mappings.record import Evidence


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("2026-03-02", "03/02/2026"),
        ("2026-03", "03/2026"),
        ("2026", "2026"),
        ("2026-07-18T10:30-04:00", "07/18/2026"),
        ("2026-07-18T10:30:15.25Z", "07/18/2026"),
        ("2026-01-18 to 2026-01-31", "01/18/2026 to 01/31/2026"),
        ("until 2026-01-31, 44 %", "until 01/31/2026, 44%"),
        ("12.5 to 80 %", "12.5 to 80%"),
        ("2026-13-02", "2026-13-02"),
        ("2026-02-39", "2026-02-39"),
        ("555-2026-0142", "555-2026-0142"),
        ("12026-03-02", "12026-03-02"),
        ("CP.MP.173", "CP.MP.173"),
    ],
)
def test_dates_and_percentages_are_written_as_in_a_us_chart(written: str, shown: str) -> None:
    assert chart_words(written) == shown


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (Evidence("Condition/1", "Fibromyalgia"), "Fibromyalgia"),
        (Evidence("Condition/1", "Fibromyalgia", "2022-12-10"), "Fibromyalgia (12/10/2022)"),
        (Evidence("Observation/1", "ODI", "2026-11", "44 %"), "ODI: 44% (11/2026)"),
        (Evidence("Observation/1", "ODI", value="44 %"), "ODI: 44%"),
        (Evidence("Observation/1", "<b>*ODI*</b>"), "&lt;b&gt;\\*ODI\\*&lt;/b&gt;"),
        (Evidence("ServiceRequest/1", "Fusion", "2026-03-02", "posterior"), "This order: posterior"),
        (Evidence("ServiceRequest/1", "Fusion", "2026-03-02"), ""),
    ],
)
def test_evidence_is_its_name_value_and_date_without_an_id(item: Evidence, words: str) -> None:
    assert evidence_words(item, "ServiceRequest/1").replace("\\>", "&gt;") == words


def test_a_long_piece_of_evidence_is_cut() -> None:
    assert len(evidence_words(Evidence("Condition/1", "word " * 100), "")) <= 110


@pytest.mark.parametrize(("number", "said"), [(0, "0 items"), (1, "1 item"), (2, "2 items")])
def test_a_count_has_its_noun(number: int, said: str) -> None:
    assert counted(number, "item") == said


@pytest.mark.parametrize(
    ("text", "inside"), [("Pain is severe", "pain is severe"), ("CT of the joint", "CT of the joint"), ("", "")]
)
def test_a_sentence_within_another_begins_small_unless_with_an_acronym(text: str, inside: str) -> None:
    assert lower_first(text) == inside
