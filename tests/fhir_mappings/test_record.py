"""One patient's resources, and which ones the record excludes."""

from datetime import UTC, date, datetime
from itertools import permutations

import pytest

from fhir_mappings.record import Availability, Evidence
from tests.support.fhir_builders import condition, procedure, record, resource


def names(chart, kind="Condition"):
    return [chart.reference(each) for each in chart.of_type(kind)]


def about(reference, **members):
    return condition(subject={"reference": reference}, **members)


def test_a_resource_of_the_patient_is_kept():
    assert names(record(condition())) == ["Condition/x"]


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Patient/other"},
        {"reference": "Patient/p2"},
        {"reference": "Group/p"},
        {"reference": "urn:uuid:unknown"},
        {"reference": "#p"},
        {"reference": 5},
        {"display": "p"},
        {"identifier": {"value": "p"}},
        "Patient/p",
        None,
        [],
    ],
)
def test_a_resource_of_another_patient_or_of_none_is_left_out(subject):
    assert names(record(condition(subject=subject))) == []


def test_what_is_left_out_is_counted():
    assert record(about("Patient/other"), condition()).other_patients == {"Condition": 1}


@pytest.mark.parametrize("member", ["subject", "patient", "beneficiary", "for", "individual"])
def test_the_patient_is_found_under_any_of_its_names(member):
    chart = record({"resourceType": "Thing", "id": "x", member: {"reference": "Patient/p"}})
    assert names(chart, "Thing") == ["Thing/x"]


def test_a_version_of_the_patient_is_the_patient():
    assert names(record(about("Patient/p/_history/3"))) == ["Condition/x"]


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("https://ehr.example/fhir/Patient/p", ["Condition/x"]),
        ("https://ehr.example/fhir/Patient/p/_history/1", ["Condition/x"]),
        ("https://ehr.example/fhir/Patient/other", []),
        ("https://other.example/fhir/Patient/p", []),
        ("https://ehr.example/fhir2/Patient/p", []),
    ],
)
def test_an_absolute_reference_counts_on_its_own_server_only(reference, found):
    assert names(record(about(reference), server="https://ehr.example/fhir/")) == found


def test_an_absolute_reference_counts_by_type_and_id_if_the_server_is_unknown():
    assert names(record(about("https://ehr.example/fhir/Patient/p"))) == ["Condition/x"]


def test_the_patient_is_known_by_the_full_url_of_its_own_resource():
    patient = {"resourceType": "Patient", "id": "p"}
    assert names(record(("urn:uuid:1", patient), about("urn:uuid:1"))) == ["Condition/x"]


def test_the_full_url_of_another_patient_opens_nothing():
    patient = {"resourceType": "Patient", "id": "other"}
    assert names(record(("urn:uuid:1", patient), about("urn:uuid:1"))) == []


def test_another_patient_resource_is_left_out():
    assert record({"resourceType": "Patient", "id": "other"}).of_type("Patient") == ()


@pytest.mark.parametrize("kind", ["Medication", "Organization", "Practitioner", "PractitionerRole", "Questionnaire"])
def test_a_resource_without_a_subject_element_is_kept(kind):
    assert names(record({"resourceType": kind, "id": "1"}), kind) == [f"{kind}/1"]


@pytest.mark.parametrize("kind", ["OperationOutcome", "Bundle", None, 5, []])
def test_outcomes_and_bundles_are_not_kept(kind):
    chart = record({"resourceType": kind, "id": "1", "subject": {"reference": "Patient/p"}})
    assert (chart.is_empty, chart.other_patients, chart.left_out) == (True, {}, {})


def updated(moment, code):
    return condition(clinical=code, meta={"lastUpdated": moment})


def status(chart):
    return [each["clinicalStatus"]["coding"][0]["code"] for each in chart.of_type("Condition")]


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:01Z"),
        ("2026-01-01T10:00:00+02:00", "2026-01-01T09:00:00Z"),
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00.500Z"),
        ("not a date", "2026-01-01T10:00:00Z"),
        (None, "2026-01-01T10:00:00Z"),
    ],
)
def test_of_two_copies_the_one_updated_last_is_kept(older, newer):
    copies = [updated(older, "resolved"), updated(newer, "active")]
    assert [status(record(*order)) for order in permutations(copies)] == [["active"], ["active"]]


def test_of_copies_of_one_moment_the_same_one_is_kept_in_any_order():
    copies = [updated("2026-01-01T10:00:00Z", code) for code in ("active", "resolved", "inactive")]
    assert len({tuple(status(record(*order))) for order in permutations(copies)}) == 1


@pytest.mark.parametrize("meta", ["x", 5, [], {"lastUpdated": 5}, {"lastUpdated": {}}])
def test_a_malformed_meta_is_the_older(meta):
    kept = record(updated("2026-01-01T10:00:00Z", "resolved"), condition(meta=meta))
    assert status(kept) == ["resolved"]


@pytest.mark.parametrize("url", ["", "urn:uuid:1", "https://ehr.example/fhir/Condition/x"])
def test_a_copy_that_was_dropped_still_resolves_by_its_full_url(url):
    old, new = updated("2026-01-01T10:00:00Z", "active"), updated("2026-02-01T10:00:00Z", "resolved")
    assert record((url, old), (url, new)).resolve(url or "Condition/x") == new


def test_the_order_of_the_chart_does_not_show():
    each = [condition(id=name) for name in ("b", "a", "c")]
    assert {tuple(names(record(*order))) for order in permutations(each)} == {
        ("Condition/a", "Condition/b", "Condition/c")
    }


def test_resources_without_an_id_are_all_kept():
    assert len(record(condition(id=None), condition(id=None)).of_type("Condition")) == 2


def test_a_resource_without_an_id_is_named_by_its_full_url():
    assert names(record(("urn:uuid:1", condition(id=None)))) == ["urn:uuid:1"]


MEDICATION = {"resourceType": "Medication", "id": "m"}


@pytest.mark.parametrize(
    "reference",
    [
        {"reference": "Medication/m"},
        "Medication/m",
        {"reference": "Medication/m/_history/2"},
        {"reference": "urn:uuid:m"},
        {"reference": "https://ehr.example/fhir/Medication/m"},
    ],
)
def test_a_reference_resolves_by_name_version_full_url_or_address(reference):
    chart = record(("urn:uuid:m", MEDICATION), server="https://ehr.example/fhir")
    assert chart.resolve(reference) == MEDICATION


@pytest.mark.parametrize(
    "reference",
    [
        None,
        5,
        {},
        [],
        {"reference": 5},
        {"reference": "Medication/other"},
        {"reference": "#m"},
        {"reference": "https://other.example/fhir/Medication/m"},
    ],
)
def test_a_reference_to_nothing_resolves_to_nothing(reference):
    assert record(MEDICATION, server="https://ehr.example/fhir").resolve(reference) is None


def test_a_contained_resource_resolves_within_its_container():
    container = resource("MedicationRequest", contained=[None, {"id": "other"}, MEDICATION])
    assert record(container).resolve({"reference": "#m"}, within=container) == MEDICATION


@pytest.mark.parametrize("contained", [None, "x", {}, [], ["#m"]])
def test_a_malformed_container_holds_nothing(contained):
    assert record().resolve({"reference": "#m"}, within={"contained": contained}) is None


def test_a_fault_in_an_element_in_use_sets_the_resource_aside():
    given = condition(onsetDateTime="yesterday")
    assert record(given).is_usable(given, "code", "onset") is False


def test_what_is_set_aside_is_named_without_its_value():
    given = condition(onsetDateTime="yesterday")
    chart = record(given)
    chart.is_usable(given, "onset")
    assert chart.quarantined == {"Condition/x": "Condition.onsetDateTime does not follow FHIR R4"}


def test_a_fault_elsewhere_is_tolerated():
    given = condition(note="x")
    assert record(given).is_usable(given, "code", "onset") is True


def test_what_is_tolerated_is_named():
    given = condition(note="x")
    chart = record(given)
    chart.is_usable(given, "code")
    assert (chart.quarantined, chart.tolerated) == ({}, {"Condition/x": "Condition.note does not follow FHIR R4"})


def test_a_sound_resource_is_neither_set_aside_nor_tolerated():
    given = condition()
    chart = record(given)
    assert (chart.is_usable(given, "code"), chart.quarantined, chart.tolerated) == (True, {}, {})


def test_a_fault_of_the_whole_sets_it_aside_whatever_is_read():
    given = procedure(performedString="in spring")
    assert record(given).is_usable(given, "code") is False


@pytest.mark.parametrize(("element", "usable"), [("status", True), ("statusReason", False)])
def test_a_choice_matches_its_stem_but_no_longer_element_name(element, usable):
    given = procedure(statusReason="x")
    assert record(given).is_usable(given, element) is usable


def test_a_type_without_a_search_is_unavailable():
    assert record().availability("Condition") is Availability.UNAVAILABLE


COMPLETE, NOT_OFFERED, UNAVAILABLE = Availability.COMPLETE, Availability.NOT_OFFERED, Availability.UNAVAILABLE


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (COMPLETE, COMPLETE, COMPLETE),
        (COMPLETE, NOT_OFFERED, COMPLETE),
        (NOT_OFFERED, NOT_OFFERED, NOT_OFFERED),
        (COMPLETE, UNAVAILABLE, UNAVAILABLE),
        (NOT_OFFERED, UNAVAILABLE, UNAVAILABLE),
    ],
)
def test_of_several_types_the_worst_counts_and_those_not_offered_do_not(one, other, both):
    chart = record(availability={"Condition": one, "Procedure": other})
    assert chart.availability("Condition", "Procedure") is both


def test_the_types_not_read_and_not_offered_are_listed():
    chart = record(availability={"B": UNAVAILABLE, "A": UNAVAILABLE, "C": NOT_OFFERED, "D": COMPLETE})
    assert (chart.unavailable(), chart.not_offered()) == (("A", "B"), ("C",))


def test_a_type_that_nobody_was_asked_for_is_unavailable_and_did_not_fail():
    chart = record(availability={"B": UNAVAILABLE, "A": UNAVAILABLE, "D": COMPLETE}, unasked=["B"])
    assert (chart.unavailable(), chart.failed()) == (("A", "B"), ("A",))


@pytest.mark.parametrize(
    ("resources", "availability", "expected"),
    [
        ([], {}, True),
        ([], {"Condition": UNAVAILABLE}, True),
        ([], {"Condition": COMPLETE}, False),
        ([condition()], {}, False),
    ],
)
def test_a_record_is_empty_when_nothing_was_read_and_no_search_succeeded(resources, availability, expected):
    assert record(*resources, availability=availability).is_empty is expected


def test_today_is_the_local_day_of_reading():
    assert record(read_at=datetime(2026, 3, 2, 4, 59, tzinfo=UTC)).today == date(2026, 3, 1)


def test_several_types_are_listed_in_the_order_asked_for():
    chart = record(condition(), procedure())
    assert [each["resourceType"] for each in chart.of_type("Procedure", "Condition")] == ["Procedure", "Condition"]


def test_evidence_may_lack_date_and_value():
    assert (Evidence("a", "b").date, Evidence("a", "b").value) == ("", "")


# --- what is left out ------------------------------------------------------------------------------------------------

ALL = {"Condition": COMPLETE, "Procedure": COMPLETE}
BY_IDENTIFIER = condition(id="i", subject={"identifier": {"value": "p"}})


def test_a_resource_that_may_be_the_patients_makes_its_type_unavailable_and_no_other():
    chart = record(condition(), BY_IDENTIFIER, availability=ALL)
    assert (chart.unavailable(), chart.left_out) == (("Condition",), {"Condition": 1})
    assert chart.availability("Procedure") is COMPLETE


def test_another_patients_resource_leaves_its_type_as_it_is():
    chart = record(condition(), about("Patient/other", id="o"), availability=ALL)
    assert (chart.unavailable(), chart.other_patients) == ((), {"Condition": 1})


def test_what_is_left_out_adds_no_type_that_was_not_searched():
    assert record(BY_IDENTIFIER, availability={"Procedure": COMPLETE}).unavailable() == ()


@pytest.mark.parametrize("availability", [NOT_OFFERED, UNAVAILABLE])
def test_what_is_left_out_outweighs_what_the_search_said(availability):
    assert record(BY_IDENTIFIER, availability={"Condition": availability}).unavailable() == ("Condition",)


def of(patient, own_id, kind="Condition"):
    return resource(kind, id=own_id, subject={"reference": f"Patient/{patient}"})


MERGED = {
    "everything under another id": (
        [of("q", "1"), of("q", "2"), of("q", "3", "Procedure")],
        ("Condition", "Procedure"),
    ),
    "one type under another id": ([of("q", "1"), of("q", "2"), of("p", "3", "Procedure")], ("Condition",)),
    "one of each type": ([of("q", "1"), of("q", "2", "Procedure")], ("Condition", "Procedure")),
    "a single stray resource": ([of("q", "1")], ()),
    "beside the patient's own": ([of("q", "1"), of("q", "2"), of("p", "3")], ()),
    "of several others": ([of("q", "1"), of("r", "2"), of("q", "3")], ()),
}


@pytest.mark.parametrize(("resources", "unavailable"), MERGED.values(), ids=MERGED)
def test_a_type_that_is_all_one_other_patients_may_be_the_patients_under_another_id(resources, unavailable):
    assert record(*resources, availability=ALL).unavailable() == unavailable


@pytest.mark.parametrize(
    ("resources", "is_left_out"),
    [
        ([BY_IDENTIFIER], True),
        ([of("q", "1"), of("q", "2")], True),
        ([BY_IDENTIFIER, {"resourceType": "Patient", "id": "p"}, {"resourceType": "Organization", "id": "o"}], True),
        ([BY_IDENTIFIER, procedure()], False),
        ([of("q", "1")], False),
        ([], False),
    ],
)
def test_a_chart_of_which_nothing_can_be_used_is_left_out(resources, is_left_out):
    assert record(*resources, availability=ALL).is_left_out is is_left_out


# --- copies of one resource -------------------------------------------------------------------------------------------

AT_HOME = "https://ehr.example/fhir/Condition/x"
ONE, OTHER = condition(code={"text": "one"}), condition(code={"text": "other"})

TWO = {
    "two URNs": ("urn:uuid:1", "urn:uuid:2"),
    "two OIDs": ("urn:oid:1.2.3", "urn:oid:1.2.4"),
    "an address and a URN": (AT_HOME, "urn:uuid:2"),
}


@pytest.mark.parametrize("urls", TWO.values(), ids=TWO)
def test_one_id_under_different_full_urls_is_two_resources_each_found_by_its_own(urls):
    sent = list(zip(urls, (ONE, OTHER), strict=True))
    for order in permutations(sent):
        chart = record(*order, server=HERE, availability=ALL)
        assert (len(chart.of_type("Condition")), chart.unavailable()) == (2, ())
        assert [chart.resolve(url) for url in urls] == [ONE, OTHER]


def test_an_id_that_two_urns_share_names_neither_of_them():
    chart = record(("urn:uuid:1", ONE), ("urn:uuid:2", OTHER), server=HERE)
    assert (chart.resolve("Condition/x"), names(chart)) == (None, ["urn:uuid:1", "urn:uuid:2"])


def test_an_id_that_a_urn_shares_with_the_server_names_that_of_the_server():
    for order in permutations([(AT_HOME, ONE), ("urn:uuid:2", OTHER)]):
        chart = record(*order, server=HERE)
        assert (chart.resolve("Condition/x"), names(chart)) == (ONE, ["Condition/x", "urn:uuid:2"])


SAME = {"one URN": ("urn:uuid:1", "URN:UUID:1"), "no full URL": ("", ""), "one address": (AT_HOME, AT_HOME)}
ONE_WITHOUT = {"an address and none": (AT_HOME, ""), "a URN and none": ("urn:uuid:1", "")}


@pytest.mark.parametrize("urls", (SAME | ONE_WITHOUT | TWO).values(), ids=SAME | ONE_WITHOUT | TWO)
def test_equal_content_is_one_resource_whatever_its_full_url(urls):
    written_anew = {**dict(reversed(condition().items())), "meta": {"source": "#1"}, "text": {"status": "generated"}}
    chart = record((urls[0], condition()), (urls[1], written_anew), server=HERE, availability=ALL)
    assert (names(chart), chart.unavailable(), chart.differing) == (["Condition/x"], (), {})
    assert chart.is_usable(chart.of_type("Condition")[0], "code")


@pytest.mark.parametrize("urls", (SAME | ONE_WITHOUT).values(), ids=SAME | ONE_WITHOUT)
def test_of_copies_that_differ_and_are_not_dated_none_decides_nor_proves_absence(urls):
    for order in permutations(zip(urls, (ONE, OTHER), strict=True)):
        chart = record(*order, server=HERE, availability=ALL)
        (kept,) = chart.of_type("Condition")
        assert (chart.unavailable(), chart.differing) == (("Condition",), {"Condition/x": "Condition"})
        assert not chart.is_usable(kept, "code")
        assert "Condition.code has another value in a copy" in chart.quarantined["Condition/x"]


def test_what_copies_agree_on_still_decides():
    chart = record(ONE, OTHER, availability=ALL)
    assert chart.is_usable(chart.of_type("Condition")[0], "clinicalStatus", "onset")


@pytest.mark.parametrize("urls", (SAME | ONE_WITHOUT).values(), ids=SAME | ONE_WITHOUT)
def test_of_copies_that_are_dated_the_latest_counts_and_its_type_stays_as_it_is(urls):
    old, new = updated("2026-01-01T10:00:00Z", "active"), updated("2026-02-01T10:00:00Z", "resolved")
    for order in permutations(zip(urls, (old, new), strict=True)):
        chart = record(*order, server=HERE, availability=ALL)
        assert (status(chart), chart.unavailable(), chart.differing) == (["resolved"], (), {})


@pytest.mark.parametrize(
    ("one", "other", "unavailable"),
    [
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z", ("Condition",)),
        ("2026-01-01T10:00:00Z", None, ("Condition",)),
        ("2026-01-01T10:00:00Z", "not a date", ("Condition",)),
        ("2026-01-01T10:00:00Z", "2026-01-01T23:00:00", ("Condition",)),
        ("2026-01-01T10:00:00Z", "2026-01-02T23:00:00", ("Condition",)),
        ("2026-01-01T09:59:59Z", "2026-01-02T23:00:00", ()),
        ("2026-01-01T10:00:00Z", "2026-01", ("Condition",)),
        ("2026-01-01T10:00:00Z", "2026-02", ()),
        ("2026-01-01T10:00:00Z", "9999-12-31T10:00:00", ("Condition",)),
    ],
)
def test_dates_tell_the_latest_copy_only_if_they_can_be_compared(one, other, unavailable):
    chart = record(updated(one, "active"), updated(other, "resolved"), availability=ALL)
    assert chart.unavailable() == unavailable


def test_a_last_update_without_a_zone_is_not_the_oldest():
    copies = [updated("2026-01-01T10:00:00Z", "active"), updated("2026-02-01T00:00:00", "resolved")]
    assert [status(record(*order)) for order in permutations(copies)] == [["resolved"], ["resolved"]]


def test_one_without_a_full_url_that_differs_from_two_with_urns_decides_nothing():
    third = condition(code={"text": "third"})
    chart = record(("urn:uuid:1", ONE), ("urn:uuid:2", OTHER), third, availability=ALL)
    assert [chart.is_usable(each, "code") for each in (ONE, OTHER, third)] == [True, True, False]
    assert chart.unavailable() == ("Condition",)


# --- two servers -----------------------------------------------------------------------------------------------------

HERE, THERE = "https://ehr.example/fhir", "https://clinic-b.example/fhir"


def test_one_id_on_two_servers_is_two_resources():
    here, there = condition(code={"text": "one"}), condition(code={"text": "other"})
    chart = record((f"{HERE}/Condition/x", here), (f"{THERE}/Condition/x", there), server=HERE)
    assert names(chart) == ["Condition/x", f"{THERE}/Condition/x"]


@pytest.mark.parametrize("url", [f"{HERE}/Condition/x", "https://EHR.example:443/fhir/Condition/x"])
def test_one_resource_with_and_without_its_full_url_is_one(url):
    assert names(record(condition(), (url, condition()), server=HERE)) == ["Condition/x"]


def test_a_reference_in_a_resource_of_another_server_leads_to_that_server():
    drugs = [
        (f"{base}/Medication/m", {"resourceType": "Medication", "id": "m", "text": base}) for base in (HERE, THERE)
    ]
    orders = [(f"{base}/MedicationRequest/r", resource("MedicationRequest", id="r")) for base in (HERE, THERE)]
    chart = record(*drugs, *orders, server=HERE)
    found = [chart.resolve("Medication/m", each) for each in chart.of_type("MedicationRequest")]
    assert [each and each["text"] for each in found] == [HERE, THERE]


def test_a_gateway_with_addresses_of_its_own_is_the_server():
    drug = {"resourceType": "Medication", "id": "m"}
    order = resource("MedicationRequest", medicationReference={"reference": "Medication/m"})
    chart = record(("https://gateway.example/Medication/m", drug), order, server=HERE)
    assert chart.resolve("Medication/m", order) == drug


# --- modifiers -------------------------------------------------------------------------------------------------------

MODIFIER = [{"url": "http://example.org/absent", "valueBoolean": True}]


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"modifierExtension": MODIFIER}, "Condition has modifierExtension, which may change its meaning"),
        ({"implicitRules": "http://example.org"}, "Condition has implicitRules, which may change its meaning"),
        (
            {"stage": [{"modifierExtension": MODIFIER}]},
            "Condition.stage has modifierExtension, which may change its meaning",
        ),
    ],
)
def test_a_modifier_sets_the_resource_aside_and_is_named(members, why):
    given = condition(**members)
    chart = record(given)
    assert (chart.is_usable(given, "code", "stage"), chart.quarantined) == (False, {"Condition/x": why})


def test_a_modifier_in_an_element_that_is_not_read_changes_nothing():
    given = condition(stage=[{"modifierExtension": MODIFIER, "summary": {"text": "x"}}])
    chart = record(given)
    assert (chart.is_usable(given, "code"), chart.quarantined, chart.tolerated) == (True, {}, {})
