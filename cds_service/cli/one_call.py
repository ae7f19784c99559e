"""One call judged on the command line: its moment, and the cards that a client gets."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

import click

from cds_service.hooks.request import HookRequest
from cds_service.hooks.response import addresses_of, default_style, respond
from cds_service.hooks.review import Review
from cds_service.records.card_ids import CardIds
from cds_service.records.pseudonyms import Pseudonymizer, random_key
from cds_service.settings import Settings
from cds_service.wiring.system import now
from coverage_policies.judging.assessment import Assessor

AT = click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]),
    help="The moment of the call, in the time zone of the settings; a date means noon. Default: now.",
)
"""The option that names the moment of a call."""


def clock_at(at: datetime | None, zone: tzinfo) -> Callable[[], datetime]:
    """Return the clock of the call: the time of this machine, or one moment; a day without a time means noon."""
    if at is None:
        return now
    moment = at.replace(tzinfo=zone)
    if (at.hour, at.minute) == (0, 0):
        moment = moment.replace(hour=12)
    return lambda: moment


def cards_of(found: Review, call: HookRequest, assessor: Assessor, settings: Settings) -> Sequence[Mapping[str, Any]]:
    """Return the cards of the answer to a call; none where nothing could be read."""
    response = respond(
        found,
        assessor.rules,
        call.hook,
        default_style(settings),
        CardIds(Pseudonymizer(random_key()), "", call),
        addresses_of(settings),
    )
    return [] if found.refusal else [each.card for each in response.cards]
