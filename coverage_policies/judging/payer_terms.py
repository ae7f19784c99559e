"""What a payer that this service answers for states beside its policies: benefits, authorizations, and members."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Protocol


class Covered(Enum):
    """Whether a service is covered, as far as the payer says (Da Vinci CRD, `covered`)."""

    COVERED = "covered"
    NOT_COVERED = "not-covered"
    CONDITIONAL = "conditional"


class Authorization(Enum):
    """Whether a code needs prior authorization (Da Vinci CRD, `pa-needed`)."""

    NO_AUTH = "no-auth"
    AUTH_NEEDED = "auth-needed"
    CONDITIONAL = "conditional"


class Standing(Enum):
    """Whether a member has a plan of the payer on a day."""

    ACTIVE = "active"
    NO_MEMBER = "no member"
    """The payer knows no such member."""
    NOT_ACTIVE = "not active"
    """The payer knows the member, who has no plan on that day."""
    AMBIGUOUS = "ambiguous"
    """The member has several plans on that day, and the Coverage does not say which is meant."""
    UNCERTAIN = "uncertain"
    """The date of service or the Coverage leaves open whether there is a plan."""


@dataclass(frozen=True, slots=True)
class CodeTerms:
    """What the payer states of one code.

    `covered` is the answer for an order with this code that no policy concerns. `since` and `until` are the period that
    is allowed, `quantity` and `unit` the amount. `expires` is the last day on which this answer can be relied on.
    Whatever is None the payer does not state.
    """

    authorization: Authorization | None = None
    covered: Covered | None = None
    expires: date | None = None
    quantity: Decimal | None = None
    unit: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class GrantedAuthorization:
    """A prior authorization that the payer has granted. `until` is its last day, None if it has none."""

    number: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to ask about an answer; what is empty is not stated."""

    name: str = ""
    phone: str = ""
    email: str = ""
    url: str = ""


class Members(Protocol):
    """Looks up the members of a payer. Thread-safe."""

    def standing(self, member_ids: Collection[str], plans: Collection[str], on: date) -> Standing:
        """Return whether a member has a plan on a day.

        `member_ids` are the ids that a Coverage states, all of one member; `plans` are the values of its classes, which
        tell several plans of a member apart.
        """


@dataclass(frozen=True)
class PayerTerms:
    """The terms of a payer that this service answers for.

    `if_supported` and `if_not_met` are what `covered` says of an order whose policy is supported, or whose criteria are
    not met; `without_policy` of one that no policy concerns and no row of `codes` answers. `codes` are by system and
    code in their usual form (`fhir_mappings.codings`), and outrank what a policy says of prior authorization. `granted`
    are the authorizations by member id, system, and code, of several the one that lasts longest. `members` is None if
    members are not looked up.
    """

    if_supported: Covered = Covered.CONDITIONAL
    if_not_met: Covered = Covered.CONDITIONAL
    without_policy: Covered = Covered.CONDITIONAL
    codes: Mapping[tuple[str, str], CodeTerms] = field(default_factory=dict)
    granted: Mapping[tuple[str, str, str], GrantedAuthorization] = field(default_factory=dict)
    members: Members | None = None
    contact: Contact | None = None
