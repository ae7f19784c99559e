"""`$questionnaire-package`: the forms that document orders, each with its draft (Da Vinci DTR 2.2.0)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cds_service.crd.answer import AnsweredOrder
from cds_service.crd.records_protocol import CrdRecords
from cds_service.dtr.bundles import Bundles, Form, may_have_changed
from cds_service.dtr.client import FormClient
from cds_service.dtr.crd_context import CrdContext, assertion_ids, context_named, context_of_orders
from cds_service.dtr.judging import About, FormJudge, Judged
from cds_service.dtr.package_request import PackageRequest
from cds_service.dtr.same_order import is_unchanged
from cds_service.hooks.chart_reader import Waiting
from cds_service.hooks.errors import Issue, RefusedError, operation_outcome
from coverage_policies.format.canonicals import questionnaire_url
from coverage_policies.format.model import Policy
from coverage_policies.format.terms import Outcome
from coverage_policies.judging.policy_selection import in_force_on
from fhir_mappings.bundle import Entry, entry_reference, reference_of
from fhir_mappings.references import address_of

_UNKNOWN_CONTEXT = (
    "No coverage assertion with this id is on record for this client. Send the coverage-assertion-id of an order's "
    "coverage information, or the order without a context."
)
_OTHER_COVERAGE = "The Coverage is not the one that the context is about. Send that Coverage, or leave the context out."
_OTHER_PATIENT = (
    "The Coverage is of another patient than the order of the context. Send the Coverage of that order, or leave the "
    "context out."
)
_OTHER_ORDER = "None of the orders is the one that the context is about. Send that order, or leave the context out."
_ORDER_NEEDED = "The order of this context is not on record. Send it as the parameter order, too."
_NOTHING_LEFT = (
    "Coverage requirements asked for documentation of this order. By what is on record now, none is needed any more: "
    "sign the order again for the current answer."
)
_OPEN = (Outcome.NOT_EVALUATED, Outcome.DOCUMENTATION_NEEDED, Outcome.CASE_REVIEW)
_UNKNOWN_FORM = "This service has no form with a canonical that was sent. GET /fhir/Questionnaire lists its forms."
_NOTHING_NEEDED = "No documentation is needed for these orders by what is on record."


@dataclass(frozen=True, slots=True)
class Package:
    """The answer to a call: the Parameters, the canonicals of the forms in it, and the assertion that it goes by."""

    parameters: dict[str, Any] = field(repr=False)
    questionnaires: tuple[str, ...]
    assertion_id: str = ""


class Packages:
    """Makes packages. Thread-safe."""

    def __init__(self, judge: FormJudge, records: CrdRecords, bundles: Bundles) -> None:
        self._judge = judge
        self._records = records
        self._bundles = bundles
        self._loaded_at = judge.now()

    def package(self, asked: PackageRequest, client: FormClient, waiting: Waiting) -> Package:
        """Return the package that a client asks for.

        Raise RefusedError: 400 for what contradicts itself, 404 for a context that is not on record. Raise
        UnavailableError or UnsealableError if the records cannot be read.
        """
        context = self._context(asked, client)
        orders = asked.orders or _order_of(context, asked)
        issued = assertion_ids(context, orders, reference_of(asked.coverage), client, self._records)
        own = next(iter(issued), "")
        orders = tuple(sorted(orders, key=lambda each: entry_reference(each) != own))  # the order of the context first
        is_done = _is_done(context, asked, orders)
        issues: list[Issue] = []
        forms: list[Form] = []
        judged: Judged | None = None
        if orders and (asked.questionnaires or not is_done):
            judged = self._judged(asked, orders, context, issued, client, waiting)
            if not is_done:
                forms += self._needed(judged, issues)
        forms += self._named(asked, judged, issues)
        once = list({each.policy.full_name: each for each in reversed(forms)}.values())[::-1]
        if not once and not issues:
            had_form = asked.context and context is not None and context.assertion.chart_call_id
            issues.append(_information(_NOTHING_LEFT if had_form else _NOTHING_NEEDED))
        changed = [each for each in once if may_have_changed(each.policy, asked.changed_since, self._loaded_at)]
        bundles = [self._bundles.bundle(each, asked, judged, issued, client) for each in changed]
        parameters: list[dict[str, Any]] = [{"name": "packagebundle", "resource": each} for each in bundles]
        if issues:
            parameters.append({"name": "outcome", "resource": operation_outcome(dict.fromkeys(issues))})
        return Package(
            {"resourceType": "Parameters", **({"parameter": parameters} if parameters else {})},
            tuple(self._judge.canonical(each.policy) for each in changed),
            context.assertion.assertion_id if context else "",
        )

    # --- What the call is about --------------------------------------------------------------------------------------

    def _context(self, asked: PackageRequest, client: FormClient) -> CrdContext | None:
        coverage = reference_of(asked.coverage)
        if not asked.context:
            orders = [entry_reference(each) for each in asked.orders]
            found = context_of_orders(orders, coverage, client, self._records)
            return found if found and _is_of_patient(found, asked) and _is_about(found, asked) else None
        found = context_named(asked.context, client, self._records)
        if found is None:
            raise RefusedError(404, Issue("not-found", _UNKNOWN_CONTEXT, asked.context_at))
        content = found.assertion.content
        if content is not None:
            if address_of(content.coverage).name != address_of(coverage).name:
                raise RefusedError(400, Issue("value", _OTHER_COVERAGE, asked.context_at))
            if not _is_of_patient(found, asked):
                raise RefusedError(400, Issue("value", _OTHER_PATIENT, asked.context_at))
            if asked.orders and not _is_about(found, asked):
                raise RefusedError(400, Issue("business-rule", _OTHER_ORDER, asked.places[0]))
        return found

    def _judged(
        self,
        asked: PackageRequest,
        orders: Sequence[Entry],
        context: CrdContext | None,
        issued: Mapping[str, str],
        client: FormClient,
        waiting: Waiting,
    ) -> Judged:
        about = About(
            client=context.client if context else client.name,
            patient_id=asked.patient_id,
            orders=orders,
            coverage=asked.coverage,
            seen=context.seen if context else None,
            assertion_ids=issued,
        )
        try:
            return self._judge.judged(about, waiting)
        except RefusedError as error:  # it is about the Coverage, which stands elsewhere in a call of a hook
            issues = (replace(each, expression=asked.coverage_at) for each in error.issues)
            raise RefusedError(error.status, *issues) from None

    # --- The forms ---------------------------------------------------------------------------------------------------

    def _needed(self, judged: Judged, issues: list[Issue]) -> Iterator[Form]:
        """Yield the forms that the payer's answer to each order names, one revision of a policy for each order.

        What could not be judged of an order is a warning.
        """
        given: set[str] = set()
        for each in judged.answered:
            named = {canonical for found in each.information for canonical in found.questionnaires}
            if judged.seen is None:
                named.update(self._asking(each))
            is_for_authorization = any("withpa" in found.doc_purpose for found in each.information)
            policies: set[str] = set()
            if each.order.obstacle:
                issues.append(_warning(f"An order was left out: {each.order.obstacle}."))
            for found in (found for made in each.assessments for found in made.determinations):
                policy = self._judge.assessor.library.policies.get(found.full_name)
                if policy is None or self._judge.canonical(policy) not in named:
                    continue
                if found.policy in policies:
                    issues.append(_information(f"The form of {found.full_name} was left out: another revision asks."))
                elif found.full_name in given:
                    issues.append(
                        _information(f"{found.full_name} has a response for each order: ask for one order at a time.")
                    )
                else:
                    yield Form(policy, each.order, found, is_for_authorization)
                policies.add(found.policy)
                given.add(found.full_name)

    def _asking(self, answered: AnsweredOrder) -> Iterator[str]:
        """Yield the forms of an order whose chart CRD has not read, which is why the payer's answer names none."""
        for found in (found for made in answered.assessments for found in made.determinations):
            if found.questions and found.outcome in _OPEN:
                yield found.questionnaire(self._base)

    def _named(self, asked: PackageRequest, judged: Judged | None, issues: list[Issue]) -> Iterator[Form]:
        """Yield the forms that the call names, for the first of its orders that may be documented in them."""
        for canonical in asked.questionnaires:
            policy = self._policy(canonical)
            if policy is None:
                issues.append(_warning(_UNKNOWN_FORM))
                continue
            orders = [each.order for each in judged.answered] if judged else []
            made = ((order, judged.determination(order, policy)) for order in orders) if judged else iter(())
            order, found = next((each for each in made if each[1] is not None), (None, None))
            yield Form(policy, order, found)

    def _policy(self, canonical: str) -> Policy | None:
        """Return the revision of a canonical; the one in force today without a version."""
        found = self._judge.policy(canonical)
        if found is not None:
            return found
        library = self._judge.assessor.library
        url, _, version = canonical.partition("|")
        name = next(
            (each.name for each in library.policies.values() if questionnaire_url(self._base, each.name) == url), ""
        )
        if version or not name:
            return None
        revisions = library.revisions_of(name)
        return in_force_on(revisions, self._judge.now().date(), self._judge.assessor.rules).policies[-1]

    @property
    def _base(self) -> str:
        return self._judge.canonicals


def _order_of(context: CrdContext | None, asked: PackageRequest) -> tuple[Entry, ...]:
    """Return the order of the context that the call names, as CRD received it."""
    if context is None or not asked.context:
        return ()
    if context.order is not None:
        return (context.order,)
    if asked.questionnaires:
        return ()
    raise RefusedError(400, Issue("required", _ORDER_NEEDED, "Parameters.parameter"))


def _is_done(context: CrdContext | None, asked: PackageRequest, orders: Sequence[Entry]) -> bool:
    """Return whether the newest answer to the context that the call names asks for no documents of the same orders."""
    if context is None or not asked.context or not context.is_documented:
        return False
    before = context.order
    return before is not None and all(is_unchanged(before, each) for each in orders)


def _is_of_patient(context: CrdContext, asked: PackageRequest) -> bool:
    content = context.assertion.content
    return content is not None and content.patient_id == asked.patient_id


def _is_about(context: CrdContext, asked: PackageRequest) -> bool:
    return any(map(context.is_about, asked.orders))


def _warning(says: str) -> Issue:
    return Issue("not-found", says, severity="warning")


def _information(says: str) -> Issue:
    return Issue("informational", says, severity="information")
