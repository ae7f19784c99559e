"""A client assertion gets one token, whichever replica it is sent to: on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from cds_service.records.database import Database
from cds_service.records.schema import upgrade
from cds_service.records.used_tokens import UsedTokens
from tests.support.backend_tokens import BackendService, access_token, asked, assertion
from tests.support.client_fakes import Clock, bearer


@pytest.fixture
def replicas(url: str) -> Iterator[list[BackendService]]:
    """Two replicas, each with connections of its own to one database."""
    databases = [Database(url, wait_seconds=10) for _ in range(2)]
    upgrade(databases[0])
    clock = Clock()
    yield [BackendService(clock=clock, used=UsedTokens(each, clock)) for each in databases]
    for each in databases:
        each.close()


def test_an_assertion_is_good_for_one_token_across_replicas(replicas: list[BackendService]) -> None:
    values = [assertion() for _ in range(3)]
    with ThreadPoolExecutor(8) as pool:
        for value in values:
            sent = [replicas[i % 2].app.test_client().post for i in range(8)]
            statuses = list(pool.map(lambda post, value=value: asked(post, value).status_code, sent))
            assert sorted(statuses) == [200] + [401] * 7


def test_a_token_of_one_replica_is_good_at_the_other(replicas: list[BackendService]) -> None:
    first, second = replicas
    headers = bearer(access_token(first.http.post))
    assert second.http.get("/fhir/Questionnaire/CP.MP.126", headers=headers).status_code == 200
