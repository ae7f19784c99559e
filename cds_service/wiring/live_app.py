"""The service with the clock and the ids of this machine."""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

from flask import Flask

from cds_service.clients.authenticator import Authenticator
from cds_service.hooks.policy_judge import PolicyJudge
from cds_service.http.health import Check
from cds_service.observability.call_log import CallLog
from cds_service.observability.metrics import Metrics
from cds_service.records.protocol import Records
from cds_service.settings import Settings
from cds_service.wiring.app import create_app
from coverage_policies.judging.assessment import Assessor


def now() -> datetime:
    """The current moment, with its zone."""
    return datetime.now(UTC)


def new_id() -> str:
    """A new UUID."""
    return str(uuid.uuid4())


def make_app(
    settings: Settings,
    assessor: Assessor,
    records: Records | None = None,
    log: CallLog | None = None,
    authenticator: Authenticator | None = None,
    metrics: Metrics | None = None,
    checks: Iterable[Check] = (),
) -> Flask:
    """The service with these settings, texts and records (none are kept unless given).

    `log` says where calls are told of, standard error unless given; without `authenticator` anyone may call.
    `metrics` counts calls, `checks` tell whether the service is ready.
    """
    judge = PolicyJudge(assessor, zone=settings.time_zone, clock=now, new_id=new_id)
    return create_app(
        settings=settings,
        judge=judge,
        clock=now,
        new_id=new_id,
        authenticator=authenticator,
        records=records,
        log=log,
        metrics=metrics,
        checks=checks,
    )
