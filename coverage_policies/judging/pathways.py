"""Decide which purpose or indication applies to an order: chosen, the only one left, presumed, or still open."""

from collections.abc import Mapping
from dataclasses import dataclass

from coverage_policies.format.model import PATHWAY, Choice, Pathway
from coverage_policies.format.operator import Context
from coverage_policies.judging.criterion import any_holds, evaluate_clauses
from coverage_policies.judging.determination import Presumption
from fhir_mappings.answers import Answer
from fhir_mappings.record import Evidence
from fhir_mappings.truth import Truth


@dataclass(frozen=True, slots=True)
class PathwayResolution:
    """The pathways that remain, and the presumption if one was assumed without being chosen."""

    remaining: tuple[str | None, ...]
    presumed: Presumption | None = None


def resolve_pathway(pathway: Pathway | None, ctx: Context, answers: Mapping[str, Answer]) -> PathwayResolution:
    """Settle the pathway of an order.

    The order or an answer chooses; if they disagree, all that they name remain. Otherwise the pathways that data rule
    out are dropped. If several remain, one is presumed if its `presume_when` holds and that of no other can hold. A
    policy without pathways has one without a name.
    """
    if pathway is None:
        return PathwayResolution((None,))
    names = {choice.name for choice in pathway.choices}
    chosen = {choice.name for choice in pathway.choices if any_holds(choice.chosen_when, ctx) is Truth.YES}
    answer = answers.get(PATHWAY)
    if answer is not None and answer.value in names:
        chosen.add(answer.value)
    if chosen:
        return PathwayResolution(tuple(choice.name for choice in pathway.choices if choice.name in chosen))
    remaining = [choice for choice in pathway.choices if any_holds(choice.exclude_when, ctx) is not Truth.YES]
    if not remaining:  # the data contradict themselves; nothing is ruled out
        remaining = list(pathway.choices)
    likely = [(choice, any_holds(choice.presume_when, ctx)) for choice in remaining]
    certain = [choice for choice, holds in likely if holds is Truth.YES]
    if len(remaining) > 1 and len(certain) == 1 and all(holds is not Truth.UNKNOWN for _, holds in likely):
        return PathwayResolution(
            (certain[0].name,), Presumption(certain[0].name, certain[0].says, _because(certain[0], ctx))
        )
    return PathwayResolution(tuple(choice.name for choice in remaining))


def _because(choice: Choice, ctx: Context) -> tuple[Evidence, ...]:
    found = [result for result in evaluate_clauses(choice.presume_when, ctx) if result.holds is Truth.YES]
    return tuple(dict.fromkeys(item for result in found for item in result.evidence))
