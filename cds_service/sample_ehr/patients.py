"""The sample patients: what each chart shows, and draft orders for it with their expected outcomes.

All are invented. The charts are in `patients/`, one FHIR R4 Bundle of type collection each; the orders are in
`orders/`, one draft resource each. The orders are written on `STORY_DATE`, and the procedures are planned two weeks
later. The outcomes are those under the policies of this package.
"""

from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib import resources
from typing import Literal

from cds_service.fhir_client.memory import Store
from coverage_policies.format.terms import Outcome
from fhir_mappings.fhir_json import Resource, loads
from fhir_mappings.shifting import shifted_resource

STORY_DATE = date(2026, 3, 2)
"""The day on which the orders are written and the charts are read."""

SI_JOINT_FUSION = "CP.MP.126@2025-04"
PAIN_PUMP = "CP.MP.173@2024-01"
HOME_OXYGEN = "NCD.240.2@2021-09"
CPAP = "NCD.240.4@2008-03"
BARIATRIC_SURGERY = "NCD.100.1@2013-09"


@dataclass(frozen=True, slots=True)
class SampleOrder:
    """A draft order, its hook, and its expected outcome under one policy revision, such as CP.MP.126@2025-04."""

    file: str
    hook: Literal["order-select", "order-sign"]
    policy: str
    outcome: Outcome

    def resource(self, today: date | None) -> Resource:
        """Return the draft as FHIR R4, with its dates moved as in `sample_store`."""
        return _load("orders", self.file, today)


@dataclass(frozen=True, slots=True)
class Sample:
    """A patient, one sentence about what the chart shows, the orders for it, and what they are about."""

    id: str
    file: str
    shows: str
    orders: tuple[SampleOrder, ...]
    topic: str

    def bundle(self, today: date | None) -> Resource:
        """Return the chart as a FHIR R4 Bundle of type collection, with its dates moved as in `sample_store`."""
        return _load("patients", self.file, today)


def sample_store(today: date | None) -> Store:
    """Return all sample patients in one store.

    Move every date by the days between `STORY_DATE` and `today`, so that the orders are written today; None leaves the
    dates unchanged.
    """
    return Store.from_bundle(*(sample.bundle(today) for sample in SAMPLES))


def _load(folder: str, file: str, today: date | None) -> Resource:
    text = resources.files(__package__).joinpath(folder, file).read_text(encoding="utf-8")
    written: Resource = loads(text)
    return written if today is None else shifted_resource(written, (today - STORY_DATE).days)


_TOPICS = {
    SI_JOINT_FUSION: "Sacroiliac joint fusion",
    PAIN_PUMP: "Pain pumps and their trials",
    HOME_OXYGEN: "Home oxygen",
    CPAP: "CPAP",
    BARIATRIC_SURGERY: "Bariatric surgery",
}
"""What the orders under a policy are about."""


def _sample(patient_id: str, shows: str, *orders: SampleOrder, topic: str = "") -> Sample:
    return Sample(patient_id, f"{patient_id}.json", shows, orders, topic or _TOPICS[orders[0].policy])


_fusion = partial(SampleOrder, policy=SI_JOINT_FUSION)
_pump = partial(SampleOrder, policy=PAIN_PUMP)
_oxygen = partial(SampleOrder, policy=HOME_OXYGEN)
_cpap = partial(SampleOrder, policy=CPAP)
_bariatric = partial(SampleOrder, policy=BARIATRIC_SURGERY)

SAMPLES: tuple[Sample, ...] = (
    _sample(
        "sij-all-documented",
        "The chart meets every criterion of minimally invasive fusion; the approach of the order decides.",
        _fusion("sij-all-documented-lateral.json", "order-sign", outcome=Outcome.SUPPORTED),
        _fusion("sij-all-documented-posterior.json", "order-sign", outcome=Outcome.CRITERIA_NOT_MET),
    ),
    _sample(
        "sij-rich-chart",
        "A typical full and untidy chart: much of it is relevant to the fusion, but little of it decides a criterion.",
        _fusion("sij-rich-chart-fusion.json", "order-select", outcome=Outcome.DOCUMENTATION_NEEDED),
        _fusion("sij-rich-chart-not-transfixing.json", "order-sign", outcome=Outcome.NOT_SUPPORTED),
    ),
    _sample(
        "sij-fibromyalgia",
        "Active fibromyalgia rules out the fusion, regardless of the open criteria.",
        _fusion("sij-fibromyalgia-fusion.json", "order-select", outcome=Outcome.CRITERIA_NOT_MET),
    ),
    _sample(
        "sij-posterior",
        "The order states a posterior approach; most other criteria are not documented yet.",
        _fusion("sij-posterior-fusion.json", "order-select", outcome=Outcome.CRITERIA_NOT_MET),
    ),
    _sample(
        "sij-recent-onset",
        "The joint pain began four months ago, with no earlier back pain on record: too early for six months of care.",
        _fusion("sij-recent-onset-fusion.json", "order-sign", outcome=Outcome.CRITERIA_NOT_MET),
    ),
    _sample(
        "sij-nearly-empty",
        "The chart is nearly empty, so every criterion still has to be documented.",
        _fusion("sij-nearly-empty-fusion.json", "order-select", outcome=Outcome.DOCUMENTATION_NEEDED),
    ),
    _sample(
        "sij-open-no-reason",
        "Open fusion for a stress fracture; the clinician answered no to each of the four accepted reasons.",
        _fusion("sij-open-no-reason-open-fusion.json", "order-sign", outcome=Outcome.NOT_SUPPORTED),
    ),
    _sample(
        "sij-open-trauma",
        "Open fusion for an unstable pelvic ring, which is an accepted reason.",
        _fusion("sij-open-trauma-open-fusion.json", "order-sign", outcome=Outcome.SUPPORTED),
    ),
    _sample(
        "trial-not-weaned",
        "A pump trial for postlaminectomy syndrome after a wean from 120 to 90 MME/day, which is less than 50%.",
        _pump("trial-not-weaned-trial.json", "order-sign", outcome=Outcome.CRITERIA_NOT_MET),
    ),
    _sample(
        "trial-weaned",
        "The same trial after a wean from 120 to 60 MME/day; the other criteria are attested.",
        _pump("trial-weaned-trial.json", "order-sign", outcome=Outcome.SUPPORTED),
    ),
    _sample(
        "trial-two-pathways",
        "Both cancer pain and postlaminectomy syndrome: the outcome depends on which of them the trial is for.",
        _pump("trial-two-pathways-trial.json", "order-select", outcome=Outcome.DOCUMENTATION_NEEDED),
    ),
    _sample(
        "trial-buprenorphine",
        "Opioids were switched to buprenorphine, which has no MME factor, so the clinician must attest the wean.",
        _pump("trial-buprenorphine-trial.json", "order-sign", outcome=Outcome.DOCUMENTATION_NEEDED),
    ),
    _sample(
        "pump-replacement",
        "Replacement of a worn-out pump, with the criteria attested; the policy does not cover removal of a pump.",
        _pump("pump-replacement-replacement.json", "order-sign", outcome=Outcome.CASE_REVIEW),
        _pump("pump-replacement-replacement-device.json", "order-sign", outcome=Outcome.CASE_REVIEW),
        _pump("pump-replacement-removal.json", "order-sign", outcome=Outcome.NOT_APPLICABLE),
    ),
    _sample(
        "pump-trial-waived",
        "Advanced cancer: a pump without a trial, which needs case review.",
        _pump("pump-trial-waived-pump.json", "order-sign", outcome=Outcome.CASE_REVIEW),
    ),
    _sample(
        "pump-trial-worked",
        "A pump for cancer pain after a trial that reduced it from 8 to 3; the other criteria are attested.",
        _pump("pump-trial-worked-pump.json", "order-sign", outcome=Outcome.SUPPORTED),
    ),
    _sample(
        "epidural-steroid",
        "An epidural steroid injection for radiculopathy, which has the same code as a pump trial.",
        _pump("epidural-steroid-steroid.json", "order-select", outcome=Outcome.NOT_APPLICABLE),
        topic="Spinal injections",
    ),
    _sample(
        "oxygen-low-at-rest",
        "Oxygen saturation of 85% at rest on room air; the test is attested, and the order's reason is hypoxemia.",
        _oxygen("oxygen-low-at-rest-concentrator.json", "order-sign", outcome=Outcome.SUPPORTED),
        _oxygen("oxygen-low-at-rest-portable.json", "order-sign", outcome=Outcome.SUPPORTED),
        _oxygen("oxygen-low-at-rest-contents.json", "order-sign", outcome=Outcome.NOT_APPLICABLE),
    ),
    _sample(
        "oxygen-normal-at-rest",
        "Oxygen saturation of 97% at rest on room air: sleep, exertion, and the contractor's discretion are open.",
        _oxygen("oxygen-normal-at-rest-concentrator.json", "order-select", outcome=Outcome.DOCUMENTATION_NEEDED),
    ),
    _sample(
        "oxygen-asleep-only",
        "Oxygen saturation of 84% asleep and 94% awake: enough for a stationary system, not for a portable one.",
        _oxygen("oxygen-asleep-only-concentrator.json", "order-sign", outcome=Outcome.SUPPORTED),
        _oxygen("oxygen-asleep-only-portable.json", "order-sign", outcome=Outcome.CRITERIA_NOT_MET),
    ),
    _sample(
        "oxygen-no-hypoxemia",
        "Oxygen saturation of 94% at rest; the clinician denied hypoxemia otherwise and any other reason.",
        _oxygen("oxygen-no-hypoxemia-concentrator.json", "order-sign", outcome=Outcome.CRITERIA_NOT_MET),
    ),
    _sample(
        "oxygen-cluster-headache",
        "Oxygen for cluster headache without hypoxemia, which the Medicare contractor decides.",
        _oxygen("oxygen-cluster-headache-gas.json", "order-sign", outcome=Outcome.CASE_REVIEW),
    ),
    _sample(
        "oxygen-breathless",
        "Oxygen for breathlessness without hypoxemia, which Medicare never covers.",
        _oxygen("oxygen-breathless-concentrator.json", "order-sign", outcome=Outcome.NOT_SUPPORTED),
    ),
    _sample(
        "cpap-severe-apnea",
        "An AHI of 32.4 in a laboratory; the rest is attested. The policy does not judge a bi-level device.",
        _cpap("cpap-severe-apnea-cpap.json", "order-sign", outcome=Outcome.SUPPORTED),
        _cpap("cpap-severe-apnea-bilevel.json", "order-sign", outcome=Outcome.NOT_APPLICABLE),
    ),
    _sample(
        "cpap-mild-apnea",
        "An AHI of 8.6 with hypertension meets the index; whether this is the first 12 weeks is open.",
        _cpap("cpap-mild-apnea-cpap.json", "order-select", outcome=Outcome.DOCUMENTATION_NEEDED),
    ),
    _sample(
        "cpap-low-index",
        "Both AHI and RDI are below 5.",
        _cpap("cpap-low-index-cpap.json", "order-sign", outcome=Outcome.CRITERIA_NOT_MET),
    ),
    _sample(
        "bariatric-all-documented",
        "BMI of 43.2 with type 2 diabetes after medical treatment; the procedure decides.",
        _bariatric("bariatric-all-documented-bypass.json", "order-sign", outcome=Outcome.SUPPORTED),
        _bariatric("bariatric-all-documented-sleeve.json", "order-sign", outcome=Outcome.CASE_REVIEW),
        _bariatric("bariatric-all-documented-banded.json", "order-sign", outcome=Outcome.NOT_SUPPORTED),
        _bariatric("bariatric-all-documented-band-removal.json", "order-sign", outcome=Outcome.NOT_APPLICABLE),
    ),
    _sample(
        "bariatric-weight-lost",
        "BMI fell from 36.4 to 34.2 before surgery; the latest value decides.",
        _bariatric("bariatric-weight-lost-bypass.json", "order-sign", outcome=Outcome.CRITERIA_NOT_MET),
    ),
    _sample(
        "bariatric-open-items",
        "BMI of 38.7 with hypertension and sleep apnea, which may be related to obesity; earlier treatment is open.",
        _bariatric("bariatric-open-items-bypass.json", "order-select", outcome=Outcome.DOCUMENTATION_NEEDED),
    ),
)
"""The sample patients. They cover every outcome of each policy except `not-evaluated`, which needs a read failure."""
