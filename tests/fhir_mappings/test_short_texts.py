"""Readings of short texts are kept; longer texts are read each time."""

import pytest

from fhir_mappings.short_texts import KEPT, LONGEST, LONGEST_CONTENT, Kept, kept


@pytest.mark.parametrize(("length", "reads"), [(LONGEST, 1), (LONGEST + 1, 2)])
def test_a_text_is_read_once_up_to_the_longest_that_is_kept(length: int, reads: int) -> None:
    found = []

    @kept
    def reading(text: str) -> int:
        found.append(text)
        return len(text)

    assert [reading("x" * length), reading("x" * length)] == [length, length]
    assert len(found) == reads


class Readings:
    """Readings without a result, and how often something was read."""

    def __init__(self) -> None:
        self.kept: Kept[None] = Kept()
        self.count = 0

    def read(self, content: str, other: str = "") -> None:
        self.kept.of(content, other, self._read)

    def _read(self) -> None:
        self.count += 1


@pytest.mark.parametrize(("length", "reads"), [(LONGEST_CONTENT, 1), (LONGEST_CONTENT + 1, 2)])
def test_a_content_is_read_once_up_to_the_longest_that_is_kept(length: int, reads: int) -> None:
    readings = Readings()
    readings.read("x" * length)
    readings.read("x" * length)
    assert readings.count == reads


def test_a_content_is_read_again_with_something_else() -> None:
    readings = Readings()
    readings.read("x", "one product")
    readings.read("x", "another product")
    assert readings.count == 2


def test_no_more_contents_are_kept_than_the_most() -> None:
    readings = Readings()
    for number in range(KEPT):
        readings.read(str(number))
    readings.read("0")
    assert readings.count == KEPT
    readings.read("one more")
    readings.read("0")
    assert readings.count == KEPT + 2
