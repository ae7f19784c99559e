"""What an access token of the sample EHR reads and writes."""

import pytest

from cds_service.fhir_client.memory import Store
from cds_service.sample_ehr.charts import Charts, ChartsFullError
from cds_service.sample_ehr.patients import sample_store
from cds_service.sample_ehr.server import create_sample_ehr
from cds_service.sample_ehr.smart.bounded import Bounded
from cds_service.sample_ehr.smart.scopes import allows
from cds_service.sample_ehr.writing import MAX_BYTES
from fhir_mappings.fhir_json import dumps, loads
from fhir_mappings.validity import faults
from tests.support.sample_ehr_launches import BASE, OTHER, PATIENT, Ehr

STATIC = {"Authorization": "Bearer static"}
FORMS = "/fhir/QuestionnaireResponse"


@pytest.fixture
def ehr():
    return Ehr()


@pytest.fixture
def bearer(ehr):
    return ehr.bearer()


def form(patient_id=PATIENT, **changed):
    return {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "subject": {"reference": f"Patient/{patient_id}"},
        "questionnaire": "https://payer.example/fhir/Questionnaire/CP.MP.173|2024-01.1",
        "authored": "2026-03-02T12:00:00Z",
    } | changed


def body(response, status=200):
    assert response.status_code == status, response.text
    assert response.mimetype == "application/fhir+json"
    if status >= 400:
        assert faults(response.json) == ()
        assert response.json["resourceType"] == "OperationOutcome"
    return response.json


def ids(response):
    return {entry["resource"]["id"] for entry in body(response).get("entry", [])}


def test_a_token_reads_the_launched_patient_and_the_people_of_the_chart(ehr, bearer):
    assert ids(ehr.http.get("/fhir/Patient", headers=bearer)) == {PATIENT}
    found = ehr.http.get(f"/fhir/Condition?patient={PATIENT}&_count=50", headers=bearer)
    assert body(found)["total"] > 0
    assert ids(found) == ids(ehr.http.get(f"/fhir/Condition?patient={PATIENT}", headers=STATIC))
    assert body(ehr.http.get("/fhir/Practitioner/sample-pain-physician", headers=bearer))["active"] is True
    assert body(ehr.http.get("/fhir/Organization/sample-health-plan", headers=bearer))


def test_a_search_without_a_patient_finds_only_the_launched_one(ehr, bearer):
    found = body(ehr.http.get("/fhir/Condition", headers=bearer))
    everyones = body(ehr.http.get("/fhir/Condition", headers=STATIC))
    assert 0 < found["total"] < everyones["total"]
    assert {entry["resource"]["subject"]["reference"] for entry in found["entry"]} == {f"Patient/{PATIENT}"}


@pytest.mark.parametrize(
    "path",
    [
        f"/fhir/Patient/{OTHER}",
        f"/fhir/Patient?_id={OTHER}",
        f"/fhir/Condition?patient={OTHER}",
        f"/fhir/Condition?subject=Patient/{PATIENT},Patient/{OTHER}",
        f"/fhir/Condition?patient:Patient={BASE}/Patient/{OTHER}",
        f"/fhir/Coverage?beneficiary=Patient/{OTHER}",
        "/fhir/Condition/{other}",
    ],
)
def test_the_data_of_another_patient_are_refused(ehr, bearer, path):
    other = body(ehr.http.get(f"/fhir/Condition?patient={OTHER}", headers=STATIC))["entry"][0]["resource"]["id"]
    assert body(ehr.http.get(path.format(other=other), headers=bearer), 403)["issue"][0]["code"] == "forbidden"


def test_a_next_link_of_another_patient_is_refused(ehr, bearer):
    found = body(ehr.http.get(f"/fhir/Condition?patient={OTHER}&_count=1", headers=STATIC))
    (following,) = [link["url"] for link in found["link"] if link["relation"] == "next"]
    body(ehr.http.get(following, headers=bearer), 403)


def test_the_static_token_still_reads_everything_and_writes_nothing(ehr):
    assert body(ehr.http.get("/fhir/Patient", headers=STATIC))["total"] > 1
    assert body(ehr.http.post(FORMS, json=form(), headers=STATIC), 403)


@pytest.mark.parametrize(("seconds", "status"), [(3599, 200), (3600, 401)])
def test_a_token_expires_after_an_hour(ehr, bearer, seconds, status):
    ehr.clock.advance(seconds)
    body(ehr.http.get(f"/fhir/Patient/{PATIENT}", headers=bearer), status)


def test_the_lifetime_of_a_token_can_be_set():
    ehr = Ehr(token_seconds=1)
    bearer = ehr.bearer()
    body(ehr.http.get(f"/fhir/Patient/{PATIENT}", headers=bearer))
    ehr.clock.advance(1)
    body(ehr.http.post(FORMS, json=form(), headers=bearer), 401)


def test_a_token_is_not_accepted_in_another_form(ehr, bearer):
    token = bearer["Authorization"].removeprefix("Bearer ")
    body(ehr.http.get("/fhir/Patient", headers={"Authorization": token}), 401)


def test_a_server_without_a_static_token_reads_openly_but_ignores_no_expired_token(ehr):
    client = create_sample_ehr(sample_store(None), smart=ehr.smart).test_client()
    assert body(client.get("/fhir/Patient"))["total"] > 1
    body(client.get("/fhir/Patient", headers={"Authorization": "Bearer None"}), 401)
    body(client.post(FORMS, json=form()), 403)


@pytest.mark.parametrize(
    ("scope", "resource_type", "letter", "is_allowed"),
    [
        ("patient/*.rs", "Condition", "s", True),
        ("patient/*.r", "Condition", "s", False),
        ("patient/*.s", "Condition", "r", False),
        ("patient/*.read", "Condition", "r", True),
        ("patient/Observation.rs", "Observation", "r", True),
        ("patient/Observation.rs", "Condition", "r", False),
        ("launch", "Condition", "r", False),
        ("launch", "Practitioner", "r", True),
        ("launch", "Practitioner", "u", False),
        ("patient/*.rs", "QuestionnaireResponse", "c", False),
        ("user/QuestionnaireResponse.c", "QuestionnaireResponse", "c", True),
        ("user/QuestionnaireResponse.c", "QuestionnaireResponse", "u", False),
        ("user/QuestionnaireResponse.cu", "QuestionnaireResponse", "u", True),
        ("user/QuestionnaireResponse.cu", "QuestionnaireResponse", "r", False),
        ("user/QuestionnaireResponse.write", "QuestionnaireResponse", "u", True),
        ("user/QuestionnaireResponse.", "QuestionnaireResponse", "c", False),
        ("user/QuestionnaireResponse.uc", "QuestionnaireResponse", "c", False),
    ],
)
def test_scopes_of_both_versions(scope, resource_type, letter, is_allowed):
    assert allows([scope], resource_type, letter) is is_allowed


@pytest.mark.parametrize("scope", ["launch patient/Observation.rs", "launch patient/Observation.read"])
def test_a_scope_for_one_type_opens_only_that_type(ehr, scope):
    bearer = ehr.bearer(scope=scope)
    body(ehr.http.get("/fhir/Observation", headers=bearer))
    body(ehr.http.get("/fhir/Condition", headers=bearer), 403)
    own = body(ehr.http.get(f"/fhir/Condition?patient={PATIENT}", headers=STATIC))["entry"][0]["resource"]["id"]
    body(ehr.http.get(f"/fhir/Condition/{own}", headers=bearer), 403)


def test_a_written_form_is_stored_and_found(ehr, bearer):
    response = ehr.http.post(FORMS, json=form(id="mine", meta={"profile": ["p"]}), headers=bearer)
    stored = body(response, 201)
    assert stored["id"] != "mine"
    assert response.headers["Location"] == f"{BASE}/QuestionnaireResponse/{stored['id']}"
    assert response.headers["ETag"] == 'W/"1"'
    assert stored["meta"] == {"profile": ["p"], "versionId": "1", "lastUpdated": "2026-03-02T12:00:00.000+00:00"}
    assert faults(stored) == ()
    for headers in (bearer, STATIC):
        assert body(ehr.http.get(f"{FORMS}/{stored['id']}", headers=headers)) == stored
        assert stored["id"] in ids(ehr.http.get(f"{FORMS}?patient={PATIENT}", headers=headers))
    assert stored["id"] not in ids(ehr.http.get(f"{FORMS}?patient={OTHER}", headers=STATIC))


def test_a_written_form_keeps_its_decimals(ehr, bearer):
    answered = dumps(form())[:-1] + ', "item": [{"linkId": "a", "answer": [{"valueDecimal": 1.50}]}]}'
    written = ehr.http.post(FORMS, data=answered, headers=bearer, content_type="application/fhir+json")
    assert b"1.50" in written.data
    assert b"1.50" in ehr.http.get(f"{FORMS}?patient={PATIENT}", headers=STATIC).data


def test_a_form_is_found_under_each_address_of_the_server(ehr, bearer):
    stored = body(ehr.http.post(FORMS, json=form(), headers=bearer), 201)
    elsewhere = {"base_url": "http://127.0.0.1:8080"}
    assert stored["id"] in ids(ehr.http.get(f"{FORMS}?patient={PATIENT}", headers=bearer, **elsewhere))
    assert body(ehr.http.get(f"{FORMS}/{stored['id']}", headers=bearer, **elsewhere)) == stored


@pytest.mark.parametrize("subject", [f"Patient/{PATIENT}", f"{BASE}/Patient/{PATIENT}"])
def test_the_subject_may_be_relative_or_absolute(ehr, bearer, subject):
    stored = body(ehr.http.post(FORMS, json=form(subject={"reference": subject}), headers=bearer), 201)
    assert stored["id"] in ids(ehr.http.get(f"{FORMS}?patient={PATIENT}", headers=bearer))


def test_an_update_replaces_the_form_and_counts_its_versions(ehr, bearer):
    stored = body(ehr.http.post(FORMS, json=form(status="in-progress"), headers=bearer), 201)
    ehr.clock.advance(5)
    path = f"{FORMS}/{stored['id']}"
    updated = ehr.http.put(path, json=stored | {"status": "completed"}, headers=bearer | {"If-Match": 'W/"1"'})
    assert body(updated)["status"] == "completed"
    assert updated.json["meta"] == {"versionId": "2", "lastUpdated": "2026-03-02T12:00:05.000+00:00"}
    assert "Location" not in updated.headers
    found = ehr.http.get(f"{FORMS}?patient={PATIENT}&_id={stored['id']}", headers=STATIC)
    assert body(found)["total"] == 1
    assert body(found)["entry"][0]["resource"] == updated.json


@pytest.mark.parametrize(
    ("if_match", "status"),
    [('W/"1"', 200), ('"1"', 200), (None, 200), ('W/"2"', 412), ('W/"0"', 412), ('W/""', 412), ("1", 400), ("*", 400)],
)
def test_an_update_checks_the_version_that_if_match_names(ehr, bearer, if_match, status):
    stored = body(ehr.http.post(FORMS, json=form(), headers=bearer), 201)
    headers = bearer | ({"If-Match": if_match} if if_match else {})
    body(ehr.http.put(f"{FORMS}/{stored['id']}", json=stored, headers=headers), status)
    version = body(ehr.http.get(f"{FORMS}/{stored['id']}", headers=bearer))["meta"]["versionId"]
    assert version == ("2" if status == 200 else "1")


def test_an_update_creates_a_form_under_the_id_of_the_client(ehr, bearer):
    created = ehr.http.put(f"{FORMS}/draft-1", json=form(id="draft-1"), headers=bearer)
    assert body(created, 201)["id"] == "draft-1"
    assert created.headers["Location"] == f"{BASE}/QuestionnaireResponse/draft-1"
    body(ehr.http.put(f"{FORMS}/draft-1", json=form(id="draft-1"), headers=bearer), 200)


def test_if_match_creates_nothing(ehr, bearer):
    headers = bearer | {"If-Match": 'W/"1"'}
    body(ehr.http.put(f"{FORMS}/draft-1", json=form(id="draft-1"), headers=headers), 412)
    body(ehr.http.get(f"{FORMS}/draft-1", headers=bearer), 404)


def test_a_form_of_the_chart_can_be_edited(ehr, bearer):
    before = body(ehr.http.get(f"{FORMS}?patient={PATIENT}", headers=bearer))
    form_id = before["entry"][0]["resource"]["id"]
    edited = before["entry"][0]["resource"] | {"status": "amended"}
    assert body(ehr.http.put(f"{FORMS}/{form_id}", json=edited, headers=bearer))["meta"]["versionId"] == "2"
    after = body(ehr.http.get(f"{FORMS}?patient={PATIENT}", headers=bearer))
    assert after["total"] == before["total"]
    statuses = {entry["resource"]["id"]: entry["resource"]["status"] for entry in after["entry"]}
    assert statuses[form_id] == "amended"


def test_a_form_of_another_patient_cannot_be_replaced(ehr, bearer):
    foreign = body(ehr.http.post(FORMS, json=form(OTHER), headers=ehr.bearer(patient_id=OTHER)), 201)
    path = f"{FORMS}/{foreign['id']}"
    body(ehr.http.put(path, json=form(id=foreign["id"]), headers=bearer), 403)
    body(ehr.http.get(path, headers=bearer), 403)
    assert body(ehr.http.get(path, headers=STATIC)) == foreign


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"{", 400),
        (b"\xff", 400),
        (b"[]", 422),
        (b'{"resourceType": "Observation"}', 422),
        (dumps(form(status="done")).encode(), 422),
        (dumps(form(status=None)).encode(), 422),
        (dumps(form(authored="yesterday")).encode(), 422),
        (dumps(form(OTHER)).encode(), 422),
        (dumps(form(subject={"display": "somebody"})).encode(), 422),
        (dumps(form(subject={"reference": f"https://other.example/fhir/Patient/{PATIENT}"})).encode(), 422),
        (dumps(form(language="x" * MAX_BYTES)).encode(), 413),
    ],
)
def test_a_body_that_is_no_form_of_the_patient_is_refused(ehr, bearer, sent, status):
    before = body(ehr.http.get(FORMS, headers=STATIC))["total"]
    body(ehr.http.post(FORMS, data=sent, headers=bearer, content_type="application/fhir+json"), status)
    assert body(ehr.http.get(FORMS, headers=STATIC))["total"] == before


def test_a_body_of_another_type_of_content_is_refused(ehr, bearer):
    body(ehr.http.post(FORMS, data=dumps(form()), headers=bearer, content_type="text/plain"), 415)


@pytest.mark.parametrize(("path_id", "body_id"), [("a", "b"), ("a", None), ("a_b", "a_b"), ("x" * 65, "x" * 65)])
def test_an_update_under_a_wrong_id_is_refused(ehr, bearer, path_id, body_id):
    sent = form() if body_id is None else form(id=body_id)
    assert ehr.http.put(f"{FORMS}/{path_id}", json=sent, headers=bearer).status_code in (400, 422)
    body(ehr.http.get(f"{FORMS}/{path_id}", headers=STATIC), 404)


def test_writing_needs_a_scope(ehr):
    bearer = ehr.bearer(scope="openid launch patient/*.rs")
    assert body(ehr.http.post(FORMS, json=form(), headers=bearer), 403)["issue"][0]["code"] == "forbidden"
    body(ehr.http.put(f"{FORMS}/draft-1", json=form(id="draft-1"), headers=bearer), 403)


def test_create_and_update_are_separate_permissions(ehr):
    bearer = ehr.bearer(scope="launch user/QuestionnaireResponse.c")
    body(ehr.http.post(FORMS, json=form(), headers=bearer), 201)
    body(ehr.http.put(f"{FORMS}/draft-1", json=form(id="draft-1"), headers=bearer), 403)


def test_a_server_that_refuses_writes_grants_the_scope_and_answers_403():
    ehr = Ehr(refuses_writes=True)
    body(ehr.http.post(FORMS, json=form(), headers=ehr.bearer()), 403)
    offered = ehr.http.get("/fhir/metadata").json["rest"][0]["resource"]
    assert not [each for each in offered if {"code": "create"} in each["interaction"]]


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_other_types_stay_read_only(ehr, bearer, method):
    body(getattr(ehr.http, method)("/fhir/Condition/c1", json={}, headers=bearer), 405)


def test_a_written_resource_stands_for_the_one_that_it_replaces():
    charts = Charts(Store([("", form(id="f1", status="in-progress"))]))
    charts.write(BASE, form(id="f1"), updated="2026-03-02T12:00:00Z")
    assert [resource["status"] for _, resource in charts.all_entries()] == ["completed"]


def test_the_number_of_written_resources_is_bounded():
    charts = Charts(Store(()), most=2)
    for number in (1, 2, 2):
        charts.write(BASE, loads(dumps(form(id=f"f{number}"))), updated="2026-03-02T12:00:00Z")
    with pytest.raises(ChartsFullError):
        charts.write(BASE, form(id="f3"), updated="2026-03-02T12:00:00Z")
    assert len(charts.all_entries()) == 2


def test_what_the_authorization_server_keeps_is_bounded():
    bounded: Bounded[str] = Bounded(most=2)
    for key in "abc":
        bounded.put(key, key)
    assert [bounded.get(key) for key in "abc"] == [None, "b", "c"]
