"""Calls of a DTR client over HTTP, for one sample order: sign it by CRD, get its package, and answer what is asked."""

import copy
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from cds_service.cli.crd_demo import FAVORABLE
from cds_service.clients.registry import Client
from cds_service.records.database import Database
from cds_service.sample_ehr.form_answers import answered as answered_items
from cds_service.sample_ehr.form_answers import given, only_answered
from cds_service.sample_ehr.patients import SAMPLES, Sample
from cds_service.sample_ehr.payers import SAMPLE_PAYERS
from coverage_policies.judging.plan_rules import PlanRules
from fhir_mappings.fhir_json import dumps, loads
from tests.support.backend_tokens import given_token
from tests.support.crd_calls import NOW, CrdService, call, information_of, parts, searchset

SAMPLE = next(each for each in SAMPLES if each.id == "cpap-mild-apnea")
"""A patient whose chart settles nothing that the form asks."""
OXYGEN = next(each for each in SAMPLES if each.id == "oxygen-normal-at-rest")
"""A patient whose chart settles one question of the form."""


def chart_of(sample: Sample) -> list[Any]:
    """The resources of a sample patient."""
    return [each["resource"] for each in sample.bundle(None)["entry"]]


def coverage_of(sample: Sample) -> Any:
    """The Coverage of a sample patient."""
    return next(each for each in chart_of(sample) if each["resourceType"] == "Coverage")


COVERAGE: Any = coverage_of(SAMPLE)
ORDER: Any = SAMPLE.orders[0].resource(None)
PRACTITIONER = "Practitioner/sample-pulmonologist"
DTR = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition"
PACKAGE = "/fhir/Questionnaire/$questionnaire-package"
NEXT_QUESTION = "/fhir/Questionnaire/$next-question"
FORM_CONTEXTS = "urn:cds-coverage-policies:form-context"
ANSWERS: Mapping[str, bool | str] = FAVORABLE
"""Answers by linkId that let the sample order pass."""


def parameters(**sent: Any) -> dict[str, Any]:
    """The Parameters of a package call: resources and texts by name; a list repeats its parameter."""
    found: list[dict[str, Any]] = []
    for name, value in sent.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict):
                found.append({"name": name, "resource": each})
            else:
                kind = {"questionnaire": "valueCanonical", "changedsince": "valueInstant"}.get(name, "valueString")
                found.append({"name": name, kind: each})
    return {"resourceType": "Parameters", "parameter": found}


class DtrService:
    """A service that answers for the payers of the samples, with the chart of the sample patient."""

    def __init__(
        self,
        *chart: Any,
        sample: Sample = SAMPLE,
        rules: PlanRules = SAMPLE_PAYERS,
        database: Database | None = None,
        client: Client | None = None,
        clock: Callable[[], datetime] = lambda: NOW,
        **settings: Any,
    ) -> None:
        self.sample, self.coverage = sample, coverage_of(sample)
        self.crd = CrdService(
            rules, *chart_of(sample), *chart, database=database, client=client, clock=clock, **settings
        )
        self._authorization = {}
        if client is not None and client.backend_services is not None:
            self._authorization = {"Authorization": f"Bearer {given_token(self.crd.client.application, client)}"}

    def signed(self, order: Any = None, version: str = "2.2") -> tuple[Any, Any]:
        """The order as CRD updates it, and its coverage information."""
        order = order or self.sample.orders[0].resource(None)
        body = call("order-sign", order, prefetch={"coverage": searchset(self.coverage)})
        body["context"]["patientId"] = self.sample.id
        answer = self.crd.answer(body, version)
        (action,) = answer["systemActions"]
        (information,) = information_of(answer)
        return action["resource"], parts(information)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        """The response to a call of an operation."""
        sent = {**self._authorization, **headers}
        return self.crd.client.post(path, data=dumps(body), content_type="application/fhir+json", headers=sent)

    def package(self, **sent: Any) -> Any:
        """The Parameters that a package call is answered with."""
        response = self.post(PACKAGE, parameters(**{"coverage": self.coverage, **sent}))
        assert response.status_code == 200, response.text
        return loads(response.data)

    def bundle(self, **sent: Any) -> tuple[Any, Any]:
        """The Questionnaire and the draft of the only form of a package."""
        (found,) = bundles_in(self.package(**sent))
        form, draft = (each["resource"] for each in found["entry"])
        return form, draft

    def next(self, response: Any) -> Any:
        """The response that comes back with what is asked next."""
        answered = self.post(NEXT_QUESTION, response)
        assert answered.status_code == 200, answered.text
        return loads(answered.data)

    def completed(self, draft: Any, answers: Mapping[str, bool | str] = ANSWERS, most_calls: int = 40) -> Any:
        """The response once nothing more is asked; what has no answer here is not known."""
        response = self.next(draft)
        for _ in range(most_calls):
            if response["status"] != "in-progress":
                return response
            response = self.next(filled_in(response, answers))
        raise AssertionError(f"the form still asks after {most_calls} calls")


def bundles_in(package: Any) -> list[Any]:
    """The Bundles of a package."""
    return [each["resource"] for each in package.get("parameter", ()) if each["name"] == "packagebundle"]


def outcome_of(package: Any) -> list[tuple[str, str]]:
    """Severity and words of each issue beside a package."""
    found = [each["resource"] for each in package.get("parameter", ()) if each["name"] == "outcome"]
    return [(each["severity"], each["diagnostics"]) for outcome in found for each in outcome["issue"]]


def contained(response: Any) -> Any:
    """The form that a response contains."""
    (form,) = response["contained"]
    return form


def asked(form: Any) -> dict[str, Any]:
    """Every item of a form by linkId, groups and displays left out."""
    return {each["linkId"]: each for each in _flat(form.get("item", ())) if each["type"] not in ("group", "display")}


def answered(response: Any) -> dict[str, Any]:
    """Every answer of a response by linkId."""
    return {each["linkId"]: each["answer"] for each in _flat(response.get("item", ())) if "answer" in each}


def extensions(resource: Any, name: str) -> list[Any]:
    """The extensions of a resource whose url ends with a name."""
    return [each for each in resource.get("extension", ()) if each["url"].rpartition("/")[2] == name]


def filled_in(response: Any, answers: Mapping[str, bool | str]) -> Any:
    """The response with these answers to the questions that its form asks and that have none."""
    has = {link for link, found in given(response.get("item", ())) if found}
    new = {link: answer for link, answer in answers.items() if link not in has}
    made = {name: value for name, value in copy.deepcopy(response).items() if name != "item"}
    items = answered_items(contained(response).get("item", ()), response.get("item", ()), new, PRACTITIONER)
    found = list(only_answered(items))
    return made | ({"item": found} if found else {})


def _flat(items: Any) -> Iterator[Any]:
    for item in items:
        yield item
        yield from _flat(item.get("item", ()))
        for each in item.get("answer", ()):
            yield from _flat(each.get("item", ()))
