"""What coverage information consists of, and what it is about, whatever the version of Da Vinci CRD."""

from dataclasses import dataclass
from datetime import date

from cards.crd_versions import CrdVersion
from coverage_policies.judging.payer_terms import Contact, Standing
from coverage_policies.judging.plan_rules import Payer
from fhir_mappings.codings import Coding
from fhir_mappings.fhir_json import Json


@dataclass(frozen=True, slots=True)
class Subject:
    """What an answer is about beside its order: the Coverage, the payer, and the member.

    `coverage` is the reference of the Coverage on the client's server, `day` the date of the answer.
    """

    coverage: str
    payer: Payer
    assertion_id: str
    day: date
    standing: Standing = Standing.ACTIVE
    member_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Occasion:
    """When and how an answer is given. `is_signing` is False on order-select.

    `canonicals` is the base of questionnaire canonicals, `policy_pages` that of our policy pages, empty if no browser
    can read them. `is_unread` is whether technical trouble kept what is ordered from being read.
    """

    version: CrdVersion
    is_signing: bool
    canonicals: str = ""
    policy_pages: str = ""
    is_unread: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an answer is as it is: a code of the guide's value set, or none, and words."""

    text: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Detail:
    """One detail: its category and code in CRD 2.2, and its FHIR value, such as `{"valueUrl": "https://…"}`."""

    category: str
    code: str
    value: tuple[str, Json]
    qualification: str = ""


@dataclass(frozen=True, slots=True)
class CoverageInformation:
    """One repetition of the extension, with codes of CRD 2.2; what is empty is left out."""

    coverage: str
    covered: str
    assertion_id: str
    day: date
    pa_needed: str = ""
    doc_needed: tuple[str, ...] = ()
    doc_purpose: tuple[str, ...] = ()
    info_needed: tuple[str, ...] = ()
    billing_codes: tuple[Coding, ...] = ()
    reasons: tuple[Reason, ...] = ()
    details: tuple[Detail, ...] = ()
    dependencies: tuple[str, ...] = ()
    questionnaires: tuple[str, ...] = ()
    satisfied_pa_id: str = ""
    contact: Contact | None = None
    expires: date | None = None
