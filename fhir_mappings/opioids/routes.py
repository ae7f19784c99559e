"""Routes of administration: CDC 2022 has factors for the mouth, a feeding tube included, and for fentanyl patches."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from fhir_mappings.codings import codings, concept_text, has_code
from fhir_mappings.fhir_json import Json
from fhir_mappings.opioids.quantities import UnconvertibleError
from fhir_mappings.opioids.table import Product

_SPINAL_CODES = ("72607000", "404820008")
_SPINAL_WORDS = re.compile(r"intrathecal|epidural|intraspinal|caudal", re.IGNORECASE)
_PARENTERAL_CODES = ("47625008", "78421000", "34206005", "IV", "IVPUSH", "IVP", "IVPB", "IM", "SC", "SQ", "SUBQ")
_PARENTERAL_WORDS = re.compile(
    r"intravenous|intramuscular|subcutaneous|injection|\b(iv|im|sc|sq|subq)\b", re.IGNORECASE
)
# Gastrostomy, jejunostomy, and nasogastric routes carry an oral product to the gut.
_ORAL_CODES = ("26643006", "PO", "SWALLOW", "127490009", "127491008", "127492001", "GT", "NGT", "JJTINSTL")
_ORAL_WORDS = re.compile(
    r"\boral(ly)?\b|by mouth|\bpo\b|\bper os\b|gastrostomy|nasogastric|jejunostomy|\b(?:g|j|ng|peg|feeding)[- ]?tube\b",
    re.IGNORECASE,
)
_SKIN_CODES = ("45890007", "TRNSDERM", "TRANSDERM")
_SKIN_WORDS = re.compile(r"transdermal|percutaneous|cutaneous|topical|skin", re.IGNORECASE)


def _is_route(route: Json, codes: tuple[str, ...], words: re.Pattern[str]) -> bool:
    texts = [concept_text(route), *(coding.display for coding in codings(route))]
    return has_code(route, *codes) or any(words.search(text) for text in texts)


def is_spinal(dosage: Mapping[str, Any]) -> bool:
    """Return whether a dose goes into the spinal canal, which is not systemic treatment."""
    return _is_route(dosage.get("route"), _SPINAL_CODES, _SPINAL_WORDS)


def check_route(dosage: Mapping[str, Any], product: Product, said: Iterable[str] = ()) -> None:
    """Raise UnconvertibleError if CDC 2022 has no factor for the route of a Dosage, or for one `said` in its words.

    Without any route, the one of the product counts; a drug of which only the ingredient is known needs one.
    """
    route = dosage.get("route")
    spoken = set(said)
    if route:
        if _is_route(route, _PARENTERAL_CODES, _PARENTERAL_WORDS):
            # "subcutaneous" also reads as "cutaneous".
            raise UnconvertibleError("route: CDC 2022 has no factor for injections")
        expected = (_SKIN_CODES, _SKIN_WORDS) if product.is_patch else (_ORAL_CODES, _ORAL_WORDS)
        if not _is_route(route, *expected):
            raise UnconvertibleError("route: CDC 2022 has no factor for it with this product")
    elif product.strength is None and not spoken:
        raise UnconvertibleError("route: the product and the way it is taken are not known")
    if not spoken <= ({"skin"} if product.is_patch else {"oral", "tube"}):
        raise UnconvertibleError("text: CDC 2022 has no factor for its route with this product")
