"""The compact facts of case files: what FHIR they become."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from coverage_policies.authoring.fact_builder import chart, order, resources
from coverage_policies.authoring.fact_words import FactError, concept, typed
from fhir_mappings.code_systems import HCPCS, UCUM
from fhir_mappings.codings import SYSTEMS
from fhir_mappings.laterality import side_of
from fhir_mappings.order_terms import NO_TERMS
from fhir_mappings.record import Availability
from fhir_mappings.validity import faults
from tests.support.terms import TERMS

DAY = date(2026, 3, 2)

FACTS: list[dict[str, Any]] = [
    {"condition": {"code": "icd10cm M79.7", "onset": "2024-05", "recorded": "2024-06-01", "ended": "2025-01-01"}},
    {"condition": {"code": ["snomed 24693007", "text Fibromyositis"], "status": "none", "verification": "none"}},
    {"procedure": {"code": "97110", "from": "2025-01-01", "to": "2025-02-01", "side": "left"}},
    {"injection": {"code": "cpt 27096", "at": "2026-01-05T10:00", "pain": {"before": "8", "after": ["2", "3.5"]}}},
    {"injection": {"code": "G0260", "at": "2026-01-05", "pain": {"before": "8", "scale": "loinc 38214-3"}}},
    {"injection": {"code": "cpt 27096", "at": "2026-01-05"}},
    {"observation": {"code": "loinc 91147-9", "value": "6", "at": "2026-02-01", "status": "preliminary"}},
    {"observation": {"code": "loinc 59408-5", "value": "70", "unit": "%", "comparator": "<", "note": "On room air"}},
    {"observation": {"code": "loinc 59408-5", "value": "97", "at": "2026-02-01", "panel": {"loinc 3150-0": "21 %"}}},
    {"imaging": {"code": "loinc 24968-0", "at": "2025-12-01", "issued": "2025-12-02T10:00"}},
    {"imaging": {"code": "cpt 72148", "at": "2025-12-01", "as": "study"}},
    {"imaging": {"code": "cpt 72148", "at": "2025-12-01", "as": "procedure"}},
    {"prescription": {"code": "rxnorm 1049621", "dose": "2", "every": "6 hours", "from": "2026-01-10"}},
    {"prescription": {"code": "rxnorm 1049621", "dose": "20 mg", "every": "1 day", "as_needed": "yes"}},
    {"prescription": {"code": "text Naproxen", "from": "2025-01-01", "to": "2025-02-01"}},
    {"procedure": {"code": "27096", "at": "2026-01-05", "side": "bilateral", "purpose": "diagnostic"}},
    {"condition": {"code": "icd10cm M16.9", "side": "left"}},
    {"dispense": {"code": "rxnorm 7258", "at": "2025-10-01", "days": "21"}},
    {"dispense": {"code": "rxnorm 7258", "as_needed": "yes", "status": "stopped"}},
    {"allergy": {"code": "rxnorm 7052", "type": "intolerance", "recorded": "2020-01-01"}},
    {"device": {"code": "snomed 25937001"}},
    {"plan": {"code": "snomed 228557008"}},
    {"plan": {"code": "snomed 228557008", "as": "order"}},
    {"answers": {"II.E": "no", "II.C": "don't know", "pathway": "malignant", "based_on": "ServiceRequest/order-1"}},
]


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: str(fact)[:60])
def test_every_kind_of_fact_makes_valid_fhir_about_the_patient(fact: dict[str, Any]) -> None:
    for resource in resources(fact, 7, DAY):
        assert faults(resource) == ()
        (subject,) = (resource[name] for name in ("subject", "patient") if name in resource)
        assert subject == {"reference": "Patient/patient-1"}


def test_a_measurement_is_given_with_what_was_recorded_with_it() -> None:
    said = {
        "code": "loinc 85354-9",
        "at": "2026-02-01T09:00",
        "method": "At rest",
        "note": "On room air",
        "unit": "none",
    }
    components = {"loinc 8480-6": "140 mm[Hg]", "text Oxygen delivery": "room air", "loinc 72514-3": "3"}
    (given,) = resources({"observation": said | {"value": "88", "components": components}}, 1, DAY)
    assert given["valueQuantity"] == {"value": 88}
    assert (given["method"], given["note"]) == ({"text": "At rest"}, [{"text": "On room air"}])
    pressure = {"value": 140, "unit": "mm[Hg]", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}
    assert given["component"] == [
        {"code": concept(["loinc 8480-6"]), "valueQuantity": pressure},
        {"code": {"text": "Oxygen delivery"}, "valueString": "room air"},
        {"code": concept(["loinc 72514-3"]), "valueQuantity": {"value": 3}},
    ]


def test_a_panel_names_the_measurement_and_its_other_members() -> None:
    said = {"code": "loinc 59408-5", "value": "97", "unit": "%", "at": "2026-02-01", "panel": {"loinc 3150-0": "21 %"}}
    saturation, panel, oxygen = resources({"observation": said}, 3, DAY)
    members = [f"Observation/{each['id']}" for each in (saturation, oxygen)]
    assert [each["reference"] for each in panel["hasMember"]] == members
    assert {each["effectiveDateTime"] for each in (saturation, panel, oxygen)} == {"2026-02-01"}
    assert oxygen["valueQuantity"]["value"] == 21


VACCINE = {"status": "completed", "vaccineCode": "snomed 1119349007", "occurrenceDateTime": "2026-01-05"}


def test_a_resource_type_without_a_word_of_its_own_is_written_with_its_elements() -> None:
    (given,) = resources({"Immunization": VACCINE | {"primarySource": "true"}}, 2, DAY)
    assert faults(given) == ()
    assert (given["id"], given["patient"]) == ("Immunization-2", {"reference": "Patient/patient-1"})
    assert given["vaccineCode"] == concept(["snomed 1119349007"])
    assert (given["occurrenceDateTime"], given["primarySource"]) == ("2026-01-05", True)


def test_a_list_of_codes_is_a_list_of_concepts() -> None:
    (found,) = resources({"Immunization": VACCINE | {"reasonCode": ["snomed 1", "icd10cm Z23"]}}, 1, DAY)
    assert found["reasonCode"] == [concept(["snomed 1"]), concept(["icd10cm Z23"])]


@pytest.mark.parametrize(
    ("kind", "written", "element"),
    [
        ("Immunization", VACCINE, "patient"),
        ("RiskAssessment", {"status": "final"}, "subject"),
        ("ResearchSubject", {"status": "candidate", "study": {"reference": "ResearchStudy/1"}}, "individual"),
        ("Task", {"status": "draft", "intent": "order"}, "for"),
    ],
)
def test_the_patient_stands_where_the_resource_type_has_it(kind: str, written: dict[str, Any], element: str) -> None:
    (found,) = resources({kind: written | {"patient": "other"}}, 1, DAY)
    assert found[element] == {"reference": "Patient/patient-2"}


def test_a_resource_type_that_is_about_nobody_gets_no_patient() -> None:
    (found,) = resources({"Medication": {"code": "rxnorm 7052"}}, 1, DAY)
    assert set(found) == {"resourceType", "id", "code"}


def test_elements_that_a_resource_type_does_not_have_are_refused() -> None:
    with pytest.raises(FactError, match="this makes no FHIR R4 resource: Immunization"):
        resources({"Immunization": VACCINE | {"vaccine": "flu"}}, 1, DAY)


def test_a_kind_that_is_neither_a_word_nor_a_resource_type_is_refused() -> None:
    with pytest.raises(FactError, match=r"there is no fact 'Vaccination'; known are allergy, .* and FHIR R4 resource"):
        resources({"Vaccination": {}}, 1, DAY)


def test_a_fact_is_named_after_its_kind_unless_it_has_a_name() -> None:
    (condition,) = resources({"condition": {"code": "icd10cm M79.7"}}, 3, DAY)
    assert condition["id"] == "condition-3"
    (named,) = resources({"condition": {"code": "icd10cm M79.7", "id": "fm"}}, 3, DAY)
    assert named["id"] == "fm"


@pytest.mark.parametrize(("more", "name"), [({}, "patient-1"), ({"patient": "other"}, "patient-2")])
def test_the_fact_of_the_patient_is_that_patient(more: dict[str, str], name: str) -> None:
    (built,) = resources({"patient": {"born": "1960-04", "sex": "female", "birth_sex": "F"} | more}, 1, DAY)
    assert (built["resourceType"], built["id"], built["birthDate"]) == ("Patient", name, "1960-04")
    assert built["extension"][0]["valueCode"] == "F"


@pytest.mark.parametrize(("relation", "stated"), [("MTH", "coding"), ("Mother", "text")])
def test_a_relation_is_a_code_or_a_text(relation: str, stated: str) -> None:
    written = {"code": "icd10cm C73", "relation": relation, "onset": "45"}
    (built,) = resources({"family_history": written}, 1, DAY)
    assert (built["id"], list(built["relationship"])) == ("family-history-1", [stated])
    assert built["condition"][0]["onsetAge"]["value"] == 45


def test_a_fact_may_be_of_another_patient() -> None:
    (condition,) = resources({"condition": {"code": "icd10cm M79.7", "patient": "other"}}, 1, DAY)
    assert condition["subject"] == {"reference": "Patient/patient-2"}
    assert chart([condition], DAY, NO_TERMS).other_patients.total() == 1


def test_an_injection_brings_its_scores_in_time() -> None:
    fact = {"injection": {"code": "cpt 27096", "at": "2026-01-05T10:00", "pain": {"before": "8", "after": ["2", "3"]}}}
    done, *scores = resources(fact, 1, DAY)
    assert done["performedDateTime"] == "2026-01-05T10:00:00Z"
    assert [(s["effectiveDateTime"], s["valueQuantity"]["value"]) for s in scores] == [
        ("2026-01-05T09:45:00Z", Decimal(8)),
        ("2026-01-05T10:30:00Z", Decimal(2)),
        ("2026-01-05T11:30:00Z", Decimal(3)),
    ]


def test_a_condition_that_ended_is_resolved() -> None:
    (condition,) = resources({"condition": {"code": "icd10cm M79.7", "ended": "2025-01-01"}}, 1, DAY)
    assert condition["clinicalStatus"]["coding"][0]["code"] == "resolved"


def test_a_prescription_counts_tablets_unless_it_has_a_unit() -> None:
    fact = {"prescription": {"code": "rxnorm 1049621", "dose": "2", "every": "6 hours", "from": "2026-01-10"}}
    (prescription,) = resources(fact, 1, DAY)
    (dosage,) = prescription["dosageInstruction"]
    assert dosage["doseAndRate"][0]["doseQuantity"]["code"] == "{tbl}"
    assert dosage["timing"]["repeat"] == {
        "boundsPeriod": {"start": "2026-01-10"},
        "frequency": 1,
        "period": Decimal(6),
        "periodUnit": "h",
    }
    assert prescription["status"] == "active"


def test_a_prescription_says_how_it_ended_and_what_it_replaces() -> None:
    words = {"code": "rxnorm 1049621", "status": "stopped", "reason": "Reorder", "changed": "2026-01-10"}
    more = {"replaces": "first", "category": "discharge", "prescriber": "Dr. Roe", "quantity": "20", "refills": "2"}
    (prescription,) = resources({"prescription": {**words, **more}}, 1, DAY)
    assert prescription["statusReason"] == {"text": "Reorder"}
    assert prescription["meta"] == {"lastUpdated": "2026-01-10T12:00:00Z"}
    assert prescription["priorPrescription"] == {"reference": "MedicationRequest/first"}
    assert prescription["category"][0]["coding"][0]["code"] == "discharge"
    assert prescription["requester"] == {"display": "Dr. Roe"}
    assert prescription["dispenseRequest"]["quantity"]["value"] == Decimal(20)
    assert prescription["dispenseRequest"]["numberOfRepeatsAllowed"] == 2


def test_a_dose_once_and_its_route_are_written_out() -> None:
    words = {"code": "rxnorm 1049621", "dose": "4 mg", "every": "once", "route": "intravenous", "text": "4 mg IV"}
    (prescription,) = resources({"prescription": words}, 1, DAY)
    (dosage,) = prescription["dosageInstruction"]
    assert dosage["timing"]["repeat"] == {"count": 1}
    assert (dosage["route"], dosage["text"]) == ({"text": "intravenous"}, "4 mg IV")


def test_a_dispense_names_its_order_or_who_ordered_it_elsewhere() -> None:
    words = {"code": "rxnorm 1049621", "at": "2026-01-10", "days": "30", "quantity": "120"}
    (linked,) = resources({"dispense": {**words, "of": "first"}}, 1, DAY)
    assert linked["authorizingPrescription"] == [{"reference": "MedicationRequest/first"}]
    (elsewhere,) = resources({"dispense": {**words, "prescriber": "Dr. Roe"}}, 1, DAY)
    assert elsewhere["authorizingPrescription"] == [{"reference": "#ordered"}]
    assert elsewhere["contained"][0]["requester"] == {"display": "Dr. Roe"}
    assert elsewhere["quantity"]["value"] == Decimal(120)
    (alone,) = resources({"dispense": words}, 1, DAY)
    assert "authorizingPrescription" not in alone


def test_answers_are_given_by_a_practitioner_on_the_day_of_the_case() -> None:
    (response,) = resources({"answers": {"II.E": "no", "pathway": "malignant"}}, 1, DAY)
    assert response["author"] == {"reference": "Practitioner/practitioner-1"}
    assert response["authored"] == "2026-03-02T09:00:00Z"
    assert response["item"] == [
        {"linkId": "II.E", "answer": [{"valueBoolean": False}]},
        {"linkId": "pathway", "answer": [{"valueString": "malignant"}]},
    ]


@pytest.mark.parametrize(
    "written",
    [
        {"code": "27279", "detail": "Posterior approach", "side": "left", "implant": "LinQ", "note": "See letter"},
        {"code": "27280", "reason": ["icd10cm S32.811A", "text Fall"], "planned": "none", "authored": "2026-03-01"},
        {"code": "E0786", "as": "DeviceRequest"},
        {"code": "J2274", "as": "MedicationRequest", "reason": "text Pump trial"},
        {"code": "62323", "drug": ["rxnorm 7052", "rxnorm 1815"], "do_not_perform": "yes"},
    ],
)
def test_every_order_is_valid_fhir(written: dict[str, Any]) -> None:
    assert faults(order(written, 1, DAY)) == ()


def test_an_order_is_planned_for_the_day_of_the_case() -> None:
    assert order({"code": "27279"}, 1, DAY)["occurrenceDateTime"] == "2026-03-02"
    assert "occurrenceDateTime" not in order({"code": "27279", "planned": "none"}, 1, DAY)


def test_a_bare_code_is_a_billing_code() -> None:
    assert [c["system"].rsplit("/", 1)[-1] for c in concept(["0775T", "G0260"])["coding"]] == [
        "cpt",
        "HCPCSReleaseCodeSets",
    ]


@pytest.mark.parametrize(
    ("fact", "says"),
    [
        ({"prescription": {"code": "rxnorm 1", "dose": "two"}}, "'two' is no number"),
        (
            {"prescription": {"code": "rxnorm 1", "dose": "1e99999999 mg"}},
            "'1e99999999' is no number, or one out of bounds",
        ),
        ({"observation": {"code": "loinc 1", "value": "9" * 5000}}, "is no number, or one out of bounds"),
        ({"observation": {"code": "loinc 1", "panel": "21 %"}}, "observation.panel must be a mapping such as"),
        (
            {"MedicationRequest": {"dosageInstruction": [{"timing": {"repeat": {"frequency": "9" * 5000}}}]}},
            "is no number, or one out of bounds",
        ),
        ({"prescription": {"code": "rxnorm 1", "every": "often"}}, "every is written like '6 hours'"),
        ({"imaging": {"code": "cpt 72148", "as": "film"}}, "as must be report, study or procedure"),
        ({"plan": {"code": "cpt 90834", "as": "wish"}}, "as must be 'care plan' or 'order'"),
        ({"answers": {"II.E": ["no"]}}, "must be yes, no, don't know or the name of a pathway"),
        ({"procedure": {"code": "cpt 97110", "side": "up"}}, "side must be one of left, right, bilateral"),
        ({"condition": {"code": "icd10cm M79.7", "patient": "someone"}}, "patient must be 'other'"),
        ({"condition": "icd10cm M79.7"}, "must be a mapping"),
        ({"condition": {"code": "icd10cm M79.7", "onset": ["2024"]}}, "condition.onset must be text"),
        ({"procedure": {"code": "cpt 97110", "at": "yesterday"}}, "Procedure.performedDateTime"),
    ],
)
def test_what_cannot_be_built_is_told(fact: dict[str, Any], says: str) -> None:
    with pytest.raises(FactError, match=says):
        resources(fact, 1, DAY)


def test_a_chart_was_read_in_full_but_for_what_is_named() -> None:
    record = chart([], DAY, NO_TERMS, unavailable=["Condition"], not_offered=["ImagingStudy"])
    assert record.availability("Procedure") is Availability.COMPLETE
    assert record.unavailable() == ("Condition",)
    assert record.not_offered() == ("ImagingStudy",)
    assert record.today == DAY


def test_a_dispense_is_taken_by_mouth_for_so_many_days() -> None:
    (given,) = resources({"dispense": {"code": "rxnorm 7258", "at": "2025-10-01", "days": "21"}}, 1, DAY)
    assert given["daysSupply"]["value"] == Decimal(21)
    (dosage,) = given["dosageInstruction"]
    assert (dosage["route"]["coding"][0]["code"], dosage["asNeededBoolean"]) == ("26643006", False)


def test_an_injection_may_say_what_it_was_for() -> None:
    (done,) = resources({"injection": {"code": "cpt 27096", "at": "2026-01-05", "purpose": "diagnostic"}}, 1, DAY)
    assert done["reasonCode"] == [{"text": "diagnostic"}]


def test_an_order_may_say_who_does_it() -> None:
    assert order({"code": "27096", "performer": "text Physician"}, 1, DAY)["performerType"] == {"text": "Physician"}


# --- how much an order asks for --------------------------------------------------------------------------------------


def test_an_order_of_a_drug_says_how_much() -> None:
    written = {"as": "MedicationRequest", "code": "rxnorm 897122", "dose": ["0.6 mg", "1.2 mg"], "every": "1 day"}
    made = order(written | {"quantity": "2 pens", "supply": "30 days", "refills": "0"}, 1, DAY)
    repeat = {"frequency": 1, "period": 1, "periodUnit": "d"}
    doses = [{"value": Decimal(each), "unit": "mg", "system": UCUM, "code": "mg"} for each in ("0.6", "1.2")]
    assert made["dosageInstruction"] == [
        {"sequence": i, "timing": {"repeat": repeat}, "doseAndRate": [{"doseQuantity": dose}]}
        for i, dose in enumerate(doses, 1)
    ]
    assert made["dispenseRequest"] == {
        "quantity": {"value": 2, "unit": "pens"},
        "expectedSupplyDuration": {"value": 30, "unit": "days", "system": UCUM, "code": "d"},
        "numberOfRepeatsAllowed": 0,
    }


def test_an_order_of_a_device_has_parameters_and_one_of_a_service_has_details() -> None:
    words = {"code": "E1390", "flow": "2 L/min", "acquisition": "rent"}
    rented = {"coding": [{"system": HCPCS, "code": "RR"}]}
    flow = {"value": 2, "unit": "L/min", "system": UCUM, "code": "L/min"}
    device = order(words | {"as": "DeviceRequest"}, 1, DAY)
    assert device["parameter"] == [{"valueQuantity": flow}, {"valueCodeableConcept": rented}]
    service = order(words | {"quantity": "4", "place": "pos 12"}, 1, DAY)
    assert service["orderDetail"] == [{"text": "2 L/min"}, rented]
    assert service["quantityQuantity"] == {"value": 4}
    assert service["locationCode"] == [{"coding": [{"system": SYSTEMS["pos"], "code": "12"}]}]


def test_the_specialty_of_an_order_is_that_of_a_role_that_requests_it() -> None:
    made = order({"code": "27130", "specialty": "nucc 207X00000X", "implant": "Cup"}, 1, DAY)
    role, device = made["contained"]
    assert made["requester"] == {"reference": f"#{role['id']}"}
    assert role["specialty"] == [{"coding": [{"system": SYSTEMS["nucc"], "code": "207X00000X"}]}]
    assert device["resourceType"] == "Device"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"acquisition": "lease"}, "order.acquisition must be rent or purchase, not 'lease'"),
        ({"as": "MedicationRequest", "every": "often"}, "order.every must be written like '1 week' or '12 hours'"),
        ({"refills": "5"}, "order has no key 'refills'"),
    ],
)
def test_what_an_order_cannot_say_is_told(words: dict[str, str], says: str) -> None:
    with pytest.raises(FactError, match=re.escape(says)):
        order({"code": "E1390"} | words, 1, DAY)


@pytest.mark.parametrize("kind", ["report", "study", "procedure"])
@pytest.mark.parametrize("side", ["left", "right", "bilateral"])
def test_an_imaging_study_may_say_its_side(kind: str, side: str) -> None:
    (study,) = resources({"imaging": {"as": kind, "code": "cpt 73721", "side": side, "at": "2026-01-05"}}, 1, DAY)
    assert side_of(study, TERMS, "code", "procedureCode") == side


@pytest.mark.parametrize("kind", ["report", "study", "procedure"])
def test_an_imaging_study_without_a_side_has_none(kind: str) -> None:
    (study,) = resources({"imaging": {"as": kind, "code": "cpt 73721", "at": "2026-01-05"}}, 1, DAY)
    assert side_of(study, TERMS, "code", "procedureCode") is None


def test_the_side_of_a_report_stands_beside_its_words() -> None:
    fact = {"imaging": {"code": ["cpt 73721", "text MRI knee"], "side": "left", "at": "2026-01-05"}}
    assert resources(fact, 1, DAY)[0]["code"]["text"] == "MRI knee, left"


def test_an_injection_with_an_unknown_word_is_told() -> None:
    with pytest.raises(FactError, match="injection has no key 'sides'"):
        resources({"injection": {"code": "cpt 27096", "at": "2026-01-05", "sides": "left"}}, 1, DAY)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"sequence": "1", "numberOfRepeatsAllowed": "3"}, {"sequence": 1, "numberOfRepeatsAllowed": 3}),
        ({"value": "1.50", "code": "mg"}, {"value": Decimal("1.50"), "code": "mg"}),
        ({"value": "2", "unit": "L/min"}, {"value": 2, "unit": "L/min"}),
        ({"system": "urn:x", "value": "2"}, {"system": "urn:x", "value": "2"}),
        ({"doseQuantity": {"value": "1"}}, {"doseQuantity": {"value": 1}}),
        ({"numberOfSeries": "2", "series": [{"number": "1"}]}, {"numberOfSeries": 2, "series": [{"number": 1}]}),
    ],
)
def test_the_name_of_a_member_and_those_beside_it_tell_numbers_from_text(written: Any, read: Any) -> None:
    assert typed(written) == read
