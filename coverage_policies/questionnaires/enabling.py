"""When a question of a form is moot, and which items the answers of a form enable.

A question is hidden only if no answer to it that agrees with the others can change the outcome. A chart that
contradicts an answer makes it a conflict, which stays open and is left out of the next draft, so that whatever the
answer hid is shown again.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from coverage_policies.format.model import PATHWAY, Criterion, Policy
from coverage_policies.format.questions import Option

Answer = bool | str
"""An answer to a question of a form: yes or no, or the code of an option."""


@dataclass(frozen=True, slots=True)
class Unless:
    """A question and the answer to it that makes another item moot; with None, any answer does."""

    question: str
    answer: bool | Option | None
    system: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the `enableWhen` that holds until the question gets that answer."""
        if self.answer is None:
            return {"question": self.question, "operator": "exists", "answerBoolean": False}
        if isinstance(self.answer, bool):
            return {"question": self.question, "operator": "!=", "answerBoolean": self.answer}
        coding = {"system": self.system, "code": self.answer.code}
        return {"question": self.question, "operator": "!=", "answerCoding": coding}


def enabling(conditions: Sequence[Unless]) -> dict[str, Any]:
    """Return the members of an item that is enabled while none of the conditions makes it moot."""
    if not conditions:
        return {}
    found: dict[str, Any] = {"enableWhen": [each.as_json() for each in conditions]}
    return found | {"enableBehavior": "all"} if len(conditions) > 1 else found


def other_pathways(c: Criterion, policy: Policy, system: str) -> Iterator[Unless]:
    """Yield the pathways on which a criterion does not count or is not asked."""
    for choice in policy.pathway.choices if policy.pathway else ():
        if (c.pathways and choice.name not in c.pathways) or choice.name in c.rules_out:
            yield Unless(PATHWAY, Option(choice.name, choice.says), system)


def earlier_alternatives(c: Criterion, child: Criterion, needed: Set[str]) -> Iterator[Unless]:
    """Yield the answers to earlier alternatives in a group each of which meets the group without this child.

    Only earlier ones: two alternatives that hide each other could both be hidden. Not an alternative that counts on
    some pathways only, that the plan reviews, or that data may contradict. `needed` are the criteria that others need:
    they are asked whatever their own group is.
    """
    if c.required != 1 or any(each.id in needed for each in child.walk()):
        return
    for other in c.children:
        if other is child:
            return
        if _settles(other):
            yield Unless(other.id, other.met_by == "yes")


def _settles(c: Criterion) -> bool:
    """Return whether the answer in favor, to a question that the form asks, always meets a criterion."""
    is_asked = bool(c.ask) and (not c.children or c.is_one_item)
    return is_asked and not any(
        each.role or each.pathways or each.rules_out or each.needs or each.not_met_when or each.is_for_plan_review
        for each in c.walk()
    )


def enabled(items: Sequence[Mapping[str, Any]], answers: Mapping[str, Answer]) -> Iterator[str]:
    """Yield the `linkId` of each item of a form that these answers leave enabled; none below one that is not."""
    for item in items:
        conditions = item.get("enableWhen", ())
        if all(_holds(each, answers.get(each["question"])) for each in conditions):
            yield item["linkId"]
            yield from enabled(item.get("item", ()), answers)


def _holds(condition: Mapping[str, Any], answer: Answer | None) -> bool:
    if condition["operator"] == "exists":
        return (answer is not None) is condition["answerBoolean"]
    wanted = condition["answerCoding"]["code"] if "answerCoding" in condition else condition["answerBoolean"]
    return bool(answer != wanted)
