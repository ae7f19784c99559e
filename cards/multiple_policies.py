"""The card of texts that are applied side by side: what each says, and where they part."""

from collections.abc import Iterator

from cards.markdown import escaped, shortened
from cards.wording import SUMMARY_LENGTH, failures, footer, heading, headline, questions
from coverage_policies.format.terms import Outcome
from coverage_policies.judging.assessment import Assessment
from coverage_policies.judging.determination import Determination

_QUESTIONS_EACH = 3
_DIFFERENCES = 6
_WORDS = {
    Outcome.NOT_SUPPORTED: "not supported",
    Outcome.CRITERIA_NOT_MET: "criteria not met",
    Outcome.NOT_EVALUATED: "not evaluated",
    Outcome.DOCUMENTATION_NEEDED: "open",
    Outcome.CASE_REVIEW: "left to a reviewer",
    Outcome.SUPPORTED: "documented",
    Outcome.NOT_APPLICABLE: "silent",
}


def summary(assessment: Assessment) -> str:
    """The order, and what each text says of it; once where they say the same, in a word where they part."""
    label = _speaking(assessment).order_label
    outcomes = {each.outcome for each in assessment.determinations}
    if len(outcomes) == 1:
        said = "; ".join(dict.fromkeys(headline(each) for each in assessment.determinations))
        return shortened(f"{label}: {said}", SUMMARY_LENGTH)
    said = ", ".join(f"{_name(assessment, each)} {_WORDS[each.outcome]}" for each in assessment.determinations)
    many = "two" if len(assessment.determinations) == 2 else "several"
    return shortened(f"{label}: {many} texts may apply and part: {said}", SUMMARY_LENGTH)


def source(assessment: Assessment) -> str:
    """The owner and every text."""
    first = assessment.determinations[0]
    texts = "; ".join(f"{each.policy}, revision {each.revision}" for each in assessment.determinations)
    return f"{first.owner}: {texts}"


def detail(assessment: Assessment) -> str:
    """One screen of Markdown: where the texts part, then each with what fails and what is open."""
    first = assessment.determinations[0]
    shared = [note for note in first.notes if all(note in each.notes for each in assessment.determinations)]
    parts = [heading(_speaking(assessment)), *_differences(assessment)]
    for each in assessment.determinations:
        parts.append(f"**{escaped(each.policy)}, revision {escaped(each.revision)}: {_WORDS[each.outcome]}**\n")
        parts += failures(each)
        parts += questions(each, _QUESTIONS_EACH)
        parts += [f"*{escaped(note)}*\n" for note in each.notes if note not in shared]
    parts += footer(shared)
    return "\n".join(parts).strip()


def _speaking(assessment: Assessment) -> Determination:
    """The first text that speaks about the order: it knows the order's name."""
    said = (each for each in assessment.determinations if each.outcome is not Outcome.NOT_APPLICABLE)
    return next(said, assessment.determinations[0])


def _name(assessment: Assessment, determination: Determination) -> str:
    """What tells one text from the other: the policy, or the revision where that is all that differs."""
    policies = {each.policy for each in assessment.determinations}
    return determination.policy if len(policies) > 1 else determination.revision


def _differences(assessment: Assessment) -> Iterator[str]:
    differences = assessment.differences
    if differences:
        yield "**Where they part**\n"
        for each in differences[:_DIFFERENCES]:
            said = ", ".join(f"{escaped(revision)}: {status.value}" for revision, status in each.statuses)
            yield f"- **{escaped(each.criterion)}** {escaped(each.says)} ({said})"
        if len(differences) > _DIFFERENCES:
            yield f"- … and {len(differences) - _DIFFERENCES} more"
        yield ""
