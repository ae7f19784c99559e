"""The cards of CRD services: their types and topics, what they never have, and what a client can switch off."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID, uuid5

import pytest

from cards.associated_orders import orders_of
from cards.build import AssessedCard
from cards.crd_cards import CrdCards
from cards.crd_topics import Topic
from cards.crd_versions import CrdVersion
from cards.style import CardStyle
from cds_service.crd.profiles import check_order
from coverage_policies.format.model import APPLIES, Companion
from coverage_policies.format.terms import Outcome, RequestType
from coverage_policies.format.value_sets import Row, ValueSet
from coverage_policies.judging.assessment import Assessment
from coverage_policies.judging.determination import Alternative, Question
from coverage_policies.judging.plan_rules import Payer
from fhir_mappings.codings import HCPCS
from fhir_mappings.validity import faults
from tests.support.determinations import criterion, determination

NAMESPACE = UUID("8a4e6d0c-3f0b-5c57-9f0e-5d1f6f6a2b11")
PAYER = Payer("Lakeshore", ("Owner",), identifiers=frozenset({"urn:payers|1"}))
ORDER = {
    "resourceType": "ServiceRequest",
    "id": "o-1",
    "subject": {"reference": "Patient/p"},
    "requester": {"reference": "Practitioner/d"},
    "authoredOn": "2026-03-02",
}
NEEDED = determination(
    Outcome.DOCUMENTATION_NEEDED,
    order="ServiceRequest/o-1",
    questions=(Question("I", "Is it so?"),),
    url="https://owner.example/p",
)
FAILED = replace(determination(Outcome.CRITERIA_NOT_MET, criterion("I"), order="ServiceRequest/o-1"), questions=())
BETTER = Alternative("I", "Change the approach", {**ORDER, "note": [{"text": "changed"}]}, Outcome.SUPPORTED)
ROW = Row(HCPCS, "E1390", "Oxygen concentrator", "test", None, None, True)
COMPANION = Companion(ValueSet("stationary", [ROW]), ROW, RequestType.DEVICE, "It goes with the other")
BOTH = pytest.mark.parametrize("version", list(CrdVersion))


def made(
    *assessments: Assessment, version: CrdVersion = CrdVersion.V2_2, hook: str = "order-sign", **more: Any
) -> list[Any]:
    """The cards for assessments, as JSON."""
    return [each.card for each in cards(*assessments, version=version, hook=hook, **more)]


def cards(
    *assessments: Assessment, version: CrdVersion, hook: str, unwanted: Iterable[Topic] = (), **more: Any
) -> tuple[AssessedCard, ...]:
    values: dict[str, Any] = {
        "payer": PAYER,
        "version": version,
        "hook": hook,
        "style": CardStyle(),
        "card_id": lambda each: uuid5(NAMESPACE, each.determinations[0].order),
        "wants": lambda topic: topic not in set(unwanted),
        "most": 10,
        "patient": "Patient/p",
        "orders": {"ServiceRequest/o-1": ORDER},
        "day": date(2026, 3, 2),
        "policy_pages": "https://cds.example.org/policies",
    }
    return CrdCards(**values | more).of(assessments)


def of(*determinations: Any) -> Assessment:
    return Assessment(tuple(determinations))


def topics(found: Iterable[Any]) -> list[str]:
    return [each["source"]["topic"]["code"] for each in found]


ALL = of(replace(NEEDED, companions=(COMPANION,)))
FAILING = of(replace(FAILED, alternatives=(BETTER,)))


@BOTH
@pytest.mark.requirement("7.61")
@pytest.mark.requirement("7.62")
@pytest.mark.requirement("7.73")
def test_every_card_names_the_insurer_a_topic_of_its_version_and_its_orders(version: CrdVersion) -> None:
    system = {
        CrdVersion.V2_2: "http://terminology.hl7.org/CodeSystem/cdshooks-card-type",
        CrdVersion.V2_0: "http://hl7.org/fhir/us/davinci-crd/CodeSystem/temp",
    }[version]
    found = made(ALL, FAILING, version=version, canonicals="https://cds.example.org")
    assert len(found) == 5
    for each in found:
        assert each["source"]["label"] == "Lakeshore"
        assert each["source"]["topic"]["system"] == system
        assert orders_of(each) == ("ServiceRequest/o-1",)
        assert each["indicator"] in ("info", "warning")
        assert len(each["summary"]) < 140
        assert "Fusion" in each["detail"]
    assert len({each["uuid"] for each in found}) == len(found)


@BOTH
@pytest.mark.requirement("7.78")
def test_no_card_carries_the_determination_or_the_topic_of_the_system_action(version: CrdVersion) -> None:
    for each in made(ALL, FAILING, version=version, canonicals="https://cds.example.org"):
        assert [name for name in each["extension"] if "associated-resource" not in name] == []
        assert each["source"]["topic"]["code"] != "coverage-info"


@pytest.mark.requirement("7.108")
def test_an_external_reference_has_only_absolute_links_and_no_suggestion() -> None:
    (card,) = [each for each in made(ALL) if each["source"]["topic"]["code"] == "guideline"]
    assert [each["url"] for each in card["links"]] == [
        "https://owner.example/p",
        "https://cds.example.org/policies/CP.TEST@2025-01",
    ]
    assert {each["type"] for each in card["links"]} == {"absolute"}
    assert "suggestions" not in card


@pytest.mark.requirement("7.108")
def test_instructions_have_a_detail_and_neither_links_nor_suggestions() -> None:
    (card,) = [each for each in made(ALL) if each["source"]["topic"]["code"] == "appropriate-use"]
    assert "Is it so?" in card["detail"]
    assert not {"links", "suggestions"} & set(card)
    assert card["overrideReasons"]


@BOTH
@pytest.mark.requirement("7.64")
def test_a_card_has_a_selection_behavior_if_and_only_if_it_has_suggestions(version: CrdVersion) -> None:
    style = CardStyle(selection_behavior="any")
    found = made(ALL, FAILING, version=version, canonicals="https://cds.example.org", style=style)
    assert {("suggestions" in each) for each in found} == {True, False}
    for each in found:
        assert each.get("selectionBehavior") == ("any" if "suggestions" in each else None)


@pytest.mark.requirement("7.65")
@pytest.mark.requirement("7.66")
@pytest.mark.requirement("7.67")
def test_every_suggestion_has_a_label_and_an_id_of_its_own_and_is_never_preselected() -> None:
    found = made(ALL, FAILING, canonicals="https://cds.example.org")
    offered = [each for card in found for each in card.get("suggestions", ())]
    assert len({each["uuid"] for each in offered}) == len(offered) == 3
    for each in offered:
        assert each["label"]
        assert each["isRecommended"] is False
        assert all(action["description"] for action in each["actions"])


@pytest.mark.requirement("7.59")
def test_only_a_failure_of_a_policy_that_certainly_applies_is_a_warning() -> None:
    assert made(FAILING)[0]["indicator"] == "warning"
    assert made(replace(FAILING, may_not_apply=True))[0]["indicator"] == "info"
    assert {each["indicator"] for each in made(ALL)} == {"info"}


@pytest.mark.requirement("7.109")
def test_an_alternate_request_updates_the_order_and_stands_in_place_of_instructions() -> None:
    found = made(FAILING)
    assert topics(found) == ["therapy-alternatives-req", "guideline"]
    assert found[0]["indicator"] == "warning"
    (offered,) = found[0]["suggestions"]
    assert [each["type"] for each in offered["actions"]] == ["update"]
    assert offered["uuid"]
    assert "links" not in found[0]


@pytest.mark.requirement("7.109")
def test_an_alternate_request_may_be_a_deletion_and_a_creation() -> None:
    (offered,) = made(FAILING, style=CardStyle(actions="delete-create"))[0]["suggestions"]
    deletion, creation = offered["actions"]
    assert (deletion["type"], deletion["resourceId"]) == ("delete", "ServiceRequest/o-1")
    assert creation["type"] == "create"
    assert "id" not in creation["resource"]


def test_where_alternatives_are_unwanted_instructions_say_what_fails() -> None:
    assert topics(made(FAILING, unwanted=[Topic.REQUIRED_ALTERNATIVE])) == ["appropriate-use", "guideline"]


def test_an_order_with_an_authorization_on_file_is_not_to_be_changed() -> None:
    authorized = frozenset({"ServiceRequest/o-1"})
    assert topics(made(FAILING, authorized=authorized)) == ["appropriate-use", "guideline"]
    assert topics(made(FAILING, authorized=frozenset({"ServiceRequest/o-2"})))[0] == "therapy-alternatives-req"


@pytest.mark.requirement("crd:resp-57")
@pytest.mark.requirement("7.109")
def test_an_additional_order_is_only_created_and_is_valid() -> None:
    (card,) = [each for each in made(ALL) if each["source"]["topic"]["code"] == "clinical-reminder"]
    (offered,) = card["suggestions"]
    (action,) = offered["actions"]
    assert (action["type"], "resourceId" in action, "links" in card) == ("create", False, False)
    assert action["resource"]["codeCodeableConcept"]["coding"][0]["code"] == "E1390"
    assert (action["resource"]["subject"], action["resource"]["requester"]) == (ORDER["subject"], ORDER["requester"])
    assert faults(action["resource"]) == ()
    for version in CrdVersion:
        check_order(action["resource"], "order", version)
    assert "id" not in action["resource"]


def test_a_supported_order_gets_its_companion_and_no_other_card() -> None:
    supported = of(replace(determination(Outcome.SUPPORTED, order="ServiceRequest/o-1"), companions=(COMPANION,)))
    assert topics(made(supported)) == ["clinical-reminder"]


def test_an_order_that_fails_gets_no_companion() -> None:
    assert "clinical-reminder" not in topics(made(of(replace(FAILED, companions=(COMPANION,)))))


def test_a_policy_that_may_not_apply_adds_no_order() -> None:
    assert "clinical-reminder" in topics(made(ALL))
    assert "clinical-reminder" not in topics(made(replace(ALL, may_not_apply=True)))


def test_two_orders_that_want_the_same_companion_share_one_proposal() -> None:
    other = replace(NEEDED, order="ServiceRequest/o-2", order_label="Another", anchor_date=date(2027, 1, 1))
    found = made(ALL, of(replace(other, companions=(COMPANION,))))
    (card,) = [each for each in found if each["source"]["topic"]["code"] == "clinical-reminder"]
    assert orders_of(card) == ("ServiceRequest/o-1", "ServiceRequest/o-2")
    assert "**Fusion; Another**" in card["detail"]
    assert "E1390" in card["detail"]


def test_an_order_that_shares_the_card_of_another_one_keeps_its_companion() -> None:
    sections = {"sections": ("I",)}
    lead = of(replace(NEEDED, **sections))
    other = of(replace(NEEDED, order="ServiceRequest/o-2", companions=(COMPANION,), **sections))
    found = made(lead, other)
    assert topics(found) == ["appropriate-use", "clinical-reminder", "guideline"]
    assert orders_of(found[1]) == ("ServiceRequest/o-2",)


def test_a_companion_that_one_revision_does_not_want_is_not_proposed() -> None:
    wants = replace(NEEDED, companions=(COMPANION,))
    assert "clinical-reminder" not in topics(made(of(wants, replace(NEEDED, revision="2026-01"))))
    assert "clinical-reminder" in topics(made(of(wants, replace(wants, revision="2026-01"))))


@pytest.mark.requirement("crd:resp-65")
@pytest.mark.requirement("7.110")
def test_a_form_is_a_task_only_for_a_client_without_dtr() -> None:
    assert "claim" not in topics(made(ALL))
    (card,) = [
        each for each in made(ALL, canonicals="https://cds.example.org") if each["source"]["topic"]["code"] == "claim"
    ]
    ((action,),) = [each["actions"] for each in card["suggestions"]]
    assert (action["type"], action["resource"]["resourceType"]) == ("create", "Task")
    assert not {"links", "resourceId"} & {*card, *action}
    assert card["detail"] == "**Fusion**"


@pytest.mark.requirement("7.107")
@pytest.mark.requirement("7.110")
@pytest.mark.requirement("7.111")
def test_no_card_launches_an_app_leads_to_a_portal_or_updates_the_coverage() -> None:
    for each in made(ALL, FAILING, canonicals="https://cds.example.org"):
        assert {link["type"] for link in each.get("links", ())} <= {"absolute"}
        assert {link["url"].split("/")[2] for link in each.get("links", ())} <= {"owner.example", "cds.example.org"}
        created = [action["resource"] for offered in each.get("suggestions", ()) for action in offered["actions"]]
        assert {one["resourceType"] for one in created} <= {"ServiceRequest", "DeviceRequest", "Task"}


@pytest.mark.requirement("7.76")
@pytest.mark.parametrize("topic", list(Topic))
def test_a_topic_that_is_switched_off_has_no_card(topic: Topic) -> None:
    everything = made(ALL, FAILING, canonicals="https://cds.example.org")
    assert topic.code in topics(everything)
    assert topic.code not in topics(made(ALL, FAILING, canonicals="https://cds.example.org", unwanted=[topic]))


@pytest.mark.requirement("7.76")
@pytest.mark.parametrize("most", [0, 1, 4, 5, 10])
def test_no_more_cards_come_than_were_asked_for_and_the_worst_come_first(most: int) -> None:
    found = made(ALL, FAILING, canonicals="https://cds.example.org", most=most)
    assert len(found) == min(most, 5)
    assert topics(found)[:1] == ["therapy-alternatives-req"][:most]


def test_where_there_is_nothing_to_do_no_card_says_so() -> None:
    order = "ServiceRequest/o-1"
    assert made(of(determination(Outcome.NOT_EVALUATED, order=order, url="https://owner.example/p"))) == []
    assert made(of(determination(Outcome.SUPPORTED, order=order, url="https://owner.example/p"))) == []
    review = determination(Outcome.CASE_REVIEW, order=order, url="https://owner.example/p")
    assert topics(made(of(review))) == ["guideline"]
    assert topics(made(of(replace(review, questions=NEEDED.questions)))) == ["appropriate-use", "guideline"]


def test_at_order_select_the_question_whether_a_policy_applies_is_not_asked() -> None:
    asking = of(replace(NEEDED, questions=(Question(APPLIES, "Is it for pain?"),)))
    assert made(asking, hook="order-select") == []
    assert topics(made(asking, hook="order-sign")) == ["appropriate-use", "guideline"]


def test_a_policy_that_does_not_apply_is_not_linked() -> None:
    other = replace(NEEDED, policy="CP.OTHER", outcome=Outcome.NOT_APPLICABLE, questions=())
    found = made(of(NEEDED, other))
    assert [each["summary"] for each in found if "links" in each] == ["Coverage policy CP.TEST: Test fusion"]


@pytest.mark.requirement("7.75")
def test_an_order_without_a_policy_has_no_card() -> None:
    assert made() == []
    assert made(of(determination(Outcome.NOT_APPLICABLE))) == []


def test_one_link_card_serves_several_orders_of_one_policy() -> None:
    other = of(replace(NEEDED, order="ServiceRequest/o-2", order_label="Another", anchor_date=date(2027, 1, 1)))
    (card,) = [each for each in made(of(NEEDED), other) if each["source"]["topic"]["code"] == "guideline"]
    assert orders_of(card) == ("ServiceRequest/o-1", "ServiceRequest/o-2")
    assert "Another" in card["detail"]


def test_a_card_for_several_codes_of_one_procedure_names_all_their_orders() -> None:
    lead = replace(NEEDED, sections=("I",))
    (told, _) = made(of(lead), of(replace(lead, order="ServiceRequest/o-2")))
    assert orders_of(told) == ("ServiceRequest/o-1", "ServiceRequest/o-2")


def test_two_policies_of_one_order_have_a_link_card_each() -> None:
    found = made(of(NEEDED, replace(NEEDED, policy="CP.OTHER")))
    assert topics(found) == ["appropriate-use", "guideline", "guideline"]
    assert len({each["uuid"] for each in found}) == 3


def test_the_card_of_a_payer_does_not_say_that_it_is_no_decision() -> None:
    assert not any("Not a coverage decision" in each["detail"] for each in made(ALL, FAILING))


def test_the_same_facts_give_the_same_ids() -> None:
    assert [each["uuid"] for each in made(ALL, FAILING)] == [each["uuid"] for each in made(ALL, FAILING)]
