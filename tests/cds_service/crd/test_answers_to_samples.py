"""The answers to all orders of the sample patients, before and at signing, in both versions: what holds for each.

What is expected is read in the guide's own value sets and invariants, where the folder of guides is at hand.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

import pytest

from cards.crd_versions import CrdVersion
from cards.layout import LINES, WORDS
from cards.override_reasons import override_codes
from cds_service.crd.profiles import check_order
from cds_service.fhir_client.memory import ChartInMemory, Store
from cds_service.sample_ehr.hook_client import crd_call
from cds_service.sample_ehr.patients import SAMPLES, STORY_DATE, sample_store
from cds_service.sample_ehr.payers import SAMPLE_PAYERS
from cds_service.wiring.system import new_id
from coverage_policies.format.library import load_library
from fhir_mappings.fhir_json import Json, dumps
from fhir_mappings.order_elements import COVERAGE_INFORMATION
from fhir_mappings.validity import faults
from tests.support.crd_calls import EHR, CrdService, configured, information_of, parts
from tests.support.crd_guide import broken, needs_engine, needs_guide, value_set

NOW = datetime(STORY_DATE.year, STORY_DATE.month, STORY_DATE.day, 15, tzinfo=UTC)
INSURERS = {payer.name for payer in SAMPLE_PAYERS.payers}
TOPIC_SYSTEMS = {
    "2.2": "http://terminology.hl7.org/CodeSystem/cdshooks-card-type",
    "2.0": "http://hl7.org/fhir/us/davinci-crd/CodeSystem/temp",
}
VALUE_SETS = {
    "covered": "coverageInfo",
    "pa-needed": "coveragePaDetail",
    "doc-needed": "AdditionalDocumentation",
    "doc-purpose": "DocReason",
    "info-needed": "informationNeeded",
}
BOTH = pytest.mark.parametrize("version", ["2.2", "2.0"])


@dataclass(frozen=True, slots=True)
class Answered:
    """A call and its answer."""

    version: str
    hook: str
    order: Json
    body: Json
    answer: Json

    @property
    def cards(self) -> list[Any]:
        return list(self.answer["cards"])


@cache
def chart() -> Store:
    return sample_store(STORY_DATE)


@cache
def service() -> CrdService:
    return CrdService(SAMPLE_PAYERS, open_fhir_server=lambda *_: ChartInMemory(chart()), clock=lambda: NOW)


def signing(patient: str, order: Json, hook: str = "order-sign") -> Any:
    """A call for an order of a sample patient, with the Coverage prefetched."""
    coverage = chart().read("Coverage", f"{patient}-coverage")
    assert coverage is not None
    return crd_call(patient, hook, order, coverage, fhir_server=EHR, token="none", new_id=new_id)


@cache
def everything() -> tuple[Answered, ...]:
    """Every order of a sample patient who has a Coverage, before and at signing."""
    return tuple(_everything())


def _everything() -> Iterator[Answered]:
    for sample in (each for each in SAMPLES if chart().read("Coverage", f"{each.id}-coverage")):
        for each in sample.orders:
            order = each.resource(STORY_DATE)
            for hook in ("order-select", "order-sign"):
                body = signing(sample.id, order, hook)
                for version in TOPIC_SYSTEMS:
                    yield Answered(version, hook, order, body, service().answer(body, version))


def of(version: str) -> list[Answered]:
    return [each for each in everything() if each.version == version]


def cards(version: str) -> list[Any]:
    return [card for each in of(version) for card in each.cards]


def topic(card: Json) -> str:
    return str(card["source"]["topic"]["code"])


def about(card: Json, version: str) -> list[str]:
    """The orders that a card names by the only extension it has, the one of its version."""
    ((name, found),) = card["extension"].items()
    if version == "2.0":
        assert name == "davinci-associated-resource"
        return list(found)
    assert name == "davinci-crd.associated-resource"
    return [each["reference"] for each in found]


# --- cards -----------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.requirement("7.56", "7.58", "7.59", "7.60", "7.61", "7.62")
def test_a_card_is_of_the_insurer_under_a_topic_of_the_guide_and_never_critical(version: str) -> None:
    found = cards(version)
    assert len(found) > 60
    for card in found:
        assert 0 < len(card["summary"]) < 140
        assert card["indicator"] in ("info", "warning")
        assert card["source"]["label"] in INSURERS
        assert card["source"]["topic"]["system"] == TOPIC_SYSTEMS[version]
        assert not [value for value in card.values() if value in (None, "", [], {})]


@BOTH
@pytest.mark.requirement("7.63", "7.66")
def test_cards_and_suggestions_have_ids_of_their_own_that_come_again_with_the_same_facts(version: str) -> None:
    for answered in of(version):
        ids = [UUID(card["uuid"]) for card in answered.cards]
        ids += [UUID(each["uuid"]) for card in answered.cards for each in card.get("suggestions", ())]
        assert len(set(ids)) == len(ids)
    by_order: dict[str, str] = {}
    for answered in of(version):
        for card in answered.cards:
            order = f"{answered.order['id']} {topic(card)} {card['summary']} {answered.hook}"
            assert by_order.setdefault(card["uuid"], order).split()[0] == order.split()[0]


@BOTH
@pytest.mark.requirement("7.78", "7.71")
def test_no_card_has_the_determination_of_the_system_action(version: str) -> None:
    for answered in of(version):
        for card in answered.cards:
            assert topic(card) not in ("coverage-info", "unsolicited-determ")
            assert about(card, version)
            assert COVERAGE_INFORMATION not in dumps(card)
        for told in map(parts, information_of(answered.answer)):
            assert told["coverage-assertion-id"][0] not in dumps(answered.cards)


@BOTH
@pytest.mark.requirement("7.73", "7.74")
def test_a_card_names_the_orders_of_the_call_that_it_is_about(version: str) -> None:
    for answered in of(version):
        own = f"{answered.order['resourceType']}/{answered.order['id']}"
        for card in answered.cards:
            assert about(card, version) == [own]
            addresses = {each["url"] for each in card.get("links", ())}
            assert set(re.findall(r"https?://[^\s)>\]]+", card["detail"])) <= addresses


@BOTH
@pytest.mark.requirement("7.107")
def test_a_card_is_one_screen_in_the_words_of_a_chart(version: str) -> None:
    for card in cards(version):
        lines = [line for line in card["detail"].splitlines() if line.strip()]
        assert lines[0].startswith("**")
        assert len(card["detail"].split()) <= WORDS
        assert len(lines) <= LINES
        text = f"{card['summary']}\n{card['detail']}"
        assert not re.search(r"\b[A-Z][a-z][A-Za-z]+/[A-Za-z0-9.-]+", text), "a FHIR id"
        assert not re.search(r"\d{4}-\d{2}-\d{2}", text), "an ISO date"
        assert "Not a coverage decision" not in text


@BOTH
@pytest.mark.requirement("7.70")
def test_what_warns_or_asks_can_be_overridden_and_a_link_cannot(version: str) -> None:
    known = override_codes(load_library().policies.values())
    for card in cards(version):
        reasons = card.get("overrideReasons", [])
        assert bool(reasons) is (topic(card) != "guideline")
        assert {each["code"] for each in reasons} <= known
        assert all(each["system"] and each["display"] for each in reasons)


@BOTH
@pytest.mark.requirement("7.69", "7.107", "7.108", "7.110", "7.111")
def test_a_link_leads_to_a_policy_and_to_no_portal_and_starts_no_app(version: str) -> None:
    seen = set()
    for card in cards(version):
        links = card.get("links", [])
        assert {each["type"] for each in links} <= {"absolute"}
        assert bool(links) is (topic(card) == "guideline")
        for each in links:
            assert each["label"]
            seen.add(each["url"].split("/")[2])
        assert "portal" not in (card["summary"] + card["detail"]).lower()
    assert seen <= {"cds.example.org", "www.cms.gov"}


@pytest.mark.requirement("crd:resp-55")
@BOTH
@pytest.mark.requirement("7.64", "7.67", "7.68", "7.108", "7.109", "7.110", "7.111")
def test_only_alternate_requests_and_additional_orders_have_suggestions(version: str) -> None:
    changed = 0
    for answered in of(version):
        for card in answered.cards:
            offered = card.get("suggestions", [])
            assert bool(offered) is (topic(card) in ("therapy-alternatives-req", "clinical-reminder"))
            assert bool(offered) is ("selectionBehavior" in card)
            assert sum(each.get("isRecommended", False) for each in offered) <= 1
            for suggestion in offered:
                (action,) = suggestion["actions"]
                assert action["description"]
                assert action["type"] == "update"
                assert action["resource"]["id"] == answered.order["id"]
                check_order(action["resource"], "order", CrdVersion(version))
                changed += 1
    assert changed


@BOTH
@pytest.mark.requirement("7.57", "crd:found-40")
def test_an_answer_is_written_without_spaces_between_its_members(version: str) -> None:
    response = service().post(of(version)[0].body, version)
    assert response.data.decode() == json.dumps(response.json, separators=(",", ":"), ensure_ascii=False)


@BOTH
@pytest.mark.requirement("7.112")
def test_coverage_information_an_external_reference_and_instructions_are_shown(version: str) -> None:
    assert {"guideline", "appropriate-use", "therapy-alternatives-req"} <= set(map(topic, cards(version)))
    assert any(information_of(each.answer) for each in of(version))


@BOTH
@pytest.mark.requirement("7.76")
@pytest.mark.parametrize("most", [0, 1, 2])
def test_no_more_cards_come_than_were_asked_for(version: str, most: int) -> None:
    several = next(each for each in of(version) if len(each.cards) > 1 and each.hook == "order-sign")
    answer = service().answer(several.body | {"extension": configured(max_cards=most)}, version)
    assert len(answer["cards"]) == min(most, len(several.cards))
    assert len(answer["systemActions"]) == 1


@BOTH
@pytest.mark.requirement("7.76")
@pytest.mark.parametrize("code", ["guideline", "appropriate-use", "therapy-alternatives-req"])
def test_a_topic_that_is_switched_off_has_no_card(version: str, code: str) -> None:
    shown = next(each for each in of(version) if code in map(topic, each.cards))
    answer = service().answer(shown.body | {"extension": configured(**{code: False})}, version)
    assert code not in map(topic, answer["cards"])


@BOTH
@pytest.mark.requirement("7.73")
def test_among_several_orders_a_card_says_in_words_which_it_is_about(version: str) -> None:
    sample = next(each for each in SAMPLES if each.id == "sij-posterior")
    order = sample.orders[0].resource(STORY_DATE)
    body = signing(sample.id, order)
    brace = {**order, "id": "brace", "code": {"coding": [{"system": "urn:local", "code": "1"}], "text": "Ankle brace"}}
    url = f"{EHR}/ServiceRequest/brace"
    body["context"]["draftOrders"]["entry"].append({"fullUrl": url, "resource": brace})
    answer = service().answer(body, version)
    assert len(answer["systemActions"]) == 2
    for card in answer["cards"]:
        assert about(card, version) == [f"ServiceRequest/{order['id']}"]
        assert "acroiliac" in card["detail"]
        assert "Ankle brace" not in card["detail"]


# --- coverage information --------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.requirement("7.77", "7.80", "7.106")
def test_every_order_has_one_update_with_coverage_information(version: str) -> None:
    assert len(of(version)) > 70
    for answered in of(version):
        (action,) = answered.answer["systemActions"]
        assert (set(action), action["type"]) == ({"type", "description", "resource"}, "update")
        assert information_of(answered.answer)


@BOTH
@pytest.mark.requirement("7.79", "7.101")
def test_an_order_comes_back_unchanged_and_valid_by_its_profile(version: str) -> None:
    for answered in of(version):
        back = answered.answer["systemActions"][0]["resource"]
        check_order(back, "order", CrdVersion(version))
        assert faults(back) == ()
        sent = answered.order
        kept = [each for each in back["extension"] if each["url"] != COVERAGE_INFORMATION]
        assert kept == sent.get("extension", [])
        assert {**back, "extension": None} == {**sent, "extension": None}


@BOTH
@pytest.mark.requirement("7.97")
def test_before_signing_no_clinical_or_administrative_documents_are_asked_for(version: str) -> None:
    asked = {"order-select": 0, "order-sign": 0}
    for answered in of(version):
        for told in map(parts, information_of(answered.answer)):
            asked[answered.hook] += bool({"clinical", "admin", "both"} & set(told.get("doc-needed", ())))
    assert asked["order-select"] == 0
    assert asked["order-sign"] > 5


@BOTH
@pytest.mark.requirement("7.82", "7.85", "7.86", "7.87", "7.88", "7.89", "7.90", "7.103")
def test_what_the_guide_says_of_its_parts_holds_for_every_answer(version: str) -> None:
    for answered in of(version):
        for told in map(parts, information_of(answered.answer)):
            assert [len(told[name]) for name in ("coverage", "covered", "date", "coverage-assertion-id")] == [1] * 4
            assert told["date"] == [STORY_DATE.isoformat()]
            authorization = told.get("pa-needed", [])
            if told["covered"] == ["not-covered"]:
                assert not authorization
            elif version == "2.0":
                assert len(authorization) == 1
            conditional = "conditional" in [*told["covered"], *authorization, *told.get("doc-needed", ())]
            assert ("info-needed" in told) is conditional
            assert ("satisfied" in authorization) is ("satisfied-pa-id" in told)
            assert ("questionnaire" in told) <= ("doc-needed" in told)
            assert all(each.get("text") for each in told["reason"])
            has_policy = "applies to this order" not in told["reason"][0]["text"]
            assert ("billingCode" in told) is has_policy


def codes(version: str, name: str) -> set[str]:
    """The codes that a published value set lists."""
    return set().union(*value_set(CrdVersion(version), name).values())


@needs_guide
@BOTH
@pytest.mark.requirement("7.83", "7.91")
def test_every_code_is_in_the_value_set_of_its_version(version: str) -> None:
    allowed = {part: codes(version, name) for part, name in VALUE_SETS.items()}
    reasons, details = codes(version, "coverageAssertionReasons"), codes(version, "coverageDetail")
    for answered in of(version):
        for told in map(parts, information_of(answered.answer)):
            for part, known in allowed.items():
                assert set(told.get(part, ())) <= known, part
            assert {each["code"] for one in told["reason"] for each in one.get("coding", ())} <= reasons
            for detail in told.get("detail", ()):
                inner = parts({"extension": detail})
                assert ("category" in inner) is (version == "2.2")
                assert {each["code"] for each in inner["code"][0]["coding"]} <= details
                assert len(inner["value"]) == 1


@needs_guide
@needs_engine
@BOTH
@pytest.mark.requirement("7.84", "7.85", "7.86", "7.87", "7.88", "7.89", "7.90")
def test_every_answer_keeps_the_invariants_of_the_guide(version: str) -> None:
    for answered in of(version)[::2]:
        for each in information_of(answered.answer):
            assert broken(each, CrdVersion(version)) == set(), dumps(each)
