"""The service for tests of the policy pages: open to anyone, or with an operator signed in."""

from functools import cache
from typing import Any

from cds_service.settings import Settings
from cds_service.web.site import SampleServer, Site
from cds_service.wiring.loading import load_assessor
from cds_service.wiring.system import new_id
from coverage_policies.format.library import Library
from coverage_policies.format.loader import parse_policy
from coverage_policies.format.value_sets import ValueSets
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.plan_rules import PlanRules
from tests.support.hook_fakes import Service
from tests.support.html_page import HtmlPage
from tests.support.policy_fakes import HEAD, SETS, text

HOSTILE = '<script>alert("1")</script><a href="javascript:x">&'


@cache
def shipped() -> Assessor:
    """Return the assessor of the policies that ship with the service."""
    return load_assessor(Settings())


def service(assessor: Assessor, samples: SampleServer | None = None, *, signs_in: bool = False, **more: Any) -> Service:
    """Return the service; with `signs_in`, every reader counts as a signed-in operator."""
    return Service(assessor, site=Site(samples) if signs_in else None, new_id=new_id, **more)


def page(of: Service, path: str, status: int = 200) -> HtmlPage:
    """Return the page at a path, which must answer this status with HTML."""
    response = of.client.get(path)
    assert (response.status_code, response.mimetype) == (status, "text/html")
    return HtmlPage(response.text)


def assessor_of(*heads: str, rules: PlanRules | None = None, sections: str = "") -> Assessor:
    """Return an assessor of small policies that have these heads, and the same sections."""
    sections = sections or "I:\n  says: s\n  all:\n  - {id: I.A, says: The alpha is known, ask: Is the alpha known?}"
    found = [parse_policy(text(sections, head=head), "test.yaml", SETS) for head in heads]
    return Assessor(Library({each.full_name: each for each in found}, ValueSets(SETS)), rules or PlanRules())


def hostile() -> Assessor:
    """Return an assessor whose two revisions have HTML in every text that an author may write."""
    quoted = f"'{HOSTILE}'"
    head = HEAD.replace("Test fusion", quoted).replace("Test Plan", quoted) + f"notes: [{quoted}]"
    criterion = f"- {{id: I.A, says: {quoted}, ask: {quoted}, interpretation: {quoted}, note: {quoted}}}"
    sections = f"I:\n  says: {quoted}\n  all:\n  {criterion}"
    return assessor_of(head, head.replace("2025-01", "2025-02") + f"\nurl: https://example.org/?{2}", sections=sections)
