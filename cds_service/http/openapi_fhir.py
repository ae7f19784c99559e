"""The part of the OpenAPI document about the FHIR base."""

from typing import Any

from fhir_mappings.fhir_json import FHIR_JSON

REFUSED = {"401": {"description": "The token is missing or not valid. The body is empty."}}
"""The response to a call without a valid token."""
_UNREADABLE = {
    "400": "A parameter is missing or faulty; the issue names its place.",
    "413": "The body is too large, or has too many parameters.",
    "415": "The body is not JSON, or is compressed.",
}
_NOT_THERE = {"404": "Nothing of this id or canonical is installed, or the client may not see it."}
_NOT_STORED = {"503": "The service cannot store the call at the moment."}
_FORBIDDEN = {"403": "The access token does not have the scope for this."}
_NO_SUCH_FORM = {"404": "The service answers for no payer, or has no such form, Coverage, or coverage assertion."}
_UNUSABLE = {"422": "The orders, the Coverage, or the coverage assertion cannot be used."}
_TOO_COSTLY = {"422": "The parameters ask for what is not supported, or the expansion is too large for one answer."}


def fhir_paths() -> dict[str, Any]:
    """Return the descriptions of the FHIR base by path."""
    form = "The id of a form, such as CP.MP.126-2025-04.2, or a policy for its revision in force today."
    value_set = "The id of a value set, such as sleep-study."
    return {
        "/fhir/metadata": {"get": _capabilities()},
        "/fhir/Questionnaire": {"get": _search("forms", "The forms of the policies (FHIR R4), in a Bundle")},
        "/fhir/Questionnaire/{form_id}": {
            "get": _read("form", "The form of a policy revision (FHIR R4)", "Questionnaire", "form_id", form)
        },
        "/fhir/Questionnaire/$questionnaire-package": {
            "post": _operation(
                "package",
                "Forms with their drafts (Da Vinci DTR)",
                "Parameters",
                _NO_SUCH_FORM | _UNUSABLE | _NOT_STORED,
            )
        },
        "/fhir/Questionnaire/$next-question": {"post": _next_question("next-question")},
        "/fhir/Questionnaire/$next-question/Questionnaire/$next-question": {
            "post": _next_question("next-question-of-base")
        },
        "/fhir/Questionnaire/$log-questionnaire-errors": {
            "post": _operation(
                "log-errors", "Errors in forms, reported (Da Vinci DTR)", "OperationOutcome", _NOT_STORED
            )
        },
        "/fhir/ValueSet": {"get": _search("value-sets", "The value sets of the policies (FHIR R4), in a Bundle")},
        "/fhir/ValueSet/{set_id}": {
            "get": _read("value-set", "A value set of the policies (FHIR R4)", "ValueSet", "set_id", value_set)
        },
        "/fhir/ValueSet/$expand": {
            "get": _expansion_by_query(),
            "post": _operation(
                "expand", "The active codes of a value set today (FHIR R4)", "ValueSet", _NOT_THERE | _TOO_COSTLY
            ),
        },
    }


def _described(name: str, summary: str, resource_type: str, errors: dict[str, str]) -> dict[str, Any]:
    """Return the description of an operation that answers with a resource, or with an OperationOutcome."""
    outcome = {"schema": {"$ref": "#/components/schemas/outcome"}}
    return {
        "operationId": name,
        "summary": summary,
        "security": [{}, {"client": []}],
        "responses": {
            "200": {"description": summary, "content": {FHIR_JSON: {"schema": _resource(resource_type)}}},
            **REFUSED,
            **{
                status: {"description": says, "content": {FHIR_JSON: outcome}}
                for status, says in sorted((_FORBIDDEN | errors).items())
            },
        },
    }


def _capabilities() -> dict[str, Any]:
    """Return the description of the CapabilityStatement, which needs no token."""
    described = _described("capabilities", "What the FHIR base can do (FHIR R4)", "CapabilityStatement", {})
    described["responses"] = {"200": described["responses"]["200"]}
    del described["security"]
    return described


def _read(name: str, summary: str, resource_type: str, id_name: str, meaning: str) -> dict[str, Any]:
    """Return the description of a read by the id in the path."""
    described = _described(name, summary, resource_type, _NOT_THERE)
    described["parameters"] = [_parameter(id_name, meaning, place="path")]
    return described


def _search(name: str, summary: str) -> dict[str, Any]:
    """Return the description of a search by canonical."""
    described = _described(name, summary, "Bundle", {})
    described["parameters"] = [
        _parameter("url", "The canonical, with or without its version: url or url|version."),
        _parameter("version", "The version, such as 2025-04.2 for a form."),
    ]
    return described


def _operation(name: str, summary: str, resource_type: str, errors: dict[str, str]) -> dict[str, Any]:
    """Return the description of an operation that takes Parameters; it needs an access token."""
    body = {"schema": _resource("Parameters")}
    described = _described(name, summary, resource_type, _UNREADABLE | errors) | {"security": [{}]}
    described["requestBody"] = {"required": True, "content": {FHIR_JSON: body, "application/json": body}}
    return described


def _next_question(name: str) -> dict[str, Any]:
    """Return the description of `$next-question`, which takes the response alone or in Parameters, and gives it so."""
    errors = _NO_SUCH_FORM | _UNUSABLE | _NOT_STORED
    described = _operation(name, "The next questions of a form (Da Vinci DTR)", "Parameters", errors)
    either = {"oneOf": [_resource("QuestionnaireResponse"), _resource("Parameters")]}
    for content in (described["requestBody"]["content"], described["responses"]["200"]["content"]):
        content.update({media_type: {"schema": either} for media_type in content})
    return described


def _expansion_by_query() -> dict[str, Any]:
    summary = "The active codes of a value set today (FHIR R4), by a query"
    errors = {"400": _UNREADABLE["400"]} | _NOT_THERE | _TOO_COSTLY
    described = _described("expand-by-query", summary, "ValueSet", errors) | {"security": [{}]}
    described["parameters"] = [
        _parameter("url", "The canonical, with or without its version: url or url|version.", is_required=True),
        _parameter("valueSetVersion", "The version of the value set, if url has none."),
        _parameter("filter", "Words; each has to begin the code or a word of the label."),
        _parameter("offset", "How many codes to skip.", schema={"type": "integer", "minimum": 0}),
        _parameter("count", "How many codes to give, up to 10000.", schema={"type": "integer", "minimum": 0}),
    ]
    return described


def _parameter(
    name: str, meaning: str, *, place: str = "query", is_required: bool = False, schema: dict[str, Any] | None = None
) -> dict[str, Any]:
    required = is_required or place == "path"
    found = {"name": name, "in": place, "schema": schema or {"type": "string"}, "description": meaning}
    return found | ({"required": True} if required else {})


def _resource(resource_type: str) -> dict[str, Any]:
    found = {"properties": {"resourceType": {"const": resource_type}}, "required": ["resourceType"]}
    return {"type": "object", **found}
