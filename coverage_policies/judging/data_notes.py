"""What a reader must know of the data behind a determination: what was not read, not used, or faulty."""

from collections.abc import Sequence

from coverage_policies.format.model import Policy
from fhir_mappings.orders import Anchor, Order
from fhir_mappings.record import Availability, PatientRecord

_OF_EVERY_CALL = frozenset({"Coverage", "Patient"})
"""What every call reads, whatever the policy."""


def is_unread(policy: Policy, record: PatientRecord) -> bool:
    """Return whether nothing that this policy needs could be read: no data are present, and none are proven absent.

    Nothing is proven absent if no search succeeded, or if all that was found may be another patient's.
    """
    kinds = policy.kinds
    return not record.of_type(*sorted(kinds)) and (
        record.is_left_out or all(record.availability(kind) is not Availability.COMPLETE for kind in kinds)
    )


def unread_types(policy: Policy, record: PatientRecord) -> tuple[str, ...]:
    """Return the resource types that were not read completely, of those that a call about this policy reads.

    Without those that nobody was asked for: a client with no FHIR server cannot send them, so they stand in the notes.
    """
    return tuple(kind for kind in record.failed() if kind in policy.kinds | _OF_EVERY_CALL)


def unused_records(policy: Policy, record: PatientRecord) -> int:
    """Return how many resources were read and not used, because of their content or because of their patient."""
    left_out = sum(count for kind, count in record.left_out.items() if kind in policy.kinds | _OF_EVERY_CALL)
    return left_out + len(record.quarantined)


def code_notes(policy: Policy, order: Order, anchor: Anchor) -> tuple[str, ...]:
    """Return a note if the policy has the code of the order for another date only."""
    if policy.entries(order.codes, anchor.day) or not policy.entries(order.codes, None):
        return ()
    return (f"The order's code was not valid on {anchor.day}.",)


def data_notes(policy: Policy, record: PatientRecord, anchor: Anchor, off_date: Sequence[str]) -> tuple[str, ...]:
    """Return what a reader must know of the data: the anchor date, and what was not read, excluded, or faulty.

    `off_date` are the notes on the code of the order.
    """
    kinds = policy.kinds
    found = [
        *policy.notes,
        f"Look-back periods end on {anchor.day} ({anchor.taken_from}).",
        *off_date,
    ]
    unread = [kind for kind in record.failed() if kind in kinds]
    unasked = sorted(record.unasked & kinds)
    absent = [kind for kind in record.not_offered() if kind in kinds]
    if unread:
        found.append(f"Not read completely: {', '.join(unread)}.")
    if unasked:
        found.append(f"Not read, since they are queried only and no FHIR server was named: {', '.join(unasked)}.")
    if absent:
        found.append(f"Not supported by the FHIR server: {', '.join(absent)}.")
    found += record.notes
    left_out = sum(count for kind, count in record.left_out.items() if kind in kinds)
    if left_out:
        found.append(f"Not used because the patient of the record is not certain: {left_out} resource(s).")
    if record.other_patients:
        found.append(f"Excluded as another patient's: {record.other_patients.total()} resource(s).")
    differing = [name for name, kind in sorted(record.differing.items()) if kind in kinds]
    if differing:
        found.append(f"Sent with different content, and which is the latest is not known: {', '.join(differing)}.")
    for name, why in sorted(record.quarantined.items()):
        # One reading may set aside what another one, which does not use the faulty element, uses.
        found.append(f"{'Used only in part' if name in record.tolerated else 'Not used'}: {name}, {why}.")
    for name, why in sorted(record.tolerated.items()):
        if name not in record.quarantined:
            found.append(f"Used despite an error in it: {name}, {why}.")
    return tuple(found)
