"""Sessions of adaptive questions: the situations they start from, and clinicians who answer them."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cds_service.hooks.request import read_request
from cds_service.sample_ehr.hook_client import hook_call
from cds_service.sample_ehr.patients import SAMPLES, STORY_DATE, Sample, SampleOrder
from cds_service.settings import Settings
from coverage_policies.authoring.cases import load_cases, situation
from coverage_policies.format.library import Library, load_library
from coverage_policies.format.model import Policy
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.determination import Determination, Question
from coverage_policies.judging.evaluator import evaluate
from coverage_policies.judging.next_screen import Screen, next_screen
from coverage_policies.judging.plan_rules import PlanRules
from fhir_mappings.orders import Anchor, Order
from fhir_mappings.record import PatientRecord
from tests.support.reviews import review_call

YES, NO, DONT_KNOW = "yes", "no", ""
OPPOSITE = {YES: NO, NO: YES}
_NOW = datetime(STORY_DATE.year, STORY_DATE.month, STORY_DATE.day, 17, tzinfo=UTC)
_EMPTY_CHART = "sij-nearly-empty"
_ORDERS_WITH_EMPTY_CHART = (
    ("injection", "http://www.ama-assn.org/go/cpt", "27096", "CP.MP.166@2019-08"),
    ("injection", "http://www.ama-assn.org/go/cpt", "27096", "MC.CP.MP.166@2025-12"),
    ("pump trial", "http://www.ama-assn.org/go/cpt", "62327", "CP.MP.173@2024-01"),
    ("pump", "http://www.ama-assn.org/go/cpt", "62362", "CP.MP.173@2024-01"),
    ("bypass", "http://www.ama-assn.org/go/cpt", "43644", "NCD.100.1@2013-09"),
)


@dataclass(frozen=True, eq=False, repr=False)
class Situation:
    """An order, its chart, and the revision by which it is judged."""

    name: str
    policy: Policy
    order: Order
    others: tuple[Order, ...]
    record: PatientRecord
    anchor: Anchor

    def screen(self, answers: Mapping[str, str]) -> Screen:
        """Return the next screen after these answers."""
        return next_screen(
            self.policy, self.order, self.others, self.record, self.anchor, answers, ignore_code_dates=True
        )

    def determination(self, answers: Mapping[str, str]) -> Determination:
        """Return the determination after these answers."""
        return evaluate(
            self.policy,
            self.order,
            self.others,
            self.record,
            self.anchor,
            given=answers,
            ignore_code_dates=True,
        )

    def __repr__(self) -> str:
        return f"<{self.policy.full_name}: {self.name}>"


Clinician = Callable[[Question], Mapping[str, str]]
"""A function from a screen to the answers to it."""


def session(
    of: Situation, clinician: Clinician, *, until_settled: bool = True
) -> Iterator[tuple[Screen, Mapping[str, str]]]:
    """Yield each screen that is shown with the answers to it; the last one has no question, or is settled."""
    answers: dict[str, str] = {}
    while True:
        shown = of.screen(answers)
        if shown.question is None or (until_settled and shown.is_settled):
            yield shown, {}
            return
        given = clinician(shown.question)
        yield shown, given
        answers |= given


def answers_of(question: Question, value: Callable[[Question], str]) -> dict[str, str]:
    """Return the answer to each part of a screen."""
    return {part.id: value(part) for part in question.parts or (question,)}


@cache
def library() -> Library:
    """Return the shipped policies."""
    return load_library()


@cache
def sample_situations() -> tuple[Situation, ...]:
    """Return the sample orders, under the revisions that judge them."""
    return tuple(
        _situation(order.file.removesuffix(".json"), sample, _call(sample, order), order.policy)
        for sample in SAMPLES
        for order in sample.orders
    )


@cache
def situations_with_empty_chart() -> tuple[Situation, ...]:
    """Return orders of other procedures for a patient with a nearly empty chart."""
    sample = next(each for each in SAMPLES if each.id == _EMPTY_CHART)
    found = []
    for name, system, code, policy in _ORDERS_WITH_EMPTY_CHART:
        body = _call(sample, sample.orders[0])
        order = body["context"]["draftOrders"]["entry"][0]["resource"]
        order["code"] = {"coding": [{"system": system, "code": code}]}
        found.append(_situation(f"{name}, empty chart", sample, body, policy))
    return tuple(found)


@cache
def case_situations() -> tuple[Situation, ...]:
    """Return the situations of all case files."""
    found = []
    for policy in library().policies.values():
        for case in load_cases(policy):
            read = situation(case, policy)
            anchor = read.order.anchor(case.today)
            found.append(Situation(case.name, policy, read.order, read.other_orders, read.record, anchor))
    return tuple(found)


def _call(sample: Sample, order: SampleOrder) -> Any:
    return hook_call(
        sample,
        order,
        fhir_server="https://ehr.example.org/fhir",
        token="none",
        today=STORY_DATE,
        new_id=lambda: str(uuid.uuid4()),
    )


def _situation(name: str, sample: Sample, body: Any, policy_name: str) -> Situation:
    policy = library().policy(policy_name)
    found = review_call(
        read_request(body),
        Assessor(library(), PlanRules()),
        Settings(),
        chart=sample.bundle(STORY_DATE),
        policy=policy,
        clock=lambda: _NOW,
    )
    order = found.session.judged[0]
    beside = found.session.beside(order)
    return Situation(name, policy, order, beside, found.record, order.anchor(found.record.today))
