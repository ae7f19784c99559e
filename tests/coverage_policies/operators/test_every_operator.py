"""What every operator must do: its example, its arguments, and nothing from silence."""

from datetime import date
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from coverage_policies.authoring import fact_builder as case_facts
from coverage_policies.format.library import BUILT_IN, load_names
from coverage_policies.format.operator import Context, Operator, as_list, value_set, written_values
from coverage_policies.format.registry import operators, resource_types
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSets
from coverage_policies.operators.base import nothing_found
from fhir_mappings.orders import read_order
from fhir_mappings.record import Availability
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import (
    COMPLETE,
    NOT_OFFERED,
    SETS,
    UNAVAILABLE,
    UNKNOWN,
    all_of,
    case,
    judge,
    policy,
    run,
)
from tests.support.terms import TERMS

ALL_SETS = ValueSets(SETS, TERMS)
SHIPPED = load_names([BUILT_IN])
ALL = list(operators().values())
NAMES = [operator.name for operator in ALL]

CLAUSES: list[tuple[str, dict[str, Any]]] = [
    ("allergy", {"in": "alpha"}),
    ("condition", {"in": "alpha"}),
    ("condition", {"in": "alpha", "lasting": "at least 6 months"}),
    ("condition", {"in": "alpha", "lasting": "under 6 months"}),
    ("condition", {"in": "alpha", "lasting": "under 6 months", "unless_older": "beta"}),
    ("condition", {"in": "acute"}),
    ("condition", {"in": "alpha", "within": "12 months"}),
    ("condition", {"in": "alpha", "status": "any"}),
    ("condition", {"in": "alpha", "status": "past"}),
    ("condition", {"in": "alpha", "onset": "under 12 months ago"}),
    ("device", {"in": "alpha"}),
    ("family_history", {"in": "alpha"}),
    ("family_history", {"in": "alpha", "relation": "first-degree", "onset": "under 50 years"}),
    ("finding", {"in": "alpha", "result": "positive", "within": "6 months"}),
    ("imaging", {"in": "alpha"}),
    ("imaging", {"in": "alpha", "concludes": "beta"}),
    ("imaging", {"in": "alpha", "within": "6 months"}),
    ("allergy", {"in": "alpha", "intolerance": "counts"}),
    ("condition", {"in": "alpha", "side": "same"}),
    ("imaging", {"in": "alpha", "side": "same"}),
    ("medication", {"in": "drug"}),
    ("medication", {"in": "drug", "lasting": "at least 3 weeks"}),
    ("observation", {"in": "pain-severity-0-10"}),
    ("observation", {"in": "pain-severity-0-10", "within": "3 months"}),
    ("observation", {"in": "pain-severity-0-10", "value": "at most 5"}),
    ("observation", {"in": "pain-severity-0-10", "value": "at most 5", "occasion": "lowest"}),
    ("observation", {"in": "pain-severity-0-10", "value": "at most 5", "occasion": "any", "within": "3 months"}),
    ("observation", {"in": "pain-severity-0-10", "value": "at most 5", "count": "at least 2"}),
    ("observation", {"in": "pain-severity-0-10", "value": "at most 5", "sustained": "at least 2 months"}),
    (
        "observation",
        {"in": "pain-severity-0-10", "value": "at most 5", "states": "alpha", "outranked_by": "other-scale"},
    ),
    ("observation", {"in": "pain-severity-0-10", "change": "fell by under 5 %", "from": "first"}),
    ("opioid_reduction", {"by": "at least 50 %"}),
    ("opioid_reduction", {"by": "under 50 %"}),
    ("pain_relief", {"after": "trial"}),
    ("pain_relief", {"after": "trial", "relief": "at least 50 %"}),
    ("pain_relief", {"after": "trial", "relief": "at most 0 %"}),
    ("pain_relief", {"after": "trial", "relief": "at least 50 %", "occasion": "first"}),
    ("pain_relief", {"after": "trial", "relief": "under 50 %", "occasion": "second"}),
    ("pain_relief", {"after": "trial", "relief": "at least 50 %", "occasions": "2", "apart": "at least 2 weeks"}),
    ("pain_relief", {"after": "trial", "relief": "at least 50 %", "sustained": "7 following days"}),
    ("pain_relief", {"after": "trial", "relief": "at least 50 %", "not_for": "beta", "not_purpose": "obstetric"}),
    ("patient", {"age": "at least 18 years"}),
    ("patient", {"sex": "female"}),
    ("planned", {"in": "alpha"}),
    ("pregnancy", {"in": "alpha", "status": "pain-severity-0-10", "ended_by": "beta"}),
    (
        "pregnancy",
        {
            "in": "alpha",
            "status": "pain-severity-0-10",
            "ended_by": "beta",
            "ended_by_procedure": "trial",
            "gestational_age": "other-scale",
            "due_date": "other-scale",
        },
    ),
    ("procedure", {"in": "alpha"}),
    ("procedure", {"in": "alpha", "within": "3 months"}),
    ("procedure", {"in": "alpha", "lasting": "at least 4 weeks"}),
    ("procedure", {"in": "alpha", "side": "same", "purpose": "diagnostic"}),
    ("procedure", {"in": "alpha", "count": "at least 4"}),
    ("procedure", {"in": "alpha", "count": "exactly 2", "apart": "under 2 weeks"}),
    ("procedure", {"in": "alpha", "first": "at least 2 weeks ago"}),
    ("procedure", {"in": "alpha", "first": "under 2 weeks ago"}),
    ("procedure", {"in": "alpha", "last": "under 2 months ago"}),
    ("procedure", {"in": "alpha", "lasting": "at least 12 weeks", "gap": "at most 4 weeks"}),
    ("procedure", {"in": "alpha", "all": {"count": "at least 6", "gap": "at most 4 weeks", "within": "12 months"}}),
    ("reported_mme", {"within": "12 months"}),
    ("visit", {"in": "alpha", "within": "3 months"}),
    ("visit", {"by": "alpha", "in_person": "yes", "within": "3 months"}),
    ("visit", {"in": "alpha", "count": "at least 2", "within": "3 months"}),
    ("visit", {"in": "alpha", "all": {"count": "at least 6", "gap": "at most 4 weeks", "within": "12 months"}}),
]
"""Every clause that reads the chart."""
IDS = [f"{name} {' '.join(map(str, arguments.values()))}" for name, arguments in CLAUSES]


def as_clause(name: str, arguments: dict[str, Any]) -> str:
    return f"{{{name}: {written(arguments)}}}"


def written(value: Any) -> str:
    """A value as YAML writes it in a line."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {written(each)}' for key, each in value.items())}}}"
    return str(value)


def test_every_operator_that_reads_the_chart_is_among_the_clauses() -> None:
    assert {name for name, _ in CLAUSES} == set(NAMES) - {"order", "concurrent_order"}


@pytest.mark.parametrize(("name", "arguments"), CLAUSES, ids=IDS)
@pytest.mark.parametrize(
    ("how", "for_it", "against"),
    [
        (COMPLETE, Reason.NOT_FOUND, Reason.NONE_RECORDED),
        (NOT_OFFERED, Reason.NOT_FOUND, Reason.NONE_RECORDED),
        (UNAVAILABLE, Reason.DATA_UNAVAILABLE, Reason.DATA_UNAVAILABLE),
    ],
    ids=["complete", "not offered", "unavailable"],
)
def test_an_empty_chart_settles_nothing_in_either_direction(
    name: str, arguments: dict[str, Any], how: Availability, for_it: Reason, against: Reason
) -> None:
    clause = as_clause(name, arguments)
    for direction, reason in (("met_when", for_it), ("not_met_when", against)):
        result = judge(policy(f"I: {{says: s, ask: q, {direction}: {clause}}}"), availability=all_of(how)).criterion(
            "I"
        )
        assert result.status is UNKNOWN, direction
        if name != "opioid_reduction":
            assert result.reason is reason, direction


@pytest.mark.parametrize(("name", "arguments"), CLAUSES, ids=IDS)
def test_what_could_not_be_read_cannot_tell(name: str, arguments: dict[str, Any]) -> None:
    found = run(operators()[name].parse(arguments, ALL_SETS), availability=all_of(UNAVAILABLE))
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.DATA_UNAVAILABLE)


@pytest.mark.parametrize(("name", "arguments"), CLAUSES, ids=IDS)
def test_every_clause_names_the_data_it_needs(name: str, arguments: dict[str, Any]) -> None:
    assert operators()[name].parse(arguments, ALL_SETS).searches


@pytest.mark.parametrize("operator", ALL, ids=NAMES)
def test_an_operator_searches_just_the_resource_types_that_it_names(operator: Operator) -> None:
    clauses = [operator.parse(arguments, ALL_SETS) for name, arguments in CLAUSES if name == operator.name]
    assert {search.resource_type for each in clauses for search in each.searches} == set(operator.resource_types)


def test_the_resource_types_of_judging_are_those_of_the_operators_and_of_the_answers() -> None:
    searched = {kind for operator in ALL for kind in operator.resource_types}
    assert set(resource_types()) == searched | {"QuestionnaireResponse"}


@pytest.mark.parametrize("operator", ALL, ids=NAMES)
def test_every_operator_is_known_by_its_own_name(operator: Operator) -> None:
    assert operators()[operator.name] is operator


@pytest.mark.parametrize("operator", ALL, ids=NAMES)
def test_every_operator_says_what_it_asks(operator: Operator) -> None:
    assert operator.says.endswith(".")


@pytest.mark.parametrize("operator", ALL, ids=NAMES)
def test_every_schema_of_arguments_is_one_and_lets_in_nothing_unknown(operator: Operator) -> None:
    Draft202012Validator.check_schema(dict(operator.schema))
    if operator.name != "order":  # which takes the attributes of the order terms, and checks them itself
        assert operator.schema["additionalProperties"] is False


def example(operator: Operator) -> dict[str, Any]:
    read: dict[str, Any] = yaml.load(operator.example, yaml.BaseLoader)  # noqa: S506 - text only
    return read


@pytest.mark.parametrize("operator", ALL, ids=NAMES)
def test_every_example_is_a_clause_of_its_operator_that_the_schema_allows(operator: Operator) -> None:
    ((name, arguments),) = example(operator)["clause"].items()
    assert name == operator.name
    assert list(Draft202012Validator(dict(operator.schema)).iter_errors(arguments)) == []


@pytest.mark.parametrize("operator", ALL, ids=NAMES)
def test_every_example_finds_what_it_says(operator: Operator) -> None:
    written = example(operator)
    day = date(2026, 3, 2)
    facts = [
        resource
        for number, fact in enumerate(written["facts"], 1)
        for resource in case_facts.resources(fact, number, day)
    ]
    record = case_facts.chart(facts, day, TERMS)
    drafts = [written.get("order", {"code": "27279"}), *written.get("other_orders", [])]
    orders = [
        read_order(case_facts.order(draft, number, day), zone=record.zone, terms=TERMS)
        for number, draft in enumerate(drafts, 1)
    ]
    circumstances = Context(orders[0], tuple(orders[1:]), record, orders[0].anchor(day).day)
    found = operator.parse(written["clause"][operator.name], SHIPPED).evaluate(circumstances)
    assert found.holds.value == written["holds"]


WITHOUT_A_SET = ("opioid_reduction", "order", "pain_relief", "patient", "reported_mme")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in WITHOUT_A_SET])
def test_a_value_set_that_does_not_exist_is_told(name: str) -> None:
    with pytest.raises(ValueError, match="there is no value set named 'omega'"):
        operators()[name].parse({"in": ["alpha", "omega"]}, ALL_SETS)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("alhpa", "there is no value set named 'alhpa'; did you mean 'alpha'?"),
        ("omega", "there is no value set named 'omega'"),
    ],
)
def test_a_value_set_that_is_spelled_wrong_is_told_with_the_right_name(written: str, told: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the message is what is tested
        value_set(["beta", written], SETS)
    assert str(raised.value) == told


def test_one_name_or_several_are_a_list() -> None:
    assert (as_list("a"), as_list(["a", "b"])) == (["a"], ["a", "b"])


def test_the_arguments_inside_of_another_are_named_after_it() -> None:
    arguments = {"in": ["a", "b"], "all": {"gap": "at most 4 weeks", "within": "1 year"}}
    assert list(written_values(arguments)) == [
        ("in", ["a", "b"]),
        ("all.gap", "at most 4 weeks"),
        ("all.within", "1 year"),
    ]


def test_several_value_sets_are_one_that_is_named_after_them() -> None:
    both = value_set(["alpha", "beta"], ALL_SETS)
    assert (both.name, len(both.rows)) == ("alpha or beta", 4)


@pytest.mark.parametrize(
    ("how", "holds", "reason"),
    [
        ({"Condition": COMPLETE, "Device": COMPLETE}, Truth.NO, Reason.NOT_FOUND),
        ({"Condition": COMPLETE, "Device": NOT_OFFERED}, Truth.NO, Reason.NOT_FOUND),
        ({"Condition": COMPLETE, "Device": UNAVAILABLE}, Truth.UNKNOWN, Reason.DATA_UNAVAILABLE),
        ({"Condition": COMPLETE}, Truth.UNKNOWN, Reason.DATA_UNAVAILABLE),
    ],
)
def test_silence_is_not_found_only_if_every_kind_was_read(
    how: dict[str, Availability], holds: Truth, reason: Reason
) -> None:
    found = nothing_found(case(availability=how).record, "Condition", "Device")
    assert (found.holds, found.reason, found.evidence) == (holds, reason, ())
