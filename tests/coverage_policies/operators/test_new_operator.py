"""A new operator on a resource type that nothing here knows needs its own module, and no other edit."""

import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import coverage_policies.operators
from cds_service.fhir_client.memory import Store
from cds_service.hooks.request import read_request
from cds_service.sample_ehr.server import create_sample_ehr
from cds_service.settings import Settings
from coverage_policies.authoring.cases import Case, parse_cases, run_case
from coverage_policies.authoring.fact_builder import PATIENT, order, resources
from coverage_policies.authoring.lint import lint
from coverage_policies.format.library import Library
from coverage_policies.format.loader import parse_policy
from coverage_policies.format.model import Policy
from coverage_policies.format.problems import DocumentError
from coverage_policies.format.registry import operators, resource_types
from coverage_policies.format.schema import document_check, document_validator
from coverage_policies.format.terms import Status
from coverage_policies.format.value_sets import ValueSet, ValueSets
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.plan_rules import PlanRules
from tests.support.hook_fakes import call
from tests.support.policy_fakes import SETS, row, text
from tests.support.reviews import review_call

MODULE = """
from collections.abc import Mapping
from dataclasses import dataclass

from coverage_policies.format.operator import NAMES, Arguments, ClauseResult, Context, Operator, arguments, value_set
from coverage_policies.format.searches import Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet, ValueSets
from coverage_policies.operators.base import nothing_found
from fhir_mappings.codings import codings
from fhir_mappings.record import Evidence
from fhir_mappings.truth import Truth


@dataclass(frozen=True)
class ImmunizationCheck:
    codes: ValueSet

    @property
    def searches(self) -> tuple[Search, ...]:
        return (Search("Immunization", "immunizations"),)

    def evaluate(self, ctx: Context) -> ClauseResult:
        given = [each for each in ctx.record.of_type("Immunization") if self.codes.match(codings(each["vaccineCode"]))]
        if not given:
            return nothing_found(ctx.record, "Immunization")
        evidence = tuple(Evidence(ctx.record.reference(each), "Vaccine") for each in given)
        return ClauseResult(Truth.YES, Reason.PRESENT, evidence)


def _parse(arguments: Arguments, sets: ValueSets) -> ImmunizationCheck:
    return ImmunizationCheck(value_set(arguments["in"], sets))


OPERATOR = Operator(
    name="immunization",
    says="A vaccine of the value set was given.",
    schema=arguments(["in"], **{"in": NAMES}),
    example="",
    parse=_parse,
    resource_types=("Immunization",),
)
"""

VACCINE = "http://hl7.org/fhir/sid/cvx"
VACCINES = ValueSets(SETS | {"vaccine": ValueSet("vaccine", [row(VACCINE, "207")])})
SECTIONS = "I: {says: Vaccinated, met_when: {immunization: {in: vaccine}}, ask: Was the vaccine given?}"
GIVEN = {
    "status": "completed",
    "vaccineCode": {"coding": [{"system": VACCINE, "code": "207"}]},
    "occurrenceDateTime": "2026-01-05",
}
CASES = f"""
- name: A vaccine on record meets it
  anchor: 2026-03-02
  order: {{code: cpt 10001}}
  facts: [{{Immunization: {GIVEN}}}]
  expect: {{I: met, outcome: supported}}
- name: Without one it is asked
  anchor: 2026-03-02
  order: {{code: cpt 10001}}
  facts: []
  expect: {{I: unknown NotFound, asks: I}}
- name: A search that failed proves nothing
  anchor: 2026-03-02
  order: {{code: cpt 10001}}
  unavailable: Immunization
  expect: {{I: unknown DataUnavailable}}
"""


def _forget() -> None:
    for cached in (operators, resource_types, document_validator, document_check):
        cached.cache_clear()


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The operator's module in the package of the operators, and every list made from them made again."""
    (tmp_path / "immunization.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.setattr(coverage_policies.operators, "__path__", [*coverage_policies.operators.__path__, str(tmp_path)])
    _forget()
    yield
    sys.modules.pop("coverage_policies.operators.immunization", None)
    _forget()


def vaccinated() -> Policy:
    return parse_policy(text(SECTIONS), "test.yaml", VACCINES)


def cases() -> tuple[Case, ...]:
    return parse_cases(CASES.replace("DataUnavailable", "data-unavailable"), "test.cases.yaml", vaccinated())


@pytest.mark.parametrize("number", range(3), ids=["met", "asked", "unavailable"])
def test_a_case_of_it_runs(number: int) -> None:
    assert [str(each) for each in run_case(cases()[number], vaccinated())] == []


def test_a_document_that_uses_it_lints() -> None:
    policy = vaccinated()
    assert lint(Library({policy.full_name: policy}, {})) == ()


def test_its_resource_type_is_prefetched_and_may_be_named_in_cases() -> None:
    templates = {search.key: search.prefetch_template for search in vaccinated().searches()}
    assert templates["immunizations"] == "Immunization?patient={{context.patientId}}"
    assert "Immunization" in resource_types()


def test_a_chart_in_memory_and_the_sample_ehr_find_its_resources() -> None:
    (given,) = resources({"Immunization": GIVEN}, 1, date(2026, 3, 2))
    store = Store.from_bundle({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": given}]})
    answer = create_sample_ehr(store).test_client().get(f"/fhir/Immunization?patient={PATIENT}")
    assert [entry["resource"]["id"] for entry in answer.json["entry"]] == [given["id"]]
    assert create_sample_ehr(store).test_client().get("/fhir/Immunization?patient=nobody").json["total"] == 0


def test_an_order_is_judged_by_it_from_search_to_determination() -> None:
    (given,) = resources({"Immunization": GIVEN}, 1, date(2026, 3, 2))
    policy = vaccinated()
    draft = order({"code": "cpt 10001"}, 1, date(2026, 3, 2))
    request = call()
    request["context"] |= {
        "patientId": PATIENT,
        "draftOrders": {"entry": [{"resource": draft}], "resourceType": "Bundle"},
    }
    found = review_call(
        read_request(request),
        Assessor(Library({policy.full_name: policy}, VACCINES), PlanRules()),
        Settings(),
        chart={"resourceType": "Bundle", "type": "collection", "entry": [{"resource": given}]},
        clock=lambda: datetime(2026, 3, 2, 17, tzinfo=UTC),
    )
    (determination,) = found.determinations
    assert determination.criterion("I").status is Status.MET
    assert [item.reference for item in determination.criterion("I").evidence] == [f"Immunization/{given['id']}"]


def test_a_fact_that_is_no_resource_type_is_refused() -> None:
    with pytest.raises(DocumentError, match="there is no fact 'Imunization'"):
        parse_cases(CASES.replace("Immunization: {'st", "Imunization: {'st"), "test.cases.yaml", vaccinated())
