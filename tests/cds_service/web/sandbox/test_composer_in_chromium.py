"""Orders are composed by keyboard alone, and the page shows what the server says."""

import pytest

from cds_service.sample_ehr.patients import STORY_DATE
from cds_service.web.sandbox.case_file import opened_case
from cds_service.web.site import SampleServer
from cds_service.wiring.serving import free_port, on_loopback
from tests.support.browser import needs_browser, run_script
from tests.support.sandbox_pages import ADDRESS, Sandbox

pytestmark = [needs_browser, pytest.mark.slow, pytest.mark.process]


def test_orders_are_composed_by_keyboard_alone_and_fields_show_what_the_server_says(sandbox: Sandbox) -> None:
    with on_loopback(sandbox.client.application, free_port(8380)) as address:
        found = run_script("compose", {"address": f"{address}/sandbox?patient=sij-posterior"})
    assert found["faults"] == []
    assert found["approaches"] == ["posterior", "lateral-transarticular", "posterior", "posterior"]
    assert found["focus"] == {"changed": "o0-approach", "added": "o1-title", "removed": "h-orders"}
    assert (found["orders"], found["reason"]) == (2, "")
    case = opened_case(found["saved"], SampleServer(ADDRESS, "", STORY_DATE, ()), STORY_DATE)
    assert [each["id"] for each in case.orders] == ["sij-posterior-fusion"]
