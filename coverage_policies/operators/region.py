"""Which part of the body a record is about, by its body sites, its reasons, and its words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from coverage_policies.format.operator import NAMES, Arguments, value_set
from coverage_policies.format.value_sets import ValueSet, ValueSets
from fhir_mappings.codings import Coding
from fhir_mappings.truth import Truth

OTHER_REGION = "other-body-region"
"""The default of `other_region` for a clause with a `region`."""
REGION_SCHEMAS: Mapping[str, Any] = {"region": NAMES, "other_region": NAMES}
"""The schemas of the two arguments."""


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the body, and others, as value sets of sites, diagnoses, and words; None if the clause has none."""

    here: ValueSet | None = None
    elsewhere: ValueSet | None = None

    def includes(self, about: Iterable[tuple[Coding, ...]]) -> Truth:
        """Return whether a record is about the region; YES if it says nothing of what it is about.

        NO if it names only other regions, UNKNOWN if it names both, or nothing that is known.
        """
        stated = list(about)
        is_here = any(self.here is not None and self.here.match(each) for each in stated)
        is_elsewhere = any(self.elsewhere is not None and self.elsewhere.match(each) for each in stated)
        if not stated or (is_here and not is_elsewhere):
            return Truth.YES
        return Truth.NO if is_elsewhere and not is_here else Truth.UNKNOWN

    def is_named(self, concept: tuple[Coding, ...]) -> bool:
        """Return whether a concept names the region or another one."""
        return any(each is not None and each.match(concept) for each in (self.here, self.elsewhere))

    def is_not_elsewhere(self, about: Iterable[tuple[Coding, ...]]) -> Truth:
        """Return YES unless a record names only other regions; then it may be for something else, and cannot tell."""
        return Truth.UNKNOWN if self.includes(about) is Truth.NO else Truth.YES


def region(arguments: Arguments, sets: ValueSets) -> Region:
    """Return what `region` and `other_region` of a clause ask for; the default of the latter goes with the former."""
    here = arguments.get("region")
    elsewhere = arguments.get("other_region", OTHER_REGION if here else None)
    return Region(value_set(here, sets) if here else None, value_set(elsewhere, sets) if elsewhere else None)
