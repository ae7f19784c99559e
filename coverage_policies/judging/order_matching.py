"""Whether a policy text speaks about an order at all, from the order alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum

from coverage_policies.format.model import APPLIES, OrderEntry, Policy
from coverage_policies.format.operator import Context, Truth
from coverage_policies.judging.criterion import evaluate_clauses
from fhir_mappings.answers import Answer
from fhir_mappings.orders import Order
from fhir_mappings.record import PatientRecord


class Applicability(Enum):
    """Whether an entry of a text is about an order."""

    YES = "yes"
    NO = "no"
    ASK = "ask"


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
    certain = tuple(entry for entry, applies in found if applies is Applicability.YES)
    if certain:
        return OrderMatch(certain)
    return OrderMatch(tuple(entry for entry, applies in found if applies is Applicability.ASK), is_certain=False)


def _applies(entry: OrderEntry, order: Order, on: date, answers: Mapping[str, Answer]) -> Applicability:
    answer = answers.get(APPLIES)
    if answer is not None and answer.value in ("yes", "no"):
        return Applicability.YES if answer.value == "yes" else Applicability.NO
    ctx = Context(order, (), _no_chart(), on)
    wanted = {result.holds for result in evaluate_clauses(entry.only_if, ctx)}
    is_wanted = Truth.YES in wanted or not wanted
    if Truth.YES in {result.holds for result in evaluate_clauses(entry.unless, ctx)}:
        says_both = bool(wanted) and is_wanted and bool(entry.ask)
        return Applicability.ASK if says_both else Applicability.NO
    if is_wanted:
        return Applicability.YES
    return Applicability.ASK if Truth.UNKNOWN in wanted and entry.ask else Applicability.NO


def _no_chart() -> PatientRecord:
    return PatientRecord("", (), read_at=datetime.min.replace(tzinfo=UTC), zone=UTC, availability={})
