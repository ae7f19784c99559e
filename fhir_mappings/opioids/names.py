"""Opioids by the words of a medication's label: ingredients, brands, cut-off names, and the trade's abbreviations.

Pharmacies and prescription drug monitoring programs print labels of limited length, such as HYDROCODON-ACETAMINOPHN
10-325, so a name may be cut off at any letter.
"""

import re
from collections.abc import Iterable
from functools import cache

from fhir_mappings.codings import Coding
from fhir_mappings.opioids.table import ingredient_of, ingredients, products
from fhir_mappings.short_texts import kept

_OTHER_INGREDIENTS = [
    "alfentanil",
    "benzhydrocodone",
    "butorphanol",
    "diamorphine",
    "heroin",
    "levomethadyl",
    "nalbuphine",
    "oliceridine",
    "opium",
    "paregoric",
    "propoxyphene",
    "remifentanil",
    "sufentanil",
]
"""Opioids without a product in the table."""

_OTHER_BRANDS = [
    "Anexsia",
    "Apadaz",
    "Avinza",
    "Co-Gesic",
    "Darvocet",
    "Darvon",
    "Dsuvia",
    "Levo-Dromoran",
    "Lynox",
    "Maxidone",
    "Meperitab",
    "MSIR",
    "Nubain",
    "Olinvyk",
    "Onsolis",
    "Oramorph",
    "Oxecta",
    "OxyIR",
    "Palladone",
    "Percodan",
    "Roxanol",
    "Roxicet",
    "Rybix",
    "Ryzolt",
    "Stadol",
    "Subutex",
    "Sufenta",
    "Tylox",
    "Xartemis",
    "Zydone",
]

_SHORTEST_BEGINNING = 6
_LONGER_BEGINNINGS = {
    "benzhydrocodone": 10,
    "dihydrocodeine": 9,
    "hydrocodone": 8,
    "hydromorphone": 7,
    "levomethadyl": 7,
    "propoxyphene": 8,
}
"""How many letters of a name are no other drug's: HYDROCO also begins hydrocortisone."""

_ABBREVIATIONS = (
    # Acetaminophen with codeine; Tylenol 325 and Tylenol 2.5 are no numbers of it.
    r"(?:tylenol(?:\s*(?:#|no\.?|number))?|(?:acetaminoph[a-z]*|apap)\s*(?:#|no\.?|number))\s*[234](?![\d.,])(?!\s*(?:mg|gm?)\b)",
    # Codeine as an addition, as in ACETAMINOPHEN-COD and BUTALB-CAFF-ACETAMINOPH-COD; cod liver oil is none.
    r"(?<=[-/+])\s*cod(?!\s*liver)|\bw/?\s*cod(?!\s*liver)|\bcod\s*(?=#)",
    r"(?:hydroco|oxyco)\s*[-/]\s*(?:apap|acet|ibu|asa|aspirin|hom)[a-z]*",
    r"tramadl|morph\s*sul[a-z]*|mso4|oxy\s+ir",
)
"""Patterns that are whole words, with other letters neither before nor after them."""


def _beginning(name: str) -> str:
    """Return a pattern of a name that may be cut off at any letter after its shortest beginning."""
    shortest = _LONGER_BEGINNINGS.get(name, _SHORTEST_BEGINNING)
    rest = name[shortest:]
    return re.escape(name[:shortest]) + "".join(f"(?:{letter}" for letter in rest) + ")?" * len(rest)


@cache
def _names() -> re.Pattern[str]:
    brands = {
        brand.split(" Reformulated")[0]
        for product in products().values()
        for brand in re.findall(r"\[([^\]]+)\]", product.name)
    }
    whole = map(re.escape, sorted({*brands, *_OTHER_BRANDS}))
    cut_off = map(_beginning, sorted({*ingredients().values(), *_OTHER_INGREDIENTS}))
    # The beginning of a word only: tiotropium ends with opium, apomorphine with morphine.
    return re.compile(rf"(?<![a-z])(?:{'|'.join([*cut_off, *whole, *_ABBREVIATIONS])})(?![a-z])", re.IGNORECASE)


@kept
def names_an_opioid(words: str) -> bool:
    """Return whether a text names an opioid, by ingredient or brand, in full, cut off, or abbreviated."""
    return _names().search(words) is not None


def is_opioid(codings: Iterable[Coding], text: str = "") -> bool:
    """Return whether a medication is an opioid, by its RxNorm codes, or by its displays or `text`."""
    found = tuple(codings)
    return any(ingredient_of(coding) for coding in found) or any(
        names_an_opioid(words) for words in (text, *(coding.display for coding in found)) if words
    )
