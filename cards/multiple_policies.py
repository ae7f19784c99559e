"""Build the words of a card for several policies or revisions that may apply: what each says, and where they differ."""

from collections.abc import Iterator

from cards.markdown import escaped, shortened
from cards.wording import SUMMARY_LENGTH, failures, footer, heading, headline, questions, status_words
from coverage_policies.format.terms import Outcome
from coverage_policies.judging.assessment import Assessment
from coverage_policies.judging.determination import Determination

_QUESTIONS_EACH = 3
_DIFFERENCES = 6
_WORDS = {
    Outcome.NOT_SUPPORTED: "not supported",
    Outcome.CRITERIA_NOT_MET: "criteria not met",
    Outcome.NOT_EVALUATED: "not evaluated",
    Outcome.DOCUMENTATION_NEEDED: "needs documentation",
    Outcome.CASE_REVIEW: "needs plan review",
    Outcome.SUPPORTED: "documented",
    Outcome.NOT_APPLICABLE: "does not apply",
}


def summary(assessment: Assessment) -> str:
    """Return the order and what each policy says of it: in full if they agree, in a word each if they differ."""
    label = _applicable(assessment).order_label
    outcomes = {each.outcome for each in assessment.determinations}
    if len(outcomes) == 1:
        said = "; ".join(dict.fromkeys(headline(each) for each in assessment.determinations))
        return shortened(f"{label}: {said}", SUMMARY_LENGTH)
    said = ", ".join(f"{_name(assessment, each)} {_WORDS[each.outcome]}" for each in assessment.determinations)
    many = "two" if len(assessment.determinations) == 2 else "several"
    what = "policies" if _has_several_policies(assessment) else "revisions"
    return shortened(f"{label}: {many} {what} may apply and differ: {said}", SUMMARY_LENGTH)


def source(assessment: Assessment) -> str:
    """Return the owner and every revision."""
    first = assessment.determinations[0]
    revisions = "; ".join(f"{each.policy}, revision {each.revision}" for each in assessment.determinations)
    return f"{first.owner}: {revisions}"


def detail(assessment: Assessment) -> str:
    """Return one screen of Markdown: the differences, then what fails and what is open under each revision."""
    first = assessment.determinations[0]
    shared = [note for note in first.notes if all(note in each.notes for each in assessment.determinations)]
    parts = [heading(_applicable(assessment)), *_differences(assessment)]
    for each in assessment.determinations:
        parts.append(f"**{escaped(each.policy)}, revision {escaped(each.revision)}: {_WORDS[each.outcome]}**\n")
        parts += failures(each)
        parts += questions(each, _QUESTIONS_EACH)
        parts += [f"*{escaped(note)}*\n" for note in each.notes if note not in shared]
    parts += footer(shared)
    return "\n".join(parts).strip()


def _applicable(assessment: Assessment) -> Determination:
    """Return the first determination of a policy that applies: it has a name for the order."""
    found = (each for each in assessment.determinations if each.outcome is not Outcome.NOT_APPLICABLE)
    return next(found, assessment.determinations[0])


def _has_several_policies(assessment: Assessment) -> bool:
    return len({each.policy for each in assessment.determinations}) > 1


def _name(assessment: Assessment, determination: Determination) -> str:
    """Return the policy, or the revision if all are revisions of one policy."""
    return determination.policy if _has_several_policies(assessment) else determination.revision


def _differences(assessment: Assessment) -> Iterator[str]:
    differences = assessment.differences
    if differences:
        yield "**Differences**\n"
        for each in differences[:_DIFFERENCES]:
            said = ", ".join(f"{escaped(revision)}: {status_words(status)}" for revision, status in each.statuses)
            yield f"- **{escaped(each.criterion)}** {escaped(each.says)} ({said})"
        if len(differences) > _DIFFERENCES:
            yield f"- … and {len(differences) - _DIFFERENCES} more"
        yield ""
