"""docs/crd.md: its examples are those in docs/examples/crd, and its commands and tables say what the service does."""

import json
import re
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from cards.coverage_rules import RULES
from cards.crd_topics import Topic
from cards.crd_versions import CrdVersion
from cds_service.crd.configuration import options
from cds_service.crd.services import CRD_SERVICES
from cds_service.hooks.hooks import SERVICE_OF_HOOK
from coverage_policies.format.library import Library, load_library
from coverage_policies.judging.payer_terms import PayerTerms, Standing
from coverage_policies.judging.plan_rules_file import load_plan_rules
from fhir_mappings.codings import CPT, HCPCS
from tests.support.crd_calls import CrdService, configured
from tests.support.hook_fakes import authorization
from tests.support.hostile_fhir import says, serving
from tests.support.printed_steps import DOCS, run

PAGE = (DOCS / "crd.md").read_text(encoding="utf-8")
EXAMPLE = DOCS / "examples" / "crd"
MEMBERS_LINE = "    members: members.csv\n"


@pytest.fixture(name="library", scope="module")
def _library() -> Library:
    return load_library()


def terms_in(folder: Path, library: Library) -> PayerTerms:
    (payer,) = load_plan_rules(folder / "plan-rules.yaml", library.policies, SERVICE_OF_HOOK).answered_for
    assert set(payer.owners) == {policy.owner for policy in library.policies.values()}
    assert payer.terms is not None
    return payer.terms


def test_the_page_shows_the_plan_rules_of_the_example() -> None:
    (shown,) = re.findall(r"```yaml\n(payers:.*?)```", PAGE, re.DOTALL)
    assert shown == (EXAMPLE / "plan-rules.yaml").read_text(encoding="utf-8")


def test_the_example_states_terms_of_codes_with_and_without_a_policy(library: Library) -> None:
    terms = terms_in(EXAMPLE, library)
    concerned = {
        (row.system, row.code)
        for policy in library.policies.values()
        for entry in policy.orders
        for row in entry.codes.rows
    }
    assert set(terms.codes) & concerned == {
        (CPT, "27279"),
        (CPT, "62350"),
        (CPT, "43644"),
        (HCPCS, "E0431"),
        (HCPCS, "E0601"),
    }
    assert set(terms.codes) - concerned == {(CPT, "70553"), (CPT, "97110"), (HCPCS, "S9970")}
    assert {key[1:] for key in terms.granted} <= set(terms.codes)


@pytest.mark.parametrize(
    ("member", "plans", "expected"),
    [
        ("LHP100001", [], Standing.ACTIVE),
        ("LHP100002", [], Standing.NOT_ACTIVE),
        ("LHP100004", [], Standing.AMBIGUOUS),
        ("LHP100004", ["DUAL-PLUS"], Standing.ACTIVE),
        ("LHP999999", [], Standing.NO_MEMBER),
    ],
)
def test_the_example_has_a_member_of_every_standing(
    library: Library, member: str, plans: list[str], expected: Standing
) -> None:
    members = terms_in(EXAMPLE, library).members
    assert members is not None
    assert members.standing([member], plans, date(2026, 3, 2)) is expected


def test_the_example_works_without_its_members(library: Library, tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLE, tmp_path / "crd")
    rules = folder / "plan-rules.yaml"
    written = rules.read_text(encoding="utf-8")
    assert MEMBERS_LINE in written
    rules.write_text(written.replace(MEMBERS_LINE, ""), encoding="utf-8")
    (folder / "members.csv").unlink()
    assert terms_in(folder, library).members is None


@pytest.mark.process
@pytest.mark.slow
def test_the_commands_that_set_up_a_payer_work_as_printed(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "docs" / "examples" / "crd")
    (section,) = re.findall(r"^## Set up a payer\n(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)
    commands = re.findall(r"^```(?:sh|text)\n.*?^```$", section, re.MULTILINE | re.DOTALL)
    assert any("cds-service serve" in each for each in commands)
    run("\n".join(commands), tmp_path)


# --- the example calls -----------------------------------------------------------------------------------------------

BODIES = sorted(EXAMPLE.glob("*.json"))
STORY, YEARS_LATER = datetime(2026, 3, 2, 17, tzinfo=UTC), datetime(2029, 3, 2, 17, tzinfo=UTC)
BOTH = pytest.mark.parametrize("version", ["2.2", "2.0"])


def body_of(hook: str) -> dict[str, Any]:
    """The example call of a hook."""
    found: dict[str, Any] = json.loads((EXAMPLE / f"{hook}.json").read_bytes())
    return found


@pytest.fixture(name="service", scope="module")
def _service(library: Library) -> Callable[..., CrdService]:
    """The service with the plan rules of the example."""
    rules = load_plan_rules(EXAMPLE / "plan-rules.yaml", library.policies, SERVICE_OF_HOOK)

    def service(now: datetime = STORY, **more: Any) -> CrdService:
        return CrdService(rules, clock=lambda: now, public_url="http://127.0.0.1:8000", **more)

    return service


def test_there_is_an_example_call_for_every_hook() -> None:
    assert {path.stem for path in BODIES} == {service.hook for service in CRD_SERVICES}
    assert all(json.loads(path.read_bytes())["hook"] == path.stem for path in BODIES)


@BOTH
@pytest.mark.parametrize("now", [STORY, YEARS_LATER], ids=["then", "years later"])
@pytest.mark.parametrize("path", BODIES, ids=lambda path: path.name)
def test_an_example_call_gets_the_answer_of_the_table_whatever_the_day(
    path: Path, now: datetime, version: str, service: Callable[..., CrdService]
) -> None:
    (row,) = re.findall(rf"^\| `{path.name}` \|[^|]*\|([^|]*)\|", PAGE, re.MULTILINE)
    promised = re.findall(r"`([^`]+)`", row)
    (told,) = service(now).information(json.loads(path.read_bytes()), version)
    said = [*told["covered"], *told["pa-needed"], *told.get("doc-needed", [])]
    assert said == promised
    assert ("questionnaire" in told) is ("with its form" in row)
    assert ("signing" in told["reason"][0]["text"]) is ("signing" in row)


def test_the_call_on_the_page_gets_the_answer_that_is_printed(service: Callable[..., CrdService]) -> None:
    (address, file) = re.findall(
        r"^curl -s http://127.0.0.1:8000(\S+) .*?-d @docs/examples/crd/(\S+)", PAGE, re.M | re.S
    )[0]
    assert address == f"/cds-services/crd-{Path(file).stem}"
    (shown,) = re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    answer = service().answer(json.loads((EXAMPLE / file).read_bytes()))
    lines = iter(json.dumps(answer, indent=4, ensure_ascii=False).splitlines())
    kept = [line for line in shown.splitlines() if line.strip() != "…"]
    assert len(kept) > 20
    assert [line for line in kept if line not in lines] == []


# --- the tables ------------------------------------------------------------------------------------------------------


def coverages(body: dict[str, Any]) -> dict[str, Any]:
    """The Bundle of coverages in the prefetch of a call."""
    found: dict[str, Any] = body["prefetch"]["coverage"]
    return found


def drafts(body: dict[str, Any]) -> dict[str, Any]:
    """The Bundle of the orders of a call."""
    found: dict[str, Any] = body["context"]["draftOrders"]
    return found


def twice(body: dict[str, Any]) -> None:
    """Put a second Coverage beside the first."""
    entries = coverages(body)["entry"]
    entries.append({"resource": {**entries[0]["resource"], "id": "coverage-2"}})


SITUATIONS: dict[str, tuple[str, Callable[[dict[str, Any]], object]]] = {
    "it breaks CDS Hooks or FHIR R4": ("order-sign", lambda body: body.pop("context")),
    "an order breaks the CRD profile of its type": (
        "order-sign",
        lambda body: drafts(body)["entry"][0]["resource"].pop("requester"),
    ),
    "the Bundle breaks the CRD profile of a request": (
        "order-sign",
        lambda body: drafts(body)["entry"][0].pop("fullUrl"),
    ),
    "`davinci-crd.requestedVersion` is another version": (
        "order-sign",
        lambda body: body.update(extension={"davinci-crd.requestedVersion": "2.1"}),
    ),
    "no Coverage, although the client looked": ("order-sign", lambda body: body["prefetch"].update(coverage=None)),
    "several coverages": ("order-sign", twice),
    "the Coverage has no id": ("order-sign", lambda body: coverages(body)["entry"][0]["resource"].pop("id")),
    "an order has neither id nor `fullUrl`, or the id of another order": (
        "order-sign",
        lambda body: body["context"]["draftOrders"]["entry"].append(
            body["context"]["draftOrders"]["entry"][0] | {"fullUrl": "https://ehr.example.org/fhir/DeviceRequest/else"}
        ),
    ),
    "the payer of the Coverage has no identifier": (
        "order-sign",
        lambda body: coverages(body)["entry"][0]["resource"].update(payor=[{"display": "Lakeshore"}]),
    ),
    "the payer is none that this service answers for": (
        "order-sign",
        lambda body: coverages(body)["entry"][0]["resource"]["payor"][0]["identifier"].update(value="ELSE"),
    ),
    "the Coverage was not sent and could not be read": ("order-sign", lambda body: body["prefetch"].pop("coverage")),
    "all orders of the call are for another patient": (
        "order-sign",
        lambda body: drafts(body)["entry"][0]["resource"].update(subject={"reference": "Patient/someone-else"}),
    ),
    "order-dispatch names other resources than orders only": (
        "order-dispatch",
        lambda body: body["context"].update(dispatchedOrders=["Condition/c-1"]),
    ),
    "the orders that the context names could not be read": (
        "order-dispatch",
        lambda body: body["prefetch"].pop("serviceRequests"),
    ),
}


def status_in_the_table(situation: str, version: str) -> int:
    """The status code that the page gives for a situation."""
    (codes,) = re.findall(rf"^\| {re.escape(situation)} \| (\d+) \| (\d+) \|", PAGE, re.MULTILINE)
    return int(codes[("2.2", "2.0").index(version)])


@BOTH
@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_call_gets_the_status_of_the_table(situation: str, version: str, service: Callable[..., CrdService]) -> None:
    hook, change = SITUATIONS[situation]
    body = body_of(hook)
    change(body)
    assert service(over_http=True).post(body, version).status_code == status_in_the_table(situation, version)


@BOTH
def test_what_is_no_json_or_no_service_gets_the_status_of_the_table(
    version: str, service: Callable[..., CrdService]
) -> None:
    client = service().client
    prefix = "crd-" if version == "2.2" else "crd-2.0-"
    no_json = client.post(f"/cds-services/{prefix}order-sign", data="{", content_type="application/json")
    assert no_json.status_code == status_in_the_table("the body is not JSON", version)
    unknown = client.post(f"/cds-services/{prefix}encounter-start", json={})
    assert unknown.status_code == status_in_the_table(
        "the service is unknown, or of another family than the client's", version
    )


@BOTH
def test_orders_that_do_not_exist_get_the_status_of_the_table(version: str, service: Callable[..., CrdService]) -> None:
    body = body_of("order-dispatch")
    del body["prefetch"]["serviceRequests"]
    with serving(says({}, "404 Not Found")) as server:
        body |= {"fhirServer": server.base, "fhirAuthorization": authorization()}
        status = service(over_http=True).post(body, version).status_code
    assert status == status_in_the_table("the orders that the context names do not exist", version)


@BOTH
def test_a_chart_that_cannot_be_read_gets_the_status_of_the_table(
    version: str, service: Callable[..., CrdService]
) -> None:
    body = body_of("order-sign")
    body["prefetch"] = {"coverage": body["prefetch"]["coverage"]}
    with serving(says({}, "500 Internal Server Error")) as server:
        body |= {"fhirServer": server.base, "fhirAuthorization": authorization()}
        status = service(over_http=True).post(body, version).status_code
    assert status == status_in_the_table("the chart could not be read, but there is a Coverage", version)


def test_every_situation_in_the_table_is_tried() -> None:
    (table,) = re.findall(r"^### Status codes\n(.*?)^401", PAGE, re.MULTILINE | re.DOTALL)
    rows = set(re.findall(r"^\| (.+?) \| \d+ \| \d+ \|$", table, re.MULTILINE))
    elsewhere = {
        "the payor of the Coverage has identifiers of several configured payers",
        "the body is not JSON",
        "the service is unknown, or of another family than the client's",
        "the orders that the context names do not exist",
        "the chart could not be read, but there is a Coverage",
    }
    assert rows == {*SITUATIONS, *elsewhere}


@pytest.mark.parametrize("version", CrdVersion)
def test_every_part_option_and_topic_is_explained(version: CrdVersion) -> None:
    explained = set(re.findall(r"`([\w-]+)`", PAGE))
    parts = {*RULES[version].parts} - {"response"}  # CRD 2.0.1 alone has it, and it is never sent
    assert {*parts, *(each.code for each in options(version)), *(each.code for each in Topic)} <= explained


# --- what else the page promises -------------------------------------------------------------------------------------


def test_a_what_if_call_gets_the_id_that_the_next_call_issues(service: Callable[..., CrdService]) -> None:
    used = service()
    (asked,) = used.information(body_of("order-sign") | {"extension": configured(unsolicited_determ=False)})
    (assertion_id,) = asked["coverage-assertion-id"]
    assert used.records.find(assertion_id) is None
    (told,) = used.information(body_of("order-sign"))
    assert told["coverage-assertion-id"] == [assertion_id]
    assert used.records.find(assertion_id) is not None


def test_selecting_and_signing_the_example_order_have_one_assertion_id(service: Callable[..., CrdService]) -> None:
    used = service()
    ids = [used.information(body_of(hook))[0]["coverage-assertion-id"] for hook in ("order-select", "order-sign")]
    assert ids[0] == ids[1]


def test_at_most_as_many_cards_come_as_are_asked_for(service: Callable[..., CrdService]) -> None:
    for most in (0, 1, 2):
        answer = service().answer(body_of("order-sign") | {"extension": configured(max_cards=most)})
        assert len(answer["cards"]) == most
        assert answer["systemActions"]


def test_the_keys_of_plain_services_count_where_there_is_no_fhir_server(service: Callable[..., CrdService]) -> None:
    used = service(over_http=True)
    body = body_of("order-sign")
    (with_chart,) = used.information(body)
    body["prefetch"] = {key: body["prefetch"][key] for key in ("patient", "coverage")}
    (without,) = used.information(body)
    searches = [each["searches"]["conditions"] for each in used.log_lines() if "searches" in each]
    assert searches[0].startswith("prefetch")
    assert not searches[1].startswith("prefetch")
    for told in (with_chart, without):
        assert (told["covered"], told["doc-needed"]) == (["conditional"], ["clinical"])
        assert not any("coding" in each for each in told["reason"])


def test_the_form_of_the_example_can_be_read_where_the_page_says(service: Callable[..., CrdService]) -> None:
    used = service()
    (told,) = used.information(body_of("order-sign"))
    url, _, version = told["questionnaire"][0].partition("|")
    found = used.client.get("/fhir/Questionnaire", query_string={"url": url, "version": version}).json
    assert [each["resource"]["resourceType"] for each in found["entry"]] == ["Questionnaire"]
    assert f"{url}|{version}" in PAGE


def test_feedback_on_a_card_of_a_crd_service_is_taken(service: Callable[..., CrdService]) -> None:
    used = service()
    card = used.answer(body_of("order-sign"))["cards"][0]["uuid"]
    given = [{"card": card, "outcome": "overridden", "outcomeTimestamp": "2026-03-02T17:00:00Z"}]
    assert used.client.post("/cds-services/crd-order-sign/feedback", json={"feedback": given}).status_code == 200
