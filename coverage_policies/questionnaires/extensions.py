"""The extensions of a form and its response: those of FHIR R4, SDC, and Da Vinci DTR, and one of ours."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_CORE = "http://hl7.org/fhir/StructureDefinition"
_SDC = "http://hl7.org/fhir/uv/sdc"
_DTR = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition"
_CRD_CODES = "http://hl7.org/fhir/us/davinci-crd/CodeSystem/temp"
UCUM = "http://unitsofmeasure.org"

STANDARD_FORM = f"{_DTR}/dtr-std-questionnaire"
ADAPTIVE_FORM = f"{_DTR}/dtr-questionnaire-adapt-search"
ADAPTIVE_STEP = f"{_DTR}/dtr-questionnaire-adapt"
"""The profiles of DTR for a form: one that is not adaptive, one that is, and the questions of that one so far."""
RESPONSE = f"{_DTR}/dtr-questionnaireresponse"
ADAPTIVE_RESPONSE = f"{_DTR}/dtr-questionnaireresponse-adapt"
"""The profiles of DTR for a response, and for one to an adaptive form."""
INFORMATION_ORIGIN = f"{_DTR}/information-origin"
RESPONSE_CONTEXT = f"{_DTR}/qr-context"
RESPONSE_COVERAGE = f"{_DTR}/qr-coverage"
UNIT_OPTION = f"{_CORE}/questionnaire-unitOption"
COVERAGE_INFORMATION = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"
ANSWER_EVIDENCE = "urn:cds-coverage-policies:answer-evidence"
"""A resource of the chart from which an answer was taken. Neither SDC nor DTR has an extension for it."""

Extension = dict[str, Any]


def audience(code: str) -> Extension:
    """Return who fills in the form: `clinical`, `admin`, or `patient`."""
    return {"url": f"{_DTR}/questionnaireAudience", "valueCode": code}


def completion_time(clinical: str) -> Extension:
    """Return how long the form takes, as a code such as `under-3min`, all of it clinical."""
    times = [{"url": name, "valueCode": clinical} for name in ("clinicalTime", "totalTime")]
    return {"url": f"{_DTR}/estimated-completion-time", "extension": times}


def request_specific() -> Extension:
    """Return that each order needs a response of its own."""
    return {"url": f"{_DTR}/request-specific", "valueBoolean": True}


def adaptive(next_question: str) -> Extension:
    """Return that a form is adaptive, and the address of the operation that returns its next question."""
    return {"url": f"{_SDC}/StructureDefinition/sdc-questionnaire-questionnaireAdaptive", "valueUrl": next_question}


def launch_context(name: str, resource_type: str, description: str) -> Extension:
    """Return that the expressions of the form use a resource of the launch as `%name`."""
    return {
        "url": f"{_SDC}/StructureDefinition/sdc-questionnaire-launchContext",
        "extension": [
            {"url": "name", "valueCoding": {"system": f"{_SDC}/CodeSystem/launchContext", "code": name}},
            {"url": "type", "valueCode": resource_type},
            {"url": "description", "valueString": description},
        ],
    }


def query_variable(name: str, query: str) -> Extension:
    """Return the variable `%name`: the Bundle that a FHIR search returns."""
    value = {"name": name, "language": "application/x-fhir-query", "expression": query}
    return {"url": f"{_CORE}/variable", "valueExpression": value}


def initial_expression(expression: str) -> Extension:
    """Return the FHIRPath that fills in an item when the form is opened."""
    return {
        "url": f"{_SDC}/StructureDefinition/sdc-questionnaire-initialExpression",
        "valueExpression": {"language": "text/fhirpath", "expression": expression},
    }


def unit_option(code: str) -> Extension:
    """Return a unit in which a quantity may be given, by its UCUM code."""
    coding = {"system": UCUM, "code": code, "display": code}
    return {"url": UNIT_OPTION, "valueCoding": coding}


def item_control(code: str) -> Extension:
    """Return how an item is shown, such as `help` for the help text of the item that it is in."""
    coding = {"system": "http://hl7.org/fhir/questionnaire-item-control", "code": code}
    return {"url": f"{_CORE}/questionnaire-itemControl", "valueCodeableConcept": {"coding": [coding]}}


def origin(source: str, practitioner: str = "") -> Extension:
    """Return where an answer comes from: `auto-server` if this service took it from the chart.

    `practitioner` is the reference of its author, of an answer that is `manual`.
    """
    parts: list[Extension] = [{"url": "source", "valueCode": source}]
    if practitioner:
        author = {"url": "practitioner", "valueReference": {"reference": practitioner}}
        parts.append({"url": "author", "extension": [author]})
    return {"url": INFORMATION_ORIGIN, "extension": parts}


def answer_evidence(references: Iterable[tuple[str, str]]) -> Iterator[Extension]:
    """Yield each resource behind an answer, given as its reference and what to show for it."""
    for reference, display in references:
        yield {"url": ANSWER_EVIDENCE, "valueReference": {"reference": reference, "display": display}}


def response_context(order: Mapping[str, Any]) -> Extension:
    """Return the order that a response is about, given as a Reference."""
    return {"url": RESPONSE_CONTEXT, "valueReference": order}


def response_coverage(coverage: str) -> Extension:
    """Return the coverage that a response is for."""
    return {"url": RESPONSE_COVERAGE, "valueReference": {"reference": coverage}}


def intended_use(code: str) -> Extension:
    """Return what a response is for, such as `withorder`: to be kept with the order."""
    return {"url": f"{_DTR}/intendedUse", "valueCodeableConcept": {"coding": [{"system": _CRD_CODES, "code": code}]}}


def intended_uses(*, for_prior_authorization: bool = False) -> Iterator[Extension]:
    """Yield what a response is for: to be kept with the order, and perhaps to go with a request for authorization."""
    yield intended_use("withorder")
    if for_prior_authorization:
        yield intended_use("withpa")
