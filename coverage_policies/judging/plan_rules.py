"""What the operator of the service knows and no policy states: payers, effective dates, visibility, order codes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from coverage_policies.format.terms import LineOfBusiness
from coverage_policies.judging.payer_terms import PayerTerms
from fhir_mappings.codings import Coding


class Visibility(Enum):
    """Whether a client sees the determinations of a policy."""

    ON = "on"
    SHADOW = "shadow"
    """Evaluated and recorded, but not shown."""
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Payer:
    """A payer that follows the policies of some owners, and what identifies it in a Coverage.

    `line` is the line of business of its plans, None where the rules do not say or it has several. `terms` are what it
    states beside its policies if this service answers for it by Da Vinci CRD, None if it does not.
    """

    name: str
    owners: tuple[str, ...]
    identifiers: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    line: LineOfBusiness | None = None
    terms: PayerTerms | None = None


@dataclass(frozen=True, slots=True)
class Effective:
    """When a plan applies a revision, with `until` None if it still does. `source` says where that is stated."""

    policy: str
    since: date
    until: date | None
    source: str


@dataclass(frozen=True, slots=True)
class VisibilityRule:
    """The visibility of a policy or of one revision; without `hooks` on all of them."""

    policy: str
    visibility: Visibility
    hooks: frozenset[str]


@dataclass(frozen=True)
class PlanRules:
    """The operator's rules. `order_codes` maps a code that EHRs send to the codes that policies use."""

    payers: tuple[Payer, ...] = ()
    effective: tuple[Effective, ...] = ()
    visibility_rules: tuple[VisibilityRule, ...] = ()
    order_codes: Mapping[tuple[str, str], tuple[Coding, ...]] = field(default_factory=dict)

    @property
    def answered_for(self) -> tuple[Payer, ...]:
        """Return the payers that this service answers for by Da Vinci CRD."""
        return tuple(payer for payer in self.payers if payer.terms is not None)

    def visibility(self, policy: str, hook: str) -> Visibility:
        """Return the visibility of a revision on a hook. The last rule that matches applies."""
        found = Visibility.ON
        for switch in self.visibility_rules:
            if switch.policy in (policy, policy.partition("@")[0]) and (not switch.hooks or hook in switch.hooks):
                found = switch.visibility
        return found

    def mapped(self, codes: Iterable[Coding]) -> tuple[Coding, ...]:
        """Return the codes of an order followed by those that its local or SNOMED CT codes map to, each once."""
        found = list(codes)
        for coding in tuple(found):
            found += self.order_codes.get((coding.system, coding.code), ())
        return tuple(dict.fromkeys(found))
