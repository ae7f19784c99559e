"""Statements that are compiled once: SQLAlchemy prepares each execution anew, which takes longer than SQLite does.

The SQL and the conversion of values are still SQLAlchemy's, and so are connections and transactions.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.sql import ClauseElement


class Prepared:
    """A statement for one kind of database; results come as its driver returns them.

    Each of its parameters has a name and no value of its own. An INSERT takes every column of its table.
    """

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        self._is_sqlite = dialect.name == "sqlite"
        compiled = dialect.statement_compiler(dialect, statement)
        self._sql = str(compiled)
        self._names = tuple(compiled.positiontup or ())
        """The order of the parameters; empty if the driver takes them by name."""
        self._converters: dict[str, Callable[[Any], Any]] = {}
        for parameter, name in compiled.bind_names.items():
            if convert := parameter.type.dialect_impl(dialect).bind_processor(dialect):
                self._converters[name] = convert

    def execute(self, connection: Connection, *rows: Mapping[str, Any]) -> Iterable[Sequence[Any]]:
        """Execute the statement with the parameters, or with several in turn; return the rows that it finds.

        Raise the errors of SQLite's driver, and those of SQLAlchemy for PostgreSQL.
        """
        if not self._is_sqlite:
            given = [self._converted(row) for row in rows]
            return connection.exec_driver_sql(self._sql, given if len(given) > 1 else given[0])
        cursor = connection.connection.cursor()
        for row in rows:
            cursor.execute(self._sql, self._converted(row))
        return cursor.fetchall()

    def _converted(self, row: Mapping[str, Any]) -> Any:
        values = dict(row)
        for name, convert in self._converters.items():
            values[name] = convert(values[name])
        return tuple([values[name] for name in self._names]) if self._names else values
