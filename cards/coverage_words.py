"""Say in words why coverage information is as it is: `reason.text` and `instructions` of Da Vinci CRD."""

from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import date

from cards.coverage_verdict import COVERED, NOT_COVERED, Cause, Verdict, applying, leaves
from cards.fine_print import unread_words
from cards.phrasing import chart_words, counted, lower_first
from cards.summary import failure_words, lines_in_words, summary
from coverage_policies.format.model import APPLIES, CODE
from coverage_policies.format.terms import Outcome
from coverage_policies.judging.alternatives import RULED_OUT
from coverage_policies.judging.assessment import Assessment
from coverage_policies.judging.determination import Determination
from coverage_policies.judging.failures import failed_criteria
from coverage_policies.judging.payer_terms import Authorization, CodeTerms, Standing

_LENGTH = 400
"""The most characters of what one policy says."""
_MOST_NAMED = 5
"""How many failures or open items are named; the others are counted."""


def standing_words(standing: Standing, payer: str) -> str:
    """Return why a member has no coverage that can be checked."""
    match standing:
        case Standing.NO_MEMBER:
            return f"{payer} has no member with the ID on this coverage. Check the member ID."
        case Standing.NOT_ACTIVE:
            return f"The member has no active plan with {payer} on the date of service. Check the member's coverage."
        case Standing.UNCERTAIN:
            return (
                f"It is not certain that the member has an active plan with {payer} on the date of service. "
                "Check the member's coverage and the date of the order."
            )
        case _:
            return f"The member has several plans with {payer}, and this coverage does not show which one applies."


def without_policy_words(covered: str, payer: str) -> str:
    """Return the answer for an order that no policy concerns."""
    match covered:
        case "covered":
            return f"{payer} covers this order; none of its medical policies on file applies."
        case "not-covered":
            return f"{payer} does not cover this order; none of its medical policies on file applies."
        case _:
            return (
                f"No medical policy of {payer} on file applies to this order. The member's benefits were not checked."
            )


def without_code_words() -> str:
    """Return what an order without a usable code lacks."""
    return (
        "This order has no billing code (CPT or HCPCS) or drug code by which a coverage policy can be found. "
        "Add one to the order."
    )


def technical_words(unread: Sequence[Determination], payer: str) -> str:
    """Return that these determinations are open because data could not be read, and that a retry may help.

    Without a determination it is the order itself whose code could not be read.
    """
    again = "A later request may succeed."
    if not unread:
        return f"For technical reasons, {payer} could not read what this order is for. {again}"
    policies = " and ".join(dict.fromkeys(each.policy for each in unread))
    parts = unread_words(unread)
    if not parts and all(each.is_cut_short for each in unread):
        return f"{payer} reached its time limit before this order was checked against policy {policies}. {again}"
    what = f" ({parts})" if parts else ""
    return (
        f"For technical reasons, {payer} could not read all of the chart{what}, so this order could not be checked "
        f"against policy {policies}. {again}"
    )


def payer_unread_words() -> str:
    """Return that the payer of a Coverage is not known, and that a retry may help."""
    return "For technical reasons, the payer of this coverage could not be identified. A later request may succeed."


def partly_unread_words(determinations: Sequence[Determination], payer: str) -> str:
    """Return that more may be in the part of the chart that could not be read."""
    parts = unread_words(determinations)
    what = f" ({parts})" if parts else ""
    return (
        f"For technical reasons, {payer} could not read all of the chart{what}. "
        "Some of what is still open may be documented there."
    )


def policy_words(
    assessments: Iterable[Assessment], unread: Container[int], verdict: Verdict, payer: str, *, is_signing: bool
) -> Iterator[str]:
    """Yield what each policy says of the order, and then what it means for coverage.

    `unread` are the determinations, by their `id`, that are left to `technical_words`.
    """
    said: dict[str, None] = {}
    for assessment in assessments:
        several = len({each.revision for each in applying(assessment)}) > 1
        for each in applying(assessment):
            if id(each) in unread:
                continue
            revision = f"Revision {each.revision} of {each.policy}: " if several and not each.lines else ""
            words = _determination_words(each, is_signing=is_signing)
            if each.presumed:
                words += f" Assumed from the chart: {lower_first(each.presumed.says).rstrip('.')}."
            said[f"{revision}{lower_first(words)}" if revision else words] = None
    yield from said
    if verdict.covered == NOT_COVERED:
        yield f"{payer} does not cover this order for that reason."
    elif verdict.covered == COVERED:
        yield f"{payer} covers this order on that basis."
    yield from _cause_words(verdict.causes, payer)


def _determination_words(found: Determination, *, is_signing: bool) -> str:
    match found.outcome:
        case Outcome.SUPPORTED:
            under = f"Under {lines_in_words(found)}, all" if found.lines else "All"
            return f"{under} requirements of policy {found.policy} are documented."
        case Outcome.NOT_SUPPORTED | Outcome.CRITERIA_NOT_MET:
            return _failures(found)
        case Outcome.DOCUMENTATION_NEEDED if not is_signing and _asks_for_documents(found):
            return f"Documentation will be needed at signing. {summary(found, _LENGTH)}"
        case Outcome.NOT_EVALUATED if found.criteria and found.questions:
            return f"The chart could not be checked against policy {found.policy}, so its requirements are open."
        case _:
            return summary(found, _LENGTH)


def _asks_for_documents(found: Determination) -> bool:
    """Return whether it certainly judges the order, and the order itself cannot settle all that is open."""
    asked = leaves(found)
    is_certain = not any(each.id in (APPLIES, CODE) for each in asked)
    return is_certain and any(not each.settled_by for each in asked)


def _failures(found: Determination) -> str:
    """Return each failure with its requirement, under the policy that states it."""
    failed = failed_criteria(found)
    if not failed:
        return summary(found, _LENGTH)
    more = len(failed) - _MOST_NAMED
    under = f"Under {lines_in_words(found)}, this" if found.lines else "This"
    verb = "is not supported by" if found.outcome is Outcome.NOT_SUPPORTED else "does not meet"
    sentences = [failure_words(each, found.order, room=_LENGTH) for each in failed[:_MOST_NAMED]]
    if more > 0:
        sentences.append(f"{counted(more, 'more requirement')} {'is' if more == 1 else 'are'} not met.")
    return f"{under} order {verb} policy {found.policy}. {' '.join(sentences)}"


def _cause_words(causes: frozenset[Cause], payer: str) -> Iterator[str]:
    """Yield what leaves coverage open, beside what the policies say themselves."""
    if Cause.DOCUMENTATION in causes:
        yield "Coverage depends on this documentation."
    if Cause.PERFORMER in causes:
        yield "The order does not state who performs it."
    if Cause.LOCATION in causes:
        yield "The order does not state where it is performed."
    if Cause.DISAGREEMENT in causes:
        yield "It is not known which of these applies."
    if Cause.MAY_NOT_APPLY in causes:
        yield f"It is not known whether {payer} applies this policy to the member's plan."
    if Cause.AUTHORIZED in causes:
        yield f"{payer} has authorized the service for this member all the same; ask {payer} before changing the order."
    if Cause.PLAN in causes:
        yield f"This does not settle coverage: {payer} decides, and the member's benefits were not checked."


def authorization_words(authorization: str, payer: str, number: str = "") -> str:
    """Return what is known of prior authorization; empty if nothing is."""
    match authorization:
        case "satisfied":
            return f"Prior authorization {number} is on file with {payer}."
        case Authorization.AUTH_NEEDED.value:
            return "Prior authorization is needed."
        case Authorization.NO_AUTH.value:
            return "No prior authorization is needed."
        case Authorization.CONDITIONAL.value:
            return f"Whether prior authorization is needed is not settled; ask {payer}."
        case _:
            return ""


def period_words(terms: CodeTerms, days: tuple[date, date]) -> str:
    """Return the period that a payer allows, for an order that may be on these days, not all inside."""
    first, last = days
    is_apart = (terms.until is not None and terms.until < first) or (terms.since is not None and last < terms.since)
    since = f" from {chart_words(str(terms.since))}" if terms.since else ""
    until = f" until {chart_words(str(terms.until))}" if terms.until else ""
    return f"The plan allows this service{since}{until}; the order {'is' if is_apart else 'may be'} for another date."


def _documentation_words(found: Determination) -> str:
    """Return what to document next: `To document for policy CP.TEST (2025-01): (1) A is so. (2) Is it B? Then 1 more.`

    It is empty if the order itself has to state what is open.
    """
    asked = (each for each in found.questions if each.id != CODE and not each.settled_by)
    items = list(dict.fromkeys((each.says or each.text) for each in asked))
    if not items:
        return ""
    named = [f"({n}) {each}{'' if each.endswith(('.', '?')) else '.'}" for n, each in enumerate(items[:_MOST_NAMED], 1)]
    more = len(items) - _MOST_NAMED
    return " ".join(
        [
            f"To document for policy {found.policy} ({found.revision}):",
            *named,
            *([f"Then {more} more."] if more > 0 else []),
        ]
    )


def _remedy_words(found: Determination) -> str:
    """Return how an order whose criteria are not met may still be covered; empty if no way is known."""
    changes = " or ".join(dict.fromkeys(lower_first(each.says).rstrip(".") for each in found.alternatives))
    change = f"A changed order may meet the policy: {changes}." if changes else ""
    if found.outcome is not Outcome.CRITERIA_NOT_MET:
        return change
    return f"If the chart is incomplete, add what is missing and place the order again. {change}".strip()


def instructions(found: Determination) -> str:
    """Return what to do next under one policy; empty if there is nothing to do."""
    if found.outcome in RULED_OUT:
        return _remedy_words(found)
    is_open = found.outcome in (Outcome.DOCUMENTATION_NEEDED, Outcome.NOT_EVALUATED)
    return _documentation_words(found) if is_open else ""
