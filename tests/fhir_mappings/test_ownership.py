"""Whose a resource is: the patient's, another patient's of the same server, or not certain."""

from typing import Any

import pytest

from fhir_mappings.bundle import Entry
from fhir_mappings.ownership import Owner, Ownership, chart_server, is_for_another_patient, names_a_patient
from fhir_mappings.references import ChartServer

OURS, OTHER, UNCERTAIN = Owner.OURS, Owner.OTHER, Owner.UNCERTAIN
SERVER = "https://ehr.example/fhir"
PATIENT: Entry = ("urn:uuid:ours", {"resourceType": "Patient", "id": "p"})
OTHER_PATIENT: Entry = ("urn:uuid:other", {"resourceType": "Patient", "id": "q"})


def about(subject: Any, url: str = "", kind: str = "Condition", member: str = "subject") -> Entry:
    return url, {"resourceType": kind, "id": "x", member: subject}


def refer(reference: str, **more: Any) -> Entry:
    return about({"reference": reference}, **more)


def owner(entry: Entry, *others: Entry, server: str = SERVER) -> Owner:
    chart = [entry, *others]
    return Ownership("p", chart_server("p", [server], chart), chart).of(*entry)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (refer("Patient/p"), OURS),
        (refer("Patient/p/_history/2"), OURS),
        (refer("https://EHR.example:443/fhir/Patient/p"), OURS),
        (refer("http://ehr.example/fhir/Patient/p"), OURS),
        (refer("urn:uuid:ours"), OURS),
        (refer("urn:uuid:OURS"), OURS),
        (refer("Patient/p", member="patient"), OURS),
        (refer("Patient/p", member="beneficiary"), OURS),
        (refer("Patient/q"), OTHER),
        (refer("https://ehr.example/fhir/Patient/q"), OTHER),
        (refer("Patient/P"), OTHER),
        (refer("urn:uuid:other"), OTHER),
        (refer("https://other.example/fhir/Patient/p"), UNCERTAIN),
        (refer("https://other.example/fhir/Patient/q"), UNCERTAIN),
        (refer("urn:uuid:nobody"), UNCERTAIN),
        (refer("#p"), UNCERTAIN),
        (refer("Group/p"), UNCERTAIN),
        (refer("p"), UNCERTAIN),
        (refer(""), UNCERTAIN),
        (about({"identifier": {"value": "p"}}), UNCERTAIN),
        (about({"display": "p"}), UNCERTAIN),
        (about({"reference": 5}), UNCERTAIN),
        (about("Patient/p"), UNCERTAIN),
        (about(None), UNCERTAIN),
    ],
    ids=str,
)
def test_the_subject_of_a_resource_tells_whose_it_is(entry: Entry, expected: Owner) -> None:
    assert owner(entry, PATIENT, OTHER_PATIENT) is expected


@pytest.mark.parametrize("kind", ["Medication", "Organization", "Practitioner", "Location"])
def test_what_is_about_no_patient_may_be_used_for_any(kind: str) -> None:
    assert owner(("", {"resourceType": kind, "id": "x"})) is OURS


def test_a_patient_is_told_by_its_id() -> None:
    nobody: Entry = ("", {"resourceType": "Patient"})
    assert [owner(each) for each in (PATIENT, OTHER_PATIENT, nobody)] == [OURS, OTHER, UNCERTAIN]


def test_another_patient_of_another_server_may_be_the_same_person() -> None:
    elsewhere = refer("Patient/q", url="https://clinic-b.example/fhir/Condition/x")
    assert owner(elsewhere) is UNCERTAIN
    assert owner(refer("Patient/q", url="https://ehr.example/fhir/Condition/x")) is OTHER


def test_a_resource_that_another_server_calls_the_patients_is_used() -> None:
    assert owner(refer("Patient/p", url="https://clinic-b.example/fhir/Condition/x")) is OURS


MERGED = {
    "ours was replaced": {"id": "p", "link": [{"other": {"reference": "Patient/q"}, "type": "replaced-by"}]},
    "the other replaces ours": {"id": "q", "link": [{"other": {"reference": "Patient/p"}, "type": "replaces"}]},
    "ours is linked by its address": {"id": "p", "link": [{"other": {"reference": f"{SERVER}/Patient/q"}}]},
}


@pytest.mark.parametrize("patient", MERGED.values(), ids=MERGED)
def test_a_linked_record_may_be_the_same_person(patient: dict[str, Any]) -> None:
    linked: Entry = ("", {"resourceType": "Patient", **patient})
    assert owner(refer("Patient/q"), linked) is UNCERTAIN
    assert owner(refer("Patient/r"), linked) is OTHER
    assert owner(refer("Patient/p"), linked) is OURS


@pytest.mark.parametrize("link", [None, [], [{}], [{"other": None}], [{"other": {"reference": 5}}], "x"])
def test_a_malformed_link_links_nothing(link: Any) -> None:
    assert owner(refer("Patient/q"), ("", {"resourceType": "Patient", "id": "p", "link": link})) is OTHER


# --- the server of a chart -------------------------------------------------------------------------------------------


def bases(*entries: Entry, known_as: tuple[str, ...] = ()) -> set[str]:
    return set(chart_server("p", known_as, entries).bases)


def patient(url: str, own_id: str = "p") -> Entry:
    return url, {"resourceType": "Patient", "id": own_id}


def test_a_server_is_known_by_its_addresses_and_by_the_full_url_of_the_patient() -> None:
    internal = patient("https://internal.example/Patient/p")
    assert bases(internal, known_as=(SERVER, "")) == {"ehr.example/fhir", "internal.example"}


@pytest.mark.parametrize("url", ["", "urn:uuid:1"])
def test_a_patient_without_an_address_names_no_server(url: str) -> None:
    assert bases(patient(url), known_as=(SERVER,)) == {"ehr.example/fhir"}


def test_the_full_url_of_another_patient_names_no_server() -> None:
    assert bases(patient("https://internal.example/Patient/q", "q"), known_as=(SERVER,)) == {"ehr.example/fhir"}


def test_of_two_patients_of_the_same_id_neither_names_the_server() -> None:
    two = [patient(f"https://{name}.example/Patient/p") for name in ("a", "b")]
    assert bases(*two, known_as=(SERVER,)) == {"ehr.example/fhir"}


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([refer("https://a.example/Patient/p")], {"a.example"}),
        ([refer("Patient/p", url="https://a.example/Condition/x")], {"a.example"}),
        ([refer("https://a.example/Patient/p"), refer("Patient/p", url="https://b.example/Condition/x")], set()),
        ([refer("https://a.example/Patient/q")], set()),
        ([refer("Patient/p")], set()),
    ],
)
def test_without_an_address_the_only_server_that_shows_is_the_one(entries: list[Entry], expected: set[str]) -> None:
    assert bases(*entries) == expected


@pytest.mark.parametrize(
    ("kind", "about_a_patient"),
    [("Condition", True), ("Patient", False), ("Organization", False), ("Medication", False)],
)
def test_a_resource_names_a_patient_unless_it_is_one_or_its_type_has_none(kind: str, about_a_patient: bool) -> None:
    assert names_a_patient({"resourceType": kind}) is about_a_patient


@pytest.mark.parametrize(
    ("subject", "is_another"),
    [
        ("Patient/p", False),
        ("Patient/q", True),
        ("https://other.example/Patient/p", False),
        ("https://other.example/Patient/q", True),
        ("urn:uuid:other", True),
        ("urn:uuid:ours", False),
        ("urn:uuid:nobody", False),
        ("Location/p", True),
        ("Organization/p", False),
        ("", False),
    ],
)
def test_an_order_is_for_another_patient_if_its_subject_is_certainly_another(subject: str, is_another: bool) -> None:
    _, order = refer(subject, kind="ServiceRequest")
    patients = [PATIENT, OTHER_PATIENT]
    assert is_for_another_patient(order, "p", ChartServer.known_as([SERVER]), patients) is is_another


@pytest.mark.parametrize(
    ("reference", "kind", "is_another"),
    [
        ("q", "Patient", True),
        ("p", "Patient", False),
        (" p ", "Patient", False),
        ("p", "Group", True),
        ("q", "Organization", False),
        ("q", None, False),
        ("q", 7, False),
        ("#q", "Patient", False),
        ("urn:uuid:nobody", "Patient", False),
    ],
)
def test_a_bare_id_is_that_of_a_resource_of_the_type_beside_it(reference: str, kind: Any, is_another: bool) -> None:
    order = {"resourceType": "ServiceRequest", "subject": {"reference": reference, "type": kind}}
    assert is_for_another_patient(order, "p", ChartServer.known_as([SERVER])) is is_another
