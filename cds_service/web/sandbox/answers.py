"""The answers that somebody gives in the sandbox: kept in the case, and sent as completed questionnaires.

They are nowhere stored. Each call carries them in its prefetch, beside the responses that the FHIR server has.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.source import SearchResult
from cds_service.hooks.response import canonical_base_of
from cds_service.http.services import services
from cds_service.web.form_input import DONT_KNOW, values_of
from cds_service.web.sandbox.case import Answers, Case
from cds_service.web.sandbox.reading import open_chart
from coverage_policies.format.model import Policy
from coverage_policies.format.searches import ANSWERS
from coverage_policies.judging.questions import question_named
from coverage_policies.questionnaires.response import practitioners_response
from fhir_mappings.bundle import reference_of
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.record import Availability

FIELD = "answer:"
"""What the name of the field of a question begins with; the key of the question follows."""
_SEPARATOR = "|"


@dataclass(frozen=True, slots=True)
class QuestionKey:
    """Which question of which policy, such as CP.MP.126@2025-04, about which order, by its reference."""

    order: str
    policy: str
    link: str

    def __str__(self) -> str:
        return _SEPARATOR.join((self.order, self.policy, self.link))

    @classmethod
    def parse(cls, text: str) -> "QuestionKey | None":
        """Return the key that `str` wrote; None for any other text."""
        parts = text.split(_SEPARATOR, 2)
        return cls(*parts) if len(parts) == 3 else None


def answers_in(form: Mapping[str, str]) -> Iterator[tuple[QuestionKey, str]]:
    """Yield each answer that was chosen on a page."""
    for name, value in form.items():
        key = QuestionKey.parse(name.removeprefix(FIELD)) if name.startswith(FIELD) else None
        if key is not None and value:
            yield key, value


def answered(case: Case, key: QuestionKey, value: str) -> Case:
    """Return the case with an answer; unchanged if nobody asks this question, or it has no such answer."""
    policy = services().assessor.library.policies.get(key.policy)
    known = key.order in map(reference_of, case.orders) and policy is not None
    if not known or policy is None or value not in answer_values(policy, key.link):
        return case
    of_order = case.answers.get(key.order, {})
    of_policy = {**of_order.get(key.policy, {}), key.link: value}
    return _with(case, key.order, {**of_order, key.policy: of_policy})


def taken_back(case: Case, key: QuestionKey) -> Case:
    """Return the case without the answer to a question."""
    of_order = case.answers.get(key.order, {})
    left = {link: value for link, value in of_order.get(key.policy, {}).items() if link != key.link}
    return _with(case, key.order, {**of_order, key.policy: left})


def _with(case: Case, order: str, of_order: Mapping[str, Mapping[str, str]]) -> Case:
    """Return the case with the answers about one order, without empty members."""
    found: Answers = {**case.answers, order: {name: given for name, given in of_order.items() if given}}
    return replace(case, answers={name: given for name, given in found.items() if given})


def answer_values(policy: Policy, link: str) -> Mapping[str, str]:
    """Return the answers to choose from and their words, without "don't know"; none if the policy does not ask this."""
    question = question_named(policy, link)
    return {value: words for value, words in values_of(question) if value != DONT_KNOW} if question else {}


def answers_in_prefetch(case: Case, token: str) -> dict[str, Json]:
    """Return the prefetch with the answers of a case and the responses of its FHIR server; empty without answers.

    What the server could not be read for is told by an OperationOutcome, so that nothing passes for complete.
    """
    given = list(_responses(case))
    if not given:
        return {}
    found = _on_server(case, token)
    entries: list[dict[str, Any]] = [
        {**({"fullUrl": url} if url else {}), "resource": resource, "search": {"mode": "match"}}
        for url, resource in found.entries
    ]
    entries += [{"resource": each, "search": {"mode": "match"}} for each in given]
    if found.availability is Availability.UNAVAILABLE:
        entries.append({"resource": _UNREAD, "search": {"mode": "outcome"}})
    return {ANSWERS.key: {"resourceType": "Bundle", "type": "searchset", "entry": entries}}


_UNREAD = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "incomplete", "diagnostics": "The FHIR server did not give its answers."}],
}


def _on_server(case: Case, token: str) -> SearchResult:
    found = services()
    deadline = Deadline(found.limits.call_timeout_seconds, found.monotonic)
    return open_chart(case, token, deadline).search(ANSWERS, case.patient)


def _responses(case: Case) -> Iterator[Resource]:
    """Yield a completed response for each order and policy with answers, in the order of the draft orders."""
    found = services()
    number = 0
    for order in map(reference_of, case.orders):
        for name, given in case.answers.get(order, {}).items():
            policy = found.assessor.library.policies.get(name)
            valid = _valid(policy, given) if policy else {}
            if policy is None or not valid:
                continue
            number += 1
            response = practitioners_response(
                policy,
                valid,
                canonical_base_of(found.settings),
                patient=f"Patient/{case.patient}",
                author=case.user,
                order={"reference": order, "type": order.partition("/")[0]},
                authored=found.clock(),
                status="completed",
            )
            yield {"resourceType": response["resourceType"], "id": f"sandbox-answers-{number}", **response}


def _valid(policy: Policy, given: Mapping[str, str]) -> dict[str, str]:
    """Return the answers that the policy offers: a case from a file may hold others."""
    return {link: value for link, value in given.items() if value in answer_values(policy, link)}
