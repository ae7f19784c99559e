"""Which of several purposes or indications an order is assessed on: chosen, left over, presumed, or still open."""

from collections.abc import Mapping
from dataclasses import dataclass

from coverage_policies.format.model import PATHWAY, Choice, Clause, Pathway
from coverage_policies.format.operator import Circumstances, Holds
from coverage_policies.judging.criterion import find
from coverage_policies.judging.determination import Presumption
from fhir_mappings.answers import Answer
from fhir_mappings.record import Evidence


@dataclass(frozen=True, slots=True)
class Settled:
    """The pathways that remain, and the presumption where one of them was taken without being chosen."""

    remaining: tuple[str | None, ...]
    presumed: Presumption | None = None


def settle(pathway: Pathway | None, case: Circumstances, answers: Mapping[str, Answer]) -> Settled:
    """Settle the pathway of an order.

    Chosen by the order or by an answer; where those disagree, what they name remains. Else those that data rule out
    fall away. One that remains is it; of several, one is presumed whose `likely_when` holds while none of the others'
    can hold. A policy without pathways has one nameless one.
    """
    if pathway is None:
        return Settled((None,))
    names = {choice.name for choice in pathway.choices}
    chosen = {choice.name for choice in pathway.choices if _holds(choice.chosen_when, case) is Holds.YES}
    answer = answers.get(PATHWAY)
    if answer is not None and answer.value in names:
        chosen.add(answer.value)
    if chosen:
        return Settled(tuple(choice.name for choice in pathway.choices if choice.name in chosen))
    remaining = [choice for choice in pathway.choices if _holds(choice.not_when, case) is not Holds.YES]
    if not remaining:  # the data contradict themselves; nothing is ruled out
        remaining = list(pathway.choices)
    likely = [(choice, _holds(choice.likely_when, case)) for choice in remaining]
    certain = [choice for choice, holds in likely if holds is Holds.YES]
    if len(remaining) > 1 and len(certain) == 1 and all(holds is not Holds.CANNOT_TELL for _, holds in likely):
        return Settled((certain[0].name,), Presumption(certain[0].name, certain[0].says, _because(certain[0], case)))
    return Settled(tuple(choice.name for choice in remaining))


def _holds(clauses: tuple[Clause, ...], case: Circumstances) -> Holds:
    """Any of several clauses; none at all does not hold."""
    found = {finding.holds for finding in find(clauses, case)}
    if Holds.YES in found:
        return Holds.YES
    return Holds.CANNOT_TELL if Holds.CANNOT_TELL in found else Holds.NO


def _because(choice: Choice, case: Circumstances) -> tuple[Evidence, ...]:
    found = [finding for finding in find(choice.likely_when, case) if finding.holds is Holds.YES]
    return tuple(dict.fromkeys(item for finding in found for item in finding.evidence))
