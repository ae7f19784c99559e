"""Who sees what on the policy pages: anyone what clients are shown, a signed-in operator everything."""

from collections.abc import Iterable

from cds_service.crd.services import HOOKS
from cds_service.http.services import services
from cds_service.web.login import known_operator
from coverage_policies.format.model import Policy
from coverage_policies.judging.plan_rules import PlanRules, Visibility

_FROM_SHOWN = (Visibility.ON, Visibility.SHADOW, Visibility.OFF)


def signed_in() -> bool:
    """Return whether an operator reads the page: everybody, where nobody has to sign in.

    Where sessions cannot be read now, nobody is signed in: the pages are for everybody.
    """
    return known_operator() is not None


def visibility_of(policy: Policy, rules: PlanRules) -> Visibility:
    """Return the widest visibility of a revision on any hook: `ON` if some client is shown its determinations."""
    return min((rules.visibility(policy.full_name, hook) for hook in HOOKS), key=_FROM_SHOWN.index)


def readable_policies() -> dict[str, Policy]:
    """Return the installed revisions that the reader may see, by full name.

    What the operator keeps in shadow mode or switched off is for operators alone.
    """
    assessor, is_operator = services().assessor, signed_in()
    return {
        name: policy
        for name, policy in sorted(assessor.library.policies.items())
        if is_operator or visibility_of(policy, assessor.rules) is Visibility.ON
    }


def revisions_of(name: str) -> tuple[Policy, ...]:
    """Return the revisions of a policy that the reader may see, the oldest first."""
    return tuple(
        sorted((each for each in readable_policies().values() if each.name == name), key=lambda each: each.revision)
    )


def order_sets(policies: Iterable[Policy]) -> frozenset[str]:
    """Return the names of the value sets of the orders that these revisions cover."""
    return frozenset(name for policy in policies for entry in policy.orders for name in entry.codes.names)
