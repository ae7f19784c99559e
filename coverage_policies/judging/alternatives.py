"""Changed orders that fare better: the suggestions of criteria that are not met, each checked by judging the order."""

from collections.abc import Callable

from coverage_policies.format.model import Policy
from coverage_policies.format.terms import Outcome, Status
from coverage_policies.judging.determination import Alternative, Determination
from fhir_mappings.fhir_json import Resource
from fhir_mappings.order_elements import without_coverage_information
from fhir_mappings.orders import Order

RULED_OUT = (Outcome.NOT_SUPPORTED, Outcome.CRITERIA_NOT_MET)
"""The outcomes of an order that cannot be covered as it is."""
_NO_HELP = (*RULED_OUT, Outcome.NOT_APPLICABLE)
"""The outcomes of a changed order that fares no better, or that is not known to: another policy may judge it."""


def alternatives(
    judged: Determination,
    policy: Policy,
    order: Order,
    read: Callable[[Resource], Order],
    judge: Callable[[Order], Determination],
) -> tuple[Alternative, ...]:
    """Return the changed orders that fare better than one that was judged, each judged the same way and to the end.

    An order without an id has none. `read` reads a changed order, and `judge` judges it in place of the original.
    """
    if judged.outcome not in RULED_OUT or "id" not in order.resource:
        return ()
    found = []
    for result in judged.criteria:
        suggest = policy.index[result.id].suggest
        if suggest is None or result.counted is not Status.NOT_MET:
            continue
        resource = suggest.change.applied_to(without_coverage_information(order.resource))
        if resource is None or not suggest.change.is_made_in(changed := read(resource)):
            continue
        again = judge(changed)
        if again.outcome not in _NO_HELP and not again.is_cut_short:
            found.append(Alternative(result.id, suggest.says, changed.resource, again.outcome, again.items_left))
    return tuple(found)
