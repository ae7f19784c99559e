"""Forms and responses for tests: their items by `linkId`, and the answers of a response."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from coverage_policies.format.library import load_library
from coverage_policies.format.model import Policy
from tests.support.policy_fakes import ON_ONE_SCREEN, policy

BASE = "https://cds.example.org"

EVERY_STRUCTURE = """
I:
  says: A section of everything
  all:
    - {id: I.A, says: Alpha, met_when: {condition: {in: alpha}}, ask: Is it alpha, interpretation: Any alpha counts.}
    - id: I.B
      says: At least 2 of 3 tests
      ask: Were 2 of 3 tests positive
      at_least: 2
      of:
        - {id: I.B.one, says: One, ask: Was one positive}
        - {id: I.B.two, says: Two, ask: Was two positive}
        - {id: I.B.three, says: Three, ask: Was three positive, met_by: no}
    - id: I.C
      says: One of three ways
      any:
        - {id: I.C.1, says: First way, ask: Was it the first way}
        - {id: I.C.2, says: Second way, ask: Was it the second way}
        - {id: I.C.3, says: Third way, not_met_when: {condition: {in: beta}}, ask: Was it the third way}
        - {id: I.C.4, says: Fourth way, ask: Was it the fourth way}
    - {id: I.D, says: Only for cancer, for: cancer, ask: Is it cancer pain}
    - {id: I.E, says: Not for other pain, rules_out: other, ask: Is it so}
    - {id: I.F, says: Advice, role: advisory, ask: Was advice given}
    - {id: I.G, says: No words to ask, needs: I.A}
    - {id: I.H, says: A trial, met_when: {procedure: {in: trial, side: same or not stated}}, ask: Was there a trial}
"""
"""A section with each structure that a form knows."""

PATHWAY = """
ask: Which pain is it for
choices:
  cancer: {says: Cancer pain}
  other: {says: Other pain}
"""


def structured() -> Policy:
    """A revision with each structure that a form knows."""
    orders = "- {codes: the-order, sections: [I], only_if: {order: {reason: cancer}}, ask: Is it a fusion}"
    return policy(EVERY_STRUCTURE, orders=orders, pathway=PATHWAY)


def every_revision() -> dict[str, Policy]:
    """The shipped revisions and two of the tests, by name."""
    return {**load_library().policies, "one screen": policy(ON_ONE_SCREEN), "structured": structured()}


def flat(items: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Every item of a form or a response, however deep."""
    for item in items:
        yield item
        yield from flat(item.get("item", ()))


def by_link(resource: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The items of a form or a response by their `linkId`."""
    return {item["linkId"]: item for item in flat(resource.get("item", ()))}


def given(response: Mapping[str, Any]) -> dict[str, bool | str]:
    """What a response answers, by `linkId`."""
    return {
        link: answer["valueCoding"]["code"] if "valueCoding" in answer else answer["valueBoolean"]
        for link, item in by_link(response).items()
        for answer in item.get("answer", ())
    }
