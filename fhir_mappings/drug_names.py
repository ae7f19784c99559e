"""Drug ingredients by name, for orders and prescriptions with text but no RxNorm ingredient.

A name in text is good enough to read an order and to show evidence, but not for arithmetic. Codes and names are RxNorm
ingredients.
"""

import re

from fhir_mappings.codings import RXNORM, Coding

_INGREDIENTS = {
    "morphine": "7052",
    "hydromorphone": "3423",
    "fentanyl": "4337",
    "sufentanil": "56795",
    "meperidine": "6754",
    "methadone": "6813",
    "oxycodone": "7804",
    "hydrocodone": "5489",
    "oxymorphone": "7814",
    "codeine": "2670",
    "tramadol": "10689",
    "tapentadol": "787390",
    "buprenorphine": "1819",
    "ziconotide": "68503",
    "baclofen": "1292",
    "clonidine": "2599",
    "bupivacaine": "1815",
    "ropivacaine": "35780",
    "lidocaine": "6387",
    "triamcinolone": "10759",
    "methylprednisolone": "6902",
    "betamethasone": "1514",
    "dexamethasone": "3264",
    "ibuprofen": "5640",
    "naproxen": "7258",
    "meloxicam": "41493",
    "diclofenac": "3355",
    "celecoxib": "140587",
    "ketorolac": "35827",
    "indomethacin": "5781",
    "etodolac": "24605",
    "nabumetone": "31448",
}
_NAME = re.compile(rf"\b({'|'.join(_INGREDIENTS)})\b", re.IGNORECASE)


def ingredients_named(text: str) -> tuple[Coding, ...]:
    """Return the RxNorm ingredients whose names occur in a text, each once, in order of occurrence."""
    names = dict.fromkeys(name.lower() for name in _NAME.findall(text))
    return tuple(Coding(RXNORM, _INGREDIENTS[name], name) for name in names)


def drug_name(drug: Coding) -> str:
    """Return the display name of a drug: the sender's, else that of a known ingredient, else an empty string."""
    known = {code: name for name, code in _INGREDIENTS.items()} if drug.system == RXNORM else {}
    return drug.display or known.get(drug.code, "").capitalize()
