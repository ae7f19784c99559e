"""References in one normal form, and the resources that they mean."""

from typing import Any

import pytest

from fhir_mappings.bundle import Entry
from fhir_mappings.references import Address, ChartServer, ReferenceIndex, address_of, server_of

SERVER = ChartServer.known_as(["https://ehr.example/fhir/"])
OF_SERVER = Address("ehr.example/fhir", "Patient/p")

SAME = [
    "https://ehr.example/fhir/Patient/p",
    "HTTPS://EHR.Example/fhir/Patient/p",
    "https://ehr.example:443/fhir/Patient/p",
    "http://ehr.example/fhir/Patient/p",
    "http://ehr.example:80/fhir/Patient/p",
    "https://ehr.example./fhir/Patient/p",
    "https://ehr.example/fhir/Patient/p/_history/7",
    "https://ehr.example/%66hir/Patient/p",
    "https://ehr.example/x/../fhir/./Patient/p",
    "https://ehr.example/fhir//Patient/p",
    " https://ehr.example/fhir/Patient/p ",
]

DIFFERENT = [
    "https://ehr.example/FHIR/Patient/p",
    "https://ehr.example/fhir2/Patient/p",
    "https://ehr.example/Patient/p",
    "https://ehr.example:8443/fhir/Patient/p",
    "https://other.example/fhir/Patient/p",
    "https://ehr.example.org/fhir/Patient/p",
    "https://user@ehr.example/fhir/Patient/p",
    "https://ehr.example/fhir/Patient/P",
    "https://ehr.example/fhir/Patient/p%2F1",
    "https://ehr.example/fhir/Patient/p?version=1",
    "https://ehr.example/fhir/Patient/p#x",
    "https://ehr.example:x/fhir/Patient/p",
    "https://[ehr.example/fhir/Patient/p",
    "ftp://ehr.example/fhir/Patient/p",
]


@pytest.mark.parametrize("reference", SAME)
def test_an_absolute_reference_is_compared_as_urls_are(reference: str) -> None:
    assert address_of(reference) == OF_SERVER
    assert SERVER.local(address_of(reference)) == Address("", "Patient/p")


@pytest.mark.parametrize("reference", DIFFERENT)
def test_an_absolute_reference_elsewhere_is_another(reference: str) -> None:
    assert SERVER.local(address_of(reference)) != Address("", "Patient/p")


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("Patient/p", "Patient/p"),
        ("Patient/p/_history/2", "Patient/p"),
        ("/Patient/p", "Patient/p"),
        ("Patient/p/", "Patient/p/"),
        ("fhir/Patient/p", "fhir/Patient/p"),
        ("patient/p", "patient/p"),
        ("Patient/", "Patient/"),
        ("p", "p"),
        ("#p", "#p"),
        ("Patient?identifier=1", "Patient?identifier=1"),
        ("urn:uuid:0F3A", "urn:uuid:0f3a"),
        ("URN:oid:1.2.3", "urn:oid:1.2.3"),
        ("", ""),
    ],
)
def test_a_reference_without_a_server_is_its_type_and_id_or_as_written(reference: str, name: str) -> None:
    assert address_of(reference) == Address("", name)


@pytest.mark.parametrize(
    ("address", "base"),
    [
        ("https://EHR.example:443/fhir/", "ehr.example/fhir"),
        ("http://127.0.0.1:8081/fhir", "127.0.0.1:8081/fhir"),
        ("https://ehr.example", "ehr.example"),
        ("https://[2001:DB8::1]/fhir", "2001:db8::1/fhir"),
        ("urn:uuid:1", ""),
        ("ehr.example/fhir", ""),
        ("", ""),
    ],
)
def test_a_server_is_its_host_port_and_path(address: str, base: str) -> None:
    assert server_of(address) == base


# --- what a reference means ------------------------------------------------------------------------------------------


def drug(own_id: str | None = "d", url: str = "") -> Entry:
    return url, {"resourceType": "Medication"} | ({"id": own_id} if own_id else {})


HERE, THERE = "https://ehr.example/fhir/Medication/d", "https://clinic-b.example/fhir/Medication/d"

FOUND = [
    (drug(), "Medication/d"),
    (drug(), "Medication/d/_history/3"),
    (drug(), HERE),
    (drug(), "d"),
    (drug(), "#d"),
    (drug(url=HERE), "Medication/d"),
    (drug(None, HERE), "Medication/d"),
    (drug(None, HERE), "https://EHR.example/fhir/Medication/d/_history/1"),
    (drug(url="urn:uuid:1"), "urn:uuid:1"),
    (drug(url="urn:uuid:1"), "Medication/d"),
    (drug("other", HERE), "Medication/d"),
    (drug("other", HERE), "Medication/other"),
]


@pytest.mark.parametrize(("entry", "reference"), FOUND, ids=str)
def test_a_reference_finds_a_resource_in_any_form_if_the_server_is_not_known(entry: Entry, reference: str) -> None:
    assert ReferenceIndex.of([entry, drug("x")]).find(reference) == entry


@pytest.mark.parametrize(
    ("entry", "reference"),
    [
        (drug(), "Device/d"),
        (drug(url=HERE), THERE),
        (drug(), "e"),
        (drug(), ""),
        (drug(url="urn:uuid:1"), "urn:uuid:2"),
    ],
    ids=str,
)
def test_a_reference_finds_no_other_resource(entry: Entry, reference: str) -> None:
    assert ReferenceIndex.of([entry]).find(reference) is None


def test_of_two_servers_that_are_not_known_a_relative_reference_means_neither() -> None:
    index = ReferenceIndex.of([drug(url=HERE), drug(url=THERE)])
    assert (index.find("Medication/d"), index.find(HERE), index.find(THERE)) == (
        None,
        drug(url=HERE),
        drug(url=THERE),
    )


def known(*entries: Entry) -> ReferenceIndex[Any]:
    index: ReferenceIndex[Any] = ReferenceIndex(SERVER)
    for entry in entries:
        index.add(*entry, entry)
    return index


def test_on_a_known_server_what_has_no_address_is_of_that_server() -> None:
    index = known(drug(), drug(url=THERE))
    assert [index.find(each) for each in ("Medication/d", HERE)] == [drug(), drug()]
    assert index.find(THERE) == drug(url=THERE)


def test_a_reference_in_a_resource_of_another_server_means_a_resource_there() -> None:
    index = known(drug(), drug("e"), drug(url=THERE))
    assert index.find("Medication/d", "clinic-b.example/fhir") == drug(url=THERE)
    assert index.find("Medication/e", "clinic-b.example/fhir") is None


# --- one id under several URNs ---------------------------------------------------------------------------------------


def test_a_urn_finds_the_entry_that_has_it() -> None:
    sent = [drug(url="urn:uuid:1"), ("urn:uuid:2", {**drug()[1], "status": "inactive"})]
    assert [ReferenceIndex.of(sent).find(url) for url, _ in sent] == sent


def test_an_id_that_different_resources_with_urns_share_means_neither() -> None:
    sent = [drug(url="urn:uuid:1"), ("urn:uuid:2", {**drug()[1], "status": "inactive"}), drug(url="urn:uuid:3")]
    index = ReferenceIndex.of(sent)
    assert [index.find(each) for each in ("Medication/d", HERE, "d")] == [None, None, None]


def test_an_id_that_equal_resources_with_urns_share_means_them() -> None:
    index = ReferenceIndex.of([drug(url="urn:uuid:1"), drug(url="urn:uuid:2")])
    assert index.find("Medication/d") == drug(url="urn:uuid:2")


def test_a_urn_that_two_resources_have_means_neither() -> None:
    index = ReferenceIndex.of([drug(url="urn:uuid:1"), drug("e", "urn:uuid:1")])
    assert [index.find(each) for each in ("urn:uuid:1", "Medication/e")] == [None, drug("e", "urn:uuid:1")]


@pytest.mark.parametrize("url", ["", HERE])
def test_an_id_means_the_resource_without_a_urn_before_those_with_one(url: str) -> None:
    server, others = drug(url=url), [(f"urn:uuid:{each}", {**drug()[1], "status": each}) for each in ("a", "b")]
    for sent in ([server, *others], [*others, server]):
        assert known(*sent).find("Medication/d") == server


# --- one id on two servers -------------------------------------------------------------------------------------------


def test_a_base_of_its_own_for_a_whole_type_shares_the_ids_of_the_server() -> None:
    sent = [drug(url=HERE), ("https://gateway.example/Condition/c", {"resourceType": "Condition", "id": "c"})]
    assert SERVER.sharing_ids_with(sent).bases == {"ehr.example/fhir", "gateway.example"}


def test_two_bases_in_one_type_are_two_servers() -> None:
    assert SERVER.sharing_ids_with([drug(url=HERE), drug(url=THERE)]).bases == {"ehr.example/fhir"}
    assert ChartServer().sharing_ids_with([drug(url=HERE), drug(url=THERE)]).bases == set()


def test_an_entry_of_the_same_id_without_a_full_url_makes_it_another_server() -> None:
    there = drug(url=THERE)
    other = ("", {**there[1], "status": "inactive"})
    assert SERVER.sharing_ids_with([other, there]).bases == {"ehr.example/fhir"}
    assert SERVER.sharing_ids_with([("", there[1]), there]).bases == {"ehr.example/fhir", "clinic-b.example/fhir"}


def test_urns_and_missing_full_urls_say_nothing_of_a_server() -> None:
    sent = [drug(), drug("e", "urn:uuid:1"), drug("f", THERE)]
    assert SERVER.sharing_ids_with(sent).bases == {"ehr.example/fhir", "clinic-b.example/fhir"}


def test_another_resource_of_the_same_id_with_a_urn_says_nothing_of_a_server() -> None:
    other = ("urn:uuid:1", {**drug()[1], "status": "inactive"})
    assert SERVER.sharing_ids_with([other, drug(url=THERE)]).bases == {"ehr.example/fhir", "clinic-b.example/fhir"}
