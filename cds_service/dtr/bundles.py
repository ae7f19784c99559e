"""The Bundle of a form: its Questionnaire, and the draft of its response with what the form is about."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cds_service.dtr.client import FormClient
from cds_service.dtr.form_context import FormContext, FormContexts
from cds_service.dtr.judging import Judged
from cds_service.dtr.package_request import PackageRequest
from coverage_policies.format.model import Policy
from coverage_policies.judging.determination import Determination
from coverage_policies.judging.plan_rules import Payer
from coverage_policies.questionnaires.adaptive import adaptive_questionnaire
from coverage_policies.questionnaires.adaptive_response import adaptive_draft
from coverage_policies.questionnaires.questionnaire import questionnaire
from coverage_policies.questionnaires.response import draft_response
from fhir_mappings.bundle import reference_of
from fhir_mappings.codings import items
from fhir_mappings.coverages import payer_identifiers
from fhir_mappings.fhir_json import Resource
from fhir_mappings.orders import Order


@dataclass(frozen=True, slots=True)
class Form:
    """A form to return: the revision, and the order that it is about with its determination, if there is one."""

    policy: Policy
    order: Order | None = None
    determination: Determination | None = field(default=None, repr=False)
    is_for_authorization: bool = False


class Bundles:
    """Makes Bundles. Thread-safe.

    `canonicals` is the address that canonicals start with, `next_question` that of `$next-question`, and `now` gives
    the local time.
    """

    def __init__(
        self, contexts: FormContexts, *, canonicals: str, next_question: str, now: Callable[[], datetime]
    ) -> None:
        self._contexts = contexts
        self._base = canonicals
        self._next_question = next_question
        self._now = now

    def bundle(
        self,
        form: Form,
        asked: PackageRequest,
        judged: Judged | None,
        issued: Mapping[str, str],
        client: FormClient,
    ) -> dict[str, Any]:
        """Return the Bundle of a form: the Questionnaire, then the draft of its response.

        An adaptive form needs an order to go by; without one the client gets the standard form.
        """
        about: dict[str, Any] = {
            "patient": f"Patient/{asked.patient_id}",
            "coverage": reference_of(asked.coverage),
            "authored": self._now(),
            "for_prior_authorization": form.is_for_authorization,
        }
        if judged is not None and form.order is not None and form.determination is not None and client.is_adaptive:
            made = adaptive_questionnaire(form.policy, self._base, self._next_question)
            about_it = self._form_context(form.policy, form.order, asked, judged, issued, client)
            draft = adaptive_draft(
                form.policy,
                form.determination,
                self._base,
                self._next_question,
                context=self._contexts.seal(about_it),
                **about,
            )
        else:
            made = questionnaire(form.policy, self._base)
            draft = draft_response(form.policy, form.determination, self._base, **about)
        url = f"{self._base.rstrip('/')}/fhir/Questionnaire/{made['id']}"
        entries = [{"fullUrl": url, "resource": made}, {"resource": draft}]
        return {"resourceType": "Bundle", "type": "collection", "entry": entries}

    def _form_context(
        self,
        policy: Policy,
        order: Order,
        asked: PackageRequest,
        judged: Judged,
        issued: Mapping[str, str],
        client: FormClient,
    ) -> FormContext:
        url = next((url for url, resource in asked.orders if reference_of(resource, url) == order.reference), "")
        return FormContext(
            client=client.name,
            policy=policy.full_name,
            edition=policy.edition,
            patient_id=asked.patient_id,
            order=(url, order.resource),
            coverage=_with_payer(asked.coverage, judged.coverage.payer),
            call_id=judged.seen.call_id if judged.seen else "",
            assertion_id=issued.get(order.reference, ""),
        )


def _with_payer(coverage: Resource, payer: Payer) -> Resource:
    """Return a Coverage that itself says which payer it is of: later, nobody may have the Organization any more."""
    stated = [each for payor in items(coverage.get("payor")) for each in payer_identifiers(payor)]
    if payer.identifiers & set(stated) or not payer.identifiers:
        return coverage
    system, _, value = min(payer.identifiers).rpartition("|")
    return {**coverage, "payor": [{"identifier": {"system": system, "value": value}}]}


def may_have_changed(policy: Policy, since: datetime | None, loaded_at: datetime) -> bool:
    """Return whether a form may have changed since a moment: on the day of its release or later.

    One that is not released may change at any time, but not after it was loaded.
    """
    edition = policy.edition_numbered(policy.edition)
    released = edition.released if edition else None
    if since is None:
        return True
    return since < loaded_at if released is None else released >= since.date()
