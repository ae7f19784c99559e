"""Readings of short texts are kept; longer texts are read each time."""

import pytest

from fhir_mappings.short_texts import LONGEST, kept


@pytest.mark.parametrize(("length", "reads"), [(LONGEST, 1), (LONGEST + 1, 2)])
def test_a_text_is_read_once_up_to_the_longest_that_is_kept(length: int, reads: int) -> None:
    found = []

    @kept
    def reading(text: str) -> int:
        found.append(text)
        return len(text)

    assert [reading("x" * length), reading("x" * length)] == [length, length]
    assert len(found) == reads
