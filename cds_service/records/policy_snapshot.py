"""The policies and rules in force at one time. A decision names its snapshot, and a replay compares with it."""

import hashlib
from collections.abc import Mapping, Set
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date, tzinfo
from enum import Enum
from typing import Any

from coverage_policies.format.library import Library
from coverage_policies.format.lock import content_hash
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.payer_terms import PayerTerms
from coverage_policies.judging.plan_rules import PlanRules
from fhir_mappings.fhir_json import canonical
from fhir_mappings.order_terms import OrderTerms


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """The edition of a policy revision, and the hash of its content."""

    edition: int
    content: str


@dataclass(frozen=True, slots=True)
class PolicySnapshot:
    """The policies in force by full name (`CP.MP.126@2025-04`), and the hash of the operator's rules."""

    policies: Mapping[str, PolicyVersion]
    rules: str

    @classmethod
    def of(cls, assessor: Assessor, zone: tzinfo, answers_valid_days: int) -> "PolicySnapshot":
        """Take the snapshot of an assessor."""
        terms = assessor.library.order_terms
        return cls(policy_versions(assessor.library), rules_hash(assessor.rules, zone, answers_valid_days, terms))

    def as_json(self) -> dict[str, object]:
        """Return the snapshot as it is stored."""
        policies = {name: {"edition": each.edition, "content": each.content} for name, each in self.policies.items()}
        return {"policies": policies, "rules": self.rules}

    @property
    def name(self) -> str:
        """SHA-256 over the snapshot."""
        return _sha256(self.as_json())


def policy_versions(library: Library) -> dict[str, PolicyVersion]:
    """Return the version of every policy revision of a library by its full name."""
    return {
        name: PolicyVersion(policy.edition, content_hash(policy, library))
        for name, policy in sorted(library.policies.items())
    }


def rules_hash(rules: PlanRules, zone: tzinfo, answers_valid_days: int, order_terms: OrderTerms) -> str:
    """Return the hash of what decides besides the policies: plan rules, time zone, validity of answers, order terms.

    Of the members and the authorizations of a payer it has only whether members are looked up. They are facts about
    patients, as a chart is, which change daily while the rules stay; and no hash of a short list of member ids hides
    them.
    """
    return _sha256([_plain(rules), str(zone), answers_valid_days, order_terms.digest])


def _sha256(value: object) -> str:
    return hashlib.sha256(canonical(value)).hexdigest()


def _plain(value: object) -> object:
    """Return dataclasses and collections as JSON; sets and mappings become sorted lists."""
    if isinstance(value, PayerTerms):
        return [_fields(replace(value, granted={}, members=None)), value.members is not None]
    if is_dataclass(value):
        return _fields(value)
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


def _fields(value: Any) -> object:
    return [[field.name, _plain(getattr(value, field.name))] for field in fields(value)]
