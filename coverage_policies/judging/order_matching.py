"""Whether a policy text speaks about an order at all, from the order alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from coverage_policies.format.model import APPLIES, OrderEntry, Policy
from coverage_policies.format.operator import Context
from coverage_policies.judging.criterion import any_holds
from fhir_mappings.answers import Answer
from fhir_mappings.orders import Order
from fhir_mappings.record import PatientRecord
from fhir_mappings.truth import Truth


@dataclass(frozen=True, slots=True)
class OrderMatch:
    """What a text has to say about an order: the entries that judge it or ask first, or the one that asks for its code.

    `is_certain` is False where it must be asked whether they judge it. All is empty where the text is silent.
    """

    judging: tuple[OrderEntry, ...] = ()
    is_certain: bool = True
    asking_for_code: OrderEntry | None = None

    @property
    def no_match(self) -> bool:
        """Whether the text has nothing to say."""
        return not self.judging and self.asking_for_code is None


def match_order(
    policy: Policy, order: Order, on: date, answers: Mapping[str, Answer], *, ignore_code_dates: bool = False
) -> OrderMatch:
    """What a text has to say about an order, its codes as they stand on the service date, or `ignore_code_dates`.

    An order without a code that the text knows is found by words that plainly name it.
    """
    entries = policy.entries(order.codes, None if ignore_code_dates else on)
    if not entries:
        named = () if policy.entries(order.codes, None) else policy.named(order.words)
        return OrderMatch(asking_for_code=named[0] if named else None)
    found = [(entry, _applies(entry, order, on, answers)) for entry in entries if entry.sections]
    certain = tuple(entry for entry, applies in found if applies is Truth.YES)
    if certain:
        return OrderMatch(certain)
    return OrderMatch(tuple(entry for entry, applies in found if applies is Truth.UNKNOWN), is_certain=False)


def _applies(entry: OrderEntry, order: Order, on: date, answers: Mapping[str, Answer]) -> Truth:
    """Return whether an entry is about an order; UNKNOWN if its question has to be asked."""
    answer = answers.get(APPLIES)
    if answer is not None and answer.value in ("yes", "no"):
        return Truth.YES if answer.value == "yes" else Truth.NO
    ctx = Context(order, (), _no_chart(), on)
    wanted = any_holds(entry.only_if, ctx) if entry.only_if else Truth.YES
    applies = wanted
    if any_holds(entry.unless, ctx) is Truth.YES:
        says_both = bool(entry.only_if) and wanted is Truth.YES
        applies = Truth.UNKNOWN if says_both else Truth.NO
    return applies if entry.ask or applies is not Truth.UNKNOWN else Truth.NO


def _no_chart() -> PatientRecord:
    return PatientRecord("", (), read_at=datetime.min.replace(tzinfo=UTC), zone=UTC, availability={})
