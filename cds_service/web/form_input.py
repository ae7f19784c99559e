"""Read the answers that a browser posts for one screen."""

from collections.abc import Iterator, Mapping

from coverage_policies.format.questions import QuestionType
from coverage_policies.judging.determination import Question

DONT_KNOW = "dont-know"
"""What a form posts for "don't know"; no option of a policy has this code."""
CHOOSE = "Choose an answer, or “Don’t know”."


def asked_in(screen: Question) -> tuple[Question, ...]:
    """Return the questions on a screen: its parts, or itself."""
    return screen.parts or (screen,)


def field_of(question: Question) -> str:
    """Return the name of the field of a question."""
    return f"answer:{question.id}"


def values_of(question: Question) -> Iterator[tuple[str, str]]:
    """Yield the value and the words of each answer to a question."""
    if question.type is QuestionType.CHOICE:
        yield from ((option.code, option.display) for option in question.options)
    else:
        yield from (("yes", "Yes"), ("no", "No"))
    yield DONT_KNOW, "Don’t know"


def read_answers(screen: Question, posted: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the answers to a screen, and what is wrong with it, both by `linkId`. Never raises.

    An answer is `yes`, `no`, the code of an option, or empty for "don't know".
    """
    answers: dict[str, str] = {}
    errors: dict[str, str] = {}
    for each in asked_in(screen):
        value = posted.get(field_of(each), "")
        if value not in dict(values_of(each)):
            errors[each.id] = CHOOSE
        else:
            answers[each.id] = "" if value == DONT_KNOW else value
    return answers, errors
