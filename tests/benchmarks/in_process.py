"""The service in this process, without a web server: what a call costs the processor, free of everything else."""

import gc
import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from flask import Flask
from werkzeug.test import EnvironBuilder

from cds_service.fhir_client.source import FhirOpener
from cds_service.observability.logging import service_log
from cds_service.records.database import Database
from cds_service.records.policy_snapshot import PolicySnapshot
from cds_service.records.pseudonyms import Pseudonymizer, random_key
from cds_service.records.sealing import Sealer
from cds_service.settings import Settings
from cds_service.wiring.app import create_app
from cds_service.wiring.records import crd_records_in, make_ready, records_in
from cds_service.wiring.serving import settle_memory
from coverage_policies.format.library import Library, load_library
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.plan_rules import PlanRules
from tests.benchmarks.calls import PATH, clock, new_id


class _Nowhere(io.TextIOBase):
    """A stream that keeps nothing."""

    def write(self, text: str) -> int:
        return len(text)


def app_of(library: Library, settings: Settings, rules: PlanRules | None = None, **parts: Any) -> Flask:
    """The service with a fixed clock; without `records` among its parts it stores nothing."""
    log = parts.pop("log", None) or service_log(_Nowhere(), clock)
    assessor = Assessor(library, rules or PlanRules())
    return create_app(settings=settings, assessor=assessor, clock=clock, new_id=new_id, log=log, **parts)


class InProcess:
    """The service that stores decisions in an SQLite file, in a temporary folder; to be used as a context.

    With `rules` it answers for their payers, too, and stores CRD exchanges under a key. In the context Python collects
    garbage as in a process of `cds-service serve`.
    """

    def __init__(
        self,
        library: Library | None = None,
        open_fhir_server: FhirOpener | None = None,
        rules: PlanRules | None = None,
    ) -> None:
        library = library or load_library()
        settings = Settings()
        self._thresholds = gc.get_threshold()
        self._folder = tempfile.TemporaryDirectory()
        self.database = Database(f"sqlite:///{Path(self._folder.name) / 'records.db'}", wait_seconds=5)
        make_ready(self.database)
        assessor = Assessor(library, rules or PlanRules())
        snapshot = PolicySnapshot.of(assessor, settings.time_zone, settings.answers_valid_days)
        key = Pseudonymizer(random_key())
        self._app = app_of(
            library,
            settings,
            rules,
            records=records_in(self.database, key, settings, snapshot, clock),
            crd_records=crd_records_in(self.database, Sealer([random_key()]), key, settings, snapshot, clock),
            pseudonym=key,
            open_fhir_server=open_fhir_server,
        )

    def __enter__(self) -> "InProcess":
        settle_memory()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.database.close()
        self._folder.cleanup()
        gc.unfreeze()
        gc.set_threshold(*self._thresholds)

    def answering(self, body: bytes, path: str = PATH) -> Callable[[], bytes]:
        """A function that answers a call as the web server has it answered, and fails if the answer is an error."""
        environ = EnvironBuilder(path, method="POST", data=body, content_type="application/json").get_environ()

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
            assert status == "200 OK", status

        def answer() -> bytes:
            return b"".join(self._app.wsgi_app({**environ, "wsgi.input": io.BytesIO(body)}, start_response))

        return answer


def least_cpu_ms(work: Callable[[], object], rounds: int) -> float:
    """The least CPU time of this thread for the work, of several rounds, in milliseconds."""
    found = []
    for _ in range(rounds):
        begin = time.thread_time()
        work()
        found.append(time.thread_time() - begin)
    return min(found) * 1000
