"""How long the pages take, and how many bytes each is with its files, beside the least answer of the same server."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

from cds_service.hooks.turns import Turns
from cds_service.records.database import Database
from cds_service.settings import Settings
from cds_service.wiring.records import prepare, prepared_database
from tests.benchmarks.calls import clock
from tests.benchmarks.load import Clients, Load, one_call
from tests.benchmarks.processes import Server, program
from tests.support.recorded_calls import determination, record_call
from tests.support.sandbox import Page

HEALTH = "/health/live"
_FILE = re.compile(r'(?:href|src)="[./]*static/([^"]+)"')
_DAYS = 28
_WARM_UP = 3
_WITH_SCRIPT = "HX-Request: true\r\n"


@dataclass(slots=True)
class PageTiming:
    """One step: its calls, and the bytes of the page with its files; without these for what a script replaces."""

    load: Load = field(default_factory=Load)
    size: int = 0
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class WebPages:
    """The steps by name, `HEALTH` among them, and how many decisions insights count."""

    steps: Mapping[str, PageTiming]
    decisions: int

    def multiple(self, name: str) -> float:
        """How many times the median of `HEALTH` the median of a step is."""
        return self.steps[name].load.ms(50) / self.steps[HEALTH].load.ms(50)


def measure(folder: Path, rounds: int, decisions: int) -> WebPages:
    """Open every page in turn, with so many recorded decisions behind insights."""
    data = folder / "pages"
    data.mkdir()
    _record(data, decisions)
    environment = {"CDS_DATA_FOLDER": str(data), "CDS_ALLOW_UNAUTHENTICATED": "yes"}
    with Server(program("pages"), folder, environment) as server:
        server.until_answered(_get(HEALTH))
        requests = _requests(server.port)
        steps = {name: PageTiming(is_whole=_WITH_SCRIPT.encode() not in sent) for name, sent in requests.items()}
        for sent in requests.values():
            for _ in range(_WARM_UP):
                one_call(server.port, sent)
        for _ in range(rounds):
            for name, sent in requests.items():
                with Clients(server.port, sent) as client:  # one that waits for its turn is closed by the server
                    steps[name].load.add(client.run(1))
        for name, sent in requests.items():
            html = one_call(server.port, sent)
            steps[name].size = len(html) + _files(server.port, html.decode())
    return WebPages(steps, decisions)


def _requests(port: int) -> dict[str, bytes]:
    """Return the requests of all steps; those of the sandbox send what the page before them holds."""
    opened = "/sandbox?patient=trial-not-weaned"
    page = Page(one_call(port, _get(opened)).decode())
    found = Page(one_call(port, _get("/sandbox/codes?q=27279")).decode())
    add = {**page.fields, "do": found.buttons[0]}
    sign = {**page.fields, "do": "sign"}
    asking = Page(one_call(port, _get("/sandbox?patient=sij-rich-chart")).decode())
    signed = Page(one_call(port, _post({**asking.fields, "do": "sign"})).decode())
    question = next(name for name in signed.fields if name.startswith("answer:"))
    answer = {**signed.fields, question: signed.options[question][1], "do": "answer"}
    return {
        HEALTH: _get(HEALTH),
        "/sandbox": _get("/sandbox"),
        "/sandbox, a patient": _get(opened),
        "find a code": _get("/sandbox/codes?q=27279", _WITH_SCRIPT),
        "add an order": _post(add),
        "sign": _post(sign),
        "answer a question": _post(answer),
        "/policies": _get("/policies"),
        "search 27279": _get("/policies?q=27279"),
        "a revision": _get("/policies/CP.MP.126@2025-04"),
        "what changed": _get("/policies/CP.MP.126/diff?from=2022-06&to=2025-04"),
        "/insights": _get("/insights"),
        "/insights/outcomes": _get("/insights/outcomes"),
    }


def _record(data: Path, decisions: int) -> None:
    """Store decisions of some weeks before the day of the benchmarks."""
    settings = Settings(data_folder=data)
    prepare(settings)
    database: Database = prepared_database(settings, Turns())
    for number in range(decisions):
        at = clock() - timedelta(days=number % _DAYS, minutes=number % 600)
        outcome = ("supported", "criteria-not-met", "documentation-needed")[number % 3]
        record_call(database, determination("CP.MP.126", "2025-04", outcome), at=at, milliseconds=20 + number % 50)
    database.close()


def _files(port: int, html: str) -> int:
    """The bytes of the style sheet and the scripts that a page names."""
    return sum(len(one_call(port, _get(f"/static/{name}"))) for name in set(_FILE.findall(html)))


def _get(path: str, headers: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode()


def _post(fields: Mapping[str, object]) -> bytes:
    """The bytes of what a button of the workspace sends."""
    body = urlencode(fields, doseq=True).encode()
    head = (
        f"POST /sandbox HTTP/1.1\r\nHost: 127.0.0.1\r\n{_WITH_SCRIPT}"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
