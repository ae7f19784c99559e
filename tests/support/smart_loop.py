"""The service and the sample EHR on loopback, and a browser between them, for tests of the questionnaire app."""

import html
import io
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import requests
from flask import Flask

from cds_service.clients.registry import SmartRegistration
from cds_service.fhir_client.address_guard import LOOPBACK
from cds_service.fhir_client.memory import Store
from cds_service.hooks.hooks import SERVICE_OF_HOOK
from cds_service.observability.logging import service_log
from cds_service.records.pseudonyms import Pseudonymizer
from cds_service.records.smart_sessions import SmartSessions
from cds_service.sample_ehr.hook_client import hook_call
from cds_service.sample_ehr.patients import SAMPLES, STORY_DATE, Sample, sample_store
from cds_service.sample_ehr.server import create_sample_ehr
from cds_service.sample_ehr.smart.server import SmartApp, SmartServer
from cds_service.settings import Settings
from cds_service.smart.launches import SmartClient
from cds_service.wiring.app import create_app
from cds_service.wiring.records import database_in_memory
from cds_service.wiring.serving import on_loopback
from cds_service.wiring.smart import SmartClients
from coverage_policies.judging.assessment import Assessor
from fhir_mappings.fhir_json import Resource, encoded, loads
from tests.support.clock import SetClock

EHR_TOKEN = "whole-chart"
_FIELD = re.compile(r'name="(answer:[^"]+)" value="([^"]*)"')
_TOKEN = re.compile(r'name="token" value="([^"]+)"')
_MOST_SCREENS = 60
_JSON = {"Content-Type": "application/json"}


@dataclass
class Browser:
    """A browser without scripts: it follows redirects and keeps cookies, which all ports of a host share (RFC 6265)."""

    cookies: dict[str, str] = field(default_factory=dict)
    page: requests.Response = field(default_factory=requests.Response)
    opened: list[str] = field(default_factory=list)
    """The addresses so far, those that redirected included."""

    def get(self, url: str) -> str:
        """Open an address, and return the text of the page that is shown at the end."""
        return self._open("GET", url, {})

    def post(self, url: str, sent: Mapping[str, str]) -> str:
        """Post a form, and return the text of the page that is shown at the end."""
        return self._open("POST", url, sent)

    @property
    def url(self) -> str:
        """Return the address of the page that is shown."""
        return self.page.url

    def click(self, do: str, answers: Mapping[str, str] | None = None) -> str:
        """Press a button of the form that is shown, with these answers by `linkId`."""
        sent = {"token": _TOKEN.findall(self.page.text)[0], "do": do}
        return self.post(urljoin(self.url, "form"), sent | {f"answer:{k}": v for k, v in (answers or {}).items()})

    @property
    def asked(self) -> dict[str, list[str]]:
        """Return the values to choose from for each question that is shown, by `linkId`."""
        found: dict[str, list[str]] = {}
        for name, value in _FIELD.findall(self.page.text):
            found.setdefault(html.unescape(name).removeprefix("answer:"), []).append(html.unescape(value))
        return found

    def submit(self, fields: Mapping[str, str]) -> str:
        """Submit the form of the EHR that is shown, with its hidden fields and these."""
        (action,) = re.findall(r'<form method="post" action="([^"]+)"', self.page.text)
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', self.page.text))
        sent = {name: html.unescape(value) for name, value in hidden.items()}
        return self.post(html.unescape(action), sent | dict(fields))

    def answer_all(self, choose: Callable[[str, Sequence[str]], str], until: str = "No more questions") -> int:
        """Answer screen after screen until none is shown or the page has some words; return how many."""
        for screens in range(_MOST_SCREENS):
            if not self.asked or until in self.page.text:
                return screens
            self.click("next", {link: choose(link, values) for link, values in self.asked.items()})
        raise AssertionError("the questions do not end")

    def _open(self, method: str, url: str, sent: Mapping[str, str]) -> str:
        for _ in range(10):
            self.opened.append(url)
            headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
            self.page = requests.request(method, url, data=sent, headers=headers, allow_redirects=False, timeout=30)
            for name, value in self.page.cookies.items():
                self.cookies[name] = value or ""
            if "Max-Age=0" in self.page.headers.get("Set-Cookie", ""):
                self.cookies.clear()
            if self.page.status_code not in (302, 303):
                return self.page.text
            url, method, sent = urljoin(url, self.page.headers["Location"]), "GET", {}
        raise AssertionError("the redirects do not end")


@dataclass
class Loop:
    """The service at `service` and its `replica`, and the EHR at `ehr`; `smart` is the EHR's authorization server."""

    service: str
    replica: str
    ehr: str
    smart: SmartServer
    clock: SetClock
    log: io.StringIO

    def sign(
        self, sample_id: str, *, order: Resource | None = None, beside: Iterable[Resource] = (), hook: str = ""
    ) -> list[dict[str, Any]]:
        """Call the hook of the first order of a sample as the EHR does, and return the cards.

        `order` is another order to sign in its place, `beside` are those of the same session, and `hook` another hook.
        """
        sample = sample_of(sample_id)
        body: Any = hook_call(
            sample,
            sample.orders[0],
            fhir_server=f"{self.ehr}/fhir",
            token=EHR_TOKEN,
            today=STORY_DATE,
            new_id=lambda: "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        )
        hook = hook or sample.orders[0].hook
        body["hook"] = hook
        entry = body["context"]["draftOrders"]["entry"][0]
        resource = entry["resource"] = order or entry["resource"]
        body["context"]["draftOrders"]["entry"] += [{"resource": each} for each in beside]
        if SERVICE_OF_HOOK[hook].needs_selections:
            body["context"]["selections"] = [f"{resource['resourceType']}/{resource['id']}"]
        answer = requests.post(
            f"{self.service}/cds-services/{SERVICE_OF_HOOK[hook].id}",
            data=encoded(body),
            headers=_JSON,
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        cards: list[dict[str, Any]] = loads(answer.content)["cards"]
        return cards

    def launch(self, card: Mapping[str, Any], patient: str, **launch: str) -> Browser:
        """Follow the smart link of a card for the patient that is open in the EHR."""
        (link,) = [each for each in card["links"] if each["type"] == "smart"]
        return self.open(patient, link["url"], link["appContext"], **launch)

    def open(self, patient: str, app_url: str, context: str = "", **launch: str) -> Browser:
        """Launch an app from the EHR."""
        browser = Browser()
        browser.get(self.ehr + self.smart.launch(patient, app_url=app_url, app_context=context, **launch))
        return browser

    def responses(self, patient: str) -> list[Any]:
        """Return the responses that apps wrote to a chart."""
        url = f"{self.ehr}/fhir/QuestionnaireResponse?patient={patient}"
        found = loads(requests.get(url, headers={"Authorization": f"Bearer {EHR_TOKEN}"}, timeout=30).content)
        entries = [each["resource"] for each in found.get("entry", [])]
        return [each for each in entries if "versionId" in each.get("meta", {})]


@contextmanager
def smart_loop(
    assessor: Assessor,
    now: datetime,
    *,
    registration: SmartRegistration | None = None,
    secret: str = "",
    stored: Sequence[Resource] = (),
    **ehr_options: Any,
) -> Iterator[Loop]:
    """Serve two replicas of the service, and the sample EHR, which knows the app and has `stored` beside its charts.

    `ehr_options` are those of its `SmartServer`.
    """
    clock = SetClock(now)
    late = [LateApp() for _ in range(3)]
    with ExitStack() as stack:
        service, replica, ehr = [stack.enter_context(on_loopback(each)) for each in late]
        # Both replicas have the address of the first one, as behind a load balancer.
        settings = Settings(public_url=service, fhir_private_networks=(LOOPBACK,))
        app = SmartApp("coverage-questions", (f"{service}/smart/callback",), secret or None)
        options = {"approves_at_once": True, **ehr_options}
        smart = SmartServer([app], clock, **options)
        client = SmartClient(
            "sample-ehr", registration or SmartRegistration("coverage-questions"), (f"{ehr}/fhir",), secret
        )
        shared = database_in_memory(settings)
        log = io.StringIO()
        key = Pseudonymizer(b"k" * 32)
        for each in late[:-1]:
            each.app = create_app(
                settings=settings,
                assessor=assessor,
                clock=clock,
                new_id=lambda: "8f6ef0f5-6d0a-4d0f-8a6b-0d6f3cf6f001",
                pseudonym=key,
                log=service_log(log, clock),
                smart=SmartClients([client], SmartSessions(shared, clock)),
            )
        charts = Store([*sample_store(STORY_DATE).all_entries(), *(("", each) for each in stored)])
        late[-1].app = create_sample_ehr(charts, token=EHR_TOKEN, smart=smart)
        yield Loop(service, replica, ehr, smart, clock, log)


class LateApp:
    """A WSGI application that is made once its address is known, so that no port has to be guessed."""

    app: Flask

    def __call__(self, environ: Any, start_response: Any) -> Any:
        return self.app(environ, start_response)


def sample_of(sample_id: str) -> Sample:
    """Return a sample patient by its id."""
    return next(each for each in SAMPLES if each.id == sample_id)


def access_token(loop: Loop, patient: str) -> str:
    """Return an access token for a patient, as another app that may write gets it."""
    verifier = "v" * 43
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    callback = f"{loop.service}/smart/callback"
    launched = requests.get(loop.ehr + loop.smart.launch(patient, app_url=callback), allow_redirects=False, timeout=30)
    parameters = {
        "response_type": "code",
        "client_id": "coverage-questions",
        "redirect_uri": callback,
        "launch": _parameter(launched, "launch"),
        "scope": "launch patient/*.rs user/QuestionnaireResponse.cu",
        "state": "s",
        "aud": f"{loop.ehr}/fhir",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    granted = requests.get(f"{loop.ehr}/auth/authorize", params=parameters, allow_redirects=False, timeout=30)
    exchanged = {
        "grant_type": "authorization_code",
        "code": _parameter(granted, "code"),
        "redirect_uri": callback,
        "code_verifier": verifier,
        "client_id": "coverage-questions",
    }
    token: str = requests.post(f"{loop.ehr}/auth/token", data=exchanged, timeout=30).json()["access_token"]
    return token


def _parameter(redirected: requests.Response, name: str) -> str:
    return parse_qs(urlsplit(redirected.headers["Location"]).query)[name][0]
