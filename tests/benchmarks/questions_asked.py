"""How many screens of questions an order takes, in the order in which they are asked.

    .venv/bin/python tests/benchmarks/questions_asked.py

For every order of the sample EHR that needs documentation, and for other procedures with an empty chart: how many
screens until it is supported when every answer supports it; and how many until the first answer that ends it when
exactly one item fails, averaged over which, and for the last of them; then averaged over the items that the author
marked as those that orders most often fail on (`asked`). The criteria of one item are one screen. Each pathway that
remains is a row of its own, since its choice is the first answer.
"""

import statistics
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cds_service.fhir_client.memory import ChartInMemory, Store
from cds_service.hooks.request import read_request
from cds_service.hooks.review import ReviewLimits, review
from cds_service.sample_ehr.hook_client import hook_call
from cds_service.sample_ehr.patients import SAMPLES, STORY_DATE, Sample, SampleOrder
from cds_service.settings import Settings
from coverage_policies.format.library import load_library
from coverage_policies.format.model import APPLIES, PATHWAY, SIDE
from coverage_policies.format.terms import Outcome
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.determination import Determination, Question
from coverage_policies.judging.plan_rules import PlanRules

NOW = datetime(STORY_DATE.year, STORY_DATE.month, STORY_DATE.day, 17, tzinfo=UTC)
ENDED = (Outcome.NOT_SUPPORTED, Outcome.CRITERIA_NOT_MET)
OPPOSITE = {"yes": "no", "no": "yes"}
WITH_EMPTY_CHART = (
    ("injection", "27096", "CP.MP.166@2019-08"),
    ("injection", "27096", "MC.CP.MP.166@2025-12"),
    ("pump trial", "62327", "CP.MP.173@2024-01"),
    ("pump", "62362", "CP.MP.173@2024-01"),
)
LIBRARY = load_library()
ASSESSOR = Assessor(LIBRARY, PlanRules())


@dataclass(frozen=True)
class Call:
    """One order with its chart, and the revision that judges it."""

    name: str
    body: Any
    chart: Any
    policy: str

    def judged(self, answers: dict[str, str]) -> Determination:
        """Return the determination after these answers, given in a form about the order."""
        order = self.body["context"]["draftOrders"]["entry"][0]["resource"]
        name, _, revision = self.policy.partition("@")
        form = {
            "resourceType": "QuestionnaireResponse",
            "id": "answers",
            "status": "completed",
            "questionnaire": f"https://policies.example.org/fhir/Questionnaire/{name}|{revision}",
            "subject": {"reference": f"Patient/{self.body['context']['patientId']}"},
            "author": {"reference": "Practitioner/sample-surgeon"},
            "authored": "2026-03-02T09:00:00Z",
            "basedOn": [{"reference": f"{order['resourceType']}/{order['id']}"}],
            "item": [{"linkId": link, "answer": [{"valueString": said}]} for link, said in answers.items()],
        }
        chart = ChartInMemory(Store.from_bundle(self.chart, {**self.chart, "entry": [{"resource": form}]}))
        found = review(
            read_request(self.body),
            ASSESSOR.limited_to(LIBRARY.policy(self.policy)),
            ReviewLimits.of(Settings()),
            open_source=lambda _: chart,
            clock=lambda: NOW,
            monotonic=time.monotonic,
        )
        return found.determinations[0]


def answered(question: Question, pathway: str, *, supports: bool) -> dict[str, str]:
    """Return the answers to one screen: all that support the order, or all that do not."""
    chosen = {APPLIES: "yes", PATHWAY: pathway, SIDE: "right"}
    if question.id in chosen:
        return {question.id: chosen[question.id]}
    parts = question.parts or (question,)
    return {part.id: part.met_by if supports else OPPOSITE[part.met_by] for part in parts}


def screens(call: Call, pathway: str, failing: str = "") -> tuple[list[str], Determination]:
    """Return the screens that are asked until nothing is left or the answer to `failing` ended it."""
    answers: dict[str, str] = {}
    asked: list[str] = []
    while True:
        found = call.judged(answers)
        questions = [each for each in found.questions if each.id not in asked]
        if found.outcome is not Outcome.DOCUMENTATION_NEEDED or not questions:
            return asked, found
        first = questions[0]
        asked.append(first.id)
        answers |= answered(first, pathway, supports=first.id != failing)


def until_ended(call: Call, pathway: str, asked: Sequence[str]) -> dict[str, int]:
    """Return, for each screen whose wrong answer ends it, how many screens are answered by then."""
    ended = {}
    for failing in asked:
        if failing not in (APPLIES, PATHWAY, SIDE):
            by_then, found = screens(call, pathway, failing)
            if found.outcome in ENDED:
                ended[failing] = len(by_then)
    return ended


def is_marked(call: Call, link: str) -> bool:
    """Return whether the author gave the criterion of a screen, or one of its parts, a place among the questions."""
    return any(each.asked is not None for each in LIBRARY.policy(call.policy).index[link].walk())


def call_of(sample: Sample, order: SampleOrder) -> Any:
    """Return the body of the call of a sample order."""
    return hook_call(
        sample, order, fhir_server="https://ehr.example.org/fhir", token="none", today=STORY_DATE, new_id=new_id
    )


def new_id() -> str:
    """Return a new UUID."""
    return str(uuid.uuid4())


def calls() -> Iterator[Call]:
    """Yield the sample orders, then orders with an empty chart, each under the policies that judge it."""
    for sample in SAMPLES:
        for order in sample.orders:
            name = order.file.removesuffix(".json")
            yield Call(name, call_of(sample, order), sample.bundle(STORY_DATE), order.policy)
    empty = next(each for each in SAMPLES if each.id == "sij-nearly-empty")
    for name, code, policy in WITH_EMPTY_CHART:
        body = call_of(empty, empty.orders[0])
        order = body["context"]["draftOrders"]["entry"][0]["resource"]
        order["code"] = {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": code}]}
        yield Call(f"{name}, empty chart", body, empty.bundle(STORY_DATE), policy)


def main() -> None:
    """Print one row per order and pathway, then the medians and the worst."""
    totals, means, marked_means, worst = [], [], [], 0
    print("order | policy | pathway | until supported | until ended: mean, worst | mean over the marked ones")
    for call in calls():
        first = call.judged({})
        if first.outcome is not Outcome.DOCUMENTATION_NEEDED:
            print(f"{call.name} | {call.policy} | | {first.outcome.value} without a question")
            continue
        for pathway in first.pathways or [""]:
            asked, found = screens(call, pathway)
            ended = until_ended(call, pathway, asked)
            marked = [count for link, count in ended.items() if is_marked(call, link)]
            totals.append(len(asked))
            row = [call.name, call.policy, pathway, f"{len(asked)} ({found.outcome.value})"]
            if ended:
                means.append(statistics.mean(ended.values()))
                worst = max(worst, *ended.values())
                row.append(f"{means[-1]:.1f}, {max(ended.values())}")
            if marked:
                marked_means.append(statistics.mean(marked))
                row.append(f"{marked_means[-1]:.1f}")
            print(" | ".join(row))
            print("   ", ", ".join(asked))
    print(f"until supported: median {statistics.median(totals)}, worst {max(totals)}")
    print(f"until ended: median of means {statistics.median(means):.1f}, worst mean {max(means):.1f}, worst {worst}")
    if marked_means:
        middle, most = statistics.median(marked_means), max(marked_means)
        print(f"over the marked ones: median of means {middle:.1f}, worst mean {most:.1f}")


if __name__ == "__main__":
    main()
