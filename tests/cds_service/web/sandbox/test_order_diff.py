"""What a system action changes about an order: element by element, and nothing else."""

from typing import Any

import pytest

from cds_service.web.sandbox.case import Case
from cds_service.web.sandbox.order_diff import ActionView, Change, Part, changed_parts, views

CODED = {"code": "a", "system": "https://codes.example", "display": "A"}
INFORMATION = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"


def order(**members: Any) -> dict[str, Any]:
    return {"resourceType": "ServiceRequest", "id": "one", **members}


def the_change(before: dict[str, Any], after: dict[str, Any]) -> tuple[str, Change]:
    ((name, changes),) = [(part.name, part.changes) for part in changed_parts(before, after)]
    (change,) = changes
    return name, change


def test_equal_orders_have_no_changes() -> None:
    assert changed_parts(order(note=[{"text": "x"}]), order(note=[{"text": "x"}])) == ()


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ({"priority": "routine"}, {"priority": "urgent"}, ("priority", Change("priority", "routine", "urgent"))),
        ({}, {"priority": "urgent"}, ("priority", Change("priority", "", "urgent"))),
        ({"priority": "urgent"}, {}, ("priority", Change("priority", "urgent", ""))),
        ({"doNotPerform": False}, {"doNotPerform": True}, ("doNotPerform", Change("doNotPerform", "false", "true"))),
        ({"note": [{"text": "x"}]}, {"note": [{"text": "y"}]}, ("note", Change("text", "x", "y"))),
        (
            {"note": [{"text": "x"}, {"text": "y"}]},
            {"note": [{"text": "x"}, {"text": "z"}]},
            ("note", Change("2 › text", "y", "z")),
        ),
        (
            {"code": {"coding": [CODED]}},
            {"code": {"coding": [{**CODED, "code": "b"}]}},
            ("code", Change("coding", "a https://codes.example", "b https://codes.example")),
        ),
    ],
)
def test_a_change_names_the_element_and_both_values(
    before: dict[str, Any], after: dict[str, Any], wanted: tuple[str, Change]
) -> None:
    assert the_change(order(**before), order(**after)) == wanted


def test_an_extension_is_named_by_the_end_of_its_url() -> None:
    parts = [
        {"url": "covered", "valueCode": "conditional"},
        {"url": "detail", "extension": [{"url": "a", "valueString": "x"}]},
    ]
    found = changed_parts(order(), order(extension=[{"url": INFORMATION, "extension": parts}]))
    wanted = (Change("covered", "", "conditional"), Change("detail › a", "", "x"))
    assert found == (Part("coverage information", wanted),)
    assert found[0].is_new


def test_a_part_with_an_earlier_value_is_not_new() -> None:
    (part,) = changed_parts(order(priority="routine"), order(priority="urgent"))
    assert not part.is_new


def test_an_action_on_an_order_shows_what_it_changes() -> None:
    case = Case("https://ehr.example/fhir", "p").with_orders(order())
    action = {"type": "update", "description": "Add it", "resource": order(priority="urgent")}
    (view,) = views(case, (action,))
    assert view == ActionView(
        "Add it", "ServiceRequest/one", (Part("priority", (Change("priority", "", "urgent"),)),), view.resource
    )
    assert '"priority": "urgent"' in view.resource


def test_an_action_that_creates_a_resource_shows_all_of_it() -> None:
    case = Case("https://ehr.example/fhir", "p").with_orders(order())
    action = {"type": "create", "description": "Fill in", "resource": {"resourceType": "Task", "status": "ready"}}
    (view,) = views(case, (action,))
    assert (view.target, [part.name for part in view.parts]) == ("Task", ["resourceType", "status"])


def test_a_deletion_names_its_order() -> None:
    case = Case("https://ehr.example/fhir", "p").with_orders(order())
    (view,) = views(case, ({"type": "delete", "description": "Remove", "resourceId": "ServiceRequest/one"},))
    assert view.target == "ServiceRequest/one"
