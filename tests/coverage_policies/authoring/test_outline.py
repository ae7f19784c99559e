"""The outline of a policy: everything of it, once, and the same on a terminal and in Markdown."""

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from rich.console import Console

from cards.markdown import escaped
from cds_service.cli.output.policies import policy_markdown, print_policy
from coverage_policies.authoring.description import clause_words
from coverage_policies.authoring.outline import Outline, OutlineItem, outline_of
from coverage_policies.format.editions import Edition
from coverage_policies.format.library import load_library
from coverage_policies.format.model import Clause
from tests.support.policy_fakes import clause

LIBRARY = load_library()
NAMES = sorted(LIBRARY.policies)


def outline(name: str) -> Outline:
    return outline_of(LIBRARY.policy(name), LIBRARY.value_sets)


def words(items: tuple[OutlineItem, ...]) -> Iterator[str]:
    """Every sentence of some items and of what is below them."""
    for item in items:
        yield from (item.name, item.says, *(line.words for line in item.lines))
        yield from words(item.items)


def everything(found: Outline) -> list[str]:
    """Every sentence of an outline."""
    pathways = (found.pathways,) if found.pathways else ()
    cells = [cell for each in found.value_sets for row in each.rows for cell in row]
    sentences = [*words(found.orders), *words(pathways), *words(found.sections), *found.notes, *found.history, *cells]
    return [*sentences, *(line.words for line in found.head)]


@pytest.mark.parametrize("name", NAMES)
def test_it_has_every_criterion_once(name: str) -> None:
    policy = LIBRARY.policy(name)
    ids = [criterion.id for criterion in policy.walk()]
    named = [word for word in words(outline(name).sections) if word in policy.index]
    assert [each for each in named if each in ids] == ids


@pytest.mark.parametrize("name", NAMES)
def test_the_terminal_prints_all_of_it(name: str) -> None:
    stream = io.StringIO()
    print_policy(Console(file=stream, width=2000), outline(name))
    printed = re.sub(r"\s+", " ", stream.getvalue())
    assert [each for each in everything(outline(name)) if re.sub(r"\s+", " ", each) not in printed] == []


@pytest.mark.parametrize("name", NAMES)
def test_markdown_has_all_of_it(name: str) -> None:
    document = policy_markdown(outline(name))
    assert [each for each in everything(outline(name)) if escaped(each) not in document] == []


def test_a_section_comes_with_its_own_orders_and_value_sets_and_without_pathways() -> None:
    policy = LIBRARY.policy("CP.MP.126@2025-04")
    found = outline_of(policy, LIBRARY.value_sets, "IV")
    assert [section.name for section in found.sections] == ["IV"]
    assert (found.pathways, len(found.orders)) == (None, 2)
    assert len(found.value_sets) < len(outline(policy.full_name).value_sets)


@pytest.mark.parametrize(
    ("editions", "last"),
    [
        ((), "edition 2"),
        ((Edition(2, "a" * 64, {}),), f"edition 2, not released, content {'a' * 12}"),
        ((Edition(2, "a" * 64, {}, date(2026, 3, 2)),), f"edition 2, released 2026-03-02, content {'a' * 12}"),
        ((Edition(3, "b", {}),), "edition 2, not in the lock"),
    ],
)
def test_the_history_ends_with_the_edition_and_its_content_in_the_lock(
    editions: tuple[Edition, ...], last: str
) -> None:
    policy = replace(LIBRARY.policy("CP.MP.126@2025-04"), editions=editions)
    assert outline_of(policy, {}).history[-1] == last


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"in": ["alpha", "beta"]}, "observation in: alpha or beta"),
        ({"in": "alpha", "states": ["beta", "gamma"]}, "observation in: alpha, states: beta, gamma"),
    ],
)
def test_a_list_of_which_all_count_is_not_written_as_a_choice(arguments: dict[str, str], words: str) -> None:
    assert clause_words(Clause("observation", arguments, clause("observation", in_="alpha"))) == words
