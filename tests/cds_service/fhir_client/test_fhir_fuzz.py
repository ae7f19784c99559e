"""FHIR-shaped input, valid and not, through the whole service: no failure, and no input in an error or the log."""

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.fhir_client.source import searches_of_call
from cds_service.hooks.hooks import SERVICES
from cds_service.sample_ehr.patients import SAMPLES, STORY_DATE
from coverage_policies.format.library import load_library
from fhir_mappings.bundle import entries, reference_of
from fhir_mappings.fhir_json import dumps, loads
from tests.support.fuzzing import EXAMPLES, paths, whole_service
from tests.support.hook_fakes import PATIENT_ID, bundle, call

MARK = "Xanthippe"
FUZZED = settings(
    max_examples=EXAMPLES * 2,
    deadline=None,
    derandomize=EXAMPLES < 100,
    suppress_health_check=list(HealthCheck),
)
SEARCHES = searches_of_call(load_library().searches())
CODES = [
    *("27279", "27280", "27278", "62322", "62323", "62327", "62362", "27096", "64451", "77565-0", "72514-3", "E0784"),
    *("M53.3", "M46.1", "G89.4", "C79.51", "F03.90", "I10", "7052", "1049621", "197696", "R51", "0", "", " 27279 "),
]
SYSTEMS = [
    *(
        "http://www.ama-assn.org/go/cpt",
        "http://hl7.org/fhir/sid/icd-10-cm",
        "http://snomed.info/sct",
        "http://loinc.org",
    ),
    *("http://www.nlm.nih.gov/research/umls/rxnorm", "urn:oid:2.16.840.1.113883.6.12", "", "x"),
]

words = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            MARK,
            "active",
            "final",
            "draft",
            "completed",
            "mg",
            "lateral transarticular",
            "\ud800",
            "\x00",
            "a" * 500,
        ]
    ),
    st.text(max_size=8),
)
dates = st.one_of(
    st.dates().map(str),
    st.datetimes().map(lambda found: f"{found.isoformat()}Z"),
    st.sampled_from(
        [
            "2026",
            "2026-02",
            "2026-02-30",
            "0000-00-00",
            "9999-12-31",
            "0001-01-01T00:00:00+14:00",
            "2026-13-01T24:60:61Z",
            "9999-12-31T23:59:60-14:00",
            "+2026-01-01",
            "2026-1-1",
        ]
    ),
)
numbers = st.one_of(
    st.integers(-5, 500),
    st.sampled_from([10**30, -(10**400), 10**4000, 0.0, -0.0, 1e-300, 1e300]),
    st.floats(allow_nan=False, allow_infinity=False),
)
codings = st.fixed_dictionaries(
    {"system": st.sampled_from(SYSTEMS), "code": st.sampled_from(CODES)}, optional={"display": words, "version": words}
)
concepts = st.fixed_dictionaries({}, optional={"coding": st.lists(codings, max_size=2), "text": words})
quantities = st.fixed_dictionaries(
    {},
    optional={
        "value": numbers,
        "unit": words,
        "code": words,
        "system": st.just("http://unitsofmeasure.org"),
        "comparator": st.sampled_from("<>="),
    },
)
references = st.fixed_dictionaries(
    {
        "reference": st.one_of(
            st.sampled_from([f"Patient/{PATIENT_ID}", "#m", "Medication/1", "urn:uuid:1", "Practitioner/1", "/", ""]),
            words,
        )
    }
)
periods = st.fixed_dictionaries({}, optional={"start": dates, "end": dates})
junk = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, words, dates),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=8,
)
values = st.one_of(
    concepts,
    codings,
    quantities,
    references,
    periods,
    dates,
    words,
    numbers,
    junk,
    st.booleans(),
    st.lists(st.one_of(concepts, codings, references, periods, junk), max_size=3),
)
NAMES = [
    *("id", "status", "intent", "code", "codeCodeableConcept", "codeReference", "medicationReference"),
    *("contained", "subject", "medicationCodeableConcept", "patient", "beneficiary", "category"),
    *("bodySite", "onsetDateTime", "text", "onsetPeriod", "abatementDateTime", "clinicalStatus"),
    *("verificationStatus", "performedDateTime", "performedPeriod", "effectiveDateTime"),
    *("effectivePeriod", "valueQuantity", "valueCodeableConcept", "valueString", "valueInteger"),
    *("component", "authoredOn", "occurrenceDateTime", "occurrenceTiming", "dosageInstruction"),
    *("dispenseRequest", "item", "reasonCode", "reasonReference", "orderDetail", "note", "extension"),
    *("modifierExtension", "meta", "questionnaire", "answer", "authored", "author", "payor", "period"),
    *("subscriberId", "class", "type", "recordedDate", "onsetAge", "quantity", "daysSupply"),
    *("whenHandedOver", "dose", "partOf", "basedOn", "followUp", "outcome", "complication"),
]
TYPES = sorted({search.resource_type for search in SEARCHES} | {"ServiceRequest", "DeviceRequest", "MedicationRequest"})
resources = st.builds(
    lambda kind, own, members: {"resourceType": kind, "id": own, **members},
    st.one_of(st.sampled_from(TYPES), words),
    st.one_of(st.sampled_from(["1", "sr-1", PATIENT_ID]), words),
    st.dictionaries(st.sampled_from(NAMES), values, max_size=7),
).map(lambda found: {**found, "subject": {"reference": f"Patient/{PATIENT_ID}"}} if len(found) % 2 else found)
bundles = st.one_of(
    st.lists(resources, max_size=5).map(
        lambda found: {"resourceType": "Bundle", "entry": [{"resource": one} for one in found]}
    ),
    st.lists(st.one_of(resources, junk), max_size=3).map(lambda found: {"resourceType": "Bundle", "entry": found}),
    resources,
    junk,
)
orders = st.lists(resources, min_size=1, max_size=3)


def answered(request: dict[str, Any], service_id: str) -> None:
    """Send a call, and check that the status is one of the standard."""
    service = whole_service()
    before = len(service.written.getvalue())
    request["context"]["selections"] = [
        reference_of(order, url) for url, order in entries(request["context"]["draftOrders"])
    ]
    response = service.client.post(
        f"/cds-services/{service_id}",
        data=dumps(request).encode("utf-8", "backslashreplace"),
        content_type="application/json",
    )
    line = service.written.getvalue()[before:]
    assert response.status_code in (200, 400, 412, 413), line
    json.loads(response.data)
    assert MARK not in line
    if response.status_code != 200:
        assert MARK not in response.text


@pytest.mark.requirement("7.28", "7.113", "7.114", "7.124")
@pytest.mark.parametrize("service", SERVICES, ids=lambda one: one.hook)
@FUZZED
@given(drafts=orders, prefetch=st.dictionaries(st.sampled_from([one.key for one in SEARCHES]), bundles, max_size=8))
@pytest.mark.slow
def test_junk_in_the_shape_of_fhir_gets_an_answer(service: Any, drafts: Any, prefetch: Any) -> None:
    request = call(hook=service.hook, prefetch=prefetch)
    request["context"]["draftOrders"]["entry"] += [{"resource": one} for one in drafts]
    answered(request, service.id)


def sound_calls() -> list[dict[str, Any]]:
    """The sample orders, each with its whole chart as prefetch."""
    calls = []
    for sample in SAMPLES:
        held = sample.bundle(STORY_DATE)["entry"]
        prefetch = {
            search.key: {
                "resourceType": "Bundle",
                "entry": [one for one in held if one["resource"]["resourceType"] == search.resource_type],
            }
            for search in SEARCHES
        }
        for order in sample.orders:
            sound = call(prefetch=prefetch)
            sound["context"] |= {"patientId": sample.id, "draftOrders": bundle(order.resource(STORY_DATE))}
            calls.append(loads(dumps(sound)))
    return calls


SOUND = [(sound, [path for path in paths(sound) if len(path) > 3]) for sound in sound_calls()]


@pytest.mark.requirement("7.28", "7.34", "7.114")
@FUZZED
@given(data=st.data())
@pytest.mark.slow
def test_a_valid_chart_with_a_few_faults_gets_an_answer(data: st.DataObject) -> None:
    sound, places = data.draw(st.sampled_from(SOUND))
    spoilt = copy.deepcopy(sound)
    for path in data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=4)):
        parent = spoilt
        try:
            for name in path[:-1]:
                parent = parent[name]
            parent[path[-1]] = data.draw(values)
        except (KeyError, IndexError, TypeError, AttributeError):
            continue  # an earlier change took the place away
    answered(spoilt, "coverage-order-sign")
