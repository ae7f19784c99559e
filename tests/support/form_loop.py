"""The order of a sample patient, signed again and again while its form is filled in."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from cds_service.records.database import Database
from cds_service.sample_ehr.dtr_client import DtrClient, Package, Post, Step
from cds_service.sample_ehr.form_answers import Answers
from cds_service.sample_ehr.payers import SAMPLE_PAYERS
from coverage_policies.judging.payer_terms import Covered
from coverage_policies.judging.plan_rules import PlanRules
from fhir_mappings.fhir_json import Json, Resource, dumps, loads
from tests.support.crd_calls import NOW, CrdService, Parts, call, information_of, parts, searchset
from tests.support.dtr_calls import COVERAGE, ORDER, PRACTITIONER, SAMPLE, chart_of

CHART = chart_of(SAMPLE)
FORM = "https://cds.example.org/fhir/Questionnaire/NCD.240.4"


def rules(if_not_met: Covered = Covered.NOT_COVERED) -> PlanRules:
    """The payers of the samples, with what they answer for an order that fails."""
    payers = []
    for each in SAMPLE_PAYERS.payers:
        assert each.terms is not None
        payers.append(replace(each, terms=replace(each.terms, if_not_met=if_not_met)))
    return PlanRules(payers=tuple(payers))


def body(hook: str, order: Any) -> Any:
    """A call about the order."""
    made = call(hook, order, prefetch={"coverage": searchset(COVERAGE)})
    made["context"]["patientId"] = SAMPLE.id
    return made


def posting_to(service: CrdService) -> Post:
    """What sends a resource to an operation of a service; it fails if that is refused."""

    def post(url: str, resource: Json) -> Resource:
        response = service.client.post(urlsplit(url).path, data=dumps(resource), content_type="application/fhir+json")
        assert response.status_code == 200, response.text
        found: Resource = loads(response.data)
        return found

    return post


class Loop:
    """Signs one order again and again, as the EHR updates it, while forms are added to the chart."""

    def __init__(
        self,
        version: str = "2.2",
        if_not_met: Covered = Covered.NOT_COVERED,
        database: Database | None = None,
        chart: Sequence[Json] = CHART,
    ) -> None:
        self.version, self.rules, self.chart = version, rules(if_not_met), list(chart)
        self.service = CrdService(self.rules, *self.chart, database=database)
        self.order: Any = copy.deepcopy(ORDER)

    def told(self, hook: str) -> Parts:
        """The coverage information of the order; the order then carries it."""
        answer = self.service.answer(body(hook, self.order), self.version)
        (self.order,) = (each["resource"] for each in answer["systemActions"])
        (found,) = information_of(answer)
        return parts(found)

    def form(self, canonical: str) -> Any:
        """The form, as the service publishes it."""
        url, _, version = canonical.partition("|")
        found = self.service.client.get("/fhir/Questionnaire", query_string={"url": url, "version": version})
        (entry,) = found.json["entry"]
        return entry["resource"]

    def add(self, *forms: Any) -> None:
        """Put forms into the chart as it was at first; the service is another one on the same database from now on."""
        self.restart(*forms)

    def restart(self, *forms: Any, database: Database | None = None) -> None:
        """Let another process serve the order from now on."""
        self.service = CrdService(self.rules, *self.chart, *forms, database=database or self.service.database)

    @property
    def client(self) -> DtrClient:
        """The DTR client, which calls whatever process serves it now."""

        def post(url: str, resource: Json) -> Resource:
            return posting_to(self.service)(url, resource)

        return DtrClient("https://cds.example.org/fhir", PRACTITIONER, lambda: NOW, post)

    def package(self, context: str = "") -> Package:
        """The form of the order."""
        (found,) = self.client.packages(COVERAGE, orders=[self.order], context=context)
        return found

    def filled_in(self, answers: Answers, context: str = "") -> list[Step]:
        """Every screen of the form of the order."""
        return list(self.client.steps(self.package(context), answers))
