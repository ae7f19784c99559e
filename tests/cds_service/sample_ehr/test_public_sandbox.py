"""What the public CDS Hooks sandbox needs: orders that reach policies, and a service that a browser may call."""

import io
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask

from cds_service.fhir_client.address_guard import LOOPBACK
from cds_service.observability.logging import service_log
from cds_service.sample_ehr.patients import SAMPLES, sample_store
from cds_service.sample_ehr.public_sandbox import (
    HOOK,
    ORDERS,
    SandboxOrder,
    deep_link,
    sandbox_call,
    with_sandbox_policies,
)
from cds_service.sample_ehr.server import create_sample_ehr
from cds_service.settings import Settings
from cds_service.wiring.app import create_app
from cds_service.wiring.loading import load_assessor
from cds_service.wiring.records import in_memory_records
from cds_service.wiring.serving import on_loopback
from cds_service.wiring.system import new_id, now
from coverage_policies.judging.assessment import Assessor
from fhir_mappings.codings import Coding
from tests.support.chromium import NEEDED, PROGRAM, dom

CPT = "http://www.ama-assn.org/go/cpt"
CLIENT = Path(__file__).parents[2] / "support" / "browser_client.html"
POLICY_OF_CODE = {"72148": "MRI.1", "72195": "CP.MP.126", "72192": "CP.MP.166", "72131": "CP.MP.173"}


@pytest.fixture(scope="module")
def settings() -> Settings:
    return with_sandbox_policies(Settings(fhir_private_networks=(LOOPBACK,)))


@pytest.fixture(scope="module")
def assessor(settings: Settings) -> Assessor:
    return load_assessor(settings)


@pytest.mark.parametrize(("code", "stands_for"), [("72195", "27279"), ("72192", "27096"), ("72131", "62327")])
def test_an_imaging_code_stands_for_a_procedure(assessor: Assessor, code: str, stands_for: str) -> None:
    assert assessor.rules.mapped([Coding(CPT, code)]) == (Coding(CPT, code), Coding(CPT, stands_for))


def test_the_code_of_the_tutorial_stands_for_itself(assessor: Assessor) -> None:
    assert assessor.rules.mapped([Coding(CPT, "72148")]) == (Coding(CPT, "72148"),)


def test_your_own_policies_and_plan_rules_are_left_out() -> None:
    own = Settings(policy_folders=(Path("/own"),), plan_rules=Path("/own/rules.yaml"), suppress_overridden_days=30)
    assert with_sandbox_policies(own) == with_sandbox_policies(Settings())


def test_a_call_has_the_one_hook_of_the_screen_and_no_token() -> None:
    call = sandbox_call(ORDERS[0], fhir_server="http://127.0.0.1:8080/fhir", new_id=lambda: "id")
    assert isinstance(call, dict)
    (entry,) = call["context"]["draftOrders"]["entry"]
    assert call["context"]["selections"] == [f"{entry['resource']['resourceType']}/{entry['resource']['id']}"]
    assert (call["hook"], call["fhirServer"], "fhirAuthorization" in call) == (
        HOOK,
        "http://127.0.0.1:8080/fhir",
        False,
    )


@pytest.fixture(scope="module")
def addresses(settings: Settings, assessor: Assessor) -> Iterator[tuple[str, str, str]]:
    """The addresses of the service, the sample EHR, and the client, which has an origin of its own."""
    service = create_app(
        settings=settings,
        assessor=assessor,
        clock=now,
        new_id=new_id,
        records=in_memory_records(settings, assessor, now)[0],
        log=service_log(io.StringIO(), now),
    )
    client = Flask("client")
    client.add_url_rule("/", view_func=lambda: CLIENT.read_text(encoding="utf-8"))
    today = now().astimezone(settings.time_zone).date()
    with ExitStack() as stack:
        served = [
            stack.enter_context(on_loopback(app)) for app in (service, create_sample_ehr(sample_store(today)), client)
        ]
        yield served[0], f"{served[1]}/fhir", served[2]


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.skipif(PROGRAM is None and not NEEDED, reason="needs Chromium")
@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.code)
def test_a_page_of_another_origin_gets_the_card_and_an_override_hides_none(
    order: SandboxOrder, addresses: tuple[str, str, str]
) -> None:
    service, fhir, client = addresses
    query = urlsplit(deep_link(order, service=service, fhir_server=fhir)).query
    (said,) = re.findall("<pre>(.*?)</pre>", dom(f"{client}/?{query}&code={order.code}"), re.DOTALL)
    assert said.splitlines() == [
        "FHIR version: 4.0.1",
        f"patients: {len(SAMPLES)}",
        "prefetched: true",
        f"policy: {POLICY_OF_CODE[order.code]}",
        "feedback: 200",
        "cards after an override: 1",
        "ended: well",
    ]
