"""Select the policies that judge an order: by its code, the service date, and what is known of the patient's plan.

The operator's table of effective dates wins. Without an entry the newest revision dated on or before the service month
applies. If that one is known but not installed, the installed revisions before and after it are applied together, and
so are policies for different lines of business if the patient's is not known.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from coverage_policies.format.library import Library
from coverage_policies.format.model import Policy
from coverage_policies.format.terms import LineOfBusiness, PolicyKind
from coverage_policies.judging.order_matching import OrderMatch, match_order
from coverage_policies.judging.plan import MEDICARE_LINES, Plan
from coverage_policies.judging.plan_rules import PlanRules
from fhir_mappings.orders import Order
from fhir_mappings.truth import Truth


@dataclass(frozen=True, slots=True)
class InForce:
    """The revisions of one policy that are in force on a service date, and why these.

    Mostly one; two if the revision in force is known but not installed. `available` is False if none for that day is
    installed; then the one revision represents the policy. `is_substitute` is whether another revision is in force.
    """

    policies: tuple[Policy, ...]
    reasons: tuple[str, ...] = ()
    available: bool = True
    is_substitute: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A policy that may judge an order, before anything is known of the patient's plan.

    `matches` is how each revision in force matches the order, by full name. `concerns` is False if all of them name the
    code of the order and none applies to this order: a determination says so, and needs no data.
    """

    in_force: InForce
    matches: Mapping[str, OrderMatch]
    concerns: bool


@dataclass(frozen=True, slots=True)
class Selection:
    """The policies that judge one order together, mostly one, and why these, in sentences for the card.

    `other_payer` is True if the payer on file follows other policies, `available` False if no revision for the day is
    installed: in both cases nothing is judged, and the first policy represents all. `caveats` are the reasons that a
    reader of the card must know, in a few words each.
    """

    policies: tuple[Policy, ...]
    matches: Mapping[str, OrderMatch]
    reasons: tuple[str, ...] = ()
    other_payer: bool = False
    available: bool = True
    caveats: tuple[str, ...] = ()
    is_for_some_lines: bool = False
    """Whether the patient's line of business is not known, and each policy is for some of the possible ones."""
    lacks_lines: bool = False
    """Whether none of the policies is for some of the lines of business that may be the patient's."""


def candidates(
    library: Library, order: Order, others: Sequence[Order], on: date, rules: PlanRules
) -> tuple[Candidate, ...]:
    """Return every policy that may judge an order beside others on a service date, each matched with it once."""
    found = []
    for revisions in library.revisions_about(order.codes, order.words):
        in_force = in_force_on(revisions, on, rules)
        if in_force.available:
            matches = {policy.full_name: match_order(policy, order, others, on) for policy in in_force.policies}
            names_code = any(policy.entries(order.codes, None) for policy in in_force.policies)
            concerns = not all(match.no_match for match in matches.values())
        else:
            matches, names_code = {}, False
            matched = (match_order(each, order, others, on, ignore_code_dates=True) for each in revisions)
            concerns = not all(match.no_match for match in matched)
        if concerns or names_code:
            found.append(Candidate(in_force, matches, concerns))
    return tuple(found)


def select(found: Sequence[Candidate], plan: Plan) -> tuple[Selection, ...]:
    """Return the policies that judge an order under a plan, grouped if they must be applied together."""
    by_line: dict[str, list[Candidate]] = {}
    selections = []
    for candidate in found:
        in_force = candidate.in_force
        policy = in_force.policies[-1]
        lines = lines_judged(policy)
        if not plan.lines & lines:
            continue
        if follows(plan, policy) is Truth.NO:
            why = f"The payer on file does not use {policy.owner} policies."
            selections.append(Selection(in_force.policies[-1:], candidate.matches, (why,), other_payer=True))
        elif not in_force.available:
            selections.append(Selection(in_force.policies, candidate.matches, in_force.reasons, available=False))
        elif not plan.lines <= lines:
            by_line.setdefault(policy.owner, []).append(candidate)
        else:
            limits = _limits(plan, policy)
            reasons = (*limits, *in_force.reasons)
            caveats = _caveats(limits, (in_force,))
            selections.append(Selection(in_force.policies, candidate.matches, reasons, caveats=caveats))
    return (*selections, *(_of_every_line(group, plan) for group in by_line.values()))


def follows(plan: Plan, policy: Policy) -> Truth:
    """Return whether a plan follows a policy of its line of business; UNKNOWN if the payer is unknown.

    Every Medicare plan follows a coverage determination of Medicare (42 CFR 422.101(b)).
    """
    return plan.follows(policy.owner) if policy.kind is PolicyKind.PLAN else Truth.YES


def _of_every_line(group: Sequence[Candidate], plan: Plan) -> Selection:
    """Return the policies of one owner for several lines of business, if the patient's line is not known."""
    policies = tuple(policy for each in group for policy in each.in_force.policies)
    names = " and ".join(dict.fromkeys(f"{p.name} ({', '.join(p.lines_of_business)})" for p in policies))
    covered = frozenset().union(*map(lines_judged, policies))
    missing = " or ".join(line for line in LineOfBusiness if line in plan.lines - covered)
    silent = f" No {missing} policy installed for that date covers this order." if missing else ""
    why = f"Line of business not known. Checked against {names}.{silent}"
    rest = tuple(dict.fromkeys(sentence for each in group for sentence in each.in_force.reasons))
    matches = {name: match for each in group for name, match in each.matches.items()}
    limits = _limits(plan, *policies)
    caveats = ("Line of business not known", *_caveats(limits, [each.in_force for each in group]))
    reasons = (why, *limits, *rest)
    return Selection(policies, matches, reasons, caveats=caveats, is_for_some_lines=True, lacks_lines=bool(missing))


def _caveats(limits: Mapping[str, str], in_force: Iterable[InForce]) -> tuple[str, ...]:
    """Return what a reader must know of the limits of an answer, and whether a revision is not installed."""
    found = [caveat for caveat in limits.values() if caveat]
    if any(each.is_substitute for each in in_force):
        found.append("Revision in force not installed")
    return tuple(found)


def lines_judged(policy: Policy) -> frozenset[LineOfBusiness]:
    """Return the lines that a policy judges: its own, and original Medicare by one for Medicare Advantage."""
    lines = frozenset(policy.lines_of_business)
    return lines | MEDICARE_LINES if LineOfBusiness.MEDICARE_ADVANTAGE in lines else lines


def _limits(plan: Plan, *policies: Policy) -> dict[str, str]:
    """Return notes on whose rules take precedence over an owner's policies, and whether the plan follows them.

    Each is a sentence, with the same in a few words if a reader of the card must know it. Nothing takes precedence over
    a national coverage determination of Medicare, and only that over a local one.
    """
    found = dict.fromkeys(plan.notes, "")
    kinds = {policy.kind for policy in policies}
    if kinds == {PolicyKind.NCD}:
        return found
    owner = policies[0].owner
    if follows(plan, policies[0]) is Truth.UNKNOWN:
        found[f"Payer not identified. Applies only if the plan uses {owner} policies."] = "Payer not identified"
        if owner.casefold() in plan.unknown_payers:
            found[f"The only payer on file is named {owner}, too; to identify it, add it to the plan rules."] = ""
    if LineOfBusiness.MEDICARE in plan.lines:
        names = dict.fromkeys(
            p.name for p in policies if LineOfBusiness.MEDICARE in lines_judged(p) - {*p.lines_of_business}
        )
        for name in names:
            found[f"{name} is for Medicare Advantage; it is applied to original Medicare as well."] = ""
    if plan.lines <= MEDICARE_LINES and PolicyKind.PLAN in kinds:
        note = "Medicare national and local coverage determinations take precedence."
        found[note] = "Medicare determinations take precedence"
    elif plan.lines <= MEDICARE_LINES and PolicyKind.LCD in kinds:
        found["Medicare national coverage determinations take precedence."] = "National determinations take precedence"
    if plan.medicaid_state:
        state = "the state" if plan.medicaid_state == "?" else plan.medicaid_state
        found[f"Medicaid rules of {state} take precedence."] = "State Medicaid rules take precedence"
    may_be_medicare = bool(plan.lines & MEDICARE_LINES) and not plan.lines <= MEDICARE_LINES
    if may_be_medicare and not plan.medicaid_state:
        found["Medicare coverage determinations and state Medicaid rules take precedence where they apply."] = ""
    return found


def in_force_on(revisions: Sequence[Policy], on: date, rules: PlanRules) -> InForce:
    """Return the revision of one policy in effect on a service date, or the installed ones before and after it.

    A revision that the plan applied until an earlier day is over, and so are those before it; one that it applies from
    a later day on is still to come, whatever month it is dated.
    """
    by_name = {policy.full_name: policy for policy in revisions}
    stated = [each for each in rules.effective if each.policy in by_name]
    effective = [each for each in stated if each.since <= on and (each.until is None or on <= each.until)]
    if effective:
        latest = max(effective, key=lambda each: each.since)
        return InForce((by_name[latest.policy],), (f"In effect for the plan since {latest.since} ({latest.source}).",))
    over = {by_name[each.policy].revision for each in stated if each.since <= on}
    to_come = {by_name[each.policy].revision for each in stated} - over
    installed = {policy.revision: policy for policy in revisions}
    known = {month for policy in revisions for month in policy.history} | set(installed)
    current = max((each for each in known - to_come if each <= f"{on.year:04d}-{on.month:02d}"), default="")
    if current in installed and current not in over:
        why = "Policy revision: newest as of the service month; the plan may use another effective date."
        return InForce((installed[current],), (why,))
    before = [installed[each] for each in sorted(set(installed) - to_come) if each <= current]
    after = [installed[each] for each in sorted(installed) if each > current]
    name = revisions[0].name
    if not before:
        oldest = (after or revisions)[0]
        why = f"No revision of {name} is installed for {on}; the oldest installed is {oldest.revision}."
        return InForce((oldest,), (why,), available=False)
    if after:
        which = f"after {current}" if current in over else f"dated {current}"
        why = f"The revision of {name} {which} is not installed. Checked against the revisions before and after it."
        return InForce((before[-1], after[0]), (why,), is_substitute=True)
    if before[-1].revision in over:
        why = f"No revision of {name} is installed for {on}; the plan no longer uses {before[-1].revision}."
        return InForce((before[-1],), (why,), available=False)
    why = f"A later revision of {name}, dated {current}, is not installed."
    return InForce((before[-1],), (why,), is_substitute=True)


def stated_days(policy: Policy, rules: PlanRules) -> list[tuple[date, date | None]]:
    """Return the first and last days on which a revision applies, by the plan rules, else by its document.

    The last day is None where they go on. The list is empty if neither states any: the revision then applies from its
    month on.
    """
    found = [(each.since, each.until) for each in rules.effective if each.policy == policy.full_name]
    if found or policy.effective is None:
        return sorted(found, key=lambda days: days[0])
    return [(policy.effective, policy.until)]
