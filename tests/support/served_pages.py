"""The service with its pages and the sample EHR on loopback, for tests that drive a browser."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from cds_service.cli.sample_app import sample_app, sample_server
from cds_service.fhir_client.address_guard import LOOPBACK
from cds_service.records.stored import StoredRecords
from cds_service.records.tables import FEEDBACK
from cds_service.sample_ehr.patients import STORY_DATE, sample_store
from cds_service.sample_ehr.payers import SAMPLE_PAYERS
from cds_service.sample_ehr.server import create_sample_ehr
from cds_service.settings import Settings
from cds_service.web.site import Site
from cds_service.wiring.app import create_app
from cds_service.wiring.loading import load_assessor
from cds_service.wiring.records import in_memory_records
from cds_service.wiring.serving import free_port, on_loopback
from cds_service.wiring.system import new_id
from coverage_policies.judging.assessment import Assessor
from tests.support.browser import run_script

NOW = datetime(STORY_DATE.year, STORY_DATE.month, STORY_DATE.day, 17, tzinfo=UTC)
TOKEN = "sample-token"
PICTURES = os.environ.get("CDS_TEST_PICTURES", "")
"""A folder for pictures of the last page of each journey, to look at; no pictures without it."""


@dataclass(frozen=True, slots=True)
class ServedPages:
    """The pages at an address, with what was stored behind them."""

    address: str
    records: StoredRecords

    def feedback(self) -> list[tuple[str, str]]:
        """The outcome and the override reason of all feedback, the oldest first."""
        with self.records.database.reading() as connection:
            rows = connection.execute(select(FEEDBACK).order_by(FEEDBACK.c.received_at)).mappings()
            return [(row["outcome"], row["reason"]) for row in rows]

    def drive(self, steps: Iterable[Mapping[str, Any]], by: str = "mouse", picture: str = "") -> Any:
        """What tests/browser/drive.mjs answers to steps; a `goto` is a path of the service."""
        told = [{**each, "goto": f"{self.address}{each['goto']}"} if "goto" in each else dict(each) for each in steps]
        if PICTURES and picture:
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            told += [
                {"picture": f"{PICTURES}/{picture}-{width}-{scheme}.png", "width": width, "colorScheme": scheme}
                for width in (1280, 390)
                for scheme in ("light", "dark")
            ]
        return run_script("drive", {"by": by, "steps": told})


@contextmanager
def served_pages(*, with_payers: bool = False, **settings: Any) -> Iterator[ServedPages]:
    """Serve the pages as `cds-service demo` does, on the day of the sample charts.

    `with_payers` answers as the sample payers, so that there are services of CRD. The settings add to those of the
    demo.
    """
    port = free_port(20_000 + os.getpid() % 5_000)
    ehr_port = free_port(port + 5_000)
    # The first call of a process compiles patterns, which takes seconds on a busy machine.
    given = {"call_timeout_seconds": 60, **settings}
    found = Settings(public_url=f"http://127.0.0.1:{port}", fhir_private_networks=(LOOPBACK,), **given)
    assessor = load_assessor(found)
    if with_payers:
        assessor = Assessor(assessor.library, SAMPLE_PAYERS)
    both = sample_app(found, ehr_port)
    records, crd_records, stored = in_memory_records(found, assessor, lambda: NOW)
    app = create_app(
        settings=found,
        assessor=assessor,
        clock=lambda: NOW,
        new_id=new_id,
        records=records,
        crd_records=crd_records,
        smart=both.clients,
        site=Site(
            sample_server(ehr_port, TOKEN, STORY_DATE, both.smart),
            has_style_guide=True,
            fhir_servers=found.fhir_servers,
            records=stored,
        ),
    )
    ehr = create_sample_ehr(sample_store(STORY_DATE), token=TOKEN, smart=both.smart)
    with on_loopback(app, port) as address, on_loopback(ehr, ehr_port):
        yield ServedPages(address, stored)
