"""The DTR client of the sample EHR: it fills in the form that coverage information names (Da Vinci DTR 2.2.0)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from coverage_policies.questionnaires.extensions import (
    RESPONSE,
    intended_use,
    origin,
    response_context,
    response_coverage,
)
from fhir_mappings.fhir_json import Resource


def filled_form(
    questionnaire: Resource,
    answers: Mapping[str, bool | str],
    *,
    response_id: str,
    patient: str,
    practitioner: str,
    order: str,
    coverage: str,
    authored: datetime,
) -> Resource:
    """Return the completed response to a form, with the answers by `linkId`: a boolean, or the code of an option.

    It names its order by `qr-context` only, as DTR has it. `patient`, `practitioner`, `order`, and `coverage` are
    references, and `authored` has a zone.
    """
    return {
        "resourceType": "QuestionnaireResponse",
        "id": response_id,
        "meta": {"profile": [RESPONSE]},
        "extension": [
            response_coverage(coverage),
            response_context({"reference": order}),
            intended_use("withorder"),
        ],
        "questionnaire": f"{questionnaire['url']}|{questionnaire['version']}",
        "status": "completed",
        "subject": {"reference": patient},
        "authored": authored.isoformat(timespec="seconds"),
        "author": {"reference": practitioner},
        "item": list(_items(questionnaire.get("item", ()), answers, practitioner)),
    }


def _items(
    asked: Sequence[Mapping[str, Any]], answers: Mapping[str, bool | str], practitioner: str
) -> Iterator[dict[str, Any]]:
    """Yield the items of a form that are answered, or have answered items in them."""
    for item in asked:
        found: dict[str, Any] = {"linkId": item["linkId"], "text": item.get("text", "")}
        if item["linkId"] in answers:
            found["answer"] = [{"extension": [origin("manual", practitioner)], **_value(item, answers[item["linkId"]])}]
        if within := list(_items(item.get("item", ()), answers, practitioner)):
            found["item"] = within
        if len(found) > 2:
            yield found


def _value(item: Mapping[str, Any], answer: bool | str) -> dict[str, Any]:
    if isinstance(answer, bool):
        return {"valueBoolean": answer}
    options = (each["valueCoding"] for each in item["answerOption"])
    return {"valueCoding": next(each for each in options if each["code"] == answer)}
