"""A service that answers for the payers of the sample patients by Da Vinci CRD, and the calls of its client."""

from cds_service.records.database import Database
from cds_service.sample_ehr.hook_client import crd_call
from cds_service.sample_ehr.patients import STORY_DATE, Sample, SampleOrder
from cds_service.sample_ehr.payers import SAMPLE_PAYERS
from coverage_policies.judging.assessment import Assessor
from fhir_mappings.fhir_json import Json
from tests.support.crd_records import KEYS
from tests.support.record_fakes import RecordedService, new_id, resources, shipped

KEY_IN_HEX = KEYS[0].hex()
TOKEN = "token-of-the-ehr"


def payers_service(database: Database, key: str = KEY_IN_HEX) -> RecordedService:
    """A service that answers for the payers of the sample patients, and keeps exchanges under a key."""
    assessor = Assessor(shipped().library, SAMPLE_PAYERS)
    return RecordedService(database, assessor=assessor, encryption_keys=key)


def crd_body(patient: Sample, order: SampleOrder) -> tuple[Json, Json]:
    """A call of a CRD client for a sample order, and the chart to read for it."""
    chart = patient.bundle(None)
    coverage: Json = next(iter(resources(chart, "Coverage")), {})
    body = crd_call(
        patient.id,
        order.hook,
        order.resource(STORY_DATE),
        coverage,
        fhir_server="https://ehr.example/fhir",
        token=TOKEN,
        new_id=new_id,
    )
    return body, chart
