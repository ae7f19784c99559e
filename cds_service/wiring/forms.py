"""Assemble the form service for DTR clients."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from cds_service.crd.records_protocol import CrdRecords
from cds_service.dtr.bundles import Bundles
from cds_service.dtr.form_context import FormContexts
from cds_service.dtr.judging import FormJudge
from cds_service.dtr.next_question import NextQuestions
from cds_service.dtr.packages import Packages
from cds_service.dtr.service import FormService
from cds_service.hooks.response import addresses_of
from cds_service.hooks.review import ReviewLimits
from cds_service.observability.logging import Log
from cds_service.records.order_keys import order_keys
from cds_service.records.pseudonyms import Pseudonymizer
from cds_service.settings import Settings
from coverage_policies.judging.assessment import Assessor


def form_service(
    settings: Settings,
    assessor: Assessor,
    records: CrdRecords,
    pseudonym: Pseudonymizer,
    *,
    log: Log,
    clock: Callable[[], datetime],
    monotonic: Callable[[], float],
) -> FormService:
    """Return the form service. The key of the contexts follows from that of the records, so all processes share it."""
    addresses = addresses_of(settings)
    judge = FormJudge(
        assessor,
        ReviewLimits.of(settings),
        canonicals=addresses.canonicals,
        policy_pages=addresses.policy_pages,
        keyed_hash=pseudonym,
        order_keys=partial(order_keys, pseudonym),
        on_fault=lambda broken: log.error("coverage information breaks rules of CRD", rules=list(broken)),
        clock=clock,
        monotonic=monotonic,
    )
    contexts = FormContexts(bytes.fromhex(pseudonym("form context", "1") + pseudonym("form context", "2")))
    next_question = f"{settings.public_url.rstrip('/')}/fhir/Questionnaire/$next-question"
    return FormService(
        Packages(
            judge,
            records,
            Bundles(contexts, canonicals=addresses.canonicals, next_question=next_question, now=judge.now),
        ),
        NextQuestions(judge, records, contexts, next_question=next_question),
    )
