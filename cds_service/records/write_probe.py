"""Try whether a database takes writes, by one that leaves no row."""

from datetime import UTC, datetime

from sqlalchemy import delete, insert

from cds_service.records.database import Database
from cds_service.records.tables import USED_TOKENS

_ROW = {
    "issuer": "a readiness check",  # no issuer of tokens: those are URLs
    "jti": "x" * 2_000,  # SQLite needs another page for it, so a full database shows; PostgreSQL indexes no more
    "expires_at": datetime(1970, 1, 1, tzinfo=UTC),
}


def try_write(database: Database) -> None:
    """Insert a row and delete it in one transaction. Raises UnavailableError if that fails."""
    with database.writing() as connection:
        connection.execute(insert(USED_TOKENS), _ROW)
        connection.execute(delete(USED_TOKENS).where(USED_TOKENS.c.issuer == _ROW["issuer"]))
