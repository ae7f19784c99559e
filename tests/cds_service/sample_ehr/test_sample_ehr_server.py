"""The sample EHR over HTTP: reads, paging, and refusals."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from cds_service.fhir_client.memory import Store
from cds_service.sample_ehr.server import create_sample_ehr
from fhir_mappings.fhir_json import loads
from fhir_mappings.validity import faults

COUNT = 23


@pytest.fixture
def store():
    entries = [
        {
            "fullUrl": f"https://sample-ehr.example/fhir/Condition/c{number}",
            "resource": {
                "resourceType": "Condition",
                "id": f"c{number}",
                "subject": {"reference": "Patient/p1" if number < COUNT else "Patient/p2"},
            },
        }
        for number in range(COUNT + 2)
    ]
    entries.append({"fullUrl": "urn:uuid:o1", "resource": loads('{"resourceType": "Observation", "value": 1.50}')})
    return Store.from_bundle({"resourceType": "Bundle", "type": "batch", "entry": entries})


@pytest.fixture
def client(store):
    return create_sample_ehr(store, page_size=10).test_client()


def body(response, status=200):
    assert response.status_code == status
    assert response.mimetype == "application/fhir+json"
    return loads(response.data)


def link(bundle, relation):
    return next((each["url"] for each in bundle["link"] if each["relation"] == relation), None)


def gather(client, url):
    seen, pages = [], 0
    while url:
        bundle = body(client.get(url))
        assert faults(bundle) == ()
        seen += [entry["resource"]["id"] for entry in bundle["entry"]]
        pages += 1
        url = link(bundle, "next")
    return seen, pages


@pytest.mark.parametrize(
    ("count", "pages"), [("", 3), ("&_count=10", 3), ("&_count=7", 4), ("&_count=23", 3), ("&_count=1", 23)]
)
def test_paging_gathers_everything_exactly_once(client, count, pages):
    assert gather(client, f"/fhir/Condition?patient=p1{count}") == ([f"c{n}" for n in range(COUNT)], pages)


def test_a_page_that_just_fits_has_no_next_link(store):
    client = create_sample_ehr(store, page_size=COUNT).test_client()
    assert link(body(client.get("/fhir/Condition?patient=p1")), "next") is None


def test_a_next_link_is_stable_and_has_no_patient_data(client):
    first, again = (link(body(client.get("/fhir/Condition?patient=p1")), "next") for _ in range(2))
    assert first == again
    assert "p1" not in first
    assert body(client.get(first)) == body(client.get(first))


def test_a_searchset_says_what_it_searched_for(client):
    bundle = body(client.get("/fhir/Condition?patient=Patient/p2&_sort=date&color=blue&_count=5"))
    assert bundle["total"] == 2
    assert parse_qsl(urlsplit(link(bundle, "self")).query) == [("patient", "Patient/p2"), ("_count", "5")]
    assert link(bundle, "self").startswith("http://localhost/fhir/Condition?")
    assert [entry["search"] for entry in bundle["entry"]] == [{"mode": "match"}] * 2
    assert bundle["entry"][0]["fullUrl"] == f"http://localhost/fhir/Condition/c{COUNT}"


def test_a_count_of_zero_only_counts(client):
    bundle = body(client.get("/fhir/Condition?_count=0"))
    assert bundle["total"] == COUNT + 2
    assert "entry" not in bundle
    assert link(bundle, "next") is None


def test_the_base_url_is_the_one_given(store):
    client = create_sample_ehr(store, base_url="https://demo.example/ehr/fhir/", page_size=2).test_client()
    bundle = body(client.get("/fhir/Condition?patient=p1"))
    assert link(bundle, "self") == "https://demo.example/ehr/fhir/Condition?patient=p1"
    assert link(bundle, "next").startswith("https://demo.example/ehr/fhir/Condition?_page=")
    assert body(client.get("/fhir/metadata"))["implementation"]["url"] == "https://demo.example/ehr/fhir"


def test_a_uuid_stays_the_full_url_and_decimals_keep_their_digits(client):
    response = client.get("/fhir/Observation")
    assert body(response)["entry"][0]["fullUrl"] == "urn:uuid:o1"
    assert b"1.50" in response.data
    assert b"1.50" in client.get("/fhir/Observation/o1").data


def test_read(client):
    assert body(client.get("/fhir/Condition/c3"))["id"] == "c3"


def test_the_base_address_says_where_to_start(client):
    for address in ("/fhir", "/fhir/"):
        assert "at /fhir/metadata" in body(client.get(address), 404)["issue"][0]["diagnostics"]


@pytest.mark.parametrize("path", ["/fhir/Condition/nothing", "/fhir/Spaceship", "/fhir/Spaceship/1", "/fhir", "/other"])
def test_a_missing_resource_is_not_found(client, path):
    outcome = body(client.get(path), 404)
    assert outcome["resourceType"] == "OperationOutcome"
    assert faults(outcome) == ()


def test_types_that_are_not_offered(store):
    client = create_sample_ehr(store, offered=["Patient", "Condition"]).test_client()
    assert body(client.get("/fhir/Condition"))["total"] == COUNT + 2
    for path in ("/fhir/Observation", "/fhir/Observation/o1"):
        assert body(client.get(path), 404)["issue"][0]["code"] == "not-found"
    offered = body(client.get("/fhir/metadata"))["rest"][0]["resource"]
    assert [each["type"] for each in offered] == ["Condition", "Patient"]


@pytest.mark.parametrize(
    "query",
    ["_count=x", "_count=-1", "recorded-date=soon", "code:in=x", "_page=x", "_page=bnVsbA==", "_page=WzEsMiwzXQ=="],
)
def test_searches_that_must_be_refused(client, query):
    outcome = body(client.get(f"/fhir/Condition?{query}"), 400)
    assert query.split("=")[0].split(":")[0] in outcome["issue"][0]["diagnostics"]


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", ["/fhir/Condition", "/fhir/Condition/c1", "/fhir/metadata"])
def test_the_server_is_read_only(client, method, path):
    response = getattr(client, method)(path, json={})
    assert body(response, 405)["issue"][0]["code"] == "not-supported"
    assert "GET" in response.headers["Allow"]


def test_the_capability_statement_names_what_a_search_honors(client):
    statement = body(client.get("/fhir/metadata"))
    assert faults(statement) == ()
    offered = {each["type"]: each for each in statement["rest"][0]["resource"]}
    names = {param["name"]: param["type"] for param in offered["QuestionnaireResponse"]["searchParam"]}
    assert names["questionnaire"] == names["patient"] == "reference"
    assert names["authored"] == "date"
    assert names["_id"] == names["status"] == "token"


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic secret", "secret", "Bearer sécret"])
@pytest.mark.parametrize("path", ["/fhir/Condition", "/fhir/Condition/c1", "/fhir/Spaceship"])
def test_the_server_answers_nothing_without_the_token(store, path, header):
    client = create_sample_ehr(store, token="secret").test_client()
    response = client.get(path, headers={"Authorization": header} if header else {})
    assert body(response, 401)["issue"][0]["code"] == "login"
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_server_answers_with_the_token(store):
    client = create_sample_ehr(store, token="secret").test_client()
    assert body(client.get("/fhir/Condition/c1", headers={"Authorization": "Bearer secret"}))["id"] == "c1"
    assert body(client.get("/fhir/metadata"))["resourceType"] == "CapabilityStatement"


def test_browsers_may_read_it_from_anywhere(store):
    client = create_sample_ehr(store, token="secret").test_client()
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
    preflight = client.options("/fhir/Condition", headers=asked | {"Access-Control-Request-Headers": "authorization"})
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Headers"].lower() == "authorization"
    for response in (preflight, client.get("/fhir/Condition", headers=asked)):
        assert response.headers["Access-Control-Allow-Origin"] in ("*", "https://app.example")
