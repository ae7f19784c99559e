"""Sealed content opens with the key that sealed it, in its own row, and only as it was."""

import pytest

from cds_service.records.sealing import Sealer, UnsealableError, key_name

ONE, TWO, THREE = (bytes([n]) * 32 for n in (1, 2, 3))
CONTENT = b"Xanthippe, born 1960-01-01"


def test_what_was_sealed_opens_and_shows_nothing_before() -> None:
    sealed = Sealer([ONE]).seal(CONTENT, "table", "1")
    assert Sealer([ONE]).open(sealed, "table", "1") == CONTENT
    assert b"Xanthippe" not in sealed


def test_the_same_content_is_never_sealed_the_same() -> None:
    sealer = Sealer([ONE])
    assert sealer.seal(CONTENT, "table", "1") != sealer.seal(CONTENT, "table", "1")


def test_a_new_first_key_seals_and_the_others_open() -> None:
    before = Sealer([ONE]).seal(CONTENT, "table", "1")
    rotated = Sealer([TWO, ONE])
    after = rotated.seal(CONTENT, "table", "1")
    assert rotated.open(before, "table", "1") == rotated.open(after, "table", "1") == CONTENT
    assert Sealer([TWO]).open(after, "table", "1") == CONTENT
    with pytest.raises(UnsealableError):
        Sealer([ONE]).open(after, "table", "1")


def test_a_lost_key_is_named() -> None:
    sealed = Sealer([ONE]).seal(CONTENT, "table", "1")
    with pytest.raises(UnsealableError) as raised:
        Sealer([TWO, THREE]).open(sealed, "table", "1")
    assert str(raised.value) == (
        f"It was sealed with the key {key_name(sealed)}, which CDS_ENCRYPTION_KEYS does not have. Add that key."
    )


def test_the_name_of_a_key_is_its_own_and_reveals_nothing() -> None:
    names = {key_name(Sealer([key]).seal(CONTENT)) for key in (ONE, TWO, THREE)}
    assert [len(name) for name in names] == [16, 16, 16]
    assert not any(name in key.hex() for name in names for key in (ONE, TWO, THREE))


@pytest.mark.parametrize("row", [("table", "2"), ("other", "1"), ("table",), ("t", "able1"), ("table", "1", "")])
def test_content_of_another_row_does_not_open(row: tuple[str, ...]) -> None:
    sealed = Sealer([ONE]).seal(CONTENT, "table", "1")
    with pytest.raises(UnsealableError, match="The stored row was changed"):
        Sealer([ONE]).open(sealed, *row)


def test_content_that_was_changed_anywhere_does_not_open() -> None:
    sealed = Sealer([ONE]).seal(CONTENT, "table", "1")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(UnsealableError):
            Sealer([ONE]).open(bytes(changed), "table", "1")


@pytest.mark.parametrize("length", [0, 1, 8, 9, 15, 21, 36])
def test_content_that_was_cut_does_not_open(length: int) -> None:
    sealed = Sealer([ONE]).seal(CONTENT, "table", "1")
    with pytest.raises(UnsealableError):
        Sealer([ONE]).open(sealed[:length], "table", "1")
