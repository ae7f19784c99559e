"""Whether a policy concerns an order at all, from the order alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from coverage_policies.format.model import OrderEntry, Policy
from coverage_policies.format.operator import ClauseResult, Context
from coverage_policies.format.terms import Reason
from coverage_policies.judging.criterion import evaluate_clauses
from coverage_policies.judging.operation import of_operation
from fhir_mappings.answers import Answer
from fhir_mappings.orders import Order
from fhir_mappings.record import unread_record
from fhir_mappings.truth import Truth


@dataclass(frozen=True, slots=True)
class OrderMatch:
    """How a policy matches an order, from the order alone: its entries, each with whether it applies.

    `asking_for_code` is the entry that asks for the code of an order whose words name a procedure of the policy.
    """

    entries: tuple[tuple[OrderEntry, Truth], ...] = ()
    asking_for_code: OrderEntry | None = None

    @property
    def judging(self) -> tuple[OrderEntry, ...]:
        """Return the entries that judge the order; if none certainly does, those with a question to ask first."""
        certain = tuple(entry for entry, applies in self.entries if applies is Truth.YES)
        return certain or tuple(entry for entry, applies in self.entries if applies is Truth.UNKNOWN)

    @property
    def is_certain(self) -> bool:
        """Return whether an entry certainly applies, so that nothing has to be asked first."""
        return any(applies is Truth.YES for _, applies in self.entries)

    @property
    def no_match(self) -> bool:
        """Return whether the policy does not concern the order."""
        return not self.judging and self.asking_for_code is None

    def with_answer(self, answer: Answer | None) -> "OrderMatch":
        """Return the match after an answer to whether the policy applies; it outranks what the order says."""
        if answer is None or answer.value not in ("yes", "no"):
            return self
        applies = Truth.YES if answer.value == "yes" else Truth.NO
        return replace(self, entries=tuple((entry, applies) for entry, _ in self.entries))


def match_order(
    policy: Policy, order: Order, others: Sequence[Order], on: date, *, ignore_code_dates: bool = False
) -> OrderMatch:
    """Match an order with the entries of a policy, by its codes as they are valid on the service date.

    `others` are the other orders of the session; those of the same operation speak for this one where it is silent.
    With `ignore_code_dates` a code matches on any date. An order without a code that the policy lists is found by words
    that plainly name its procedure.
    """
    coded_on = None if ignore_code_dates else on
    heard = of_operation(policy, order, others, coded_on)
    ctx = Context(heard, tuple(others), unread_record(datetime.min.replace(tzinfo=UTC), UTC, policy.order_terms), on)
    entries = policy.entries(order.codes, coded_on)
    if not entries:
        named = () if policy.entries(order.codes, None) else policy.named(order.words)
        return OrderMatch(asking_for_code=next((each for each in named if _applies(each, ctx) is Truth.YES), None))
    return OrderMatch(tuple((entry, _applies(entry, ctx)) for entry in entries if entry.sections))


def _applies(entry: OrderEntry, ctx: Context) -> Truth:
    """Return whether an entry applies to an order; UNKNOWN if its question has to be asked."""
    never = evaluate_clauses(entry.never_if, ctx)
    if _any_holds(never):
        return Truth.NO
    only, unless = evaluate_clauses(entry.only_if, ctx), evaluate_clauses(entry.unless, ctx)
    is_wanted = _any_holds(only) if entry.only_if else True
    asked = Truth.UNKNOWN if entry.ask else Truth.NO
    if _any_holds(unless):
        says_both = bool(entry.only_if) and is_wanted
        return asked if says_both else Truth.NO
    if any(each.reason is Reason.CONFLICT for each in never + unless):
        return asked
    if is_wanted:
        return Truth.YES
    return asked if _shows_a_sign(only + evaluate_clauses(entry.ask_if, ctx)) else Truth.NO


def _any_holds(found: Sequence[ClauseResult]) -> bool:
    return any(each.holds is Truth.YES for each in found)


def _shows_a_sign(found: Sequence[ClauseResult]) -> bool:
    """Return whether the order shows something that makes it worth a question.

    Silence is no sign, nor is a reason that is not understood.
    """
    return any(
        each.holds is Truth.YES
        or (each.holds is Truth.UNKNOWN and bool(each.evidence) and each.reason is not Reason.NOT_FOUND)
        for each in found
    )
