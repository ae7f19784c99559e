"""Calls made to be slow: the work on them grows with their size, and they do not hold a worker for long."""

import json
import time

import pytest

from tests.support.fuzzing import whole_service
from tests.support.growing_calls import CALLS
from tests.support.growth import Work, is_linear

URL = "/cds-services/coverage-order-sign"
TIMEOUT = 4.0
"""The default time limit of a call, in seconds; a call may use twice as much of a processor at most."""


def answering(name: str, size: int) -> Work:
    """Return the work of answering a call of this kind and size."""
    make, _ = CALLS[name]
    body = json.dumps(make(size))

    def work() -> None:
        response = whole_service().client.post(URL, data=body, content_type="application/json")
        assert response.status_code == 200, response.text

    return work


@pytest.mark.slow
@pytest.mark.requirement("7.115")
@pytest.mark.parametrize("name", CALLS)
def test_the_work_of_a_call_grows_with_its_size(name: str) -> None:
    _, size = CALLS[name]
    answering(name, 1)()
    assert is_linear(lambda n: answering(name, n), size)


@pytest.mark.slow
@pytest.mark.requirement("7.115")
@pytest.mark.parametrize("name", CALLS)
def test_a_call_holds_a_worker_for_twice_its_time_limit_at_most(name: str) -> None:
    _, size = CALLS[name]
    work = answering(name, 4 * size)
    started = time.thread_time()
    work()
    assert time.thread_time() - started < 2 * TIMEOUT
