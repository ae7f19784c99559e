"""Write the sentences of a card: the summary, and one screen of detail."""

from collections.abc import Iterable, Iterator, Sequence

from cards.gaps import has_gaps
from cards.markdown import escaped, shortened
from coverage_policies.format.model import CODE
from coverage_policies.format.terms import Outcome, Reason, Status
from coverage_policies.judging.determination import Determination, Question, failed_criteria, failed_on_some_pathways
from fhir_mappings.record import Evidence

SUMMARY_LENGTH = 139
"""CDS Hooks 2.0.1: a summary has fewer than 140 characters."""
_QUESTIONS = 5
_EVIDENCE = 6

_OPEN_BECAUSE = {
    Reason.CONFLICT: "records conflict",
    Reason.DATA_UNAVAILABLE: "data could not be read",
    Reason.UNCONVERTIBLE: "some drugs cannot be converted",
    Reason.VALUE_OUT_OF_RANGE: "recorded values are inconclusive",
    Reason.DATE_OUT_OF_RANGE: "recorded dates are inconclusive",
    Reason.COUNT_OUT_OF_RANGE: "recorded count is inconclusive",
    Reason.INVALID_ATTRIBUTE: "not confirmed",
    Reason.NONE_RECORDED: "none on record",
}


def summary(determination: Determination) -> str:
    """Return the order, and what keeps it from coverage or what to document."""
    under = f" under {_lines(determination)}" if determination.lines else ""
    return shortened(f"{determination.order_label}{under}: {headline(determination)}", SUMMARY_LENGTH)


def _lines(determination: Determination) -> str:
    """Return the lines of business of a determination in words; Medicare Advantage judges Medicare as well."""
    words = (line.value.split("-")[0] for line in determination.lines)
    return " or ".join(dict.fromkeys(word.capitalize() if word != "commercial" else word for word in words))


def headline(determination: Determination) -> str:
    """Return in a clause what keeps an order from coverage, or what to document."""
    open_count = len(determination.questions)
    match determination.outcome:
        case Outcome.NOT_SUPPORTED | Outcome.CRITERIA_NOT_MET:
            found = failed_criteria(determination)
            if not found:
                return f"no indication in {determination.policy} can be met"
            first = found[0]
            sentence = first.says_when_not_met or f"not met: {first.says}"
            more = f" (+{len(found) - 1} more)" if len(found) > 1 else ""
            return f"{sentence}{': ' + first.headline if first.headline else ''}{more}"
        case Outcome.NOT_EVALUATED if determination.obstacle:
            return f"{determination.policy} not checked: {determination.obstacle}"
        case Outcome.NOT_EVALUATED:
            if not determination.criteria:
                return f"no revision of {determination.policy} is installed for the service date"
            if determination.is_cut_short:
                return f"{determination.policy} not checked within the time limit"
            return f"{determination.policy} not checked because the chart could not be read"
        case Outcome.DOCUMENTATION_NEEDED if determination.questions and determination.questions[0].id == CODE:
            return f"billing code needed to check {determination.policy}"
        case Outcome.DOCUMENTATION_NEEDED:
            items = "1 item" if open_count == 1 else f"{open_count} items"
            return f"{items} to document for policy {determination.policy}"
        case Outcome.CASE_REVIEW:
            return f"needs plan medical review ({determination.policy})"
        case _:
            gap = ", and not all data could be used" if has_gaps(determination) else ""
            return f"documented for {determination.policy}; not an approval{gap}"


def status_words(status: Status) -> str:
    """Return a status as a card writes it."""
    return status.value.replace("-", " ")


def detail(determination: Determination) -> str:
    """Return one screen of Markdown: what fails and why, what to document, what is met, and the notes."""
    parts = [
        heading(determination),
        *failures(determination),
        *conditional_failures(determination),
        *questions(determination, _QUESTIONS),
        *_reviewed(determination),
        *_met(determination),
        *_presumed(determination),
        *footer(determination.notes),
    ]
    return "\n".join(parts).strip()


def heading(determination: Determination) -> str:
    """Return the order, in words and by reference."""
    return f"*{escaped(determination.order_label)}* – {escaped(determination.order)}\n"


def failures(determination: Determination) -> Iterator[str]:
    """Yield what fails, each with its evidence."""
    found = failed_criteria(determination)
    if found:
        yield "**Not met**\n"
        for result in found:
            sentence = result.says_when_not_met or result.says
            yield f"- **{escaped(result.id)}** {escaped(sentence)}{_because(result.evidence, result.notes)}"
        yield ""


def _because(evidence: Sequence[Evidence], notes: Sequence[str]) -> str:
    found = [f"\n  - {escaped(note)}" for note in notes]
    found += [f"\n  - {_evidence(item)}" for item in evidence[:_EVIDENCE]]
    if len(evidence) > _EVIDENCE:
        found.append(f"\n  - and {len(evidence) - _EVIDENCE} more")
    return "".join(found)


def _evidence(item: Evidence) -> str:
    words = [escaped(item.label), escaped(item.date), escaped(item.value)]
    return f"{', '.join(word for word in words if word)} – {escaped(item.reference)}"


def conditional_failures(determination: Determination) -> Iterator[str]:
    """Yield what would fail on some of the open pathways, so that the clinician knows before choosing one."""
    for result, names in failed_on_some_pathways(determination):
        on = " or ".join(determination.pathways[name] for name in names)
        sentence = f"{result.says_when_not_met or result.says}{': ' + result.headline if result.headline else ''}"
        yield f"**Not met if the order is for: {escaped(on)}.** {escaped(sentence)}\n"


def questions(determination: Determination, most: int) -> Iterator[str]:
    """Yield the first `most` open questions, those of a pathway below its name, and how many more there are."""
    asked = determination.questions
    if not asked or determination.outcome is Outcome.SUPPORTED:
        return
    yield f"**Still to document: {len(asked)}**\n"
    shared = [question for question in asked if not question.pathway]
    shown = (shared if len(shared) >= most else list(asked))[:most]
    for pathway in dict.fromkeys(question.pathway for question in shown):
        if pathway:
            yield f"- {escaped(pathway)}:"
        indent = "  " if pathway else ""
        for question in shown:
            if question.pathway == pathway:
                yield indent + _question(question)
    if len(asked) > len(shown):
        yield f"- … and {len(asked) - len(shown)} more"
    yield ""


def _question(question: Question) -> str:
    why = _OPEN_BECAUSE.get(question.reason) if question.reason else None
    parts = f" ({escaped(', '.join(part.says for part in question.parts))})" if question.parts else ""
    seen = "; ".join(_evidence(item) for item in question.evidence[:2])
    found = f"- {escaped(question.text)}{parts}"
    if why or seen:
        found += f" *{': '.join(filter(None, (why, seen)))}*"
    return found


def _reviewed(determination: Determination) -> Iterator[str]:
    handed = [r for r in determination.criteria if r.counted is Status.UNKNOWN and r.status is not Status.UNKNOWN]
    for result in handed:
        sentence = result.says
        if result.status is Status.NOT_MET:
            sentence = result.says_when_not_met or f"{result.says} ({status_words(result.status)})"
        yield f"**Needs plan medical review:** {escaped(sentence)}\n"


def _met(determination: Determination) -> Iterator[str]:
    met = [r for r in determination.criteria if r.counted is Status.MET]
    ids = {result.id for result in met}
    named = [result.id for result in met if result.parent not in ids]
    if named:
        yield f"**Met:** {escaped(', '.join(named))}\n"


def _presumed(determination: Determination) -> Iterator[str]:
    if determination.presumed:
        because = ", ".join(
            f"{escaped(item.label)} ({escaped(item.date or item.reference)})" for item in determination.presumed.because
        )
        yield f"*Assumed: {escaped(determination.presumed.says)}, based on {because}.*\n"


def footer(notes: Iterable[str]) -> Iterator[str]:
    """Yield the notes, and that the card is not a coverage decision."""
    yield from (f"*{escaped(note)}*  " for note in notes)
    yield "*Not a coverage decision.*"
