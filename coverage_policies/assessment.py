"""Every order of a call against every text that speaks about it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from coverage_policies.determination import Alternative, Determination, Outcome, Status
from coverage_policies.evaluator import ANSWERS_VALID, evaluate
from coverage_policies.library import Library, is_held_for
from coverage_policies.model import Policy
from fhir_mappings.dates import Span
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.order_mending import restated
from fhir_mappings.orders import Order, read_order
from fhir_mappings.record import Entry, PatientRecord, reference_of

_RULED_OUT = (Outcome.NOT_SUPPORTED, Outcome.CRITERIA_NOT_MET)


@dataclass(frozen=True, slots=True)
class Session:
    """The draft orders of a call, read: those to judge, and the others of the session; `drafts` as received."""

    judged: tuple[Order, ...]
    others: tuple[Order, ...]
    drafts: tuple[Entry, ...] = ()

    def beside(self, order: Order) -> tuple[Order, ...]:
        """Every other order of the session."""
        return tuple(each for each in self.judged + self.others if each.reference != order.reference)


def read_session(judged: Iterable[Entry], others: Iterable[Entry], record: PatientRecord) -> Session:
    """Read the draft orders, resolving what they point at among each other and in the chart.

    An order that is revoked, entered in error or asks to leave something is not judged; one sent twice counts once.
    """
    judged, others = list(judged), list(others)
    resolve = _resolver([*judged, *others], record)
    read = {order.reference: order for order in _read(judged, record, resolve) if order.is_judged}
    beside = {order.reference: order for order in _read(others, record, resolve) if order.reference not in read}
    return Session(tuple(read.values()), tuple(beside.values()), (*judged, *others))


def _read(entries: Iterable[Entry], record: PatientRecord, resolve: Callable[[Json], Resource | None]) -> list[Order]:
    return [read_order(resource, url, zone=record.zone, resolve=resolve) for url, resource in entries]


def _resolver(entries: Iterable[Entry], record: PatientRecord) -> Callable[[Json], Resource | None]:
    drafts: dict[str, Resource] = {}
    for url, resource in entries:
        drafts[reference_of(resource, url)] = resource
        if url:
            drafts[url] = resource

    def resolve(reference: Json) -> Resource | None:
        target = reference.get("reference") if isinstance(reference, dict) else None
        return drafts.get(target, record.resolve(target)) if isinstance(target, str) else None

    return resolve


def applicable(library: Library, session: Session, record: PatientRecord) -> tuple[tuple[Order, Policy], ...]:
    """Each order to judge with each text that speaks about it on its service date."""
    return tuple(
        (order, policy)
        for order in session.judged
        for policy in library.applicable(order.codes, order.anchor(record.today).day)
    )


def assess(
    pairs: Sequence[tuple[Order, Policy]],
    session: Session,
    record: PatientRecord,
    *,
    answers_valid: Span = ANSWERS_VALID,
) -> tuple[Determination, ...]:
    """One determination per order and text. A text younger than the service date is not applied, and it says so."""
    found = []
    for order, policy in pairs:
        anchor = order.anchor(record.today)
        if is_held_for(policy, anchor.day):
            judged = evaluate(policy, order, session.beside(order), record, anchor, answers_valid=answers_valid)
            found.append(
                replace(judged, alternatives=_alternatives(judged, policy, order, session, record, answers_valid))
            )
        else:
            note = f"No text of {policy.name} is held for {anchor.day}; the oldest is dated {policy.revision}."
            found.append(
                Determination(
                    policy=policy.name,
                    revision=policy.revision,
                    edition=policy.edition,
                    title=policy.title,
                    order=order.reference,
                    outcome=Outcome.NOT_EVALUATED,
                    anchor_date=anchor.day,
                    anchor_from=anchor.taken_from,
                    owner=policy.owner,
                    order_label=order.label,
                    notes=(note,),
                )
            )
    return tuple(found)


def _alternatives(
    judged: Determination, policy: Policy, order: Order, session: Session, record: PatientRecord, answers_valid: Span
) -> tuple[Alternative, ...]:
    """The mended orders that fare better, each evaluated the same way. An order without an id cannot be updated."""
    if judged.outcome not in _RULED_OUT or "id" not in order.resource:
        return ()
    found = []
    for result in judged.criteria:
        mend = policy.index[result.id].mend
        if mend is None or result.counted is not Status.NOT_MET:
            continue
        resource = restated(order.resource, mend.attribute, mend.value)
        mended = read_order(resource, zone=record.zone, resolve=_resolver(session.drafts, record))
        outcome = evaluate(
            policy, mended, session.beside(order), record, order.anchor(record.today), answers_valid=answers_valid
        ).outcome
        if outcome not in _RULED_OUT:
            found.append(Alternative(mend.says, resource, outcome))
    return tuple(found)
