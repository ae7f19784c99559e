"""Where two texts part: one chart judged by both, with different answers.

A case named "The texts part: …" has its counterpart of the same name in the other text's file. The first thing that is
expected of it is what parts the texts.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from coverage_policies.authoring.cases import Case, judged, load_cases, run_case
from coverage_policies.format.library import load_library
from coverage_policies.format.model import Policy
from fhir_mappings.fhir_json import Resource

LIBRARY = load_library()
FAMILIES = [("CP.MP.126@2022-06", "CP.MP.126@2025-04"), ("CP.MP.166@2019-08", "MC.CP.MP.166@2025-12")]
MARK = "The texts part: "


@dataclass(frozen=True)
class Pair:
    """One chart in two texts."""

    name: str
    texts: tuple[Policy, Policy]
    cases: tuple[Case, Case]


def parting(text: Policy) -> dict[str, Case]:
    return {case.name: case for case in load_cases(text) if case.name.startswith(MARK)}


def pairs() -> Iterator[Pair]:
    for one, other in FAMILIES:
        texts = LIBRARY.policy(one), LIBRARY.policy(other)
        first, second = map(parting, texts)
        for name in sorted(first.keys() & second.keys()):
            yield Pair(name.removeprefix(MARK), texts, (first[name], second[name]))


PAIRS = list(pairs())


@pytest.mark.parametrize("family", FAMILIES)
def test_every_such_case_has_its_counterpart(family: tuple[str, str]) -> None:
    first, second = (parting(LIBRARY.policy(name)) for name in family)
    assert first.keys() == second.keys()
    assert len(first) > 5


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_the_two_texts_answer_differently(pair: Pair) -> None:
    answers = []
    for text, case in zip(pair.texts, pair.cases, strict=True):
        assert run_case(case, text) == ()
        answers.append(what_parts(case, text))
    assert answers[0] != answers[1]


def what_parts(case: Case, text: Policy) -> str:
    name = next(iter(case.expected))
    found = judged(case, text)
    return found.outcome.value if name == "outcome" else found.criterion(name).status.value


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_both_are_asked_about_the_same_chart_and_order(pair: Pair) -> None:
    first, second = pair.cases
    assert (first.anchor, first.order, first.other_orders) == (second.anchor, second.order, second.other_orders)
    assert recorded(first) == recorded(second)


def recorded(case: Case) -> list[Resource]:
    """The chart without what a clinician answers, since each text asks in its own words."""
    return [resource for resource in case.chart if resource["resourceType"] != "QuestionnaireResponse"]


def test_the_injection_texts_are_for_different_lines_of_business() -> None:
    one, other = (LIBRARY.policy(name) for name in FAMILIES[1])
    assert (one.lines_of_business, other.lines_of_business) == (("medicaid", "commercial"), ("medicare-advantage",))
