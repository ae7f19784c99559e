"""Which policy texts and rules were in force together: what a decision names and a replay compares."""

import hashlib
from collections.abc import Mapping, Set
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, tzinfo
from enum import Enum

from cds_service.records.pseudonyms import canonical
from coverage_policies.format.library import Library
from coverage_policies.format.lock import content_hash
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.plan_rules import PlanRules


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One text: its own numbering and the hash of what it says."""

    edition: int
    content: str


@dataclass(frozen=True, slots=True)
class PolicySnapshot:
    """The texts in force by name (`CP.MP.126@2025-04`), and the hash of everything else that decides."""

    texts: Mapping[str, PolicyVersion]
    rules: str

    @classmethod
    def of(cls, assessor: Assessor, zone: tzinfo, answers_valid_days: int) -> "PolicySnapshot":
        """What is in force; the files of the texts must still be those that were read."""
        return cls(held(assessor.library), rules_hash(assessor.rules, zone, answers_valid_days))

    def as_json(self) -> dict[str, object]:
        """The bundle as it is stored."""
        texts = {name: {"edition": text.edition, "content": text.content} for name, text in self.texts.items()}
        return {"texts": texts, "rules": self.rules}

    @property
    def name(self) -> str:
        """Another one for every other content."""
        return _sha256(self.as_json())


def held(library: Library) -> dict[str, PolicyVersion]:
    """Every text of a library."""
    return {
        name: PolicyVersion(policy.edition, content_hash(policy, library))
        for name, policy in sorted(library.policies.items())
    }


def rules_hash(rules: PlanRules, zone: tzinfo, answers_valid_days: int) -> str:
    """The hash of what decides beside the texts: the operator's rules, the time zone, how long answers count."""
    return _sha256([_plain(rules), str(zone), answers_valid_days])


def _sha256(value: object) -> str:
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def _plain(value: object) -> object:
    """A value of dataclasses and collections as JSON that does not depend on the order of sets."""
    if is_dataclass(value):
        return [[field.name, _plain(getattr(value, field.name))] for field in fields(value)]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return sorted(([_plain(key), _plain(each)] for key, each in value.items()), key=canonical)
    if isinstance(value, Set):
        return sorted((_plain(each) for each in value), key=canonical)
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    return value
