"""The last line of a card: whose policy it is, what limits the answer, and which part of the chart was not used."""

from collections.abc import Iterable, Iterator, Sequence

from cards.markdown import escaped
from cards.phrasing import counted
from coverage_policies.judging.determination import Determination

_WORDS = {
    "AllergyIntolerance": "allergies",
    "CarePlan": "care plans",
    "ChargeItem": "charges",
    "Condition": "problem list",
    "Coverage": "insurance coverage",
    "Device": "implants and devices",
    "DiagnosticReport": "reports",
    "Encounter": "visits",
    "ExplanationOfBenefit": "claims",
    "FamilyMemberHistory": "family history",
    "ImagingStudy": "imaging studies",
    "MedicationAdministration": "medications given",
    "MedicationDispense": "dispensed medications",
    "MedicationRequest": "prescriptions",
    "MedicationStatement": "reported medications",
    "Observation": "scores and measurements",
    "Patient": "demographics",
    "Procedure": "procedures",
    "QuestionnaireResponse": "earlier answers",
    "ServiceRequest": "earlier orders",
}
"""The resource types that policies search, in the words of a chart."""

NOT_A_DECISION = "Not a coverage decision"


def has_gaps(determination: Determination) -> bool:
    """Return whether a part of the chart was not read completely, or was read and not used."""
    return bool(determination.unread or determination.unused)


def fine_print(
    determinations: Sequence[Determination], also: Iterable[str] = (), *, is_from_payer: bool = False
) -> str:
    """Return the last line of a card for these determinations, as Markdown.

    `also` are the names of other orders that the card is for. A card that is not from the payer says that it is no
    decision of the payer.
    """
    revisions = dict.fromkeys(f"{each.policy} ({each.revision})" for each in determinations)
    sections = {each.section for each in determinations}
    section = f", section {determinations[0].section}" if len(sections) == 1 and determinations[0].section else ""
    caveats = dict.fromkeys(caveat for each in determinations for caveat in each.caveats)
    others = dict.fromkeys(also)
    sentences = [
        *([f"Also for: {'; '.join(others)}"] if others else []),
        f"{', '.join(revisions)}{section}",
        *caveats,
        *_gaps(determinations),
        *([] if is_from_payer else [NOT_A_DECISION]),
    ]
    return f"*{escaped('. '.join(sentences))}.*"


def unread_words(determinations: Sequence[Determination]) -> str:
    """Return the parts of the chart that were not read completely, in words; empty if there are none."""
    return ", ".join(sorted({_WORDS.get(kind, kind) for each in determinations for kind in each.unread}))


def _gaps(determinations: Sequence[Determination]) -> Iterator[str]:
    if unread := unread_words(determinations):
        yield f"Not read completely: {unread}"
    unused = max(each.unused for each in determinations)
    if unused:
        yield f"{counted(unused, 'record')} not used"
