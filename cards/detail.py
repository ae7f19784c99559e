"""Write a card's detail: what fails and on what evidence, what to document next, and what is already documented."""

from collections.abc import Iterable, Iterator

from cards.fine_print import fine_print
from cards.layout import Block, Line, fitted
from cards.markdown import escaped
from cards.phrasing import chart_words, counted, evidence_words, lower_first
from cards.style import CardStyle
from cards.summary import failure_words, plan_reviews
from coverage_policies.format.terms import Outcome, Reason, Status
from coverage_policies.judging.determination import CriterionResult, Determination, Question
from coverage_policies.judging.failures import failed_criteria, failed_on_some_pathways

QUESTIONS = 5
_EVIDENCE = 5
_BESIDE_A_QUESTION = 2
_BESIDE_LENGTH = 80
_DONE = 3
_PARTS_LENGTH = 80
_WITH_EVIDENCE = 3
"""How many questions come with what the chart says about them before there is room for another question."""
_DECIDES, _ASKS, _SEEN, _FURTHER, _ASKS_MORE, _SEEN_MORE, _DONE_ALREADY = range(1, 8)
"""The ranks of what a detail says."""

_OPEN_BECAUSE = {
    Reason.CONFLICT: "records conflict",
    Reason.DATA_UNAVAILABLE: "not read",
}
"""The reasons for a question that the evidence beside it does not show."""


def detail(
    determination: Determination, style: CardStyle, also: Iterable[str] = (), *, is_from_payer: bool = False
) -> str:
    """Return one screen of Markdown for a determination.

    `also` are the names of other orders that the card is for; `is_from_payer` is that of `fine_print`.
    """
    return fitted(
        [
            heading(determination),
            *failures(determination),
            *_conditional_failures(determination),
            *_reviews(determination),
            *questions(determination, style, QUESTIONS),
            *_done(determination),
            *_presumed(determination),
            Block("", (Line(fine_print((determination,), also, is_from_payer=is_from_payer)),)),
        ]
    )


def heading(determination: Determination) -> Block:
    """Return the name of the order."""
    return Block("", (Line(f"**{escaped(determination.order_label)}**"),))


def failures(determination: Determination) -> Iterator[Block]:
    """Yield what fails: the first with its evidence, the others in a line each."""
    found = failed_criteria(determination)
    for result in found[:1]:
        shown = tuple(Line(f"- {each}", _DECIDES) for each in _first(_EVIDENCE, _evidence(result, determination.order)))
        title = f"**Requirement not met:** {escaped(result.says)}"
        yield Block("", (Line(title), *shown))
    if len(found) > 1:
        others = (escaped(each.says_when_not_met or f"Not met: {each.says}") for each in found[1:])
        yield Block("**Also not met:**", tuple(Line(f"- {each}", _FURTHER) for each in others))


def _first(most: int, lines: Iterable[str]) -> list[str]:
    """Return the first lines, each once; a long chart has many more, which are not put into words."""
    found: dict[str, None] = {}
    for line in lines:
        found[line] = None
        if len(found) == most:
            break
    return list(found)


def _evidence(result: CriterionResult, order: str) -> Iterator[str]:
    yield from (escaped(chart_words(note)) for note in result.notes)
    yield from filter(None, (evidence_words(item, order) for item in result.evidence))


def _conditional_failures(determination: Determination) -> Iterator[Block]:
    """Yield what fails on some of the open pathways, so that the clinician knows before choosing one."""
    for result, names in failed_on_some_pathways(determination):
        on = " or ".join(lower_first(determination.pathways[name]) for name in names)
        said = failure_words(result, determination.order)
        yield Block("", (Line(f"**Not met if the order is for {escaped(on)}:** {escaped(said)}", _DECIDES),))


def questions(determination: Determination, style: CardStyle, most: int) -> Iterator[Block]:
    """Yield the first `most` open questions, each with what the chart says about it."""
    asked = determination.questions[:most]
    title = "**To document:**" if len(determination.questions) == 1 else "**To document next:**"
    header = f"{title}\n\n| Item | In the chart |\n|---|---|" if style.tables else title
    lines = []
    for i, question in enumerate(asked):
        asks, seen = (_ASKS, _SEEN) if i < _WITH_EVIDENCE else (_ASKS_MORE, _SEEN_MORE)
        said, in_chart = _asked(question), _seen(question, determination.order)
        if style.tables:
            lines.append(Line(f"| {said} |", asks, f" {in_chart}" if in_chart else "", seen, " |"))
        else:
            lines.append(Line(f"- {said}", asks, f" *In the chart: {in_chart}*" if in_chart else "", seen))
    yield Block(header, tuple(lines))


def _asked(question: Question) -> str:
    before = f"*{escaped(question.pathway)}:* " if question.pathway else ""
    names = ", ".join(part.says for part in question.parts)
    parts = f" ({escaped(names)})" if 0 < len(names) <= _PARTS_LENGTH else ""
    return f"{before}{escaped(question.text)}{parts}"


def _seen(question: Question, order: str) -> str:
    why = _OPEN_BECAUSE.get(question.reason) if question.reason else None
    words = (evidence_words(item, order, _BESIDE_LENGTH) for item in question.evidence[:_BESIDE_A_QUESTION])
    return "; ".join(filter(None, (why, *words)))


def _reviews(determination: Determination) -> Iterator[Block]:
    """Yield what else the plan reviews; the summary of a case review has the first."""
    is_on_top = determination.outcome is Outcome.CASE_REVIEW
    for sentence in plan_reviews(determination)[is_on_top:]:
        yield Block("", (Line(f"**Plan medical review:** {escaped(sentence)}", _DECIDES),))


def _done(determination: Determination) -> Iterator[Block]:
    """Yield how many requirements are documented, and which, if they are few."""
    met = [each.says for each in determination.criteria if each.counted is Status.MET and not each.is_group]
    if not met:
        return
    done = counted(determination.required, "requirement")
    count = f"{determination.documented} of {done} documented." if determination.required else ""
    names = f"Found: {escaped('; '.join(met))}." if len(met) <= _DONE else ""
    if count:
        yield Block("", (Line(count, _ASKS, f" {names}" if names else "", _DONE_ALREADY),))
    elif names:
        yield Block("", (Line(names, _DONE_ALREADY),))


def _presumed(determination: Determination) -> Iterator[Block]:
    if determination.presumed:
        because = "; ".join(evidence_words(item, determination.order) for item in determination.presumed.because)
        said = escaped(lower_first(determination.presumed.says))
        yield Block("", (Line(f"*Assumed: {said}, from {because}.*", _FURTHER),))
