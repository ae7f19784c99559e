"""The identity provider at which operators sign in, and the time of its answers."""

from collections.abc import Iterator

import pytest

from cds_service.wiring.serving import on_loopback
from tests.support.clock import SetClock
from tests.support.hook_fakes import NOW
from tests.support.identity_provider import IdentityProvider


@pytest.fixture(name="clock")
def _clock() -> SetClock:
    return SetClock(NOW)


@pytest.fixture(name="provider")
def _provider(clock: SetClock) -> Iterator[IdentityProvider]:
    made = IdentityProvider(clock)
    with on_loopback(made.app) as address:
        made.issuer = address
        yield made
