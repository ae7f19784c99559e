"""Which procedures a clause is about: those on the side of the order, and for a purpose.

`same`, and a purpose alone: only records that state it match; records without one are UNKNOWN. With `or not stated`
those match as well, unless the records name both sides: then a record without a side may be on either.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coverage_policies.format.operator import Arguments
from fhir_mappings.laterality import same_side
from fhir_mappings.orders import Order
from fhir_mappings.procedures import Procedure
from fhir_mappings.truth import Truth

OR_SILENT = " or not stated"

SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "side": {"enum": ["same", f"same{OR_SILENT}"]},
    "purpose": {"enum": ["diagnostic", "therapeutic", f"diagnostic{OR_SILENT}", f"therapeutic{OR_SILENT}"]},
}
"""The schemas of the two arguments."""


@dataclass(frozen=True, slots=True)
class Belonging:
    """What a procedure must be for a clause to be about it; empty if it may be anything."""

    side: str = ""
    purpose: str = ""

    def of(self, found: Sequence[Procedure], order: Order) -> tuple[Truth, ...]:
        """Return for each procedure on record whether it belongs to the order."""
        stated = {order.side, *(each.side for each in found)} - {None}
        silent_is_same = self.side.endswith(OR_SILENT) and len(stated) <= 1
        return tuple(self._by_side(each, order, silent_is_same) & self._by_purpose(each) for each in found)

    def _by_side(self, done: Procedure, order: Order, silent_is_same: bool) -> Truth:
        if not self.side:
            return Truth.YES
        same = same_side(order.side, done.side)
        return Truth.YES if same is Truth.UNKNOWN and silent_is_same else same

    def _by_purpose(self, done: Procedure) -> Truth:
        if not self.purpose:
            return Truth.YES
        if not done.purpose:
            return Truth.YES if self.purpose.endswith(OR_SILENT) else Truth.UNKNOWN
        return Truth.of(done.purpose == self.purpose.removesuffix(OR_SILENT))


def belonging(arguments: Arguments) -> Belonging:
    """Return what `side` and `purpose` of a clause ask for."""
    return Belonging(arguments.get("side", ""), arguments.get("purpose", ""))
