"""Draft orders: codes, dates, and stated attributes."""

from datetime import UTC, date

import pytest

from fhir_mappings.codings import CPT, HCPCS, RXNORM, SNOMED
from fhir_mappings.drug_ingredients import INGREDIENT
from fhir_mappings.orders import Anchor, read_order
from fhir_mappings.record import Evidence
from tests.support.fhir_builders import PATIENT, SYSTEM, ZONE, codes_of, coding, concept, resource, status_of
from tests.support.terms import TERMS

TODAY = date(2026, 3, 2)
BILLING_OPTIONS = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-billing-options"


def draft(kind="ServiceRequest", **members):
    made = {"resourceType": kind, "id": "o", "status": "draft", "intent": "order", "subject": PATIENT, **members}
    return {name: value for name, value in made.items() if value is not None}


def order(kind="ServiceRequest", known=None, **members):
    """Read an order; `known` are the resources that its references resolve to."""
    found = known or {}
    return read_order(
        draft(kind, **members), zone=ZONE, terms=TERMS, resolve=lambda given: found.get(given.get("reference"))
    )


def codes(*args, **members):
    return codes_of(order(*args, **members).codes)


def test_codes_in_any_coding_count():
    given = {"coding": [*concept("local")["coding"], *concept("27279", CPT)["coding"]]}
    assert codes(code=given) == ["local", "27279"]


@pytest.mark.parametrize(
    "system",
    ["http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"] * 1
    + [
        "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
        "http://www.nlm.nih.gov/research/umls/hcpcs",
        "urn:oid:2.16.840.1.113883.6.285",
    ],
)
def test_hcpcs_is_known_by_all_its_addresses(system):
    assert order(code=concept("G0260", system)).codes == (coding("G0260", HCPCS),)


@pytest.mark.parametrize("code", [None, "27279", 5, [], {}, {"text": "SI fusion"}, {"coding": [{}]}])
def test_an_order_without_a_code_has_none(code):
    assert codes(code=code) == []


def option(code, system=CPT):
    return {"url": BILLING_OPTIONS, "valueCodeableConcept": concept(code, system)}


@pytest.mark.requirement("7.37")
def test_billing_options_of_the_code_count():
    given = {**concept("local"), "extension": [option("27279"), option("27280")]}
    assert codes(code=given) == ["local", "27279", "27280"]


@pytest.mark.requirement("7.37")
def test_billing_options_of_the_order_itself_count():
    assert codes(code=concept("local"), extension=[option("27279")]) == ["local", "27279"]


def test_billing_options_of_a_device_request_count():
    given = {**concept("local"), "extension": [option("C1772", HCPCS)]}
    assert codes("DeviceRequest", codeCodeableConcept=given) == ["local", "C1772"]


@pytest.mark.parametrize(
    "extension",
    [
        {"url": "http://example.org/other", "valueCodeableConcept": concept("27279", CPT)},
        {"url": BILLING_OPTIONS},
        {"url": BILLING_OPTIONS, "valueString": "27279"},
        {"url": BILLING_OPTIONS, "valueCodeableConcept": "27279"},
        "27279",
        None,
    ],
)
def test_other_extensions_give_no_codes(extension):
    assert codes(code={**concept("local"), "extension": [extension]}) == ["local"]


@pytest.mark.parametrize(("system", "expected"), [(CPT, ["a", "77002"]), (HCPCS, ["a", "77002"]), (SNOMED, ["a"])])
def test_billing_codes_in_the_details_count_and_others_do_not(system, expected):
    assert codes(code=concept("a"), orderDetail=[concept("77002", system)]) == expected


def test_the_same_code_twice_is_one():
    assert codes(code={"coding": concept("a")["coding"] * 2}) == ["a"]


PUMP = {"resourceType": "Device", "id": "pump", "type": concept("C1772", HCPCS)}
DRUG = {"resourceType": "Medication", "id": "drug", "code": concept("892582", RXNORM)}


def test_the_code_of_a_referenced_device_counts():
    assert codes("DeviceRequest", {"Device/pump": PUMP}, codeReference={"reference": "Device/pump"}) == ["C1772"]


def test_the_code_of_a_contained_device_counts():
    assert codes("DeviceRequest", codeReference={"reference": "#pump"}, contained=[PUMP]) == ["C1772"]


def test_the_billing_options_of_a_referenced_device_count():
    device = {**PUMP, "extension": [option("E0783", HCPCS)]}
    assert codes("DeviceRequest", codeReference={"reference": "#pump"}, contained=[device]) == ["C1772", "E0783"]


def test_the_code_of_a_referenced_medication_counts_and_that_of_its_ingredient():
    given = codes("MedicationRequest", {"Medication/drug": DRUG}, medicationReference={"reference": "Medication/drug"})
    assert given == ["892582", "7052"]


def test_the_code_of_a_contained_medication_counts_and_that_of_its_ingredient():
    given = codes("MedicationRequest", medicationReference={"reference": "#drug"}, contained=[DRUG])
    assert given == ["892582", "7052"]


@pytest.mark.parametrize(
    "reference", [{"reference": "Device/gone"}, {"reference": "#gone"}, {"reference": 5}, {}, "Device/pump", None]
)
def test_a_reference_to_nothing_gives_no_code(reference):
    assert codes("DeviceRequest", {"Device/pump": PUMP}, codeReference=reference, contained=[None, "x"]) == []


def test_a_medication_code_of_a_request_is_read():
    assert codes("MedicationRequest", medicationCodeableConcept=concept("7052", RXNORM)) == ["7052"]


@pytest.mark.parametrize(
    ("members", "judged"),
    [
        ({}, True),
        ({"status": "active"}, True),
        ({"status": None}, True),
        ({"doNotPerform": False}, True),
        ({"status": "revoked"}, False),
        ({"status": "cancelled"}, False),
        ({"status": "entered-in-error"}, False),
        ({"doNotPerform": True}, False),
    ],
)
def test_an_order_is_evaluated_unless_it_was_withdrawn_or_is_do_not_perform(members, judged):
    assert order(**members).is_judged is judged


PLANNED, WRITTEN = "planned service date", "date of the order"


@pytest.mark.parametrize(
    ("members", "day", "taken_from"),
    [
        ({"occurrenceDateTime": "2026-04-10"}, "2026-04-10", PLANNED),
        ({"occurrenceDateTime": "2026-04-11T02:00:00Z"}, "2026-04-10", PLANNED),
        ({"occurrencePeriod": {"start": "2026-04-10", "end": "2026-05-01"}}, "2026-04-10", PLANNED),
        ({"occurrenceTiming": {"event": ["2026-04-10", "2026-05-10"]}}, "2026-04-10", PLANNED),
        ({"occurrenceTiming": {"repeat": {"boundsPeriod": {"start": "2026-04-10"}}}}, "2026-04-10", PLANNED),
        ({"dispenseRequest": {"validityPeriod": {"start": "2026-04-10"}}}, "2026-04-10", PLANNED),
        ({"authoredOn": "2026-02-20"}, "2026-02-20", WRITTEN),
        ({"occurrenceDateTime": "2026-04-10", "authoredOn": "2026-02-20"}, "2026-04-10", PLANNED),
        ({"occurrenceDateTime": "soon", "occurrencePeriod": {"start": "2026-04-10"}}, "2026-04-10", PLANNED),
        ({"occurrenceDateTime": "2026-04-10T02:00:00", "authoredOn": "2026-02-20"}, "2026-04-10", PLANNED),
        ({"occurrencePeriod": {"start": "2026-04-10 02:00"}}, "2026-04-10", PLANNED),
        ({"occurrenceTiming": {"event": ["2026-04-10T24:00:00Z"]}}, "2026-04-10", PLANNED),
        ({"occurrencePeriod": {"end": "2026-05-01"}, "authoredOn": "2026-02-20"}, "2026-05-01", PLANNED),
        ({"occurrenceTiming": {"event": []}, "authoredOn": "2026-02-20"}, "2026-02-20", WRITTEN),
        ({"occurrenceTiming": {"event": "2026-04-10"}, "authoredOn": "2026-02-20"}, "2026-04-10", PLANNED),
        ({"occurrenceTiming": "2026-04-10", "dispenseRequest": []}, "2026-04-10", PLANNED),
        ({"occurrenceTiming": {"repeat": {"frequency": 1}}, "authoredOn": "2026-02-20"}, "2026-02-20", WRITTEN),
        ({"authoredOn": "2026-02-20T09:00:00"}, "2026-02-20", WRITTEN),
        ({"authoredOn": 5}, "2026-03-02", "today"),
        ({}, "2026-03-02", "today"),
    ],
)
def test_the_anchor_is_the_planned_day_else_the_day_of_the_order_else_today(members, day, taken_from):
    assert order(**members).anchor(TODAY) == Anchor(date.fromisoformat(day), taken_from)


@pytest.mark.parametrize(
    "members",
    [
        {"occurrenceDateTime": "soon"},
        {"occurrenceDateTime": "2026-02-30"},
        {"occurrenceDateTime": 1_775_800_000_000},
        {"occurrencePeriod": {"start": "04/10/2026"}},
        {"occurrenceTiming": {"event": ["next week"]}},
        {"dispenseRequest": {"validityPeriod": {"start": ""}}},
    ],
)
def test_a_planned_date_that_cannot_be_read_is_named(members):
    named = "; the planned service date is not a date"
    assert order(**members).anchor(TODAY) == Anchor(TODAY, f"today{named}")
    written = order(**members, authoredOn="2026-02-20").anchor(TODAY)
    assert written == Anchor(date(2026, 2, 20), f"{WRITTEN}{named}")


@pytest.mark.parametrize(
    ("occurrence", "day", "shown"), [("2026-04", "2026-04-30", "2026-04"), ("2028-02", "2028-02-29", "2028-02")]
)
def test_a_partial_anchor_counts_by_its_last_day_and_says_so(occurrence, day, shown):
    anchor = order(occurrenceDateTime=occurrence).anchor(TODAY)
    assert anchor == Anchor(date.fromisoformat(day), f"planned service date ({shown}, counted by its last day)")


def test_the_evidence_of_an_order_is_itself():
    assert order(code={"text": "SI fusion"}, authoredOn="2026-02-20").evidence == Evidence(
        "ServiceRequest/o", "SI fusion", "2026-02-20"
    )


@pytest.mark.parametrize("code", [None, {"coding": [{"code": "1"}]}])
def test_an_order_without_words_is_called_an_order(code):
    assert order(code=code).label == "Order"


def test_an_order_without_an_id_is_named_by_its_full_url():
    assert read_order(draft(id=None), "urn:uuid:1", zone=ZONE, terms=TERMS).reference == "urn:uuid:1"


FRACTURE = {"resourceType": "Condition", "id": "f", "code": concept("S32.811A")}


def reasons(condition=None, **members):
    given = order(known={"Condition/f": condition}, **members).reasons.given
    return codes_of(coding for each in given for coding in each.diagnosis.coded)


def test_the_reasons_are_those_coded_and_those_referenced():
    given = {"reasonCode": [concept("M53.3")], "reasonReference": [{"reference": "Condition/f"}]}
    assert reasons(FRACTURE, **given) == ["M53.3", "S32.811A"]


def test_a_contained_reason_counts():
    assert reasons(reasonReference=[{"reference": "#f"}], contained=[FRACTURE]) == ["S32.811A"]


@pytest.mark.parametrize("status", ["refuted", "entered-in-error"])
def test_a_refuted_or_mistaken_condition_is_no_reason(status):
    given = {**FRACTURE, "verificationStatus": status_of(status)}
    assert reasons(given, reasonReference=[{"reference": "Condition/f"}]) == []


def test_a_confirmed_condition_is_a_reason():
    given = {**FRACTURE, "verificationStatus": status_of("confirmed")}
    assert reasons(given, reasonReference=[{"reference": "Condition/f"}]) == ["S32.811A"]


@pytest.mark.parametrize("reference", ["Condition/f", {"reference": "Condition/gone"}, {"display": "Fracture"}, None])
def test_a_reason_that_does_not_resolve_gives_no_code(reference):
    assert reasons(FRACTURE, reasonReference=[reference]) == []


def drugs(*args, **members):
    return codes_of(order(*args, **members).drugs)


def test_a_drug_in_the_details_is_named_by_its_code_and_the_opioid_within():
    assert drugs(orderDetail=[concept("892582", RXNORM)]) == ["892582", "7052"]


def test_a_drug_in_the_details_is_named_by_its_words():
    assert drugs(orderDetail=[{"text": "Intrathecal morphine with bupivacaine"}]) == ["7052", "1815"]


@pytest.mark.parametrize(
    "text",
    ["not morphine", "Hydromorphone, allergic to morphine", "morphine or hydromorphone", "morphine is contraindicated"],
)
def test_a_drug_in_doubt_is_not_named(text):
    assert drugs(orderDetail=[{"text": text}]) == []


def test_a_prescription_names_its_drug():
    assert drugs("MedicationRequest", medicationCodeableConcept={"text": "Ziconotide"}) == ["68503"]


def test_the_words_of_a_code_name_a_drug_and_the_label_of_a_billing_code_does_not():
    assert drugs(code={"text": "Intrathecal morphine trial"}) == ["7052"]
    assert drugs(code={"coding": [{"system": CPT, "code": "62323", "display": "Injection of an opioid"}]}) == []


def test_a_drug_by_code_and_name_is_one():
    assert drugs(orderDetail=[{**concept("7052", RXNORM), "text": "Morphine"}, {"text": "morphine"}]) == ["7052"]


def stated(*args, **members):
    return {name: sorted(values) for name, values in order(*args, **members).stated.items()}


def hinted(*args, **members):
    return {name: sorted(values) for name, values in order(*args, **members).hinted.items()}


LATERAL = "Lateral transarticular approach"


def test_a_detail_states():
    assert stated(orderDetail=[{"text": LATERAL}]) == {"approach": ["lateral-transarticular"]}


def test_the_label_of_a_code_that_is_not_for_billing_states():
    assert stated(orderDetail=[concept("local", display=LATERAL)]) == {"approach": ["lateral-transarticular"]}


def test_details_that_contradict_each_other_are_both_stated():
    given = [{"text": LATERAL}, {"text": "Posterior approach"}]
    assert stated(orderDetail=given) == {"approach": ["lateral-transarticular", "posterior"]}


def test_a_detail_in_doubt_hints():
    assert hinted(orderDetail=[{"text": "Lateral approach rather than posterior"}]) == {
        "approach": ["lateral-transarticular"]
    }


@pytest.mark.parametrize("note", [LATERAL, "Posterior approach", "Left", "CornerLoc", "Diagnostic", "Replacement"])
def test_a_note_states_nothing(note):
    assert stated(note=[{"text": note}]) == {}


def test_a_note_hints():
    assert hinted(note=[{"text": LATERAL}]) == {"approach": ["lateral-transarticular"]}


@pytest.mark.parametrize("note", ["x", None, [None], [{"text": 5}], {}])
def test_a_malformed_note_says_nothing(note):
    assert hinted(note=note) == {}


# A wording of our own, of the kind in which billing codes are described.
DESCRIPTION = "Diagnostic block and fusion by a lateral approach, left, under fluoroscopy, with a transfixing device"


@pytest.mark.parametrize("system", [CPT, HCPCS, "urn:oid:2.16.840.1.113883.6.12"])
@pytest.mark.parametrize("element", ["code", "orderDetail"])
def test_the_description_of_a_billing_code_states_and_hints_nothing(element, system):
    given = {element: concept("27279", system, display=DESCRIPTION)}
    assert (stated(**given), hinted(**given)) == ({}, {})


@pytest.mark.parametrize("text", [DESCRIPTION, DESCRIPTION.upper(), DESCRIPTION.replace(" ", "  ")])
def test_a_description_copied_into_the_text_states_nothing(text):
    assert stated(code={**concept("27279", CPT, display=DESCRIPTION), "text": text}) == {}


def test_the_description_of_a_device_code_states_nothing():
    given = concept("C1737", HCPCS, display=DESCRIPTION)
    assert stated("DeviceRequest", codeCodeableConcept=given) == {}


def test_the_words_of_a_code_state_approach_side_guidance_and_purpose_but_no_implant():
    assert stated(code={"text": DESCRIPTION}) == {
        "approach": ["lateral-transarticular"],
        "side": ["left"],
        "guidance": ["fluoroscopy"],
        "purpose": ["diagnostic"],
    }


@pytest.mark.parametrize(("code", "side"), [("7771000", "left"), ("24028007", "right"), ("51440002", "bilateral")])
def test_a_body_site_states_its_side_by_code(code, side):
    assert stated(bodySite=[concept(code, SNOMED)]) == {"side": [side]}


@pytest.mark.parametrize(
    "members",
    [
        {"code": concept("27096-RT", CPT)},
        {"code": concept("27096", CPT), "orderDetail": [concept("RT", HCPCS)]},
        {"code": concept("27096", CPT), "bodySite": [concept("RT", HCPCS)]},
    ],
)
def test_a_modifier_of_a_billing_code_states_a_side(members):
    assert stated(**members) == {"side": ["right"]}


def test_a_modifier_that_names_no_side_states_none():
    assert stated(code=concept("27096-59", CPT)) == {}


def test_a_body_site_states_its_side_in_words_and_nothing_else():
    assert stated(bodySite=[{"text": "Left sacroiliac joint, posterior approach"}]) == {"side": ["left"]}


def test_a_reason_states_purpose_and_request_and_nothing_else():
    given = [{"text": "Battery depletion of the pain pump, left"}]
    assert stated(reasonCode=given) == {"device": ["pain-pump"], "request": ["replacement"]}


def test_the_display_of_a_reason_reference_states_what_a_reason_states():
    given = [{"reference": "Condition/1", "display": "Intrathecal pump trial, left"}]
    assert stated(reasonReference=given) == {"purpose": ["pump-trial"], "device": ["pain-pump"]}


def named_device(*names, **members):
    return {
        "resourceType": "Device",
        "id": "d",
        "deviceName": [{"name": name, "type": "model-name"} for name in names],
        **members,
    }


@pytest.mark.parametrize("name", ["CornerLoc", "Corner Loc", "TransFasten", "LinQ", "LinQ SI joint system"])
def test_a_device_that_does_not_cross_the_joint_is_known_by_its_name(name):
    given = order(known={"Device/d": named_device(name)}, supportingInfo=[{"reference": "Device/d"}])
    assert given.stated == {"implant": {"not-transfixing"}}


@pytest.mark.parametrize(
    "device",
    [
        named_device("Reveal LINQ"),
        named_device("LINQ", manufacturer="Medtronic"),
        named_device("LINQ", type={"text": "Insertable cardiac monitor"}),
        named_device("LINQ II"),
    ],
)
def test_the_cardiac_monitor_of_that_name_is_no_implant_for_the_joint(device):
    assert order(known={"Device/d": device}, supportingInfo=[{"reference": "Device/d"}]).stated == {}


@pytest.mark.parametrize(
    "device",
    [
        named_device(modelNumber="CornerLoc"),
        named_device(manufacturer="CornerLoc"),
        named_device(type={"text": "CornerLoc"}),
    ],
)
def test_a_device_is_known_by_type_model_or_maker(device):
    given = order(supportingInfo=[{"reference": "#d"}], contained=[device])
    assert given.stated == {"implant": {"not-transfixing"}}


def test_a_device_request_among_the_drafts_states_its_implant():
    other = draft("DeviceRequest", codeCodeableConcept={"text": "CornerLoc"})
    given = order(known={"DeviceRequest/d": other}, supportingInfo=[{"reference": "DeviceRequest/d"}])
    assert given.stated == {"implant": {"not-transfixing"}}


def test_the_device_behind_a_device_request_states_its_implant():
    other = draft("DeviceRequest", codeReference={"reference": "Device/d"})
    known = {"DeviceRequest/d": other, "Device/d": named_device("CornerLoc")}
    assert order(known=known, supportingInfo=[{"reference": "DeviceRequest/d"}]).stated == {
        "implant": {"not-transfixing"}
    }


def test_a_device_request_states_its_own_implant():
    assert stated("DeviceRequest", codeCodeableConcept={"text": "CornerLoc"}) == {"implant": ["not-transfixing"]}


def test_other_supporting_information_states_nothing():
    other = {"resourceType": "Observation", "type": {"text": "CornerLoc"}}
    assert order(known={"Observation/1": other}, supportingInfo=[{"reference": "Observation/1"}]).stated == {}


@pytest.mark.parametrize("info", ["Device/d", [None], [{}], [{"reference": "Device/gone"}], [{"reference": "#gone"}]])
def test_supporting_information_that_does_not_resolve_states_nothing(info):
    assert stated(supportingInfo=info) == {}


def test_a_code_of_an_unknown_system_is_kept_as_sent():
    assert order(code=concept("1")).codes == (coding("1", SYSTEM),)


UNKNOWN = [{"url": "http://example.org/negated", "valueBoolean": True}]
MODIFIED = {
    "the order": {"modifierExtension": UNKNOWN},
    "its rules": {"implicitRules": "http://example.org/rules"},
    "an element of it": {"dosageInstruction": [{"text": "daily", "modifierExtension": UNKNOWN}]},
    "an element within an element": {"dosageInstruction": [{"timing": {"modifierExtension": UNKNOWN}}]},
    "what it contains": {"contained": [{"resourceType": "Device", "id": "d", "modifierExtension": UNKNOWN}]},
}


@pytest.mark.parametrize("members", MODIFIED.values(), ids=MODIFIED)
def test_a_modifier_anywhere_in_an_order_is_an_obstacle(members):
    assert order(**members).obstacle.endswith("which may change its meaning")


@pytest.mark.parametrize(
    "members",
    [{}, {"modifierExtension": []}, {"extension": UNKNOWN}, {"implicitRules": ""}, {"note": "modifierExtension"}],
)
def test_an_order_without_a_modifier_has_no_obstacle(members):
    assert order(**members).obstacle == ""


def test_a_modifier_of_the_ordered_product_is_an_obstacle():
    product = {"resourceType": "Device", "type": {}, "implicitRules": "http://example.org/rules"}
    ordered = order("DeviceRequest", codeReference={"reference": "Device/d"}, known={"Device/d": product})
    assert ordered.obstacle == "the order has implicitRules, which may change its meaning"


@pytest.mark.parametrize("product", [{"coding": [{"system": RXNORM, "code": "1991306"}]}, {"text": "Ozempic 1 mg pen"}])
def test_an_ordered_product_is_found_by_the_name_of_its_ingredient(product):
    order = read_order(resource("MedicationRequest", medicationCodeableConcept=product), terms=TERMS, zone=ZONE)
    assert (INGREDIENT, "semaglutide") in {(coding.system, coding.code) for coding in order.codes}


def test_a_product_whose_code_and_label_differ_is_found_by_neither():
    product = {"coding": [{"system": RXNORM, "code": "1991306"}], "text": "glipizide 5 mg"}
    order = read_order(resource("MedicationRequest", medicationCodeableConcept=product), terms=TERMS, zone=ZONE)
    assert [coding.code for coding in order.codes] == ["1991306"]


def test_an_ingredient_of_an_ordered_medication_is_found():
    medication = {
        "resourceType": "Medication",
        "id": "m",
        "ingredient": [{"itemCodeableConcept": {"text": "metformin"}}],
    }
    ordered = resource("MedicationRequest", medicationReference={"reference": "#m"}, contained=[medication])
    assert (INGREDIENT, "metformin") in {(c.system, c.code) for c in read_order(ordered, terms=TERMS, zone=ZONE).codes}


@pytest.mark.parametrize(("dates", "days"), [
    ({}, (TODAY, TODAY)),
    ({"authoredOn": "2025-12-20"}, (TODAY, TODAY)),
    ({"occurrenceDateTime": "2026-02-10"}, (date(2026, 2, 10), date(2026, 2, 10))),
    ({"occurrenceDateTime": "2026-02"}, (date(2026, 2, 1), date(2026, 2, 28))),
    ({"occurrenceDateTime": "2026-03"}, (TODAY, date(2026, 3, 31))),
    ({"occurrenceDateTime": "2027"}, (date(2027, 1, 1), date(2027, 12, 31))),
    ({"occurrenceDateTime": "2026-03-02T23:30:00-08:00"}, (TODAY, date(2026, 3, 3))),
    ({"occurrenceDateTime": "2026-03-02T12:00:00-08:00"}, (TODAY, TODAY)),
    ({"occurrenceDateTime": "2026-03-02T23:30:00Z"}, (TODAY, TODAY)),
])  # fmt: skip
def test_a_service_is_on_its_planned_date_and_never_on_the_day_the_order_was_written(
    dates: dict[str, str], days: tuple[date, date]
) -> None:
    order = read_order({"resourceType": "ServiceRequest", "id": "o", **dates}, zone=UTC, terms=TERMS)
    assert order.service_days(TODAY) == days
