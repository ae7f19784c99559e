"""Bodies over a limit, and bodies that two parsers would read differently, are refused quickly and with their path."""

import gzip
import http.client
import json
import time
import tracemalloc
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.hooks.errors import RefusedError
from cds_service.http.request_body import MAX_STRING_LENGTH, MAX_VALUES, read_body
from cds_service.wiring.serving import on_loopback
from coverage_policies.format.searches import CONDITIONS
from tests.support.hook_fakes import PATIENT, Service, WatchingAssessor, call

URL = "/cds-services/coverage-order-sign"
MARK = "Xanthippe"
READ = {"patient": PATIENT, "coverage": None, "conditions": None}


def sent(service: Service, body: bytes | str, **headers: str) -> Any:
    """Return the response to this body."""
    return service.client.post(URL, data=body, content_type="application/json", headers=headers)


def refused(response: Any) -> tuple[int, str, str, str]:
    """Return status, code, path, and message of an error with one issue."""
    assert response.json["resourceType"] == "OperationOutcome"
    (issue,) = response.json["issue"]
    return response.status_code, issue["code"], issue.get("expression", [""])[0], issue["diagnostics"]


@pytest.mark.requirement("7.116", "7.113")
@pytest.mark.parametrize(
    ("body", "place"),
    [
        ('{"hook": "order-sign", "hook": "order-select"}', ""),
        ('{"context": {"patientId": "a", "userId": "b", "patientId": "c"}}', "context"),
        (
            '{"context": {"draftOrders": {"entry": [{}, {"resource": {"id": 1, "id": 1}}]}}}',
            "context.draftOrders.entry[1].resource",
        ),
        ('{"prefetch": {"Xanthippe": {"x": [{"a": 1, "a": 1}]}}}', "prefetch"),
        ('{"prefetch": {"Xanthippe": 1, "Xanthippe": 2}}', "prefetch"),
        ('[{"Xanthippe": 1, "Xanthippe": 1}]', ""),
        (r'{"hook": 1, "\u0068ook": 2}', ""),
    ],
)
def test_a_duplicate_member_is_refused_with_its_path(service: Service, body: str, place: str) -> None:
    status, code, where, says = refused(sent(service, body))
    assert (status, code, where) == (400, "structure", place)
    assert "twice" in says
    assert MARK not in says


names = st.sampled_from(["a", "b", ":", "a:", '"', "\\", r"\u003a", "é"])
documents = st.recursive(
    names | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(names, inner), max_size=3).map(tuple),
)


def written(document: Any, colon: str) -> str:
    """Return a document as JSON, its colons in strings so; a tuple of pairs is an object, maybe with a member twice."""
    if isinstance(document, tuple):
        return "{" + ",".join(f"{written(name, colon)}:{written(each, colon)}" for name, each in document) + "}"
    if isinstance(document, list):
        return "[" + ",".join(written(each, colon) for each in document) + "]"
    return json.dumps(document).replace(":", colon)


def has_duplicate(document: Any) -> bool:
    """Return whether an object in it has a member twice."""
    if isinstance(document, tuple):
        return len({name for name, _ in document}) < len(document) or any(has_duplicate(each) for _, each in document)
    return isinstance(document, list) and any(map(has_duplicate, document))


@given(documents, st.sampled_from([":", r"\u003a", r"\u003A"]))
def test_a_duplicate_member_is_found_whatever_colons_there_are(document: Any, colon: str) -> None:
    body = written(document, colon).encode()
    if has_duplicate(document):
        with pytest.raises(RefusedError) as found:
            read_body(body)
        assert "twice" in found.value.issues[0].diagnostics
    else:
        read_body(body)


@pytest.mark.requirement("7.20", "7.116")
@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "line 1, column 1"),
        (b'{\n "a": NaN}', "line 2, column 7"),
        (b'{"a": -Infinity}', "line 1, column 7"),
        (b'{"a": "\xff"}', "Byte 8"),
        (b'{"a": "\xed\xa0\x80"}', "Byte 8"),
        (b"\xff\xfe{\x00}\x00", "Byte 1"),
        (b'{"a": 1,}', "line 1, column"),
        (b"{'a': 1}", "line 1, column 2"),
        (b'{"a": 01}', "line 1, column 8"),
        (b'{"a": 1} {"b": 2}', "line 1, column 10"),
        (b'{"a": "\x01"}', "line 1, column 8"),
        (b"// no\n{}", "line 1, column 1"),
        (b'{"a": ' + b"9" * 5000 + b"}", "number"),
    ],
)
def test_invalid_json_is_refused_with_its_line_and_column(service: Service, body: bytes, says: str) -> None:
    status, code, _, said = refused(sent(service, body))
    assert (status, code) == (400, "structure")
    assert says in said


def nested(depth: int) -> Any:
    """Return arrays nested in arrays."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.requirement("7.116")
def test_deep_nesting_is_refused_with_its_path(service: Service) -> None:
    request = call(prefetch=READ)
    request["context"]["draftOrders"]["entry"][0]["resource"]["note"] = nested(200)
    status, code, where, _ = refused(sent(service, json.dumps(request)))
    assert (status, code, where) == (400, "structure", "context.draftOrders.entry[0].resource")
    request["context"]["draftOrders"]["entry"][0]["resource"]["note"] = nested(90)
    assert sent(service, json.dumps(request)).status_code == 200


@pytest.mark.requirement("7.115")
@pytest.mark.slow
def test_a_string_longer_than_fhir_allows_is_refused(service: Service) -> None:
    request = call(prefetch=READ)
    request["context"]["draftOrders"]["entry"][0]["resource"]["note"] = [{"text": "x" * (MAX_STRING_LENGTH + 1)}]
    status, code, where, _ = refused(sent(service, json.dumps(request)))
    assert (status, code, where) == (413, "too-long", "context.draftOrders.entry[0].resource")
    request["context"]["draftOrders"]["entry"][0]["resource"]["note"] = [{"text": "x" * MAX_STRING_LENGTH}]
    assert sent(service, json.dumps(request)).status_code == 200


@pytest.mark.requirement("7.115")
def test_too_many_orders_are_refused() -> None:
    service = Service(WatchingAssessor(CONDITIONS), max_orders=3)
    request = call(prefetch=READ)
    request["context"]["draftOrders"]["entry"] *= 3
    assert sent(service, json.dumps(request)).status_code == 200
    request["context"]["draftOrders"]["entry"] += [None]
    assert refused(sent(service, json.dumps(request)))[:3] == (413, "too-long", "context.draftOrders.entry")


@pytest.mark.requirement("7.115")
@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "identity, gzip", "GZIP"])
def test_a_compressed_body_is_not_unpacked(service: Service, coding: str) -> None:
    response = sent(service, gzip.compress(json.dumps(call(prefetch=READ)).encode()), **{"Content-Encoding": coding})
    assert refused(response)[:3] == (415, "not-supported", "Content-Encoding")
    assert response.headers["Accept-Encoding"] == "identity"


def test_a_body_that_says_it_is_not_compressed_is_read(service: Service) -> None:
    response = sent(service, json.dumps(call(prefetch=READ)), **{"Content-Encoding": "identity"})
    assert response.status_code == 200


BOMBS = {
    "arrays": b"[" * 2_000_000,
    "objects": b'{"a":' * 400_000,
    "closed arrays": b"[" * 900_000 + b"]" * 900_000,
    "empty objects": b"[" + b"{}," * 600_000 + b"{}]",
    "numbers": b"[" + b"1e999999999," * 150_000 + b"1]",
    "digits": b"[" + (b"9" * 4200 + b",") * 400 + b"1]",
    "one long string": b'"' + b"x" * 1_900_000 + b'"',
    "escapes": b'"' + rb"\u0000" * 300_000 + b'"',
    "members": b"{" + b",".join(b'"k%d":1' % n for n in range(150_000)) + b"}",
    "the same member": b"{" + b",".join([b'"k":1'] * 250_000) + b"}",
    "colliding members": json.dumps({str(n * (2**61 - 1)): 0 for n in range(60_000)}).encode(),
    "entries": json.dumps(
        call() | {"prefetch": {"conditions": {"resourceType": "Bundle", "entry": [{}] * 400_000}}}
    ).encode(),
    "selections": json.dumps({"hook": "order-sign", "context": {"selections": ["a"] * 400_000}}).encode(),
    "wrong selections": json.dumps({"hook": "order-sign", "context": {"selections": [1] * 400_000}}).encode(),
}


@pytest.mark.requirement("7.115", "7.116")
@pytest.mark.parametrize("name", BOMBS)
def test_two_megabytes_of_anything_are_refused_quickly(service: Service, name: str) -> None:
    started = time.perf_counter()
    response = sent(service, BOMBS[name])
    taken = time.perf_counter() - started
    assert response.status_code in (400, 413)
    assert taken < 3


@pytest.mark.requirement("7.116")
@pytest.mark.parametrize("name", ["empty objects", "numbers", "members", "escapes"])
def test_the_memory_for_a_body_is_bounded(service: Service, name: str) -> None:
    body = BOMBS[name][:200_000]
    tracemalloc.start()
    sent(service, body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 * len(body)


@pytest.mark.requirement("7.115")
def test_too_many_objects_are_refused_before_parsing(service: Service) -> None:
    started = time.perf_counter()
    assert refused(sent(service, b"[" + b"{}," * 3_000_000 + b"{}]"))[:3] == (413, "too-long", "")
    assert time.perf_counter() - started < 1


@pytest.mark.requirement("7.115")
def test_too_many_values_are_refused_before_they_are_made(service: Service) -> None:
    body = json.dumps(call(prefetch=READ | {"more": 0}))
    commas = MAX_VALUES - body.count(",")
    at_limit, beyond = (body.replace('"more": 0', f'"more": [{"0," * n}0]') for n in (commas, commas + 1))
    assert sent(service, at_limit).status_code == 200
    assert refused(sent(service, beyond))[:3] == (413, "too-long", "")


@pytest.mark.requirement("7.115")
def test_a_body_of_unknown_length_is_cut_off_at_the_limit() -> None:
    service = Service(WatchingAssessor(CONDITIONS), max_body_bytes=10_000)
    with on_loopback(service.app) as address:
        parts = urlsplit(address)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        chunks = (b" " * 1000 for _ in range(100))
        connection.request("POST", URL, body=chunks, headers={"Content-Type": "application/json"}, encode_chunked=True)
        response = connection.getresponse()
        assert response.status == 413
        assert json.loads(response.read())["resourceType"] == "OperationOutcome"
        connection.close()


def test_a_valid_body_is_read_digit_for_digit() -> None:
    assert str(read_body(b'{"a": [1.10, 1E2]}')) == "{'a': [Decimal('1.10'), Decimal('1E+2')]}"


@pytest.mark.requirement("7.115")
def test_too_many_selections_are_refused() -> None:
    service = Service(WatchingAssessor(CONDITIONS), max_orders=3)
    request = call(hook="order-select", prefetch=READ)
    request["context"]["selections"] = ["ServiceRequest/1"] * 4
    assert refused(sent(service, json.dumps(request)))[:3] == (413, "too-long", "context.selections")
