"""The items of a form: a policy's questions, in groups as the policy has its sections and parts."""

from collections.abc import Iterator, Sequence
from typing import Any

from coverage_policies.format.model import APPLIES, CODE, PATHWAY, SIDE, Clause, Criterion, Policy
from coverage_policies.format.operator import written_values
from coverage_policies.format.questions import (
    SIDE_QUESTION,
    QuestionText,
    QuestionType,
    applies_question,
    criterion_question,
    pathway_question,
)
from coverage_policies.questionnaires.enabling import Unless, earlier_alternatives, enabling, other_pathways
from coverage_policies.questionnaires.extensions import item_control
from coverage_policies.questionnaires.population import shown_values

Item = dict[str, Any]

_OPTIONS = "urn:cds-coverage-policies"


def option_system(policy: Policy, link_id: str) -> str:
    """Return the code system of the options of a question, which only this policy gives a meaning."""
    return f"{_OPTIONS}:{policy.name}:{link_id}"


def form_items(policy: Policy) -> list[Item]:
    """Return the items of the form of a revision.

    The `linkId` of a question is the id of its criterion, and that of a section is its number. A group that may be
    answered whole, with a question of its own, has the `linkId` `II.D/parts`, since a group has no answer. A criterion
    that is never asked has no item.
    """
    found: list[Item] = []
    unless_excluded: list[Unless] = []
    if asked := applies_question(policy):
        found.append(_question(policy, APPLIES, asked, []))
        unless_excluded.append(Unless(APPLIES, False))
    if may_ask_side(policy):
        found.append(_question(policy, SIDE, SIDE_QUESTION, unless_excluded))
    if policy.pathway is not None:
        found.append(_question(policy, PATHWAY, pathway_question(policy), unless_excluded))
    form = _Form(policy)
    for section in policy.sections.values():
        found += form.items(section.root, unless_excluded)
    codes = {entry.ask for entry in policy.orders if entry.ask and not entry.sections}
    if codes:
        text = f"For an order without a code: {' '.join(sorted(codes))} Enter it in the order."
        found.append({"linkId": CODE, "text": text, "type": "display"})
    return found


def may_ask_side(policy: Policy) -> bool:
    """Return whether the side of the order matters to some clause."""
    return any(map(_is_about_a_side, policy.clauses()))


def _is_about_a_side(clause: Clause) -> bool:
    return any(name.rpartition(".")[2] == "side" for name, _ in written_values(clause.arguments))


def _question(policy: Policy, link_id: str, asked: QuestionText, conditions: Sequence[Unless]) -> Item:
    item: Item = {"linkId": link_id, "text": asked.text, "type": asked.type.value, **enabling(conditions)}
    if asked.type is QuestionType.CHOICE:
        system = option_system(policy, link_id)
        codings = [{"system": system, "code": each.code, "display": each.display} for each in asked.options]
        item["answerOption"] = [{"valueCoding": coding} for coding in codings]
    return item


class _Form:
    """The criteria of one revision as items."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._needed = frozenset(name for each in policy.walk() for name in each.needs)
        self._pathways = option_system(policy, PATHWAY)

    def items(self, c: Criterion, conditions: Sequence[Unless]) -> Iterator[Item]:
        """Yield the item of a criterion with those below it, and after a question what the chart has measured.

        Yield none if nothing of it is ever asked.
        """
        if c.role is not None or c.is_never_met:
            return
        conditions = [*conditions, *other_pathways(c, self._policy, self._pathways)]
        if c.children:
            yield from self._group(c, conditions)
        elif c.ask:
            yield self._asked(c, conditions)
            yield from (each.item() | enabling(conditions) for each in shown_values(c))

    def _group(self, c: Criterion, conditions: Sequence[Unless]) -> Iterator[Item]:
        is_whole = c.is_one_item and bool(c.ask)
        below: list[Item] = []
        for child in c.children:
            moot = list(earlier_alternatives(c, child, self._needed))
            if is_whole and not any(each.id in self._needed for each in child.walk()):
                moot.append(Unless(c.id, None))
            below += self.items(child, moot)
        if below:
            first = [self._asked(c, ())] if is_whole else list(_help(c.id, c.interpretation))
            link_id = f"{c.id}/parts" if is_whole else c.id
            group: Item = {"linkId": link_id, "prefix": c.id, "text": c.says, "type": "group"}
            yield {**group, **enabling(conditions), "item": [*first, *below]}

    def _asked(self, c: Criterion, conditions: Sequence[Unless]) -> Item:
        asked = _question(self._policy, c.id, criterion_question(c), conditions)
        says = f"Criterion: {c.says.rstrip('.')}. {c.interpretation}".rstrip()
        return {**asked, "prefix": c.id, "item": list(_help(c.id, says))}


def _help(link_id: str, text: str) -> Iterator[Item]:
    """Yield the help text of an item, if there is any."""
    if text:
        yield {"extension": [item_control("help")], "linkId": f"{link_id}/help", "text": text, "type": "display"}
