"""What the orders of one operation say together: a drug or reason stated on one of them is heard for the others."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from coverage_policies.format.model import Policy
from fhir_mappings.order_reasons import OrderReasons
from fhir_mappings.orders import Order


def of_operation(policy: Policy, order: Order, others: Sequence[Order], on: date | None) -> Order:
    """Return an order with what the other orders of its operation state where it is silent itself.

    Orders are of one operation if a section of the policy judges both, on the same day and not on different sides; a
    day or side that is not stated may be the same. Heard are the reasons, the drugs, and what the
    operation is for, each only if the order states none of its own. With `on` None the codes count on any date.
    """
    shared = policy.order_terms.shared
    speaking = [each for each in others if _speaks(each, shared) and _may_be_together(order, each)]
    sections = _sections(policy, order, on) if speaking else frozenset()
    same = [each for each in speaking if sections & _sections(policy, each, on)]
    if not same:
        return order
    silent = [name for name in shared if name not in order.stated and name not in order.hinted]
    has_reason = bool(order.reasons.given) or order.reasons.has_unread
    return replace(
        order,
        reasons=order.reasons if has_reason else _reasons(order, same),
        drugs=order.drugs or tuple(dict.fromkeys(drug for each in same for drug in each.drugs)),
        stated={**order.stated, **_together((each.stated for each in same), silent)},
        hinted={**order.hinted, **_together((each.hinted for each in same), silent)},
    )


def _speaks(order: Order, shared: Iterable[str]) -> bool:
    """Return whether an order states anything that others of its operation may hear."""
    has_reason = bool(order.reasons.given) or order.reasons.has_unread
    return has_reason or bool(order.drugs) or any(name in order.stated or name in order.hinted for name in shared)


def _sections(policy: Policy, order: Order, on: date | None) -> frozenset[str]:
    entries = policy.entries(order.codes, on) if order.is_judged and not order.obstacle else ()
    return frozenset(name for entry in entries for name in entry.sections)


def _may_be_together(one: Order, other: Order) -> bool:
    days = {each.planned for each in (one, other)} - {None}
    sides = {each.side for each in (one, other)} - {None}
    return len(days) <= 1 and len(sides) <= 1


def _reasons(order: Order, same: Iterable[Order]) -> OrderReasons:
    """Return the reasons of the other orders, and the remarks of this one."""
    found = [each.reasons for each in same]
    given = tuple(dict.fromkeys(reason for each in found for reason in each.given))
    return OrderReasons(given, any(each.has_unread for each in found), order.reasons.remarks)


def _together(found: Iterable[Mapping[str, frozenset[str]]], names: Iterable[str]) -> Mapping[str, frozenset[str]]:
    values: dict[str, frozenset[str]] = {}
    for each in found:
        for name in names:
            if name in each:
                values[name] = values.get(name, frozenset()) | each[name]
    return values
