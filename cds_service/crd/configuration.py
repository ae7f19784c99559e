"""The configuration options of CRD services, and what a request chooses of them (CRD 2.2.1 dev-4 to dev-17)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cards.crd_topics import Topic
from cards.crd_versions import CrdVersion
from fhir_mappings.fhir_json import Json

OPTIONS = "davinci-crd.configuration-options"
"""The extension of a service that lists its options."""
CONFIGURATION = "davinci-crd.configuration"
"""The extension of a request that sets them."""
_COVERAGE_INFORMATION, _UNSOLICITED, _MAX_CARDS = "coverage-info", "unsolicited-determ", "max-cards"
_MOST_CARDS = 10


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a service. `default` has the type that `type` names."""

    code: str
    type: Literal["boolean", "integer"]
    name: str
    description: str
    default: bool | int

    def as_json(self) -> dict[str, object]:
        """Return the option as discovery lists it."""
        return {
            "code": self.code,
            "type": self.type,
            "name": self.name,
            "description": self.description,
            "default": self.default,
        }


_COVERAGE_OPTION = Option(
    _COVERAGE_INFORMATION,
    "boolean",
    "Coverage Information",
    "Whether each order is covered, needs prior authorization, or needs documentation, as an update of the order.",
    True,
)
_UNSOLICITED_OPTION = Option(
    _UNSOLICITED,
    "boolean",
    "Unsolicited Determination",
    "Authorization numbers for orders whose prior authorization is satisfied; false for a what-if call.",
    True,
)
_MAX_CARDS_OPTION = Option(
    _MAX_CARDS,
    "integer",
    "Maximum cards",
    "The most cards in a response; the most important ones come first.",
    _MOST_CARDS,
)


def options(version: CrdVersion) -> tuple[Option, ...]:
    """Return the options of every service of a version; CRD 2.0.1 knows no unsolicited determination."""
    unsolicited = (_UNSOLICITED_OPTION,) if version is CrdVersion.V2_2 else ()
    topics = (Option(each.code, "boolean", each.display, each.offers, True) for each in Topic)
    return (_COVERAGE_OPTION, *unsolicited, *topics, _MAX_CARDS_OPTION)


@dataclass(frozen=True, slots=True)
class Choices:
    """What a request chooses. `may_issue` is False for a what-if call (CRD 2.2.1 found-35)."""

    wants_coverage_information: bool = True
    may_issue: bool = True
    max_cards: int = _MOST_CARDS
    unwanted: frozenset[str] = frozenset()

    def wants(self, topic: Topic) -> bool:
        """Return whether the client wants cards of a topic."""
        return topic.code not in self.unwanted


def choices(extension: Mapping[str, Json]) -> Choices:
    """Return what the extension of a request chooses; an unknown code or a value of another type chooses nothing."""
    stated = extension.get(CONFIGURATION)
    found = stated if isinstance(stated, Mapping) else {}
    most = found.get(_MAX_CARDS)
    return Choices(
        wants_coverage_information=found.get(_COVERAGE_INFORMATION) is not False,
        may_issue=found.get(_UNSOLICITED) is not False,
        max_cards=most if type(most) is int and most >= 0 else _MOST_CARDS,
        unwanted=frozenset(each.code for each in Topic if found.get(each.code) is False),
    )
