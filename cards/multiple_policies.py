"""Build the words of a card for several policies or revisions that may apply: what each says, and where they differ."""

from collections.abc import Iterable, Iterator

from cards.detail import failures, heading, questions
from cards.fine_print import fine_print
from cards.layout import Block, Line, fitted
from cards.markdown import escaped, shortened
from cards.phrasing import items_left
from cards.style import CardStyle
from cards.summary import SUMMARY_LENGTH, headline, lines_in_words
from coverage_policies.format.model import CODE
from coverage_policies.format.terms import Outcome, Status
from coverage_policies.judging.alternatives import RULED_OUT
from coverage_policies.judging.assessment import Assessment
from coverage_policies.judging.determination import Determination

_QUESTIONS_EACH = 2
_DIFFERENCES = 4
_DIFFERENCE_RANK = 2
_WORDS = {
    Outcome.NOT_SUPPORTED: "not supported",
    Outcome.CRITERIA_NOT_MET: "criteria not met",
    Outcome.NOT_EVALUATED: "not checked",
    Outcome.CASE_REVIEW: "needs plan review",
    Outcome.SUPPORTED: "documented",
    Outcome.NOT_APPLICABLE: "does not apply",
}


def summary(assessment: Assessment) -> str:
    """Return what the policies say: in full if they agree or all rule the order out, else in a few words each."""
    said = list(dict.fromkeys(map(headline, assessment.determinations)))
    if len(said) == 1 or all(each.outcome in RULED_OUT for each in assessment.determinations):
        return shortened(said[0], SUMMARY_LENGTH)
    if all(_needs_code(each) for each in assessment.determinations):
        return shortened(
            f"{assessment.determinations[0].questions[0].text} Needed to check the coverage policy.", SUMMARY_LENGTH
        )
    each_says = "; ".join(f"{_name(assessment, each)}: {_in_short(each)}" for each in assessment.determinations)
    many = "Two" if len(assessment.determinations) == 2 else "Several"
    what = "policies" if _has_several_policies(assessment) else "revisions"
    return shortened(f"{many} {what} may apply. {each_says}.", SUMMARY_LENGTH)


def _needs_code(determination: Determination) -> bool:
    return any(question.id == CODE for question in determination.questions)


def _in_short(determination: Determination) -> str:
    if determination.outcome is Outcome.DOCUMENTATION_NEEDED:
        return f"{items_left(determination)} to document"
    return _WORDS[determination.outcome]


def detail(assessment: Assessment, style: CardStyle, also: Iterable[str] = (), *, is_from_payer: bool = False) -> str:
    """Return one screen of Markdown: the differences, then what fails and what is open under each revision."""
    blocks = [heading(_applicable(assessment)), *_differences(assessment)]
    for each in assessment.determinations:
        name = escaped(_name(assessment, each))
        blocks.append(Block("", (Line(f"**{name}: {_in_short(each)}**"),)))
        blocks += failures(each)
        blocks += questions(each, style, _QUESTIONS_EACH)
    blocks.append(Block("", (Line(fine_print(assessment.determinations, also, is_from_payer=is_from_payer)),)))
    return fitted(blocks)


def _applicable(assessment: Assessment) -> Determination:
    """Return the first determination of a policy that applies: it has a name for the order."""
    found = (each for each in assessment.determinations if each.outcome is not Outcome.NOT_APPLICABLE)
    return next(found, assessment.determinations[0])


def _has_several_policies(assessment: Assessment) -> bool:
    return len({each.policy for each in assessment.determinations}) > 1


def _name(assessment: Assessment, determination: Determination) -> str:
    """Return the lines of business if those tell the policies apart, else the policy, or the revision."""
    lines = [lines_in_words(each) for each in assessment.determinations]
    if all(lines) and len(set(lines)) == len(lines):
        words = lines_in_words(determination)
        return words[:1].upper() + words[1:]
    return determination.policy if _has_several_policies(assessment) else determination.revision


def _differences(assessment: Assessment) -> Iterator[Block]:
    """Yield where the revisions differ, what fails under one of them first."""
    found = sorted(assessment.differences, key=lambda each: Status.NOT_MET not in dict(each.statuses).values())
    lines = []
    for each in found[:_DIFFERENCES]:
        said = ", ".join(f"{escaped(revision)} {status_words(status)}" for revision, status in each.statuses)
        lines.append(Line(f"- {escaped(each.says)}: {said}", _DIFFERENCE_RANK))
    yield Block("**Differences:**", tuple(lines))


def status_words(status: Status) -> str:
    """Return a status as a card writes it."""
    return status.value.replace("-", " ")
