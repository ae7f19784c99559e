"""What each clause of a determination gave, for whoever asks why a criterion has its status."""

from collections.abc import Iterator
from dataclasses import dataclass

from coverage_policies.authoring.description import clause_words
from coverage_policies.format.model import Policy
from coverage_policies.format.operator import ClauseResult, Context
from coverage_policies.judging.determination import Determination
from coverage_policies.judging.order_session import Session
from fhir_mappings.record import PatientRecord


@dataclass(frozen=True, slots=True)
class ClauseTrace:
    """One clause of a criterion: the keyword it is written under, the clause in words, and what it gave."""

    criterion: str
    keyword: str
    clause: str
    result: ClauseResult


def clause_traces(
    policy: Policy, determination: Determination, session: Session, record: PatientRecord
) -> Iterator[ClauseTrace]:
    """Evaluate the clauses of every reported criterion again, on the anchor date of the determination.

    Clauses are pure, so they give what they gave before. A criterion that looks back to an earlier procedure was judged
    on that day; its own clauses are none.
    """
    order = next((each for each in session.judged if each.reference == determination.order), None)
    if order is None:
        return
    ctx = Context(order, session.beside(order), record, determination.anchor_date)
    for result in determination.criteria:
        criterion = policy.index[result.id]
        for keyword in ("met_when", "not_met_when", "show"):
            for clause in getattr(criterion, keyword):
                yield ClauseTrace(result.id, keyword, clause_words(clause), clause.check.evaluate(ctx))
