"""Servers for the self-check: our own, for clients with and without tokens, and the same with one thing broken."""

import io
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from flask import Flask
from werkzeug.wrappers import Request, Response

from cds_service.clients.authenticator import Authenticator
from cds_service.clients.backend_services import BackendServices
from cds_service.clients.keys import read_jwk_set
from cds_service.clients.registry import Client
from cds_service.observability.logging import service_log
from cds_service.sample_ehr.payers import SAMPLE_PAYERS
from cds_service.selfcheck.cases import Case, sample_cases
from cds_service.selfcheck.checks import run_checks
from cds_service.selfcheck.credentials import Credentials
from cds_service.selfcheck.loopback_ehr import LoopbackEhr, loopback_ehr
from cds_service.selfcheck.outcomes import AreaResult, Result, Status
from cds_service.selfcheck.run import areas_named
from cds_service.selfcheck.session import Session, Target
from cds_service.selfcheck.web import Web
from cds_service.settings import Settings
from cds_service.wiring.app import create_app
from cds_service.wiring.records import in_memory_records
from cds_service.wiring.serving import on_loopback
from cds_service.wiring.system import new_id, now
from coverage_policies.format.library import Library
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.plan_rules import PlanRules
from tests.support.client_fakes import FixedKeys, InMemoryReplayGuard, jwk, private_key
from tests.support.record_fakes import shipped

KID = "k1"
ISSUERS = {family: f"https://{family}.ehr.example.org" for family in ("plain", "crd-2.2", "crd-2.0")}
"""The clients of our server, each of one family of services."""
_INFORMATION = "ext-coverage-information"
CPAP, POSTERIOR = 0, 1
"""The sample cases that need documentation, and that a suggestion mends."""


def credentials(family: str) -> Credentials:
    """The key of a client of our server."""
    return Credentials(private_key("ES384", "first"), KID, ISSUERS[family], "ES384", f"{family}-forms")


def _now() -> datetime:
    return datetime.now(UTC)


class NoReplayGuard(InMemoryReplayGuard):
    """Takes every token for a new one."""

    def first_use(self, issuer: str, jti: str, until: datetime) -> bool:  # noqa: ARG002
        return True


def authenticator(
    kind: type[Authenticator] = Authenticator, guard: type[InMemoryReplayGuard] = InMemoryReplayGuard
) -> Authenticator:
    """Checks the tokens of the clients of our server."""
    keys = FixedKeys(read_jwk_set(json.dumps({"keys": [jwk(KID)]}).encode()))
    clients = [
        (Client(family, issuer, services=family, backend_services=BackendServices(f"{family}-forms")), keys)
        for family, issuer in ISSUERS.items()
    ]
    return kind(clients, guard(_now), _now, skew_seconds=30, max_lifetime_seconds=3600)


@dataclass(frozen=True)
class Server:
    """Our server at an address, whose answers a test may change."""

    url: str
    app: Flask
    outer: Flask
    ehr: LoopbackEhr
    cases: Sequence[Case]

    @contextmanager
    def broken(self, change: "Change") -> Iterator[None]:
        """Change answers while the context lasts."""
        before, self.outer.wsgi_app = self.outer.wsgi_app, _Changed(self.app.wsgi_app, change)  # type: ignore[method-assign]
        try:
            yield
        finally:
            self.outer.wsgi_app = before  # type: ignore[method-assign]


Change = Callable[[Request, Response], Response | None]
"""Changes the answer to a request in place, or returns another. Its method `before`, if any, changes the body sent."""


class _Changed:
    def __init__(self, inner: Any, change: Change) -> None:
        self._inner = inner
        self._change = change

    def __call__(self, environ: Any, start_response: Any) -> Any:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        sent = self._change.before(body) if hasattr(self._change, "before") else body
        environ |= {"wsgi.input": io.BytesIO(sent), "CONTENT_LENGTH": str(len(sent))}
        answer = Response.from_app(self._inner, environ, buffered=True)
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        asked = Request(environ)
        return (self._change(asked, answer) or answer)(environ, start_response)


def _released(library: Library) -> Library:
    """The policies as of a release: every edition has its day."""
    policies = {
        name: replace(policy, editions=tuple(replace(each, released=date(2026, 1, 2)) for each in policy.editions))
        for name, policy in library.policies.items()
    }
    return replace(library, policies=policies)


@contextmanager
def own_server(
    checks: Authenticator | None = None, rules: PlanRules = SAMPLE_PAYERS, *, may_read: bool = True
) -> Iterator[Server]:
    """Serve our service, by default for the payers of the sample patients; with an authenticator, for its clients.

    `may_read` is whether it may read the EHR of the self-check.
    """
    outer = Flask("checked server")
    store, cases = sample_cases(now().astimezone().date())
    with on_loopback(outer) as url, loopback_ehr(store, port=0, fhir_url="") as ehr:
        readable = {"fhir_servers": ehr.base} if checks else {"fhir_private_networks": "127.0.0.0/8"}
        settings = Settings(public_url=url, **(readable if may_read else {}))
        assessor = Assessor(_released(shipped().library), rules)
        records, crd_records, _ = in_memory_records(settings, assessor, now)
        app = create_app(
            settings=settings,
            assessor=assessor,
            clock=now,
            new_id=new_id,
            authenticator=checks,
            records=records,
            crd_records=crd_records,
            log=service_log(io.StringIO(), now),
        )
        outer.wsgi_app = app.wsgi_app  # type: ignore[method-assign]
        yield Server(url, app, outer, ehr, cases)


def checked(
    server: Server,
    of: Credentials | None = None,
    *,
    cases: Sequence[int] = (CPAP, POSTERIOR),
    only: Collection[str] = (),
    **target: str,
) -> list[AreaResult]:
    """The results of a self-check of a server, with some of the sample cases."""
    session = Session(Target(server.url, of, **target), Web(20), server.ehr, [server.cases[i] for i in cases])
    return list(run_checks(areas_named(only), session, lambda _: None))


def results(areas: Sequence[AreaResult], status: Status) -> list[Result]:
    """All results of a status."""
    return [each for area in areas for each in area.results if each.status is status]


def failed(areas: Sequence[AreaResult]) -> set[str]:
    """The ids of the checks that failed."""
    return {each.id for each in results(areas, Status.FAILED)}


def changed_json(change: Callable[[Any], Any], *paths: str) -> Change:
    """Change the JSON of successful answers, in place or by a new value, below paths that end in one of these."""

    def run(request: Request, response: Response) -> None:
        if (
            response.status_code == 200
            and (response.mimetype or "").endswith("json")
            and (not paths or request.path.endswith(paths))
        ):
            value = json.loads(response.get_data())
            response.set_data(json.dumps(change(value) or value))

    return run


def each_card(change: Callable[[Any], Any]) -> Change:
    """Change every card."""

    def run(value: Any) -> None:
        for card in value.get("cards", ()) if isinstance(value, dict) else ():
            change(card)

    return changed_json(run)


def each_suggestion(change: Callable[[Any], Any]) -> Change:
    """Change every suggestion."""
    return each_card(lambda card: [change(each) for each in card.get("suggestions", ())] and None)


def each_information(change: Callable[[list[Any]], list[Any]]) -> Change:
    """Change the parts of every coverage information; what comes back so is nothing new to the server."""

    def changed(value: Any) -> None:
        for action in value.get("systemActions", ()) if isinstance(value, dict) else ():
            for extension in action["resource"]["extension"]:
                if extension["url"].endswith(_INFORMATION):
                    extension["extension"] = change(extension["extension"])

    def without_actions(value: Any) -> Any:
        return {name: each for name, each in value.items() if name != "systemActions"}

    def run(request: Request, response: Response) -> None:
        comes_back = _INFORMATION.encode() in request.get_data()
        changed_json(without_actions if comes_back else changed)(request, response)

    return run
