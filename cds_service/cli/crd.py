"""`cds-service crd …`: read the records of Da Vinci CRD, and delete those that have expired."""

import os
import pwd
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import click

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.inputs import exit_on_error, settings_given
from cds_service.cli.stored import SINCE, current_database, moment_of
from cds_service.crd.services import service_at
from cds_service.records.crd_assertions import assertion_row, stored_assertion
from cds_service.records.crd_log import (
    accesses,
    exchange_json,
    exchange_row,
    exchanges,
    form_errors,
    metrics,
    purge_expired,
    record_access,
)
from cds_service.records.crd_sealing import opened_bodies, opened_chart, opened_content
from cds_service.records.sealing import UnsealableError
from cds_service.wiring.records import sealer_of
from fhir_mappings.fhir_json import Json, dumps, loads

_WHY = "Why you read it; recorded with your user name and the time."


_PARTS = ["request", "response", "chart"]


@click.command("exchange", epilog=exit_codes())
@click.argument("call_id")
@click.option("--reason", required=True, help=_WHY)
@click.option("--only", type=click.Choice(_PARTS), help="Print this body alone, byte for byte, or the chart as JSON.")
def exchange_command(call_id: str, reason: str, only: str | None) -> None:
    """Print the request and the response of a call. CALL_ID is the X-Request-Id of the answer, or the hookInstance.

    The chart is what the FHIR server answered to a call that names a form.
    """
    settings, now = settings_given(), datetime.now(UTC)
    reason = _stated(reason)
    with current_database(settings) as database, exit_on_error(UnsealableError):
        row = exchange_row(database, call_id, now)
        if row is None:
            raise click.ClickException(f"No exchange {call_id} is stored.")
        if row["sealed_chart" if only == "chart" else "sealed"] is None:
            if only is not None or service_at(row["path"]) is not None:
                raise click.ClickException(_why_not_stored(row, only))
            click.echo(dumps(_readable_part(row), indent=2))
            return
        action = "chart" if only == "chart" else "exchange"
        record_access(database, who=_user(), action=action, subject=row["exchange"], reason=reason, at=now)
        sealer = sealer_of(settings)
        chart = opened_chart(row, sealer) if only == "chart" else None
        bodies = opened_bodies(row, sealer) if only != "chart" else None
    if chart is not None:
        click.echo(dumps({"read_at": chart.read_at.isoformat(), **chart.kept}, indent=2))
        return
    assert bodies is not None  # noqa: S101  (`sealed` was there)
    sent = dict(zip(("request", "response"), bodies, strict=True))
    if only is not None:
        click.echo(sent[only], nl=False)
    else:
        shown = {name: _as_json(body) for name, body in sent.items()}
        click.echo(dumps(_readable_part(row) | shown, indent=2))


def _readable_part(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row of an exchange says without a key."""
    return exchange_json(row) | {"metrics": row["metrics"]}


def _why_not_stored(row: Mapping[str, Any], only: str | None) -> str:
    """Return why an exchange lacks what is to be printed."""
    if only == "chart":
        return "No chart was stored with it: only a call whose answer names a form has one, and only with keys."
    if service_at(row["path"]) is None:
        return "Its request and response were not stored: few calls about forms have them, and only with keys."
    return "Its request and response were not stored: CDS_ENCRYPTION_KEYS was empty."


@click.command("list", epilog=exit_codes())
@SINCE
@click.option("--client", help="Only calls of this client.")
def list_command(since: datetime | None, client: str | None) -> None:
    """Print the stored exchanges, one JSON object per line, without anything of a patient."""
    with current_database(settings_given()) as database:
        for row in exchanges(database, moment_of(since), client):
            click.echo(dumps(exchange_json(row)))


@click.command("assertion", epilog=exit_codes())
@click.argument("assertion_id", metavar="ID")
@click.option("--reason", help=f"Also print order, Coverage, patient, and evidence. {_WHY}")
def assertion_command(assertion_id: str, reason: str | None) -> None:
    """Print the coverage assertion ID as it was issued last."""
    settings, now = settings_given(), datetime.now(UTC)
    content = None
    with current_database(settings) as database, exit_on_error(UnsealableError):
        row = assertion_row(database, assertion_id, now)
        if row is None:
            raise click.ClickException(f"No assertion {assertion_id} is stored.")
        if reason is not None and row["sealed"] is not None:
            reason = _stated(reason)
            record_access(database, who=_user(), action="assertion", subject=assertion_id, reason=reason, at=now)
            content = opened_content(row, sealer_of(settings))
    found = _members(stored_assertion(row, content))
    found |= {"issued_at": row["at"].isoformat(), "content": _members(content) if content else None}
    click.echo(dumps({name: value for name, value in found.items() if value is not None}, indent=2))


@click.command("metrics", epilog=exit_codes())
@SINCE
def metrics_command(since: datetime | None) -> None:
    """Print the metric data of calls (CRDMetricData), one JSON object per line."""
    with current_database(settings_given()) as database:
        for each in metrics(database, moment_of(since)):
            click.echo(dumps(each))


@click.command("accesses", epilog=exit_codes())
@SINCE
def accesses_command(since: datetime | None) -> None:
    """Print who read exchanges and assertions, when, and why, one JSON object per line."""
    with current_database(settings_given()) as database:
        for row in accesses(database, moment_of(since)):
            members = {name: value for name, value in row.items() if name != "access" and value != ""}
            click.echo(dumps(members | {"at": row["at"].isoformat()}))


@click.command("purge", epilog=exit_codes())
def purge_command() -> None:
    """Delete the exchanges that have expired, with their assertions, and record that they were deleted."""
    with current_database(settings_given()) as database:
        count = purge_expired(database, who=_user(), now=datetime.now(UTC))
    click.echo(f"{count} exchanges deleted.")


@click.command("form-errors", epilog=exit_codes())
@SINCE
def form_errors_command(since: datetime | None) -> None:
    """Print the errors of forms that DTR clients reported, one JSON object per report.

    They hold nothing of a patient; `cds-service crd exchange` prints a whole report.
    """
    with current_database(settings_given()) as database:
        for each in form_errors(database, moment_of(since)):
            click.echo(dumps(each))


def _stated(reason: str) -> str:
    if not reason.strip():
        raise click.UsageError("--reason is empty. Write why you read it.")
    return reason.strip()


def _user() -> str:
    """Return the name of the user of this process; with sudo, also of the one who called it."""
    user = os.getuid()
    try:
        name = pwd.getpwuid(user).pw_name
    except KeyError:  # in a container, which knows no such user
        name = str(user)
    behind = os.environ.get("SUDO_USER", "")
    return f"{name} (sudo by {behind})" if behind and behind != name else name


def _members(value: Any) -> dict[str, Any]:
    return {each.name: getattr(value, each.name) for each in fields(value)}


def _as_json(body: bytes) -> Json:
    """Return a body as JSON, digit by digit; as text if it is no JSON."""
    try:
        found = loads(body)
    except ValueError:
        return body.decode("utf-8", "backslashreplace")
    return dict(found) if isinstance(found, Mapping) else found
