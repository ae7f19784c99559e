"""The tables. Their history is in `migrations/`; a test holds the two against each other."""

from datetime import UTC, datetime

from sqlalchemy import Column, DateTime, Dialect, Index, MetaData, Table, Text, TypeDecorator


class Moment(TypeDecorator[datetime]):
    """A moment in UTC, on databases with and without time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """In UTC; SQLite stores it without its zone."""
        if value is None:
            return None
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """With its zone, UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


METADATA = MetaData()

USED_TOKENS = Table(
    "used_tokens",
    METADATA,
    Column("issuer", Text, primary_key=True),
    Column("jti", Text, primary_key=True),
    Column("expires_at", Moment, nullable=False),
    Index("used_tokens_expires_at", "expires_at"),
)
