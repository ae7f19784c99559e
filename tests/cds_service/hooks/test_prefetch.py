"""The forms of a prefetch value, and how often the FHIR server is queried for each."""

from typing import Any

import pytest

from coverage_policies.format.searches import CONDITIONS, PROCEDURES, Search
from fhir_mappings.record import Availability
from tests.support.hook_fakes import PATIENT, FakeEhr, Service, WatchingAssessor, bundle, call, condition, outcome

COMPLETE, UNAVAILABLE = Availability.COMPLETE, Availability.UNAVAILABLE
READ = {"patient": PATIENT, "coverage": bundle()}
ABSENT = object()


def sent(value: Any, **members: Any) -> dict[str, Any]:
    """Return a call with patient and coverage in prefetch, and this value under the key for conditions."""
    prefetch = dict(READ) if value is ABSENT else READ | {"conditions": value}
    return call(prefetch=prefetch, **members)


def seen(judge: WatchingAssessor) -> tuple[list[str], Availability]:
    """Return the ids of the conditions in the record, and the availability of their search."""
    record = judge.records[-1]
    return [str(one["id"]) for one in record.of_type("Condition")], record.availability("Condition")


ROWS = [
    ("key absent", ABSENT, ["asked"], COMPLETE, 1),
    ("null", None, [], COMPLETE, 0),
    ("empty Bundle", bundle(), [], COMPLETE, 0),
    ("Bundle without the member entry", {"resourceType": "Bundle"}, [], COMPLETE, 0),
    ("Bundle whose entry is null", {"resourceType": "Bundle", "entry": None}, [], COMPLETE, 0),
    ("a resource alone, which may be one of several", condition("1"), ["1"], UNAVAILABLE, 0),
    ("Bundle", bundle(condition("1"), condition("2")), ["1", "2"], COMPLETE, 0),
    ("Bundle with the total it holds", bundle(condition("1"), total=1), ["1"], COMPLETE, 0),
    ("Bundle with fewer entries than its total", bundle(condition("1"), total=2), ["1"], UNAVAILABLE, 0),
    ("OperationOutcome", outcome(), [], UNAVAILABLE, 0),
    ("error within a Bundle", bundle(condition("1"), outcome()), ["1"], UNAVAILABLE, 0),
    ("fatal error within a Bundle", bundle(outcome(severity="fatal")), [], UNAVAILABLE, 0),
    ("warning of missing data", bundle(condition("1"), outcome(severity="warning")), ["1"], UNAVAILABLE, 0),
    ("remark within a Bundle", bundle(condition("1"), outcome("processing", "warning")), ["1"], COMPLETE, 0),
    (
        "unreadable entry",
        {"resourceType": "Bundle", "entry": [None, {"resource": condition("1")}]},
        ["1"],
        UNAVAILABLE,
        0,
    ),
    ("another patient's resource", bundle(condition("1", "p-2")), [], COMPLETE, 0),
    (
        "one other patient's beside ours",
        bundle(condition("1", "p-2"), condition("2", "p-2"), condition("3")),
        ["3"],
        COMPLETE,
        0,
    ),
    ("resources of several others", bundle(condition("1", "p-2"), condition("2", "p-3")), [], COMPLETE, 0),
    ("nothing but one other patient's", bundle(condition("1", "p-2"), condition("2", "p-2")), [], UNAVAILABLE, 0),
    ("text", "none", ["asked"], COMPLETE, 1),
    ("number", 0, ["asked"], COMPLETE, 1),
    ("list", [condition("1")], ["asked"], COMPLETE, 1),
    ("empty object", {}, ["asked"], COMPLETE, 1),
    ("resource of another type", {"resourceType": "Patient", "id": "p-1"}, ["asked"], COMPLETE, 1),
    ("Bundle whose entry is an object", {"resourceType": "Bundle", "entry": {}}, ["asked"], COMPLETE, 1),
]


@pytest.mark.requirement("7.41", "7.42", "7.44", "7.45", "7.46", "7.49", "7.54")
@pytest.mark.parametrize(
    ("value", "ids", "availability", "queries"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_a_prefetch_value_is_data_none_or_a_failure(
    ehr: FakeEhr, value: Any, ids: list[str], availability: Availability, queries: int
) -> None:
    judge = WatchingAssessor(CONDITIONS)
    ehr.answers["Condition"] = (200, bundle(condition("asked")))
    response = Service(judge).post(sent(value, fhirServer=ehr.base))
    assert response.status_code == 200
    assert seen(judge) == (ids, availability)
    assert ehr.asked_for("Condition") == queries == len(ehr.asked)


@pytest.mark.parametrize(
    "value", [ABSENT, "none", bundle(condition("1"), link=[{"relation": "next", "url": "http://e/2"}])]
)
def test_missing_prefetch_is_unavailable_without_a_server(value: Any) -> None:
    judge = WatchingAssessor(CONDITIONS)
    assert Service(judge).post(sent(value)).status_code == 200
    assert seen(judge)[1] is UNAVAILABLE


@pytest.mark.requirement("7.47")
def test_the_next_pages_of_a_prefetched_bundle_are_read(ehr: FakeEhr) -> None:
    judge = WatchingAssessor(CONDITIONS)
    ehr.answers["Condition"] = (200, bundle(condition("2")))
    first = bundle(condition("1"), total=2, link=[{"relation": "next", "url": f"{ehr.base}/Condition?page=2"}])
    Service(judge).post(sent(first, fhirServer=ehr.base))
    assert seen(judge) == (["1", "2"], COMPLETE)
    assert ehr.asked == ["fhir/Condition?page=2"]


@pytest.mark.requirement("7.47")
def test_a_next_page_on_another_server_is_not_read_and_the_first_is_kept(ehr: FakeEhr) -> None:
    judge = WatchingAssessor(CONDITIONS)
    first = bundle(condition("1"), link=[{"relation": "next", "url": "http://127.0.0.1:1/fhir/Condition?page=2"}])
    Service(judge).post(sent(first, fhirServer=ehr.base))
    assert seen(judge) == (["1"], UNAVAILABLE)
    assert ehr.asked == []


@pytest.mark.requirement("7.51")
def test_unknown_prefetch_keys_are_ignored(service: Service, judge: WatchingAssessor) -> None:
    response = service.post(
        sent(bundle(), invented=1) | {"prefetch": READ | {"conditions": None, "invented": [condition("9")]}}
    )
    assert response.status_code == 200
    assert seen(judge)[0] == []


def test_a_type_is_as_available_as_the_worst_of_its_searches() -> None:
    judge = WatchingAssessor(
        CONDITIONS, Search("Condition", "problems", (("category", "problem-list-item"),)), PROCEDURES
    )
    prefetch = READ | {"conditions": bundle(condition("1")), "problems": outcome(), "procedures": None}
    Service(judge).post(call(prefetch=prefetch))
    assert seen(judge) == (["1"], UNAVAILABLE)
    assert judge.records[-1].availability("Procedure") is COMPLETE


def test_a_resource_found_by_two_searches_is_there_once() -> None:
    judge = WatchingAssessor(CONDITIONS, Search("Condition", "problems"))
    Service(judge).post(
        call(prefetch=READ | {"conditions": bundle(condition("1")), "problems": bundle(condition("1"))})
    )
    assert seen(judge) == (["1"], COMPLETE)


@pytest.mark.requirement("7.48")
@pytest.mark.parametrize("prefetch", [{}, {"conditions": outcome()}, {"conditions": "none"}, {"invented": bundle()}])
def test_a_call_with_nothing_readable_gives_412(prefetch: dict[str, Any]) -> None:
    response = Service(WatchingAssessor(CONDITIONS)).post(call(prefetch=prefetch))
    assert response.status_code == 412
    assert response.json["issue"][0]["code"] == "incomplete"


def test_an_order_that_decides_itself_needs_no_chart() -> None:
    response = Service(WatchingAssessor(CONDITIONS, settled=True)).post(call())
    assert (response.status_code, len(response.json["cards"])) == (200, 1)


@pytest.mark.requirement("7.48", "7.49")
@pytest.mark.parametrize("prefetch", [{"patient": PATIENT}, {"coverage": None}, {"conditions": None}])
def test_one_successful_search_is_enough(prefetch: dict[str, Any]) -> None:
    assert Service(WatchingAssessor(CONDITIONS)).post(call(prefetch=prefetch)).status_code == 200


ALL_NULL = {"patient": None, "coverage": None, "conditions": None}


def test_a_client_that_sends_null_for_the_patient_sends_it_for_failures_so_everything_is_queried(ehr: FakeEhr) -> None:
    judge = WatchingAssessor(CONDITIONS)
    ehr.answers["Condition"] = (200, bundle(condition("asked")))
    assert Service(judge).post(call(fhirServer=ehr.base, prefetch=ALL_NULL)).status_code == 200
    assert seen(judge) == (["asked"], COMPLETE)
    assert ehr.asked_for("Coverage") == 1


def test_null_for_the_patient_leaves_the_other_nulls_unread_without_a_server() -> None:
    judge = WatchingAssessor(CONDITIONS)
    kept = {"patient": None, "coverage": None, "conditions": bundle(condition("1"))}
    assert Service(judge).post(call(prefetch=kept)).status_code == 200
    assert seen(judge) == (["1"], COMPLETE)
    assert judge.records[-1].unavailable() == ("Coverage", "Patient")


def test_nothing_but_nulls_with_one_for_the_patient_is_412_without_a_server() -> None:
    response = Service(WatchingAssessor(CONDITIONS)).post(call(prefetch=ALL_NULL))
    assert response.status_code == 412


def many(count: int, kind: str = "Condition") -> dict[str, Any]:
    return bundle(*({**condition(f"{kind}-{n}"), "resourceType": kind} for n in range(count)))


@pytest.mark.parametrize(
    ("conditions", "procedures", "kept", "unavailable"),
    [
        (7, 3, (7, 3), ()),
        (8, 3, (7, 3), ("Condition",)),
        (3, 8, (3, 7), ("Procedure",)),
        (90, 90, (10, 0), ("Condition", "Procedure")),
        (0, 90, (0, 10), ("Procedure",)),
    ],
)
def test_too_many_prefetched_resources_cost_the_largest_searches_and_not_the_call(
    conditions: int, procedures: int, kept: tuple[int, int], unavailable: tuple[str, ...]
) -> None:
    judge = WatchingAssessor(CONDITIONS, PROCEDURES)
    prefetch = READ | {"conditions": many(conditions), "procedures": many(procedures, "Procedure")}
    assert Service(judge, max_call_resources=11).post(call(prefetch=prefetch)).status_code == 200
    record = judge.records[-1]
    assert (len(record.of_type("Condition")), len(record.of_type("Procedure"))) == kept
    assert record.unavailable() == unavailable


def test_prefetch_that_no_order_needs_costs_nothing() -> None:
    judge = WatchingAssessor(CONDITIONS)
    prefetch = {"patient": PATIENT, "coverage": None, "conditions": many(5), "procedures": many(90)}
    Service(judge, max_call_resources=10).post(call(prefetch=prefetch))
    assert judge.records[-1].unavailable() == ()


def test_the_next_pages_of_a_cut_search_are_not_read(ehr: FakeEhr) -> None:
    judge = WatchingAssessor(CONDITIONS)
    first = many(11) | {"link": [{"relation": "next", "url": f"{ehr.base}/Condition?page=2"}]}
    request = sent(first, fhirServer=ehr.base)
    Service(judge, max_call_resources=10).post(request)
    assert judge.records[-1].unavailable() == ("Condition",)
    assert ehr.asked == []
