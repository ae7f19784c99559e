"""The sample patients: what each chart shows, and the draft orders to try on it, with the outcome they should have.

All are invented. The charts lie in `patients/`, one FHIR R4 Bundle of type collection each; the orders in
`orders/`, one draft resource each. Their story takes place on one day, `STORY_DATE`, when the orders are written;
the procedures are planned two weeks later. Outcomes are those of the policies this package ships.
"""

from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib import resources
from typing import Literal

from cds_service.fhir_client.memory import Store
from cds_service.sample_ehr.shifting import shifted_resource
from coverage_policies.format.terms import Outcome
from fhir_mappings.fhir_json import Resource, loads

STORY_DATE = date(2026, 3, 2)
"""The day on which the orders are written and the charts are read."""

SI_JOINT_FUSION = "CP.MP.126@2025-04"
PAIN_PUMP = "CP.MP.173@2024-01"


@dataclass(frozen=True, slots=True)
class SampleOrder:
    """A draft order, the hook it is meant for, and the outcome it should have under one text of a policy."""

    file: str
    hook: Literal["order-select", "order-sign"]
    text: str
    outcome: Outcome

    def resource(self, today: date | None) -> Resource:
        """The draft as FHIR R4, its dates moved as those of `sample_store`."""
        return _load("orders", self.file, today)


@dataclass(frozen=True, slots=True)
class Sample:
    """A patient whose id is `id`, one sentence about what the chart shows, and the orders to try on it."""

    id: str
    file: str
    shows: str
    orders: tuple[SampleOrder, ...]

    def bundle(self, today: date | None) -> Resource:
        """The chart as a FHIR R4 Bundle of type collection, its dates moved as those of `sample_store`."""
        return _load("patients", self.file, today)


def sample_store(today: date | None) -> Store:
    """All sample patients in one store.

    Every date is moved by the days between `STORY_DATE` and `today`, so that the story happens today; None leaves
    the dates as they were written.
    """
    return Store.from_bundle(*(sample.bundle(today) for sample in SAMPLES))


def _load(folder: str, file: str, today: date | None) -> Resource:
    text = resources.files(__package__).joinpath(folder, file).read_text(encoding="utf-8")
    written: Resource = loads(text)
    return written if today is None else shifted_resource(written, (today - STORY_DATE).days)


def _sample(patient_id: str, shows: str, *orders: SampleOrder) -> Sample:
    return Sample(patient_id, f"{patient_id}.json", shows, orders)


_fusion = partial(SampleOrder, text=SI_JOINT_FUSION)
_pump = partial(SampleOrder, text=PAIN_PUMP)

SAMPLES: tuple[Sample, ...] = (
    _sample(
        "sij-all-documented",
        "Every criterion of minimally invasive fusion is proven or attested; only the approach can still spoil it.",
        _fusion("sij-all-documented-lateral.json", "order-sign", outcome=Outcome.SUPPORTED),
        _fusion("sij-all-documented-posterior.json", "order-sign", outcome=Outcome.CRITERIA_NOT_MET),
    ),
    _sample(
        "sij-rich-chart",
        "The usual full and untidy chart: much of it bears on the fusion, little of it decides.",
        _fusion("sij-rich-chart-fusion.json", "order-select", outcome=Outcome.DOCUMENTATION_NEEDED),
        _fusion("sij-rich-chart-not-transfixing.json", "order-sign", outcome=Outcome.NOT_SUPPORTED),
    ),
    _sample(
        "sij-fibromyalgia",
        "Active fibromyalgia rules the fusion out, whatever else is open.",
        _fusion("sij-fibromyalgia-fusion.json", "order-select", outcome=Outcome.CRITERIA_NOT_MET),
    ),
    _sample(
        "sij-posterior",
        "The order itself states a posterior approach; the rest of the chart is still open.",
        _fusion("sij-posterior-fusion.json", "order-select", outcome=Outcome.CRITERIA_NOT_MET),
    ),
    _sample(
        "sij-recent-onset",
        "The joint has hurt for four months and no older back pain is on record: too early for half a year of care.",
        _fusion("sij-recent-onset-fusion.json", "order-sign", outcome=Outcome.CRITERIA_NOT_MET),
    ),
    _sample(
        "sij-nearly-empty",
        "Next to nothing is on record, so everything is still to be asked.",
        _fusion("sij-nearly-empty-fusion.json", "order-select", outcome=Outcome.DOCUMENTATION_NEEDED),
    ),
    _sample(
        "sij-open-no-reason",
        "Open fusion for a stress fracture; each of the four accepted reasons was answered with no.",
        _fusion("sij-open-no-reason-open-fusion.json", "order-sign", outcome=Outcome.NOT_SUPPORTED),
    ),
    _sample(
        "sij-open-trauma",
        "Open fusion that names an unstable pelvic ring as its reason.",
        _fusion("sij-open-trauma-open-fusion.json", "order-sign", outcome=Outcome.SUPPORTED),
    ),
    _sample(
        "trial-not-weaned",
        "A pump trial for postlaminectomy syndrome after opioids went from 120 to 90 MME a day: less than half.",
        _pump("trial-not-weaned-trial.json", "order-sign", outcome=Outcome.CRITERIA_NOT_MET),
    ),
    _sample(
        "trial-weaned",
        "The same trial after opioids went from 120 to 60 MME a day, the rest attested.",
        _pump("trial-weaned-trial.json", "order-sign", outcome=Outcome.SUPPORTED),
    ),
    _sample(
        "trial-two-pathways",
        "Cancer pain and postlaminectomy syndrome side by side: the answer hangs on which of them the trial is for.",
        _pump("trial-two-pathways-trial.json", "order-select", outcome=Outcome.DOCUMENTATION_NEEDED),
    ),
    _sample(
        "trial-buprenorphine",
        "Opioids were changed for buprenorphine, which has no MME factor: whether they were halved must be asked.",
        _pump("trial-buprenorphine-trial.json", "order-sign", outcome=Outcome.DOCUMENTATION_NEEDED),
    ),
    _sample(
        "pump-replacement",
        "A worn-out pump is to be replaced, the rest is attested; taking a pump out is no matter of the policy.",
        _pump("pump-replacement-replacement.json", "order-sign", outcome=Outcome.CASE_REVIEW),
        _pump("pump-replacement-replacement-device.json", "order-sign", outcome=Outcome.CASE_REVIEW),
        _pump("pump-replacement-removal.json", "order-sign", outcome=Outcome.NOT_APPLICABLE),
    ),
    _sample(
        "pump-trial-waived",
        "Advanced cancer: a pump without a trial, which a reviewer may allow.",
        _pump("pump-trial-waived-pump.json", "order-sign", outcome=Outcome.CASE_REVIEW),
    ),
    _sample(
        "pump-trial-worked",
        "A pump for cancer pain after a trial that took it from 8 to 3, the rest attested.",
        _pump("pump-trial-worked-pump.json", "order-sign", outcome=Outcome.SUPPORTED),
    ),
    _sample(
        "epidural-steroid",
        "An epidural steroid injection for radiculopathy shares a pump trial's code and is none.",
        _pump("epidural-steroid-steroid.json", "order-select", outcome=Outcome.NOT_APPLICABLE),
    ),
)
"""The sample patients; between them every outcome of both policies but `not-evaluated`, for which nothing is read."""
