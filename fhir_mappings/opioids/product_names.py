"""The product that a medication's label names with its strength, such as `OxyContin 20 mg 12 hr tablet`.

A label counts only if every word of it is understood and the table has exactly one content that fits: ingredient,
strength, release, and route. A name that is cut off or misspelled is not understood.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache

from fhir_mappings.opioids.table import Product, products
from fhir_mappings.short_texts import kept

_LONGEST_LABEL = 200
_TOKEN = re.compile(r"\d{1,6}(?:\.\d{1,4})?|[a-z]+|\S")
_COMPONENT = re.compile(
    r"(?:.* HR )?(?:Abuse-Deterrent )?(?P<name>[^\d]+) (?P<strength>[\d.]+) (?P<unit>MG(?:/ML|/HR)?)"
)

_SALTS = {
    *("hydrochloride", "hcl", "sulfate", "sulf", "bitartrate", "bitart", "phosphate", "phos", "tartrate", "maleate"),
    *("polistirex", "terephthalate", "hydrobromide", "hbr", "methylbromide"),
}
_SYNONYMS = {"apap": "acetaminophen", "asa": "aspirin", "paracetamol": "acetaminophen", "ibu": "ibuprofen"}
_MASS = {"mg": Fraction(1), "mcg": Fraction(1, 1000), "ug": Fraction(1, 1000)}
_HOURS = frozenset(["h", "hr", "hrs", "hour", "hours"])
_TABLETS = frozenset(["tab", "tabs", "tablet", "tablets", "tb"])
_CAPSULES = frozenset(["cap", "caps", "capsule", "capsules"])
_LIQUIDS = frozenset(["solution", "soln", "concentrate", "conc", "liquid", "syrup", "elixir", "suspension", "susp"])
_PATCHES = frozenset(["patch", "patches", "transdermal", "tdsy", "td", "dis"])
_FORMS_WITH_HOURS = {("tb", "12"): "Tablet", ("tb", "24"): "Tablet", ("cp", "12"): "Capsule", ("cp", "24"): "Capsule"}
"""Forms of extended release, as in `150 MG Tb12`."""
_EXTENDED = frozenset(["er", "xr", "sr", "cr", "xl", "extended", "contin"])
_OTHER_WORDS = {
    *("oral", "po", "release", "immediate", "ir", "abuse", "deterrent", "generic", "film", "coated", "system", "for"),
    *("crush", "resistant", "sprinkle", "sprinkles"),
    *("and", "with", "w", "/", "-", "+", ",", "(", ")", ".", "&"),
}
_CODEINE_BY_NUMBER = {"2": Fraction(15), "3": Fraction(30), "4": Fraction(60)}
"""Milligrams of codeine in acetaminophen with codeine #2, #3, and #4."""


@dataclass(frozen=True, slots=True)
class _Content:
    """What a product of the table contains: its ingredients, and its strengths in `unit`."""

    product: Product
    brand: str
    ingredients: frozenset[str]
    strengths: frozenset[Fraction]


@dataclass(slots=True)
class _Label:
    """What a label says: names of ingredients, a brand, numbers with their unit, and words of form and release."""

    ingredients: set[str] = field(default_factory=set)
    brand: str = ""
    strengths: set[Fraction] = field(default_factory=set)
    per: Fraction | None = None
    """Milliliters that the strengths are per; None for tablets and patches."""
    forms: set[str] = field(default_factory=set)
    extended: bool = False
    codeine: Fraction | None = None


@kept
def product_named(label: str) -> Product | None:
    """Return a product with the content that a label names; None if it is not understood, or fits several contents.

    A label of one ingredient by itself gives a product without a strength.
    """
    read = _read(label)
    if read is None or not (read.ingredients or read.brand):
        return None
    fitting = [content for content in _contents() if _fits(read, content)]
    opioids = {(one.product.ingredient_rxcui, one.product.ingredient) for one in fitting}
    factors = {one.product.factor for one in fitting}
    if not read.strengths and read.codeine is None:
        if read.brand or len(read.ingredients) != 1 or len(opioids) != 1 or len(factors) != 1 or read.forms or read.per:
            return None
        ((rxcui, name),) = opioids
        form = "Extended Release Oral Tablet" if read.extended else ""
        return Product(rxcui, name, name, None, "MG", form, "oral", factors.pop(), single=True)
    if read.ingredients and len({one.product.release for one in fitting}) > 1:
        # A brand of both releases, such as Nucynta and Nucynta ER.
        fitting = [one for one in fitting if one.product.release == _release(read)]
    distinct = {_key(one.product) for one in fitting}
    return fitting[0].product if len(distinct) == 1 else None


def _key(product: Product) -> tuple[object, ...]:
    return (
        *(product.ingredient_rxcui, product.strength, product.unit, product.release, product.route, product.factor),
        product.single,
    )


def _fits(read: _Label, content: _Content) -> bool:
    product = content.product
    if read.brand:
        if content.brand != read.brand or not read.ingredients <= content.ingredients:
            return False
    elif content.ingredients != read.ingredients or product.release != _release(read):
        return False
    if read.extended and product.release not in ("extended", "patch"):
        return False
    if not (read.strengths or read.codeine):
        return product.factor is not None and product.route == "oral"
    if read.codeine is not None and product.strength != read.codeine:
        return False
    unit = "MG/HR" if "patch" in read.forms else "MG/ML" if read.per is not None else "MG"
    if product.unit != unit or (read.forms - {"patch"} and not any(form in product.form for form in read.forms)):
        return False
    stated = {strength / (read.per or 1) for strength in read.strengths}
    # A label with some of the strengths must have the opioid's.
    return stated <= content.strengths and (read.codeine is not None or product.strength in stated)


def _release(read: _Label) -> str:
    return "patch" if "patch" in read.forms else "extended" if read.extended else "immediate"


# --- the table -------------------------------------------------------------------------------------------------------


@cache
def _contents() -> tuple[_Content, ...]:
    found = []
    for product in products().values():
        name, _, brand = product.name.removesuffix("]").partition(" [")
        parts = [_COMPONENT.fullmatch(part) for part in name.removesuffix(product.form).strip().split(" / ")]
        named = [part for part in parts if part is not None]
        if len(named) == len(parts):
            strengths = frozenset(Fraction(part["strength"]) for part in named)
            ingredients = frozenset(_without_salt(part["name"].lower().split()) for part in named)
            found.append(_Content(product, brand.lower().split(" reformulated")[0], ingredients, strengths))
    return tuple(found)


def _without_salt(words: Iterable[str]) -> str:
    return " ".join(word for word in words if word not in _SALTS)


@cache
def _names() -> Mapping[str, Mapping[tuple[str, ...], str]]:
    """Return the words of every brand and every ingredient of the table, with the brand or ingredient."""
    brands = {content.brand for content in _contents() if content.brand}
    ingredients = {name for content in _contents() for name in content.ingredients}
    return {
        "brand": {tuple(_TOKEN.findall(name)): name for name in brands},
        "ingredient": {tuple(_TOKEN.findall(name)): name for name in ingredients}
        | {(short,): name for short, name in _SYNONYMS.items()},
    }


# --- the label -------------------------------------------------------------------------------------------------------


def _read(label: str) -> _Label | None:
    """Return what a label says; None if a word of it is not understood."""
    if len(label) > _LONGEST_LABEL:
        return None
    words = _TOKEN.findall(label.lower())
    read = _Label()
    position = 0
    while position < len(words):
        length = _name(read, words, position) or _strength(read, words, position) or _word(read, words, position)
        if not length:
            return None
        position += length
    return read


def _name(read: _Label, words: list[str], at: int) -> int:
    if words[at] == "tylenol" and words[at + 1 : at + 2] in (["#"], ["no"]):
        # With its number it has codeine.
        read.ingredients |= {"acetaminophen", "codeine"}
        return 1
    for kind, names in _names().items():
        for length in (3, 2, 1):
            name = names.get(tuple(words[at : at + length]))
            if name is None:
                continue
            if kind == "ingredient":
                read.ingredients.add(name)
            elif read.brand in ("", name):
                read.brand = name
            else:
                return 0
            return length
    return 0


def _strength(read: _Label, words: list[str], at: int) -> int:
    """Read `20 mg`, `5`, `10 mg/5 mL`, `25 mcg/hr`, `12 hr`, `#3`."""
    following = [*words[at + 1 : at + 6], *[""] * 5]
    if words[at] in ("#", "no") and following[0] in _CODEINE_BY_NUMBER:
        read.codeine = _CODEINE_BY_NUMBER[following[0]]
        return 2
    if not words[at][0].isdigit():
        return 0
    if following[0] in _HOURS or (following[0] == "-" and following[1] in _HOURS):
        # 12 hours of a tablet are its release; 72 hours of a patch change nothing.
        read.extended = read.extended or words[at] in ("12", "24")
        return 2 if following[0] in _HOURS else 3
    factor = _MASS.get(following[0])
    read.strengths.add(Fraction(words[at]) * (factor or 1))
    if factor is None:
        return 1
    match following[1:4]:
        case ["/", "ml", *_]:
            return 4 if _per(read, Fraction(1)) else 0
        case ["/", count, "ml"] if count.isdigit() and int(count):
            return 5 if _per(read, Fraction(count)) else 0
        case ["/", hours, *_] if hours in _HOURS:
            read.forms.add("patch")
            return 4
        case ["/", "12" | "24", hours] if hours in _HOURS:
            read.extended = True
            return 5
    return 2


def _per(read: _Label, milliliters: Fraction) -> bool:
    if read.per not in (None, milliliters):
        return False
    read.per = milliliters
    return True


def _word(read: _Label, words: list[str], at: int) -> int:
    word, following = words[at], words[at + 1] if at + 1 < len(words) else ""
    if (form_with_hours := _FORMS_WITH_HOURS.get((word, following))) is not None:
        read.forms.add(form_with_hours)
        read.extended = True
        return 2
    if word == "per":
        return int(following in _TABLETS | _CAPSULES)
    for form, known in _FORMS:
        if word in known:
            read.forms.add(form)
            return 1
    if word in _EXTENDED:
        read.extended = True
        return 1
    return int(word in _OTHER_WORDS or word in _SALTS)


_FORMS = (("Tablet", _TABLETS), ("Capsule", _CAPSULES), ("Oral S", _LIQUIDS), ("patch", _PATCHES))
"""What the RxNorm name of a form contains, and the words for it; a patch goes by its unit."""
