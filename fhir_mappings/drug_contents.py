"""What the label of a drug says that it contains.

The label `metformin hydrochloride 500 MG Oral Tablet` names metformin, `Janumet 50-1000` metformin and sitagliptin. It
decides only if every part of it is known: a name, a strength, a form, a route, a salt. What another label mentions is
possible.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from fhir_mappings.codings import Coding
from fhir_mappings.drug_ingredients import INGREDIENT, Contents, contents_by_name, ingredient_names, named_as
from fhir_mappings.drug_labels import Names, label_words, strengths, without_joints
from fhir_mappings.drug_names import label_names
from fhir_mappings.short_texts import kept

_MORE_WORDS = frozenset(
    [
        *("unt", "actuat", "system", "auto", "metered", "pellet", "bead", "effervescent", "chewing", "intrauterine"),
        *(
            "abuse",
            "deterrent",
            "inert",
            "ingredients",
            "bitartrate",
            "aspartate",
            "saccharate",
            "tannate",
            "stearate",
            "epolamine",
        ),
    ]
)
"""Units, forms, and salts in names of RxNorm."""


@dataclass(frozen=True, slots=True)
class LabelContents:
    """The names of what a label certainly contains, of what it may contain, and whether that is surely all of it."""

    certain: tuple[Coding, ...] = ()
    possible: tuple[Coding, ...] = ()
    is_identified: bool = False


@kept
def contents_of_label(label: str) -> LabelContents:
    """Return what a label contains, under the names of its ingredients, with and without their salts, and of brands."""
    whole = label_names().whole(label, _MORE_WORDS)
    if not whole:
        mentioned = (coding for name in label_names().within(label) for coding in _all_named(name, _contents(name)))
        return LabelContents(possible=tuple(dict.fromkeys(mentioned)))
    words, count, is_identified = label_words(label), 0, True
    certain: dict[Coding, None] = {}
    possible: dict[Coding, None] = {}
    for name in whole:
        contents = _contents(name)
        certain.update(dict.fromkeys(_as_written(name, words)))
        if contents is None or not contents.decides:
            is_identified = False
        if contents is not None:
            count += len(contents.ingredients)
            (certain if contents.decides else possible).update(dict.fromkeys(_all_named(name, contents)))
    return LabelContents(tuple(certain), tuple(possible), is_identified and strengths(words) <= count)


def _contents(name: str) -> Contents | None:
    """Return what a name stands for, None if that is not known."""
    if found := contents_by_name().get(name):
        return found
    parts = _ingredients().whole(name)
    return Contents(parts, decides=True) if parts else None


def _all_named(name: str, contents: Contents | None) -> Iterator[Coding]:
    yield Coding(INGREDIENT, name)
    for ingredient in contents.ingredients if contents else ():
        yield from named_as(ingredient)


def _as_written(name: str, words: list[str]) -> Iterator[Coding]:
    """Yield a name alone and with up to two words that follow it, a salt among them: `diclofenac epolamine`."""
    yield Coding(INGREDIENT, name)
    written, parts = without_joints(words), tuple(name.split())
    for start in range(len(written) - len(parts)):
        end = start + len(parts)
        if written[start:end] == parts:
            for longer in (end + 1, end + 2):
                if " ".join(written[end:longer]).replace(" ", "").isalpha():
                    yield Coding(INGREDIENT, " ".join(written[start:longer]))


@cache
def _ingredients() -> Names:
    return Names(ingredient_names())
