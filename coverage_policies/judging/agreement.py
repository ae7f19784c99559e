"""What the pathways that remain for an order agree on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from coverage_policies.format.terms import Outcome, Reason, Status
from coverage_policies.judging.determination import CriterionResult

Results = Mapping[str, CriterionResult]
"""The results of the criteria on one pathway by id, in the order of the document."""


def agreed_outcome(verdicts: Sequence[tuple[Outcome, str]]) -> tuple[Outcome, str]:
    """Return the outcome that the remaining pathways agree on, or that none of them can pass; else it is open."""
    outcomes = {outcome for outcome, _ in verdicts}
    sections = {section for _, section in verdicts}
    section = sections.pop() if len(sections) == 1 else ""
    if len(outcomes) == 1:
        return outcomes.pop(), section
    if outcomes == {Outcome.NOT_SUPPORTED, Outcome.CRITERIA_NOT_MET}:
        return Outcome.CRITERIA_NOT_MET, section
    return Outcome.DOCUMENTATION_NEEDED, section


def agreed_criteria(
    by_pathway: Mapping[str | None, Results], unreached: Collection[str]
) -> tuple[CriterionResult, ...]:
    """Return the criteria over all remaining pathways: with the status they agree on, else unknown.

    `unreached` are the criteria that the evaluation did not reach on some pathway.
    """
    first = next(iter(by_pathway.values()))
    if len(by_pathway) == 1 and not unreached:
        return tuple(first.values())
    found = []
    for name, result in first.items():
        each = {pathway: results[name] for pathway, results in by_pathway.items()}
        if name in unreached:
            found.append(_open_on_every_pathway(list(each.values())))
        elif len({(r.status, r.counted, r.reason is Reason.OTHER_PATHWAY) for r in each.values()}) > 1:
            on = {str(p): r for p, r in each.items() if r.reason is not Reason.OTHER_PATHWAY}
            shown = next(iter(on.values()), result)
            found.append(
                replace(
                    shown,
                    status=Status.UNKNOWN,
                    reason=Reason.OTHER_PATHWAY,
                    counted=Status.UNKNOWN,
                    on_pathways={p: r.status for p, r in on.items()},
                )
            )
        else:
            found.append(result)
    return tuple(found)


def _open_on_every_pathway(results: Sequence[CriterionResult]) -> CriterionResult:
    """Return the result of a criterion that was not reached on some pathway, whatever it is on the others."""
    shown = next((each for each in results if each.reason is not Reason.OTHER_PATHWAY), results[0])
    counted = None if all(each.counted is None for each in results) else Status.UNKNOWN
    return replace(shown, status=Status.UNKNOWN, reason=Reason.DATA_UNAVAILABLE, counted=counted, headline="")
