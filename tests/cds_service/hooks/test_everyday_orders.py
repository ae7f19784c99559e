"""Everyday orders at both hooks: which of them get a card, and which get none."""

from typing import Any

import pytest

from coverage_policies.format.library import Library, load_library
from fhir_mappings.codings import CPT, HCPCS, ICD10CM
from fhir_mappings.fhir_json import Resource
from tests.support.signings import cards, coded, ordered, service_request

SILENT, SIGN, BOTH = [0, 0], [0, 1], [1, 1]
"""How many cards there are at order-select and at order-sign."""


@pytest.fixture(scope="module")
def library() -> Library:
    """The policies that ship with the service."""
    return load_library()


def reasons(*given: str) -> list[dict[str, Any]]:
    """ICD-10-CM codes, or words, as reasons."""
    return [coded((ICD10CM, each)) if each[1].isdigit() and " " not in each else {"text": each} for each in given]


def procedure(code: str, *reason: str, text: str = "", details: tuple[str, ...] = (), own_id: str = "o-1") -> Resource:
    """A procedure by its CPT code."""
    given = [{"text": each} for each in details]
    return service_request(coded((CPT, code), text=text), own_id, reasonCode=reasons(*reason), orderDetail=given)


def words(text: str) -> Resource:
    """A procedure in words alone."""
    return service_request({"text": text})


def drug(code: str, *reason: str, text: str = "", own_id: str = "o-1") -> Resource:
    """A drug by its HCPCS code, or in words alone."""
    what = coded((HCPCS, code), text=text) if code else {"text": text}
    return ordered("MedicationRequest", "medicationCodeableConcept", what, own_id, reasonCode=reasons(*reason))


def device(code: str, *reason: str, text: str = "") -> Resource:
    """A device by its HCPCS code."""
    what = coded((HCPCS, code), text=text)
    return ordered("DeviceRequest", "codeCodeableConcept", what, reasonCode=reasons(*reason))


_STEROID_REASONS = (
    *("M54.16", "M54.12", "M54.31", "M54.41", "M47.26", "M48.061", "M50.122", "M51.16", "M54.50", "M54.2", "M54.6"),
    *("M96.1", "M43.16", "M47.816", "M99.53", "M99.73", "B02.23", "G54.4", "M79.604", "G89.4", "S32.010A", "M54.59"),
    *("Lumbar radiculopathy", "Low back pain", "Chronic pain syndrome", "Trial of epidural injection for back pain"),
    *("Failed back surgery", "Neck pain", "LBP"),
)
_ORDERS: dict[str, tuple[Resource, list[int]]] = {
    **{
        f"another procedure {code}": (procedure(code, "M54.16"), SILENT)
        for code in (
            *("64483", "64493", "64635", "20610", "20611", "20552", "62270", "62273", "62304", "63650", "63685"),
            *("22612", "27130", "72148", "97110", "96450", "01967", "62370", "62367", "62368", "62355", "62365"),
        )
    },
    **{f"epidural injection for {why}": (procedure("62323", why), SILENT) for why in _STEROID_REASONS},
    "epidural injection": (procedure("62323"), SILENT),
    "cervical epidural injection": (procedure("62321"), SILENT),
    "epidural injection, spoken of as one of a steroid": (
        procedure("62323", "M54.50", text="Lumbar epidural steroid injection L4-L5"),
        SILENT,
    ),
    "epidural injection with a brand of a steroid": (procedure("62323", details=("Kenalog 40 mg",)), SILENT),
    "epidural steroid injection as a trial": (procedure("62323", text="Epidural steroid injection trial"), SILENT),
    "epidural injection for cancer pain": (procedure("62323", "G89.3"), SIGN),
    "epidural injection that may be a trial": (procedure("62323", details=("Intrathecal trial if needed",)), SIGN),
    "opioid trial": (procedure("62323", text="Intrathecal opioid trial"), BOTH),
    "morphine for a radiculopathy": (procedure("62323", "M54.16", details=("Morphine",)), SIGN),
    "baclofen trial": (procedure("62322", text="Intrathecal baclofen trial, 50 mcg"), SILENT),
    "catheter": (procedure("62327"), BOTH),
    "catheter for post-surgical back pain": (procedure("62327", "Post-surgical back pain"), BOTH),
    "catheter at birth": (procedure("62326", "O80"), SILENT),
    "labor epidural in words": (procedure("62326", text="Labor epidural"), SILENT),
    "catheter after surgery": (procedure("62326", "G89.18"), SILENT),
    "catheter after surgery in words": (procedure("62325", text="Postoperative epidural analgesia"), SILENT),
    "catheter for a trial and after surgery": (
        procedure("62327", "G89.18", details=("Intrathecal trial before pump",)),
        SIGN,
    ),
    "neuraxial morphine": (drug("J2274"), SILENT),
    "neuraxial morphine at a cesarean section": (drug("J2274", "O82", text="Intrathecal morphine"), SILENT),
    "neuraxial morphine for cancer pain": (drug("J2274", "G89.3"), SIGN),
    "loading dose": (drug("S0093"), SILENT),
    "oral morphine": (drug("", text="Morphine 15 mg tablet"), SILENT),
    "access port": (device("A4301"), SILENT),
    "pump": (procedure("62362"), BOTH),
    "pump for spasticity": (procedure("62362", "G82.21"), SILENT),
    "pump for baclofen": (procedure("62362", text="Intrathecal baclofen pump"), SILENT),
    "pump as a device": (device("E0783"), BOTH),
    "pump as a device for spasticity": (device("E0783", "G80.1"), SILENT),
    "pump for wounds in words": (words("Pain pump (On-Q), postoperative"), SILENT),
    "pump check in words": (words("Pain pump check"), SILENT),
    "pump refill in words": (words("Intrathecal pump refill"), SILENT),
    "pump of the liver in words": (words("Implantable infusion pump, hepatic artery"), SILENT),
    "insulin pump in words": (words("Insulin pump"), SILENT),
    "pump in words": (words("Intrathecal pain pump implantation"), BOTH),
    "sacroiliac injection": (procedure("27096"), BOTH),
    "sacroiliac fusion": (procedure("27279"), BOTH),
}


@pytest.mark.parametrize("name", _ORDERS)
def test_an_everyday_order_gets_a_card_or_none(library: Library, name: str) -> None:
    order, counts = _ORDERS[name]
    assert [len(cards(library, order, hook=hook)) for hook in ("order-select", "order-sign")] == counts


def test_codes_of_one_operation_share_a_card(library: Library) -> None:
    pump = (
        procedure("62350", own_id="o-1"),
        procedure("62362", own_id="o-2"),
        ordered("DeviceRequest", "codeCodeableConcept", coded((HCPCS, "E0783")), "o-3"),
    )
    injection = procedure("27096"), service_request(coded((HCPCS, "G0260")), "o-2")
    assert [len(cards(library, *orders)) for orders in (pump, injection)] == [1, 1]


@pytest.mark.parametrize(
    ("beside", "counts"),
    [
        (drug("", text="Kenalog 40 mg/mL injection", own_id="o-2"), SILENT),
        (drug("J2274", own_id="o-2"), SIGN),
        (drug("", text="Oxycodone 5 mg tablet", own_id="o-2"), SILENT),
    ],
)
def test_an_epidural_injection_is_asked_about_by_what_is_signed_beside_it(
    library: Library, beside: Resource, counts: list[int]
) -> None:
    both = procedure("62323"), beside
    assert [len(cards(library, *both, hook=hook)) for hook in ("order-select", "order-sign")] == counts
