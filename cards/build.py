"""Build the cards of a call: which assessments are shown, as what card, and in what order."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid5

from cards import multiple_policies
from cards.detail import detail
from cards.fine_print import fine_print, has_gaps
from cards.links import NO_ADDRESSES, Addresses, links, source
from cards.override_reasons import override_reasons
from cards.phrasing import items
from cards.style import CardStyle
from cards.summary import summary
from coverage_policies.format.terms import Outcome
from coverage_policies.judging.assessment import Assessment, Suggestion
from coverage_policies.judging.failures import failed_criteria

ORDER_SIGN = "order-sign"
DETERMINATION = "cds-service.determination"
"""The card extension that carries the determinations behind the card."""

_INDICATOR = {Outcome.NOT_SUPPORTED: "warning", Outcome.CRITERIA_NOT_MET: "warning"}
"""Never `critical`: coverage is a payment matter, not a clinical danger."""
_AT_SIGNING = (Outcome.SUPPORTED, Outcome.NOT_EVALUATED)
_RANK = {outcome: rank for rank, outcome in enumerate(Outcome)}
"""The worst outcome first."""


def is_shown(assessment: Assessment, hook: str) -> bool:
    """Return whether an assessment gets a card.

    Only on order-sign: `supported`, `not-evaluated`, and the question whether a policy applies. Never:
    `not-applicable`.
    """
    if assessment.outcome in _AT_SIGNING or assessment.only_asks_whether_it_applies:
        return hook == ORDER_SIGN
    return assessment.outcome is not Outcome.NOT_APPLICABLE


def _visible(assessments: Iterable[Assessment], hook: str) -> tuple[Assessment, ...]:
    """Return the assessments that become cards, the worst outcome first."""
    return tuple(sorted((each for each in assessments if is_shown(each, hook)), key=_order_of_display))


def _order_of_display(assessment: Assessment) -> tuple[int, str, str]:
    first = assessment.determinations[0]
    return _RANK[assessment.outcome], first.order, first.full_name


@dataclass(frozen=True, slots=True)
class AssessedCard:
    """A card (CDS Hooks 2.0.1, Card), the assessment it was made from, and its suggestions in their order.

    Several cards of CRD may be made from one assessment.
    """

    assessment: Assessment
    card: Mapping[str, Any]
    suggestions: tuple[Suggestion, ...] = ()


def build_cards(
    assessments: Iterable[Assessment],
    hook: str,
    style: CardStyle,
    card_id: Callable[[Assessment], UUID],
    addresses: Addresses = NO_ADDRESSES,
) -> tuple[tuple[Assessment, dict[str, Any]], ...]:
    """Return each assessment that is shown on this hook with its card, in order of display.

    `card_id` makes the UUID of the card of an assessment.
    """
    shown = shown_together(assessments, hook)
    return tuple((each, card(each, style, card_id(each), addresses)) for each in shown)


def shown_together(assessments: Iterable[Assessment], hook: str) -> tuple[Assessment, ...]:
    """Return what is shown on this hook, one assessment per procedure, in order of display."""
    return _by_procedure(_visible(assessments, hook))


def said_on_top(assessment: Assessment) -> str:
    """Return the summary of the card of an assessment."""
    several = len(assessment.determinations) > 1
    return multiple_policies.summary(assessment) if several else summary(assessment.determinations[0])


def said_in_detail(assessment: Assessment, style: CardStyle, *, is_from_payer: bool = False) -> str:
    """Return the detail of the card of an assessment; `is_from_payer` is that of `fine_print`."""
    determinations, also = assessment.determinations, _also(assessment)
    if len(determinations) > 1:
        return multiple_policies.detail(assessment, style, also, is_from_payer=is_from_payer)
    return detail(determinations[0], style, also, is_from_payer=is_from_payer)


def _also(assessment: Assessment) -> list[str]:
    """Return the names of the other orders that the card of an assessment is for."""
    return [each.determinations[0].order_label for each in assessment.also]


def indicator(assessment: Assessment) -> str:
    """Return how urgent the card of an assessment is; a failure of a policy that may not apply is no warning."""
    return "info" if assessment.may_not_apply else _INDICATOR.get(assessment.outcome, "info")


def _by_procedure(assessments: Iterable[Assessment]) -> tuple[Assessment, ...]:
    """Return one assessment per procedure: several codes of one operation share the card of the worst of them.

    Of equally bad ones the one with the fewest questions speaks. One that fails on something else keeps its own card.
    One that further sections judge, such as a portable oxygen system beside a stationary one, speaks for the other.
    """
    leading: dict[tuple[object, ...], list[Assessment]] = {}
    ranked = sorted(
        assessments, key=lambda each: (_RANK[each.outcome], sum(len(d.questions) for d in each.determinations))
    )
    for each in ranked:
        group = leading.setdefault(_procedure(each), [])
        position = next((i for i, lead in enumerate(group) if _may_share(lead, each)), None)
        if position is not None:
            group[position] = replace(group[position], also=(*group[position].also, each))
            continue
        position = next((i for i, lead in enumerate(group) if not lead.also and _speaks_for(each, lead)), None)
        if position is not None:
            group[position] = replace(each, also=(group[position],))
        else:
            group.append(each)
    found = [each for group in leading.values() for each in group]
    return tuple(sorted(found, key=_order_of_display))


def _procedure(assessment: Assessment) -> tuple[object, ...]:
    """Return what orders of one procedure have in common: the policies that judge them, and the day.

    A determination without sections has nothing in common with any other.
    """
    judged = tuple((each.full_name, 0 if each.sections else id(each)) for each in assessment.determinations)
    return judged, assessment.determinations[0].anchor_date


def _sections(assessment: Assessment) -> set[tuple[str, str]]:
    return {(each.full_name, name) for each in assessment.determinations for name in each.sections}


def _asked(assessment: Assessment) -> set[tuple[str, str]]:
    return {(each.full_name, question.id) for each in assessment.determinations for question in each.questions}


def failing(assessment: Assessment) -> frozenset[tuple[str, str]]:
    """Return the criteria that fail, each with its revision."""
    return frozenset((each.full_name, one.id) for each in assessment.determinations for one in failed_criteria(each))


def _may_share(lead: Assessment, other: Assessment) -> bool:
    """Return whether a card says everything that matters of another order: the same side, and no failure of its own.

    An order that fewer sections judge must have the same outcome, and no open question but those of the card.
    """
    if _sections(lead) != _sections(other):
        has_all = _sections(other) < _sections(lead) and _asked(other) <= _asked(lead)
        if not has_all or lead.outcome is not other.outcome:
            return False
    sides = {each.side for each in (*lead.all_determinations, *other.determinations)} - {""}
    return len(sides) <= 1 and failing(other) <= failing(lead) and not other.suggestions


def _speaks_for(further: Assessment, lead: Assessment) -> bool:
    """Return whether an order takes the card of another one, because further sections judge it."""
    return _sections(lead) < _sections(further) and _may_share(further, lead)


def card(
    assessment: Assessment, style: CardStyle, card_id: UUID, addresses: Addresses = NO_ADDRESSES
) -> dict[str, Any]:
    """Return one CDS Hooks card (CDS Hooks 2.0.1, Card attributes) for all determinations of an assessment.

    It lists the `suggestions` of the assessment in their order.
    """
    determinations = assessment.determinations
    shared = [each.as_json(addresses.canonicals) for each in assessment.all_determinations]
    found: dict[str, Any] = {
        "uuid": str(card_id),
        "summary": said_on_top(assessment),
        "indicator": indicator(assessment),
        "source": source(assessment, addresses),
        "extension": {DETERMINATION: shared if len(shared) > 1 else shared[0]},
    }
    if linked := links(assessment, addresses):
        found["links"] = linked
    if assessment.outcome is not Outcome.SUPPORTED:
        found["detail"] = said_in_detail(assessment, style)
        if assessment.suggestions:
            found["suggestions"] = [suggestion(each, style, card_id) for each in assessment.suggestions]
            found["selectionBehavior"] = style.selection_behavior
        found["overrideReasons"] = override_reasons(determinations)
    elif assessment.also or any(map(has_gaps, determinations)):
        found["detail"] = fine_print(determinations, _also(assessment))
    return found


def suggestion(offered: Suggestion, style: CardStyle, card_id: UUID) -> dict[str, Any]:
    """Return a suggestion that replaces the draft order (CDS Hooks 2.0.1, Suggestion).

    It is never preselected. Its id follows from that of its card and the criteria that it was made for.
    """
    least, most = offered.items_left
    stay = "stays" if most == 1 else "stay"
    made_for = " ".join(f"{revision}#{criterion}" for revision, criterion in offered.criteria)
    return {
        "label": f"{offered.label} ({items(least, most)} {stay} open)" if most else offered.label,
        "uuid": str(uuid5(card_id, made_for)),
        "isRecommended": False,
        "actions": list(_actions(offered, style)),
    }


def _actions(suggestion: Suggestion, style: CardStyle) -> Iterator[dict[str, Any]]:
    """Yield what replaces the draft order: an update of it, or its deletion and the creation of a new one.

    A created resource has no id: the client assigns one (CDS Hooks 2.0.1, Action).
    """
    resource = suggestion.resource
    if style.actions == "update":
        yield {"type": "update", "description": suggestion.label, "resource": resource}
        return
    reference = f"{resource['resourceType']}/{resource['id']}"
    yield {"type": "delete", "description": "Remove the order as drafted", "resourceId": reference}
    created = {name: value for name, value in resource.items() if name != "id"}
    yield {"type": "create", "description": suggestion.label, "resource": created}
