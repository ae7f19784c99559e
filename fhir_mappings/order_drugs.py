"""The drugs that an order gives for its procedure, by code and by name.

A local anesthetic for the skin, a sedative, and a drug by mouth or vein are given beside the procedure and do not
count. The words for a class of drugs, which are data, count as well: `opioid plus bupivacaine` names an opioid.
"""

import re
from collections.abc import Iterable, Iterator

from fhir_mappings.codings import RXNORM, SNOMED, Coding, codings
from fhir_mappings.drug_names import ingredients_named
from fhir_mappings.fhir_json import Json
from fhir_mappings.opioids import ingredient_of
from fhir_mappings.order_terms import OrderTerms
from fhir_mappings.order_text import is_unambiguous, without_history

LOCAL_ANESTHETIC = "373477003"
"""The SNOMED CT substance for the class of local anesthetics."""
_LOCAL_ANESTHETICS = {(RXNORM, "6387"), (RXNORM, "1815"), (RXNORM, "35780"), (SNOMED, LOCAL_ANESTHETIC)}
"""Lidocaine, bupivacaine, and ropivacaine, and their class."""

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_SENTENCE = re.compile(r"[;\n]|\.(?!\d)")
_PART = re.compile(r",|\band\b|\bplus\b|\+|&", re.IGNORECASE)
_FOR_THE_SKIN = re.compile(
    r"\bskin\b|\binfiltrat\w*|\bsubcutaneous\w*|\bwheal\b|\bneedle\s+track\b|\blocally\b", re.IGNORECASE
)
_BESIDE_THE_PROCEDURE = re.compile(
    r"\bsedat\w*|\bIV\b|\bintravenous\w*|\boral(?:ly)?\b|\bPO\b|\bby\s+mouth\b|\btablets?\b|\bsystemic\w*"
    r"|\bpre-?med\w*|\bhome\b|\bwean\w*|\btaper\w*|\bhold\b|\bdiscontinu\w*|\bstop(?:ped|ping)?\b",
    re.IGNORECASE,
)

_HOW_GIVEN = re.compile(r"\s*(?:[\w-]+\s+)?(?:for|by|via|as|given|IV|PO)\b", re.IGNORECASE)


def drugs_of_detail(concept: Json, texts: Iterable[str], terms: OrderTerms) -> tuple[Coding, ...]:
    """Return the drugs of one detail of an order by its codes and its texts. One in doubt is in no text."""
    texts = list(texts)
    given = _coded(concept)
    words = "; ".join(texts)
    if given and _is_beside(words):
        given = []
    if given and _FOR_THE_SKIN.search(words):
        given = [drug for drug in given if not _is_local_anesthetic(drug)]
    return once([*given, *(drug for text in texts for drug in drugs_named(text, terms))])


def drugs_named(text: str, terms: OrderTerms) -> tuple[Coding, ...]:
    """Return the drugs that a phrase names for the procedure; none if it has a negation, an alternative, or a doubt."""
    return terms.drugs.of(text, None, lambda: _drugs_named(without_history(text), terms))


def _drugs_named(text: str, terms: OrderTerms) -> tuple[Coding, ...]:
    if not is_unambiguous(text):
        return ()
    return once(drug for sentence in _SENTENCE.split(text) for drug in _given_in(_PART.split(sentence), terms))


def once(drugs: Iterable[Coding]) -> tuple[Coding, ...]:
    """Return each drug once, whatever it is called."""
    return tuple({(drug.system, drug.code): drug for drug in drugs}.values())


def drugs_of_product(concept: Json, texts: Iterable[str], terms: OrderTerms) -> tuple[Coding, ...]:
    """Return the drugs of an ordered medication by its codes and its texts."""
    return once([*_coded(concept), *(drug for text in texts for drug in _named_in(text, terms))])


def _coded(concept: Json) -> list[Coding]:
    """Return the RxNorm codes of a concept, and the opioids that its products contain."""
    coded = [coding for coding in codings(concept) if coding.system == RXNORM]
    return [*coded, *(ingredient for coding in coded if (ingredient := ingredient_of(coding)))]


def _named_in(text: str, terms: OrderTerms) -> tuple[Coding, ...]:
    """Return every ingredient and class of drugs that a text names."""
    plain = _NOT_ASCII.sub(" ", text)
    return (*ingredients_named(plain), *(each.drug for each in terms.drug_classes if each.is_named_in(text)))


def _given_in(parts: list[str], terms: OrderTerms) -> Iterator[Coding]:
    """Yield the drugs of a sentence that are given for the procedure.

    A part that names no drug may tell how the one before it is given; at the beginning, the one after it.
    """
    named = [_named_in(part, terms) for part in parts]
    position, leading = 0, ""
    while position < len(parts):
        told, drugs = parts[position], named[position]
        around = f"{leading}, {told}"
        position += 1
        while position < len(parts) and not named[position]:
            around += f", {parts[position]}"
            told += parts[position] if _HOW_GIVEN.match(parts[position]) else ""
            position += 1
        for drug in drugs:
            if not _is_beside(told) and not (_is_local_anesthetic(drug) and _FOR_THE_SKIN.search(around)):
                yield drug
        leading = "" if drugs else around


def _is_beside(text: str) -> bool:
    """Return whether a text tells that its drugs are given beside the procedure."""
    return bool(_BESIDE_THE_PROCEDURE.search(text))


def _is_local_anesthetic(drug: Coding) -> bool:
    return (drug.system, drug.code) in _LOCAL_ANESTHETICS
