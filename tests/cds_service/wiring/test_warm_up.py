"""Warming up: after it, judging a call imports nothing and loads no table."""

import json
import subprocess
import sys

_CALLS = """
import json
import sys
from datetime import UTC, datetime

from cds_service.hooks.request import read_request
from cds_service.sample_ehr.hook_client import hook_call
from cds_service.sample_ehr.patients import SAMPLES, STORY_DATE
from cds_service.settings import Settings
from cds_service.wiring.loading import load_assessor
from cds_service.wiring.warm_up import warm_up
from fhir_mappings.diagnoses import icd10cm
from fhir_mappings.opioids import product_names
from tests.support.reviews import review_call
from tests.support.sample_prefetch import prefetch_of

assessor = load_assessor(Settings())
calls = []
for sample in SAMPLES:
    prefetch = prefetch_of(sample, assessor)
    for order in sample.orders:
        call = hook_call(
            sample,
            order,
            fhir_server="",
            token="",
            today=STORY_DATE,
            new_id=lambda: "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        )
        sent = {name: value for name, value in call.items() if not name.startswith("fhir")}
        calls.append(read_request(sent | {"prefetch": prefetch}))
loaded = lambda: [table.cache_info().currsize for table in (icd10cm._by_words, product_names._names)]
cold = loaded()
warm_up(assessor.library)
modules, warm = set(sys.modules), loaded()
for call in calls:
    review_call(call, assessor, Settings(), clock=lambda: datetime(2026, 3, 2, 17, tzinfo=UTC))
print(json.dumps([cold, warm, sorted(set(sys.modules) - modules)]))
"""


def test_no_call_waits_for_models_and_tables() -> None:
    ran = subprocess.run([sys.executable, "-c", _CALLS], capture_output=True, text=True, check=False, timeout=120)  # noqa: S603 - our own code
    assert ran.stderr == ""
    cold, warm, imported = json.loads(ran.stdout)
    assert (cold, warm) == ([0, 0], [1, 1])
    assert imported == []
