"""Answers of a clinician in the response to a form, with their origin (Da Vinci DTR 2.2.0, information-origin)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from coverage_policies.questionnaires.extensions import origin

Answers = Mapping[str, bool | str]
"""What is answered, by `linkId`: a boolean, or the code of an option."""
_NO_QUESTION = ("group", "display")


def questions(items: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the items of a form that ask something, however deep."""
    for item in items:
        if item["type"] not in _NO_QUESTION:
            yield item
        yield from questions(item.get("item", ()))


def given(items: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Sequence[Mapping[str, Any]]]]:
    """Yield the `linkId` of each item of a response with its answers, which may be none."""
    for item in items:
        yield item["linkId"], item.get("answer", ())
        yield from given(item.get("item", ()))


def answered(
    asked: Iterable[Mapping[str, Any]],
    response: Iterable[Mapping[str, Any]],
    answers: Answers,
    practitioner: str,
) -> list[dict[str, Any]]:
    """Return the items of a response to the items of a form, with these answers by the practitioner of a reference.

    An answer that the response has stays as it is, unless these have another one: that overrides it. A question without
    any answer gets an item without one, which says that the clinician does not know.
    """
    before = {item["linkId"]: item for item in response}
    found = []
    for item in asked:
        if item["type"] != "display":
            known = before.get(item["linkId"], {"linkId": item["linkId"], "text": item.get("text", "")})
            found.append(_answered(item, known, answers, practitioner))
    return found


def only_answered(items: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the items of a response that have an answer, or have items with one in them."""
    for item in items:
        within = list(only_answered(item.get("item", ())))
        if within or "answer" in item:
            yield {
                **{name: value for name, value in item.items() if name != "item"},
                **({"item": within} if within else {}),
            }


def words(answers: Sequence[Mapping[str, Any]]) -> str:
    """Return how a person would say yes, no, or an option; "don't know" if there is no answer."""
    return ", ".join(map(_words, answers)) or "don't know"


def _answered(item: Mapping[str, Any], known: Mapping[str, Any], answers: Answers, practitioner: str) -> dict[str, Any]:
    found = dict(known)
    if item["linkId"] in answers and item["type"] not in _NO_QUESTION:
        value = _value(item, answers[item["linkId"]])
        before = known.get("answer", ())
        if not any(value.items() <= each.items() for each in before):
            source = "override" if before else "manual"
            found["answer"] = [{"extension": [origin(source, practitioner)], **value}]
    if within := answered(item.get("item", ()), known.get("item", ()), answers, practitioner):
        found["item"] = within
    return found


def _value(item: Mapping[str, Any], answer: bool | str) -> dict[str, Any]:
    if isinstance(answer, bool):
        return {"valueBoolean": answer}
    options = (each["valueCoding"] for each in item["answerOption"])
    return {"valueCoding": next(each for each in options if each["code"] == answer)}


def _words(answer: Mapping[str, Any]) -> str:
    coding = answer.get("valueCoding")
    return str(coding.get("display", coding["code"])) if coding else "yes" if answer["valueBoolean"] else "no"
