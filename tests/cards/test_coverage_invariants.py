"""Whatever is composed keeps the rules of its version: by our check, and by the guide's own, where it is at hand.

The guide's value sets and invariants are read from the folder of implementation guides that `CDS_IG_DATA` names; the
FHIRPath engine is fhirpathpy.
"""

import csv
import itertools
import json
import os
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cards.coverage_extension import extension, faults
from cards.coverage_information import compose
from cards.coverage_parts import Occasion
from cards.coverage_rules import DETAIL_CODES, RULES, TEMPORARY_CODES
from cards.crd_versions import CrdVersion
from coverage_policies.format.model import APPLIES, CODE
from coverage_policies.format.terms import Outcome, PriorAuthorization, Reason
from coverage_policies.judging.assessment import Assessment
from coverage_policies.judging.determination import Determination, Question
from coverage_policies.judging.payer_terms import (
    Authorization,
    CodeTerms,
    Contact,
    Covered,
    GrantedAuthorization,
    PayerTerms,
    Standing,
)
from fhir_mappings.codings import CPT, HCPCS, SNOMED, Coding
from fhir_mappings.fhir_json import dumps
from tests.support.coverage_answers import BASE, DAY, V2_0, V2_2, judged, subject
from tests.support.crd_guide import FOLDERS, broken, needs_engine, needs_guide, published, value_set
from tests.support.policy_fakes import order

BOTH = pytest.mark.parametrize("version", [V2_2, V2_0])

# --- what is composed ------------------------------------------------------------------------------------------------

CPT_CODE, HCPCS_CODE = Coding(CPT, "10001"), Coding(HCPCS, "G0001")
QUESTIONS = (
    (),
    (Question("I", "Is it so?"),),
    (Question("I", "Is it so?", reason=Reason.DATA_UNAVAILABLE),),
    (Question("I", "Who does it?", settled_by="performer"),),
    (Question("I", "Is it so?", parts=(Question("I.a", "A?", reason=Reason.DATA_UNAVAILABLE), Question("I.b", "B?"))),),
    (Question(APPLIES, "Does it apply?"),),
    (Question(CODE, "Which code?"),),
)


def any_determination(pick: random.Random) -> Determination:
    outcome = pick.choice(list(Outcome))
    found = judged(
        outcome,
        *pick.choice(QUESTIONS),
        policy=pick.choice(["P1", "P2"]),
        revision=pick.choice(["2025-01", "2026-01"]),
        codes=pick.choice([(), (CPT_CODE,), (HCPCS_CODE,), (CPT_CODE, HCPCS_CODE)]),
        unread=pick.choice([(), ("Condition",)]),
        is_cut_short=pick.random() < 0.1,
        prior_authorization=pick.choice([None, *PriorAuthorization]),
        url=pick.choice(["", "https://plan.example/p"]),
    )
    return replace(found, criteria=()) if pick.random() < 0.2 else found


def any_terms(pick: random.Random) -> PayerTerms:
    days = (None, date(2026, 3, 1), DAY, date(2026, 3, 3))
    codes = [(CPT, "10001"), (HCPCS, "G0001"), (SNOMED, "1")]
    rows = {
        key: CodeTerms(
            authorization=pick.choice([None, *Authorization]),
            covered=pick.choice([None, *Covered]),
            expires=pick.choice(days),
            quantity=pick.choice([None, Decimal("2.50")]),
            unit=pick.choice(["", "{visits}"]),
            since=pick.choice(days[:3]),
            until=pick.choice([None, *days[2:]]),
        )
        for key in codes
        if pick.random() < 0.4
    }
    granted = {
        ("M1", *key): GrantedAuthorization(f"A-{key[1]}", pick.choice(days)) for key in codes if pick.random() < 0.2
    }
    contact = pick.choice([None, Contact("UM desk"), Contact(phone="800-555-0100", email="um@plan.example")])
    return PayerTerms(
        if_supported=pick.choice(list(Covered)),
        if_not_met=pick.choice(list(Covered)),
        without_policy=pick.choice(list(Covered)),
        codes=rows,
        granted=granted,
        contact=contact,
    )


@cache
def compositions() -> tuple[tuple[Any, ...], ...]:
    """Return the version, whether an order is signed, its assessments, and its answers, for many combinations."""
    return tuple(_compositions(3_000))


def _compositions(count: int) -> Iterator[tuple[Any, ...]]:
    pick = random.Random(14)
    places = itertools.cycle(itertools.product((V2_2, V2_0), (True, False), (*[Standing.ACTIVE] * 6, *Standing)))
    for version, is_signing, standing in itertools.islice(places, count):
        assessments = [
            Assessment(
                tuple(any_determination(pick) for _ in range(pick.choice([1, 1, 1, 2, 3]))),
                may_not_apply=pick.random() < 0.1,
            )
            for _ in range(pick.choice([0, 1, 1, 1, 2, 3]))
        ]
        coded = pick.choice([(), (CPT_CODE,), (CPT_CODE, HCPCS_CODE), (Coding(SNOMED, "1"), CPT_CODE)])
        of = replace(order(), codes=coded, obstacle="it is for another patient" if pick.random() < 0.05 else "")
        terms = any_terms(pick)
        about = subject(terms, standing)
        canonicals, pages = pick.choice([("", ""), (BASE, f"{BASE}/policies")])
        when = Occasion(version, is_signing, canonicals, pages, pick.random() < 0.3)
        yield version, is_signing, assessments, compose(of, assessments, about, when)


@pytest.mark.requirement("7.82", "7.83", "7.84", "7.85", "7.86", "7.87", "7.88", "7.89", "7.90", "7.91")
def test_every_composition_keeps_the_rules_of_its_version() -> None:
    for version, is_signing, _, found in compositions():
        for information in found:
            made = extension(information, version)
            assert faults(made, version, is_signing=is_signing) == (), dumps(made)


def test_no_composition_claims_more_than_every_determination_supports() -> None:
    settled = {Outcome.SUPPORTED, Outcome.CRITERIA_NOT_MET, Outcome.NOT_APPLICABLE}
    seen = 0
    for _, _, assessments, found in compositions():
        judgments = [each for one in assessments for each in one.determinations]
        for information in found:
            if information.covered != "covered":
                continue
            codes = {(each.system, each.code) for each in information.billing_codes}
            about = [
                each
                for each in judgments
                if not codes or not each.codes or codes & {(code.system, code.code) for code in each.codes}
            ]
            assert {each.outcome for each in about} <= settled
            seen += 1
    assert seen > 100


@pytest.mark.requirement("7.105")
def test_the_scopes_of_several_answers_are_disjoint() -> None:
    seen = 0
    for *_, found in compositions():
        codes = [code for each in found for code in each.billing_codes]
        assert len(codes) == len(set(codes))
        assert len(found) == 1 or all(each.billing_codes for each in found)
        assert len({each.assertion_id for each in found}) == 1
        seen += len(found) > 1
    assert seen > 100


@pytest.mark.requirement("7.89", "7.90")
def test_every_answer_has_words() -> None:
    for *_, found in compositions():
        for each in found:
            assert each.reasons
            for reason in each.reasons:
                assert reason.text.endswith((".", "?")) or "https://" in reason.text, reason.text


# --- the guide's value sets ------------------------------------------------------------------------------------------


@pytest.mark.requirement("7.83")
@needs_guide
@BOTH
@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("covered", "coverageInfo"),
        ("pa-needed", "coveragePaDetail"),
        ("doc-needed", "AdditionalDocumentation"),
        ("doc-purpose", "DocReason"),
        ("info-needed", "informationNeeded"),
    ],
)
def test_the_codes_of_each_part_are_those_of_the_guide(version: CrdVersion, part: str, name: str) -> None:
    assert RULES[version].parts[part].codes == set().union(*value_set(version, name).values())


@needs_guide
@BOTH
def test_reasons_and_details_are_those_of_the_guide(version: CrdVersion) -> None:
    assert value_set(version, "coverageAssertionReasons") == {TEMPORARY_CODES: set(RULES[version].reasons)}
    assert value_set(version, "coverageDetail") == {TEMPORARY_CODES: set(RULES[version].details)}


@needs_guide
def test_the_categories_and_the_system_of_details_are_those_of_the_guide() -> None:
    (categories,) = value_set(V2_2, "coverageDetailCategories").values()
    assert RULES[V2_2].parts["detail"].parts["category"].codes == categories
    assert list(value_set(V2_2, "coverageDetailNew")) == [DETAIL_CODES]
    assert RULES[V2_2].detail_system == DETAIL_CODES


@needs_guide
def test_the_parts_of_crd_2_2_are_those_of_the_guide() -> None:
    path = Path(os.environ["CDS_IG_DATA"]) / FOLDERS[V2_2] / "coverage-information-elements.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        rows = {row["element"]: row for row in csv.DictReader(lines)}
    ours = dict(RULES[V2_2].parts)
    ours |= {f"detail.{name}": part for name, part in ours["detail"].parts.items()}
    assert ours.keys() == rows.keys()
    for name, row in rows.items():
        part = ours[name]
        assert f"{part.least}..{part.most or '*'}" == row["cardinality"], name
        types = {each.removeprefix("value").lower() for each in part.types}
        assert types == {each.lower() for each in row["value_types"].split("|") if each}, name


@needs_guide
def test_the_parts_of_crd_2_0_are_those_of_the_guide() -> None:
    elements = published(V2_0, "StructureDefinition-ext-coverage-information.json")["differential"]["element"]
    by_id = {each["id"].removeprefix("Extension."): each for each in elements}
    ours = {f"extension:{name}": part for name, part in RULES[V2_0].parts.items()}
    ours |= {f"extension:detail.{name}": p for name, p in ours["extension:detail"].parts.items()}
    ours = {name.replace("detail.", "detail.extension:"): part for name, part in ours.items()}
    stated = {
        name for name, each in by_id.items() if "min" in each and name.rpartition(".")[2].startswith("extension:")
    }
    assert ours.keys() == stated
    for name, part in ours.items():
        assert (part.least, str(part.most or "*")) == (by_id[name]["min"], by_id[name]["max"]), name
        types = {each["code"].lower() for each in by_id[f"{name}.value[x]"].get("type", ())}
        assert {each.removeprefix("value").lower() for each in part.types} == types, name


# --- the guide's invariants ------------------------------------------------------------------------------------------


@needs_guide
@needs_engine
@pytest.mark.slow
@BOTH
def test_every_composition_keeps_the_invariants_of_the_guide(version: CrdVersion) -> None:
    made = {
        dumps(extension(information, version))
        for each in compositions()
        if each[0] is version
        for information in each[3]
    }
    for text in random.Random(15).sample(sorted(made), 150):
        assert broken(json.loads(text), version) == set(), text


def part(url: str, **value: Any) -> dict[str, Any]:
    return {"url": url, **value}


def of_parts(**parts: str) -> dict[str, Any]:
    codes = [part(name.replace("_", "-"), valueCode=code) for name, code in parts.items() if name != "reason"]
    reason = [part("reason", valueCodeableConcept={"text": parts["reason"]})] if "reason" in parts else []
    return {"url": "x", "extension": [*codes, *reason]}


BREAKS: list[tuple[CrdVersion, str, dict[str, Any]]] = [
    (V2_2, "crd-ci-q1", {"url": "x", "extension": [part("questionnaire", valueCanonical="https://a")]}),
    (V2_0, "crd-ci-q1", {"url": "x", "extension": [part("questionnaire", valueCanonical="https://a")]}),
    (V2_2, "crd-ci-q2", of_parts(covered="not-covered", pa_needed="no-auth")),
    (V2_0, "crd-ci-q2", of_parts(covered="covered")),
    (V2_2, "crd-ci-q3", of_parts(covered="conditional")),
    (V2_0, "crd-ci-q3", of_parts(covered="covered", info_needed="OTH")),
    (V2_2, "crd-ci-q4", of_parts(pa_needed="satisfied", doc_purpose="withpa", reason="r")),
    (V2_2, "crd-ci-q5", of_parts(pa_needed="satisfied")),
    (V2_0, "crd-ci-q5", of_parts(pa_needed="satisfied")),
    (V2_2, "crd-ci-q6", of_parts(covered="conditional", info_needed="OTH")),
    (V2_2, "crd-ci-q8", of_parts(doc_purpose="withclaim")),
    (V2_2, "crd-ci-q9", of_parts(covered="indeterminate")),
    (
        V2_2,
        "crd-ci-q7",
        {"url": "x", "extension": [part("reason", valueCodeableConcept={"coding": [{"system": "s", "code": "x"}]})]},
    ),
]


@needs_guide
@needs_engine
@pytest.mark.parametrize(("version", "key", "found"), BREAKS)
def test_the_engine_sees_what_breaks_each_invariant(version: CrdVersion, key: str, found: dict[str, Any]) -> None:
    assert key in broken(found, version)
