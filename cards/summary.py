"""Write the line on top of a card: the finding that decides, or the next step."""

from cards.fine_print import has_gaps
from cards.markdown import shortened
from cards.phrasing import chart_words, items_left, labeled, lower_first
from coverage_policies.format.model import APPLIES, CODE, PATHWAY, SIDE
from coverage_policies.format.terms import Outcome, Reason, Status
from coverage_policies.judging.determination import CriterionResult, Determination
from coverage_policies.judging.failures import failed_criteria

SUMMARY_LENGTH = 139
"""CDS Hooks 2.0.1: a summary has fewer than 140 characters."""
_ABOUT_THE_ORDER = (APPLIES, CODE, PATHWAY, SIDE)


def summary(determination: Determination, length: int = SUMMARY_LENGTH) -> str:
    """Return what keeps an order from coverage, or what to document next; with the lines of business it is for.

    It has at most `length` characters.
    """
    if not determination.lines:
        return shortened(headline(determination, length), length)
    under = f"Under {lines_in_words(determination)}: "
    said = headline(determination, length - len(under))
    return shortened(f"{under}{lower_first(said)}", length)


def lines_in_words(determination: Determination) -> str:
    """Return the lines of business of a determination; Medicare Advantage judges Medicare as well."""
    words = (line.value.split("-")[0] for line in determination.lines)
    return " or ".join(dict.fromkeys(word.capitalize() if word != "commercial" else word for word in words))


def headline(determination: Determination, room: int = SUMMARY_LENGTH) -> str:
    """Return the sentences of a summary, in `room` characters where names can be shortened."""
    policy = determination.policy
    match determination.outcome:
        case Outcome.NOT_SUPPORTED | Outcome.CRITERIA_NOT_MET:
            found = failed_criteria(determination)
            if not found:
                return f"No indication in policy {policy} can be met."
            more = f" (+{len(found) - 1} more)" if len(found) > 1 else ""
            return failure_words(found[0], determination.order, more, room)
        case Outcome.NOT_EVALUATED:
            return f"Policy {policy} not checked: {_obstacle(determination)}."
        case Outcome.DOCUMENTATION_NEEDED:
            return _next_step(determination)
        case Outcome.CASE_REVIEW:
            return _review(determination)
        case _:
            gap = " Not all data could be used." if has_gaps(determination) else ""
            end = f" ({policy}). Not a coverage decision.{gap}"
            start = f"All requirements documented: {lower_first(determination.order_label)}"
            return shortened(start, room - len(end)) + end


def failure_words(result: CriterionResult, order: str, more: str = "", room: int = SUMMARY_LENGTH) -> str:
    """Return the finding and the requirement that it fails, in `room` characters where the finding can be shortened.

    `Order says posterior. Policy covers the lateral transarticular approach only.` `more` ends the last sentence.
    """
    sentence = result.says_when_not_met or f"Not met: {lower_first(result.says)}"
    if result.reason is Reason.ATTESTED:
        return f"{sentence}, by a clinician's answer{more}."
    finding = chart_words(result.headline or _finding(result, order))
    if not finding:
        return f"{sentence}{more}."
    said = shortened(finding, room - len(f". {sentence}{more}."))
    return f"{said if said.endswith('…') else f'{said}.'} {sentence}{more}."


def _finding(result: CriterionResult, order: str) -> str:
    """Return the first record that fails a criterion, in words; the order itself is none."""
    first = next((item for item in result.evidence if item.reference != order), None)
    if first is None:
        return ""
    return f"{labeled(first)} ({first.date})" if first.date else labeled(first)


def _obstacle(determination: Determination) -> str:
    if determination.obstacle:
        return determination.obstacle
    if not determination.criteria:
        return "no revision is installed for the service date"
    return "time limit reached" if determination.is_cut_short else "the chart could not be read"


def _next_step(determination: Determination) -> str:
    policy = f"policy {determination.policy}"
    if not determination.questions:
        return f"Documentation needed for {policy}."
    first, *others = determination.questions
    if first.id == CODE:
        return f"{first.text} Needed to check {policy}."
    if first.id == APPLIES:
        return f"{first.text} If so, {policy} applies."
    if first.id in _ABOUT_THE_ORDER:
        then = f" Then {items_left(determination)} to document for {policy}." if determination.items_left[1] else ""
        return f"First: {lower_first(first.text)}{then}"
    says = lower_first(first.says or first.text)
    start = f" Start with: {says}" if others else f": {says}"
    return f"{items_left(determination)} to document for {policy}{'.' if others else ''}{start}."


def _review(determination: Determination) -> str:
    handed = plan_reviews(determination)
    return f"Needs plan medical review ({determination.policy}).{f' {handed[0]}.' if handed else ''}"


def plan_reviews(determination: Determination) -> tuple[str, ...]:
    """Return what the plan reviews because data decide it: each as a sentence without a period."""
    handed = (each for each in determination.criteria if each.is_for_review)
    return tuple(each.says if each.status is Status.MET else each.says_when_not_met or each.says for each in handed)
