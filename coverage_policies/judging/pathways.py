"""Decide which purpose or indication applies to an order: chosen, the only one left, presumed, or still open."""

from collections.abc import Mapping, Sequence, Set
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

    The order or an answer chooses; if they disagree, all that they name remain. Without an answer a pathway remains
    beside the chosen one if its `keep_when` holds or cannot tell. Otherwise the pathways that data rule out are
    dropped. If several remain, one is presumed if its `presume_when` holds and neither that of another nor its
    `keep_when` can hold. A policy without pathways has one without a name.
    """
    if pathway is None:
        return PathwayResolution((None,))
    names = {choice.name for choice in pathway.choices}
    chosen = {choice.name for choice in pathway.choices if any_holds(choice.chosen_when, ctx) is Truth.YES}
    kept = {choice.name for choice in pathway.choices if any_holds(choice.keep_when, ctx) is not Truth.NO}
    answer = answers.get(PATHWAY)
    if answer is not None and answer.value in names:
        chosen.add(answer.value)
    elif chosen:
        chosen |= kept
    if chosen:
        return PathwayResolution(tuple(choice.name for choice in pathway.choices if choice.name in chosen))
    remaining = [choice for choice in pathway.choices if any_holds(choice.exclude_when, ctx) is not Truth.YES]
    if not remaining:  # the data contradict themselves; nothing is ruled out
        remaining = list(pathway.choices)
    presumed = _presumed(remaining, kept, ctx) if len(remaining) > 1 else None
    if presumed is not None:
        presumption = Presumption(presumed.name, presumed.says, _because(presumed, ctx))
        return PathwayResolution((presumed.name,), presumption)
    return PathwayResolution(tuple(choice.name for choice in remaining))


def _presumed(remaining: Sequence[Choice], kept: Set[str], ctx: Context) -> Choice | None:
    """Return the only choice that is likely if every other one is ruled out, and the order means none of them."""
    likely = [(choice, any_holds(choice.presume_when, ctx)) for choice in remaining]
    possible = [(choice, holds) for choice, holds in likely if holds is not Truth.NO or choice.name in kept]
    if len(possible) != 1:
        return None
    choice, holds = possible[0]
    return choice if holds is Truth.YES else None


def _because(choice: Choice, ctx: Context) -> tuple[Evidence, ...]:
    found = [result for result in evaluate_clauses(choice.presume_when, ctx) if result.holds is Truth.YES]
    return tuple(dict.fromkeys(item for result in found for item in result.evidence))
