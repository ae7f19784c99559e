"""The topics of CRD cards, and what is offered under each (Da Vinci CRD, card types).

The codes are those of the guide's card types; each says what a client switches off with the option of that code.
"""

from enum import Enum

from cards.crd_versions import CrdVersion

_SYSTEMS = {
    CrdVersion.V2_2: "http://terminology.hl7.org/CodeSystem/cdshooks-card-type",
    CrdVersion.V2_0: "http://hl7.org/fhir/us/davinci-crd/CodeSystem/temp",
}


class Topic(Enum):
    """What a card is about: its code, its display, and what a client gets under it, in a sentence."""

    GUIDELINE = ("guideline", "Guideline", "Links to the coverage policy that an order is judged by.")
    """An External Reference."""
    APPROPRIATE_USE = (
        "appropriate-use",
        "Appropriate Use",
        "Instructions: what an order fails, or what to document next, by its coverage policy.",
    )
    """Instructions."""
    REQUIRED_ALTERNATIVE = (
        "therapy-alternatives-req",
        "Required Therapy Alternatives",
        "Proposals to change an order so that it meets a requirement of its coverage policy.",
    )
    """A Proposed Alternate Request."""
    CLINICAL_REMINDER = (
        "clinical-reminder",
        "Clinical Reminder",
        "Proposals of further orders that belong to an order under its coverage policy.",
    )
    """Additional Orders."""
    CLAIM = ("claim", "Claim", "Tasks to complete a form, for clients that do not fill in forms by DTR.")
    """A Request for Form Completion."""

    def __init__(self, code: str, display: str, offers: str) -> None:
        self.code = code
        self.display = display
        self.offers = offers

    def as_coding(self, version: CrdVersion) -> dict[str, str]:
        """Return the `source.topic` of a card (CRD 2.2.1 resp-5)."""
        return {"system": _SYSTEMS[version], "code": self.code, "display": self.display}
