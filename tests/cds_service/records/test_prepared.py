from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import bindparam, insert, select

from cds_service.records.database import Database, UnavailableError
from cds_service.records.prepared import Prepared
from cds_service.records.tables import FEEDBACK, POLICY_SNAPSHOTS, USED_TOKENS

AT = datetime(2026, 3, 2, 9, 30, tzinfo=timezone(timedelta(hours=-5)))


def test_values_are_stored_as_their_columns_say(database: Database) -> None:
    add_token = Prepared(insert(USED_TOKENS), database.engine.dialect)
    add_snapshot = Prepared(insert(POLICY_SNAPSHOTS), database.engine.dialect)
    with database.writing() as connection:
        add_token.execute(connection, {"issuer": "ehr", "jti": "1", "expires_at": AT})
        add_snapshot.execute(connection, {"snapshot": "s", "content": {"a": ["é", 1]}})
    with database.reading() as connection:
        assert connection.execute(select(USED_TOKENS.c.expires_at)).scalars().all() == [AT.astimezone(UTC)]
        assert connection.execute(select(POLICY_SNAPSHOTS.c.content)).scalars().all() == [{"a": ["é", 1]}]


def test_several_rows_are_stored_in_their_order(database: Database) -> None:
    rows = [{"issuer": "ehr", "jti": str(n), "expires_at": AT} for n in range(3)]
    with database.writing() as connection:
        Prepared(insert(USED_TOKENS), database.engine.dialect).execute(connection, *rows)
    with database.reading() as connection:
        assert connection.execute(select(USED_TOKENS.c.jti).order_by(USED_TOKENS.c.jti)).scalars().all() == list("012")


def test_a_parameter_is_converted_like_the_column_that_it_is_compared_with(database: Database) -> None:
    since = select(USED_TOKENS.c.jti).where(USED_TOKENS.c.expires_at > bindparam("since"))
    tokens = [{"issuer": "ehr", "jti": str(n), "expires_at": AT + timedelta(hours=n)} for n in range(3)]
    prepared = Prepared(since, database.engine.dialect)
    with database.writing() as connection:
        Prepared(insert(USED_TOKENS), database.engine.dialect).execute(connection, *tokens)
        assert [tuple(row) for row in prepared.execute(connection, {"since": AT + timedelta(hours=1)})] == [("2",)]


def test_an_error_of_the_database_is_named_and_nothing_else(database: Database) -> None:
    add = Prepared(insert(USED_TOKENS), database.engine.dialect)
    token = {"issuer": "ehr", "jti": "1", "expires_at": AT}
    with pytest.raises(UnavailableError, match=r"IntegrityError|UniqueViolation"), database.writing() as connection:
        add.execute(connection, token, token)


def test_a_row_without_a_column_is_an_error(database: Database) -> None:
    add = Prepared(insert(FEEDBACK), database.engine.dialect)
    with pytest.raises(KeyError), database.writing() as connection:
        add.execute(connection, {"feedback": "1", "card": "2"})
