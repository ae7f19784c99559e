"""Which policies judge an order: by its code, the service date, and what is known of the patient's plan.

The operator's table of effective dates wins. Without an entry the newest revision dated on or before the service month
applies. Where that one is known and not held, the held ones before and after it are applied side by side, and so are
texts for different lines of business where the patient's is not known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from coverage_policies.format.library import Library
from coverage_policies.format.model import Policy
from coverage_policies.judging.order_matching import match_order
from coverage_policies.judging.plan import Plan
from coverage_policies.judging.plan_rules import LineOfBusiness, PlanRules
from fhir_mappings.orders import Order
from fhir_mappings.truth import Truth

_LINES = (LineOfBusiness.MEDICARE, LineOfBusiness.NON_MEDICARE)


@dataclass(frozen=True, slots=True)
class Selection:
    """Texts that are applied to one order side by side, mostly one, and why these, in sentences for the card.

    `other_payer` where the payer on file follows other policies, `available` False where no text of that day is held:
    in both cases nothing is judged and the first text stands for the policy.
    """

    policies: tuple[Policy, ...]
    reasons: tuple[str, ...] = ()
    other_payer: bool = False
    available: bool = True


@dataclass(frozen=True, slots=True)
class _EffectiveRevisions:
    policies: tuple[Policy, ...]
    reasons: tuple[str, ...] = ()
    available: bool = True


def candidate_policies(library: Library, order: Order, on: date, rules: PlanRules) -> tuple[Policy, ...]:
    """Every text that may have to judge an order, before anything is known of the patient's plan."""
    found: list[Policy] = []
    for revisions in library.revisions_about(order.codes):
        in_force = _effective_revisions(revisions, on, rules)
        if _concerns(in_force, revisions, order, on):
            found += in_force.policies
    return tuple(found)


def choose(library: Library, order: Order, on: date, plan: Plan, rules: PlanRules) -> tuple[Selection, ...]:
    """The policies that judge an order on a service date; policies to be applied side by side stand together."""
    by_line: dict[str, list[_EffectiveRevisions]] = {}
    found = []
    for revisions in library.revisions_about(order.codes):
        in_force = _effective_revisions(revisions, on, rules)
        names_it = in_force.available and any(policy.entries(order.codes, None) for policy in in_force.policies)
        if not names_it and not _concerns(in_force, revisions, order, on):
            continue
        policy = in_force.policies[-1]
        lines = policy.lines_of_business
        if plan.line is not LineOfBusiness.UNKNOWN and plan.line.value not in lines:
            continue
        follows = plan.follows(policy.owner)
        if follows is Truth.NO:
            why = f"The payer on file does not follow the policies of {policy.owner}."
            found.append(Selection(in_force.policies[-1:], (why,), other_payer=True))
        elif not in_force.available:
            found.append(Selection(in_force.policies, in_force.reasons, available=False))
        elif plan.line is LineOfBusiness.UNKNOWN and len(lines) == 1:
            by_line.setdefault(policy.owner, []).append(in_force)
        else:
            found.append(Selection(in_force.policies, (*_precedence(plan, policy), *in_force.reasons)))
    for group in by_line.values():
        policies = tuple(policy for each in group for policy in each.policies)
        names = " and ".join(dict.fromkeys(f"{p.name} ({', '.join(p.lines_of_business)})" for p in policies))
        missing = [line.value for line in _LINES if all(line.value not in p.lines_of_business for p in policies)]
        silent = "".join(f" No text for {line} that is held for the day speaks about it." for line in missing)
        why = f"The line of business is not known: judged by {names}.{silent}"
        rest = tuple(dict.fromkeys(sentence for each in group for sentence in each.reasons))
        found.append(Selection(policies, (why, *_precedence(plan, policies[0]), *rest)))
    return tuple(found)


def _concerns(in_force: _EffectiveRevisions, revisions: Sequence[Policy], order: Order, on: date) -> bool:
    """Whether the texts in force have something to say about an order; where none is held, whether any text has."""
    policies = in_force.policies if in_force.available else revisions
    said = (match_order(policy, order, on, {}, ignore_code_dates=not in_force.available) for policy in policies)
    return not all(each.no_match for each in said)


def _precedence(plan: Plan, policy: Policy) -> tuple[str, ...]:
    """Whose rules come before the text, and whether the plan follows it at all."""
    found = [*plan.notes]
    if plan.follows(policy.owner) is Truth.UNKNOWN:
        found.append(f"It counts if the plan follows the policies of {policy.owner}: the payer on file is not known.")
    if plan.line is LineOfBusiness.MEDICARE:
        found.append("Medicare: national and local coverage determinations come first.")
    if plan.medicaid_state:
        state = "" if plan.medicaid_state == "?" else f" of {plan.medicaid_state}"
        found.append(f"Medicaid: the rules of the state{state} come first.")
    if plan.line is LineOfBusiness.UNKNOWN and not plan.medicaid_state:
        found.append("Determinations of Medicare and rules of a state's Medicaid, where they apply, come first.")
    return tuple(found)


def _effective_revisions(revisions: Sequence[Policy], on: date, rules: PlanRules) -> _EffectiveRevisions:
    """The revision of one policy that stands on a service date, or its held neighbours.

    A text that the plan applied until an earlier day is over, and so are those before it; one that it applies from a
    later day on is still to come, whatever month it is dated.
    """
    by_name = {policy.full_name: policy for policy in revisions}
    stated = [each for each in rules.effective if each.policy in by_name]
    effective = [each for each in stated if each.since <= on and (each.until is None or on <= each.until)]
    if effective:
        latest = max(effective, key=lambda each: each.since)
        return _EffectiveRevisions(
            (by_name[latest.policy],), (f"In force for the plan since {latest.since} ({latest.source}).",)
        )
    over = {by_name[each.policy].revision for each in stated if each.since <= on}
    to_come = {by_name[each.policy].revision for each in stated} - over
    held = {policy.revision: policy for policy in revisions}
    known = {month for policy in revisions for month in policy.history} | set(held)
    current = max((each for each in known - to_come if each <= f"{on.year:04d}-{on.month:02d}"), default="")
    if current in held and current not in over:
        why = "The plan sets the day a text takes effect; taken is the newest dated by the month of service."
        return _EffectiveRevisions((held[current],), (why,))
    before = [held[each] for each in sorted(set(held) - to_come) if each <= current]
    after = [held[each] for each in sorted(held) if each > current]
    name = revisions[0].name
    if not before:
        oldest = (after or revisions)[0]
        why = f"No text of {name} is held for {on}; the oldest is dated {oldest.revision}."
        return _EffectiveRevisions((oldest,), (why,), available=False)
    if after:
        which = f"after {current}" if current in over else f"of {current}"
        why = f"The text of {name} {which} is not held: judged by the one before and the one after."
        return _EffectiveRevisions((before[-1], after[0]), (why,))
    if before[-1].revision in over:
        why = f"No text of {name} is held for {on}; that of {before[-1].revision} is no longer in force for the plan."
        return _EffectiveRevisions((before[-1],), (why,), available=False)
    return _EffectiveRevisions((before[-1],), (f"A later text of {name}, of {current}, is not held.",))
