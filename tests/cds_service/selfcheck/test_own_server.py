"""Our own server passes the self-check, for each family of clients, with tokens and without."""

from collections.abc import Iterator

import pytest

from cds_service.sample_ehr.payers import SAMPLE_PAYERS
from cds_service.selfcheck.outcomes import Status
from coverage_policies.judging.plan_rules import PlanRules
from tests.support.checked_servers import (
    CPAP,
    POSTERIOR,
    Server,
    authenticator,
    checked,
    credentials,
    failed,
    own_server,
    results,
)
from tests.support.crd_calls import payer

_HOOKS = ("discovery", "calls", "cards", "errors", "feedback")


@pytest.fixture(scope="module")
def registered() -> Iterator[Server]:
    """Our server for clients with tokens."""
    with own_server(authenticator()) as server:
        yield server


def test_our_server_passes_without_tokens() -> None:
    with own_server() as server:
        found = checked(server, cases=(CPAP, POSTERIOR, 2))
    assert failed(found) == set()
    assert {each.name for each in found if not each.not_offered} == {*_HOOKS, "crd-2.2", "crd-2.0", "dtr"}


NOT_TRIED = {
    "discovery.prefetch-tokens",
    "discovery.prefetch-queries",
    "dtr.endpoint-discovery",
    "dtr.package-value-sets",
}
"""What cannot be tried on our server for a client of CRD 2.2."""


@pytest.mark.parametrize(
    ("family", "offered"),
    [("plain", {"dtr"}), ("crd-2.2", {"crd-2.2", "dtr"}), ("crd-2.0", {"crd-2.0", "dtr"})],
)
def test_our_server_passes_for_a_client_with_tokens(registered: Server, family: str, offered: set[str]) -> None:
    found = checked(registered, credentials(family))
    assert failed(found) == set()
    assert {each.name for each in found if not each.not_offered} == {*_HOOKS, "tokens", *offered}
    if family == "crd-2.2":
        assert {each.id for each in results(found, Status.NOT_TRIED)} <= NOT_TRIED


@pytest.mark.parametrize("family", [None, "crd-2.2"])
def test_a_server_that_answers_for_other_payers_breaks_nothing(family: str | None) -> None:
    checks = authenticator() if family else None
    with own_server(checks, PlanRules(payers=(payer("Lakeshore"),))) as server:
        found = checked(server, credentials(family) if family else None)
    assert failed(found) == set()
    untried = {each.id: each.seen for each in results(found, Status.NOT_TRIED)}
    assert "give it an order of a member of its own" in untried["crd-2.2.order-sign"]
    assert ("calls.answer" in untried, "tokens.expired" in untried) == (family is not None, family is not None)


@pytest.mark.parametrize("family", [None, "crd-2.2"])
def test_a_server_that_answers_for_one_of_the_sample_payers_is_asked_about_its_members(family: str | None) -> None:
    checks = authenticator() if family else None
    (medicare,) = (each for each in SAMPLE_PAYERS.payers if each.name == "Medicare")
    with own_server(checks, PlanRules(payers=(medicare,))) as server:
        found = checked(server, credentials(family) if family else None, cases=(POSTERIOR, CPAP))
    assert failed(found) == set()
    passed = {each.id: each.seen for each in results(found, Status.PASSED)}
    assert passed["crd-2.2.order-sign"] == "1 orders"
    assert {"calls.answer", "crd-2.2.nothing-new", "dtr.package"} <= passed.keys()
    assert ("tokens.expired" in passed) == (family is not None)


def test_a_server_that_may_not_read_the_ehr_is_not_asked_for_what_only_that_has() -> None:
    with own_server(may_read=False) as server:
        found = checked(server, only={"calls", "crd-2.2"})
    assert failed(found) == set()
    untried = {each.id: each.seen for each in results(found, Status.NOT_TRIED)}
    assert "it may not read that address, or cannot reach it (--fhir-url)" in untried["crd-2.2.order-dispatch"]
    assert "crd-2.2.order-sign" in {each.id for each in results(found, Status.PASSED)}


def test_without_a_key_a_server_with_tokens_gets_a_hint(registered: Server) -> None:
    found = results(checked(registered, only={"discovery"}), Status.FAILED)
    said = next(each.seen for each in found if each.id == "discovery.answer")
    assert said == "status 401; give a key with --key if the server asks for tokens"
