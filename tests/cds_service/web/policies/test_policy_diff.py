"""What changed between two revisions: by criterion, with the changed words marked."""

import pytest

from cds_service.web.policies.diff_view import Mark, changed_parts, marked
from tests.support.policy_fakes import policy
from tests.support.policy_pages import page, service, shipped

SAME, DELETED, INSERTED = Mark.SAME, Mark.DELETED, Mark.INSERTED
PATH = "/policies/CP.MP.126/diff?from=2022-06&to=2025-04"


def test_changed_words_of_a_sentence_are_marked_on_both_sides() -> None:
    before, after = marked("At least 4 weeks of exercise", "At least 6 weeks of exercise")
    assert before == ((SAME, "At least "), (DELETED, "4"), (SAME, " weeks of exercise"))
    assert after == ((SAME, "At least "), (INSERTED, "6"), (SAME, " weeks of exercise"))


def test_a_number_with_its_decimals_is_one_word() -> None:
    assert marked("at most 2.5", "at most 2.7") == (
        ((SAME, "at most "), (DELETED, "2.5")),
        ((SAME, "at most "), (INSERTED, "2.7")),
    )


def test_the_space_between_two_changed_words_is_marked_with_them() -> None:
    before, after = marked("The patient has tried old drugs", "The patient has tried no exercise")
    assert before == ((SAME, "The patient has tried "), (DELETED, "old drugs"))
    assert after == ((SAME, "The patient has tried "), (INSERTED, "no exercise"))


def test_a_statement_that_is_new_or_gone_is_marked_whole() -> None:
    assert marked("", "New") == ((), ((INSERTED, "New"),))
    assert marked("Old", "") == (((DELETED, "Old"),), ())


def test_sentences_with_little_in_common_are_marked_whole() -> None:
    assert marked("Pain was scored", "Imaging by CT") == (
        ((DELETED, "Pain was scored"),),
        ((INSERTED, "Imaging by CT"),),
    )


@pytest.mark.parametrize(("shared", "is_whole"), [(2, True), (3, False)])
def test_sentences_that_share_three_tenths_of_their_words_are_compared_by_word(shared: int, is_whole: bool) -> None:
    same = [f"same{i}" for i in range(shared)]
    old, new = ([*same, *(f"{name}{i}" for i in range(10 - shared))] for name in ("old", "new"))
    before, _ = marked(" ".join(old), " ".join(new))
    assert (len(before) == 1) is is_whole


@pytest.mark.parametrize(("words", "stretches"), [(250, 2), (251, 1)])
def test_very_long_sentences_are_marked_whole(words: int, stretches: int) -> None:
    begins = "a " * (words - 1)
    before, after = marked(f"{begins}b ", f"{begins}c ")
    assert (len(before), len(after)) == (stretches, stretches)


def test_a_criterion_is_named_as_added_removed_or_changed() -> None:
    criterion = "  - {{id: {}, says: {}, ask: {}}}"
    one, two = (
        "I:\n  says: s\n  all:\n" + "\n".join(criterion.format(*each) for each in some)
        for some in (
            [("I.A", "First item", "Asked?"), ("I.B", "Goes away", "Asked so?")],
            [("I.A", "First item now", "Asked?"), ("I.C", "Is quite another", "Asked how?")],
        )
    )
    found = {each.name: (each.what, each.badge) for each in changed_parts(policy(one), policy(two))}
    assert {name: found[name] for name in ("I.A", "I.B", "I.C")} == {
        "I.A": ("Changed", "open"),
        "I.B": ("Removed", "bad"),
        "I.C": ("Added", "good"),
    }


def test_a_criterion_with_another_number_names_its_former_one() -> None:
    one = policy("I:\n  says: s\n  all:\n  - {id: I.A, says: The very same, ask: Asked?}")
    two = policy("I:\n  says: s\n  all:\n  - {id: I.B, says: The very same, ask: Asked?}")
    (found,) = [each for each in changed_parts(one, two) if each.name == "I.B"]
    assert (found.what, found.before_id) == ("Renumbered, was I.A", "I.A")


def test_the_page_marks_words_and_links_each_criterion_in_both_revisions() -> None:
    found = page(service(shipped()), PATH)
    tags = [tag for tag, _ in found.elements]
    assert {"ins", "del"} <= set(tags)
    words = found.text
    assert all(each in words for each in ("Added", "Changed"))
    hrefs = found.attributes("href")
    assert "../../policies/CP.MP.126%402022-06#I.A" in hrefs
    assert "../../policies/CP.MP.126%402025-04#I.A" in hrefs


def test_without_revisions_the_two_newest_are_compared() -> None:
    assert page(service(shipped()), "/policies/CP.MP.126/diff").text == page(service(shipped()), PATH).text


def test_a_revision_is_no_different_from_itself() -> None:
    assert "0 parts differ" in page(service(shipped()), "/policies/CP.MP.173/diff").text
