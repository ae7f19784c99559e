"""How the self-check fills in a form: any answer that the form allows."""

import copy
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from cds_service.selfcheck.json_shape import objects

ORIGIN = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/information-origin"
_UNIT = "http://hl7.org/fhir/StructureDefinition/questionnaire-unitOption"
_DAY = "2026-01-05"
_SIMPLE = {
    "boolean": ("valueBoolean", True),
    "string": ("valueString", "Self-check"),
    "text": ("valueString", "Self-check"),
    "integer": ("valueInteger", 1),
    "decimal": ("valueDecimal", 1),
    "date": ("valueDate", _DAY),
    "dateTime": ("valueDateTime", f"{_DAY}T12:00:00Z"),
    "time": ("valueTime", "12:00:00"),
    "url": ("valueUri", "https://example.com/self-check"),
}


def all_items(asked: Any) -> Iterator[dict[str, Any]]:
    """Yield every item of a Questionnaire or of a response, those within others too."""
    for item in objects(asked):
        yield item
        yield from all_items(item.get("item"))
        for answer in objects(item.get("answer")):
            yield from all_items(answer.get("item"))


def answers_in(response: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers of a response by `linkId`."""
    return {str(each.get("linkId")): each["answer"] for each in all_items(response.get("item")) if each.get("answer")}


def contained_form(response: Mapping[str, Any]) -> dict[str, Any]:
    """Return the Questionnaire that a response contains; an empty object without one."""
    found = [each for each in objects(response.get("contained")) if each.get("resourceType") == "Questionnaire"]
    return found[0] if found else {}


def filled(response: Mapping[str, Any], author: str) -> dict[str, Any]:
    """Return a response with an answer to every question of its contained form that has none and that we can answer.

    `author` is the reference to who answers.
    """
    made = copy.deepcopy(dict(response))
    found = answers_in(response)
    if items := _items(
        contained_form(response).get("item"), {each["linkId"]: each for each in _given(made)}, found, author
    ):
        made["item"] = items
    made["authored"] = datetime.now(UTC).isoformat(timespec="seconds")
    return made


def _given(response: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    return (each for each in all_items(response.get("item")) if isinstance(each.get("linkId"), str))


def _items(asked: Any, given: Mapping[str, Any], found: Mapping[str, Any], author: str) -> list[dict[str, Any]]:
    """Return the items of a response to the items of a form, in their order; what is answered stays as it is."""
    made = []
    for item in objects(asked):
        link_id = str(item.get("linkId"))
        within = _items(item.get("item"), given, found, author)
        answer = found.get(link_id) or _answer(item, author)
        if not within and not answer:
            continue
        head = {name: value for name, value in given.get(link_id, {}).items() if name not in ("item", "answer")}
        each: dict[str, Any] = {"linkId": link_id, **({"text": item["text"]} if "text" in item else {}), **head}
        if answer:
            each["answer"] = copy.deepcopy(answer)
        if within and answer and item.get("type") not in ("group", "display"):
            each["answer"][0] = {**each["answer"][0], "item": within}
        elif within:
            each["item"] = within
        made.append(each)
    return made


def _answer(item: Mapping[str, Any], author: str) -> list[dict[str, Any]]:
    """Return an answer to a question; none to a group, a display, and what we cannot answer."""
    value = _value(item)
    if not value:
        return []
    origin = {
        "url": ORIGIN,
        "extension": [
            {"url": "source", "valueCode": "manual"},
            {"url": "author", "extension": [{"url": "practitioner", "valueReference": {"reference": author}}]},
        ],
    }
    return [{"extension": [origin], **value}]


def _value(item: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(item.get("type"))
    options = objects(item.get("answerOption"))
    if options:
        return {name: value for name, value in options[0].items() if name.startswith("value")}
    if kind == "quantity":
        units = [each["valueCoding"] for each in objects(item.get("extension")) if each.get("url") == _UNIT]
        unit = units[0] if units else {}
        named = {"unit": unit.get("display"), "system": unit.get("system"), "code": unit.get("code")}
        return {"valueQuantity": {"value": 1, **{name: value for name, value in named.items() if value}}}
    if kind == "open-choice":
        return {"valueString": "Self-check"}
    name, value = _SIMPLE.get(kind, ("", None))
    return {name: value} if name else {}
