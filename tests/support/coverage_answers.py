"""What coverage information is composed of in tests: an order of 10001, its assessments, a payer, and an occasion."""

from datetime import date
from typing import Any

from cards.coverage_extension import extension
from cards.coverage_information import compose
from cards.coverage_parts import CoverageInformation, Occasion, Subject
from cards.crd_versions import CrdVersion
from coverage_policies.format.terms import Outcome
from coverage_policies.judging.assessment import Assessment
from coverage_policies.judging.determination import Determination, Question
from coverage_policies.judging.payer_terms import PayerTerms, Standing
from coverage_policies.judging.plan_rules import Payer
from fhir_mappings.codings import CPT, Coding
from fhir_mappings.fhir_json import Resource
from fhir_mappings.orders import Order
from tests.support.determinations import criterion, determination
from tests.support.policy_fakes import order

V2_2, V2_0 = CrdVersion.V2_2, CrdVersion.V2_0
DAY = date(2026, 3, 2)
"""The day of the answer, and of the service."""
CODE = Coding(CPT, "10001")
BASE = "https://cds.example.org"


def judged(outcome: Outcome, *questions: Question, **more: Any) -> Determination:
    """Return the determination of the order by its code 10001, with one criterion."""
    values = {
        "questions": questions,
        "codes": (CODE,),
        "url": "https://plan.example/policy",
        "criteria": (criterion("I"),),
    }
    return determination(outcome, **(values | more))


def of_policy(*determinations: Determination, **more: Any) -> Assessment:
    return Assessment(determinations, **more)


def subject(terms: PayerTerms | None = None, standing: Standing = Standing.ACTIVE, day: date = DAY) -> Subject:
    payer = Payer("Acme", ("Test Plan",), terms=terms or PayerTerms())
    return Subject("Coverage/1", payer, "assertion-1", day, standing, frozenset({"M1"}))


def occasion(version: CrdVersion = V2_2, *, is_signing: bool = True, is_unread: bool = False) -> Occasion:
    return Occasion(version, is_signing, BASE, f"{BASE}/policies", is_unread)


def answers(
    *assessments: Assessment,
    terms: PayerTerms | None = None,
    version: CrdVersion = V2_2,
    of: Order | None = None,
    is_signing: bool = True,
    is_unread: bool = False,
    standing: Standing = Standing.ACTIVE,
) -> tuple[CoverageInformation, ...]:
    """Return the answer to an order."""
    when = occasion(version, is_signing=is_signing, is_unread=is_unread)
    return compose(of or order(), assessments, subject(terms, standing), when)


def answer(*assessments: Assessment, **more: Any) -> CoverageInformation:
    """Return the only repetition of the answer to an order."""
    (found,) = answers(*assessments, **more)
    return found


def written(*assessments: Assessment, version: CrdVersion = V2_2, **more: Any) -> Resource:
    """Return the only repetition as the extension of a version."""
    return extension(answer(*assessments, version=version, **more), version)
