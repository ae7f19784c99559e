"""The pages of the service as `make screenshots` draws them: of invented patients, on a set day, with their style."""

import re
import time
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from cds_service.sample_ehr.patients import STORY_DATE
from cds_service.sample_ehr.payers import SAMPLE_PAYERS
from cds_service.web.site import Site
from coverage_policies.judging.assessment import Assessor
from fhir_mappings.bundle import reference_of
from tests.support.hook_fakes import Service
from tests.support.html_page import HtmlPage
from tests.support.insight_pages import InsightPages
from tests.support.record_fakes import accepted, overridden, sample_call, shipped
from tests.support.sandbox import NOW, Sandbox
from tests.support.smart_loop import smart_loop

_CALLED = (
    "trial-not-weaned",
    "sij-posterior",
    "sij-rich-chart",
    "trial-weaned",
    "oxygen-low-at-rest",
    "cpap-low-index",
)
"""The sample patients whose orders were signed in what insights show."""
_DAYS = 12
_REASONS = ("urgent", "documented-elsewhere", "patient-pays", "documented-elsewhere")
_REVISION = "CP.MP.126@2025-04"
_STYLE = re.compile(r'<link rel="stylesheet" href="[^"]*">')
_SCRIPT = re.compile(r"<script [^>]*></script>")
_CHANGES = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b\d+ ms|127\.0\.0\.1:\d+|\s+")
"""What differs from run to run: ids, durations, and ports."""


def _sandbox(path: str = "") -> str:
    return _answer(_service().client.get(f"/sandbox{path}"))


def _policies(path: str = "") -> str:
    return _answer(_service().client.get(f"/policies{path}"))


def _patient_on_policy() -> str:
    sandbox = _service()
    case = sandbox.open("sij-rich-chart").fields["case"][0]
    sent = {"case": case, "order": reference_of(sandbox.case.orders[0])}
    return _answer(sandbox.client.post(f"/policies/{_REVISION}/patient", data=sent))


def _pump_trial() -> str:
    _paid().open(
        "trial-not-weaned"
    )  # the first call of a process compiles patterns, and the page says how long it took
    return _paid().open("trial-not-weaned").html


def _crd() -> str:
    sandbox = _paid()
    sandbox.open("sij-all-documented")
    return sandbox.press("mode", mode="2.2").html


def _signed() -> str:
    sandbox = _service()
    sandbox.open("sij-rich-chart")
    return sandbox.press("sign").html


def _insights(path: str = "") -> str:
    return _recorded().html(path)


def _decision() -> str:
    pages = _recorded()
    return pages.html(f"/decision?id={pages.service.rows('decisions')[0]['decision']}")


def _style_guide() -> str:
    service = Service(shipped(), site=Site(has_style_guide=True), new_id=lambda: "")
    return _answer(service.client.get("/styleguide"))


def _questions() -> str:
    with smart_loop(shipped(), NOW) as loop:
        (card,) = loop.sign("sij-rich-chart")
        return loop.launch(card, "sij-rich-chart").page.text


PAGES: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "sandbox-choice": _sandbox,
        "sandbox-pump-trial": _pump_trial,
        "sandbox-posterior-fusion": lambda: _sandbox("?patient=sij-posterior"),
        "sandbox-oxygen": lambda: _sandbox("?patient=oxygen-low-at-rest"),
        "sandbox-signed": _signed,
        "sandbox-crd": _crd,
        "policies": _policies,
        "policies-search": lambda: _policies(f"?q=27279&on={STORY_DATE}"),
        "policies-revision": lambda: _policies(f"/{_REVISION}"),
        "policies-history": lambda: _policies("/CP.MP.126"),
        "policies-diff": lambda: _policies("/CP.MP.126/diff?from=2022-06&to=2025-04"),
        "policies-patient": _patient_on_policy,
        "insights": _insights,
        "insights-outcomes": lambda: _insights("/outcomes"),
        "insights-feedback": lambda: _insights("/feedback"),
        "insights-criteria": lambda: _insights("/criteria"),
        "insights-decision": _decision,
        "questions": _questions,
        "style-guide": _style_guide,
    }
)
"""Every page that is drawn, by the name of its picture."""


def with_style(html: str, style: str) -> str:
    """Return a page that a browser shows alike from a file: with its style sheet inside, and without scripts."""
    return _SCRIPT.sub("", _STYLE.sub(lambda _: f"<style>{style}</style>", html))


def words_of(html: str) -> str:
    """Return the words of a page, without what differs from run to run."""
    return _CHANGES.sub(" ", HtmlPage(html).text)


@cache
def _service() -> Sandbox:
    return Sandbox(launches_apps=True)


@cache
def _paid() -> Sandbox:
    """Return the sandbox of a service that answers for the sample payers."""
    return Sandbox(assessor=Assessor(shipped().library, SAMPLE_PAYERS))


@cache
def _recorded() -> InsightPages:
    """Return insights into the signed orders of some days, with what clinicians did with the cards."""
    pages = InsightPages(monotonic=time.monotonic, suppress_overridden_days=0)
    pages.service.clock.pass_days(-_DAYS)
    for day in range(_DAYS):
        for number, patient in enumerate(_CALLED[: 2 + day % len(_CALLED)]):
            body, pages.service.chart = sample_call(patient)
            cards = pages.service.cards(body)
            if cards and (day + number) % 2:
                pages.service.send_feedback(_reaction(cards[0], day))
        pages.service.clock.pass_days(1)
    return pages


def _reaction(card: Any, day: int) -> dict[str, Any]:
    suggestions = [each["uuid"] for each in card.get("suggestions", ())]
    if day % 3:
        return accepted(card["uuid"], *suggestions[:1])
    return overridden(card["uuid"], _REASONS[day // 3 % len(_REASONS)])


def _answer(response: Any) -> str:
    assert response.status_code == 200, response.text
    text: str = response.text
    return text
