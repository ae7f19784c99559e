"""What the installed policies ask of evidence over time: which procedures, which doses, which limits.

Nothing here is a number of ours: the windows, percentages, and limits are the arguments of the documents.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from coverage_policies.format.library import Library
from coverage_policies.format.model import Clause, Policy
from coverage_policies.format.value_sets import ValueSet
from coverage_policies.operators.observation import OutrankedCheck
from coverage_policies.operators.observation_value import ValueCheck
from coverage_policies.operators.opioid_reduction import OpioidReductionCheck
from coverage_policies.operators.pain_relief import PainReliefCheck
from fhir_mappings.amounts import Amount


@dataclass(frozen=True, slots=True)
class ReliefAsked:
    """The relief that a policy asks for after a procedure. `asks` is empty if it asks for none in percent."""

    policy: str
    asks: str
    check: PainReliefCheck


@dataclass(frozen=True, slots=True)
class ReductionAsked:
    """The reduction of opioids that a policy asks for."""

    policy: str
    asks: str
    check: OpioidReductionCheck


@dataclass(frozen=True, slots=True)
class LimitAsked:
    """The limit that a policy sets for a measurement, `at most 88%`.

    `states` are those on which it depends whether the measurement counts: at rest, on oxygen.
    """

    policy: str
    asks: str
    codes: ValueSet
    limit: Amount
    states: tuple[ValueSet, ...]


def latest(library: Library) -> tuple[Policy, ...]:
    """Return the latest revision of each policy, in the order of their names."""
    found = {each.name: each for each in sorted(library.policies.values(), key=lambda policy: policy.dated)}
    return tuple(found[name] for name in sorted(found))


def reliefs_asked(policies: Iterable[Policy]) -> tuple[ReliefAsked, ...]:
    """Return what policies ask of the relief after procedures, those with a percentage first, each set once."""
    found: dict[tuple[str, ...], ReliefAsked] = {}
    every = [
        ReliefAsked(policy.name, _written(str(clause.arguments.get("relief", ""))), clause.check)
        for policy, clause in _favoring(policies)
        if isinstance(clause.check, PainReliefCheck)
    ]
    for each in sorted(every, key=lambda asked: not asked.asks):
        found.setdefault(each.check.after.names, each)
    return tuple(found.values())


def reductions_asked(policies: Iterable[Policy]) -> tuple[ReductionAsked, ...]:
    """Return the reductions that policies ask for, each once."""
    found = {
        (clause.check.by, clause.check.periods): ReductionAsked(
            policy.name, _written(str(clause.arguments["by"])), clause.check
        )
        for policy, clause in _favoring(policies)
        if isinstance(clause.check, OpioidReductionCheck) and clause.check.at_least
    }
    return tuple(found.values())


def limits_asked(policies: Iterable[Policy]) -> tuple[LimitAsked, ...]:
    """Return the limits that policies set for measurements, each value of a set once."""
    found: dict[tuple[str, str], LimitAsked] = {}
    for policy, clause in _favoring(policies):
        check = clause.check.check if isinstance(clause.check, OutrankedCheck) else clause.check
        if isinstance(check, ValueCheck):
            codes = check.selection.codes
            known = found.get((codes.name, clause.limit))
            here = (*check.selection.states, *check.selection.without)
            states = (*(known.states if known else ()), *here)
            name = known.policy if known else policy.name
            distinct = tuple({each.name: each for each in states}.values())
            found[codes.name, clause.limit] = LimitAsked(name, _written(clause.limit), codes, check.limit, distinct)
    return tuple(found.values())


def _written(phrase: str) -> str:
    """Return a phrase of a policy document as American English writes it."""
    return phrase.replace(" %", "%")


def _favoring(policies: Iterable[Policy]) -> Iterator[tuple[Policy, Clause]]:
    """Yield the clauses by which a criterion is met; of one that only data can rule out, those by which it is not."""
    for policy in policies:
        for criterion in policy.walk():
            for clause in criterion.met_when or criterion.not_met_when:
                yield policy, clause
