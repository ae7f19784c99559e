"""`device`: a device on record."""

from typing import Any

import pytest

from coverage_policies.format.searches import DEVICES
from coverage_policies.format.terms import Reason
from fhir_mappings.fhir_json import Resource
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import UNAVAILABLE, available, clause, concept, run

PRESENT = clause("device", in_="alpha")


def device(code: str, status: str = "active", **more: Any) -> Resource:
    subject = {"reference": "Patient/p"}
    found = {"resourceType": "Device", "id": f"d-{code}", "status": status, "patient": subject, "type": concept(code)}
    return found | more


def test_it_needs_the_devices() -> None:
    assert PRESENT.searches == (DEVICES,)


@pytest.mark.parametrize(
    ("resource", "holds", "reason"),
    [
        (device("alpha"), Truth.YES, Reason.PRESENT),
        (device("alpha", "unknown"), Truth.YES, Reason.PRESENT),
        (device("alpha", "inactive"), Truth.NO, Reason.NOT_FOUND),
        (device("alpha", "entered-in-error"), Truth.NO, Reason.NOT_FOUND),
        (device("alpha-asks"), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
        (device("alpha", manufactureDate="old"), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
        (device("beta"), Truth.NO, Reason.NOT_FOUND),
    ],
)
def test_a_device_in_use_holds(resource: Resource, holds: Truth, reason: Reason) -> None:
    found = run(PRESENT, resource)
    assert (found.holds, found.reason) == (holds, reason)
    assert [item.reference for item in found.evidence] == ([] if holds is Truth.NO else [f"Device/{resource['id']}"])


def test_only_what_is_certain_is_evidence_where_something_is() -> None:
    found = run(PRESENT, device("alpha"), device("alpha-asks"))
    assert [item.reference for item in found.evidence] == ["Device/d-alpha"]


def test_what_was_read_of_a_list_cut_short_holds() -> None:
    assert run(PRESENT, device("alpha"), availability=available(Device=UNAVAILABLE)).holds is Truth.YES
