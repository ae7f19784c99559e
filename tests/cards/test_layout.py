"""What is kept of a detail where not everything fits."""

from cards.layout import LINES, WORDS, Block, Line, fitted


def words(count: int, word: str = "w") -> str:
    return " ".join([word] * count)


def test_blocks_become_paragraphs_below_their_headers() -> None:
    blocks = [Block("", (Line("a"),)), Block("Title", (Line("- b"), Line("- c")))]
    assert fitted(blocks) == "a\n\nTitle\n- b\n- c"


def test_as_many_words_as_fit_are_kept() -> None:
    full = [Block("", (Line(words(WORDS - 1)), Line("last", 1)))]
    assert fitted(full).split()[-1] == "last"
    assert "last" not in fitted([Block("", (Line(words(WORDS)), Line("last", 1)))])


def test_as_many_lines_as_fit_are_kept() -> None:
    lines = tuple(Line(f"- {i}", 1) for i in range(LINES + 3))
    assert fitted([Block("", lines)]).splitlines() == [f"- {i}" for i in range(LINES)]


def test_a_header_counts_as_a_line_and_by_its_words() -> None:
    lines = tuple(Line(f"- {i}", 1) for i in range(LINES))
    assert fitted([Block("Title", lines)]).splitlines()[-1] == f"- {LINES - 2}"
    assert fitted([Block(words(WORDS), (Line("a", 1),))]) == ""


def test_lines_of_the_lowest_rank_are_kept_and_stay_in_their_places() -> None:
    blocks = [
        Block("", (Line(words(70, "late"), 2),)),
        Block("", (Line(words(70, "early"), 1),)),
        Block("", (Line("end"),)),
    ]
    assert fitted(blocks) == f"{words(70, 'early')}\n\nend"


def test_a_line_of_rank_zero_is_kept_in_any_case() -> None:
    assert fitted([Block("", (Line(words(WORDS + 50)),)), Block("", (Line("fine print"),))]).endswith("fine print")


def test_a_header_without_lines_is_not_shown() -> None:
    assert fitted([Block("", (Line(words(WORDS)),)), Block("Title", (Line("gone", 1),))]) == words(WORDS)
    assert fitted([Block("Title", ())]) == ""


def test_what_may_follow_a_line_comes_before_a_line_of_a_higher_rank() -> None:
    blocks = [Block("", (Line("a", 1, " more", 2), Line(words(WORDS - 1), 3)))]
    assert fitted(blocks) == "a more"


def test_what_may_follow_a_line_is_left_out_first_where_it_ranks_last() -> None:
    blocks = [Block("", (Line("a", 1, " more", 4), Line(words(WORDS - 1), 3)))]
    assert fitted(blocks) == f"a\n{words(WORDS - 1)}"


def test_what_follows_a_line_that_is_left_out_is_left_out() -> None:
    blocks = [Block("", (Line(words(WORDS - 2), 0), Line("a b c", 1, " more", 2)))]
    assert "more" not in fitted(blocks)


def test_a_line_ends_as_it_must_with_and_without_what_may_follow() -> None:
    assert fitted([Block("", (Line("| a |", 1, " b", 2, " |"), Line("| c |", 1, end=" |")))]) == "| a | b |\n| c | |"
