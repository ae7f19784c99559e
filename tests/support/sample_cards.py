"""The cards of every sample order on the day of their story, as an EHR receives them."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cds_service.fhir_client.memory import ChartInMemory, Store
from cds_service.hooks.hooks import SERVICE_OF_HOOK
from cds_service.observability.logging import service_log
from cds_service.sample_ehr.hook_client import hook_call
from cds_service.sample_ehr.patients import SAMPLES, STORY_DATE, Sample, SampleOrder
from cds_service.settings import Settings
from cds_service.wiring.app import create_app
from cds_service.wiring.loading import load_assessor
from coverage_policies.judging.assessment import Assessor
from fhir_mappings.fhir_json import Resource, dumps, loads

_NOW = datetime(STORY_DATE.year, STORY_DATE.month, STORY_DATE.day, 17, tzinfo=UTC)
_INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"


@dataclass(frozen=True, slots=True)
class SampleCards:
    """A sample order, and the cards of the answer to it."""

    sample: Sample
    order: SampleOrder
    cards: tuple[dict[str, Any], ...]

    @property
    def name(self) -> str:
        """The name of the order, such as `sij-posterior-fusion`."""
        return self.order.file.removesuffix(".json")


def sample_cards() -> Iterator[SampleCards]:
    """Yield every sample order with its cards."""
    for sample in SAMPLES:
        for order in sample.orders:
            yield cards_for(sample, order, sample.bundle(None))


def cards_for(sample: Sample, order: SampleOrder, chart: Resource) -> SampleCards:
    """Return the cards of a sample order for a chart, a Bundle, from a service at `https://cds.example.org`."""
    in_memory = ChartInMemory(Store.from_bundle(chart))
    client = create_app(
        settings=Settings(public_url="https://cds.example.org"),
        assessor=_assessor(),
        clock=lambda: _NOW,
        new_id=lambda: _INSTANCE,
        open_fhir_server=lambda _access, _deadline: in_memory,
        log=service_log(io.StringIO(), lambda: _NOW),
    ).test_client()
    body = hook_call(
        sample, order, fhir_server="https://ehr.example/fhir", token="t", today=STORY_DATE, new_id=lambda: _INSTANCE
    )
    path = f"/cds-services/{SERVICE_OF_HOOK[order.hook].id}"
    response = client.post(path, data=dumps(body), content_type="application/json")
    assert response.status_code == 200, response.text
    return SampleCards(sample, order, tuple(loads(response.data)["cards"]))


@cache
def _assessor() -> Assessor:
    return load_assessor(Settings())
