"""Rows from the JSON arrays in a column, which SQLite and PostgreSQL write differently."""

from typing import Any

from sqlalchemy import JSON, ColumnElement, TableValuedAlias, Text, column, func, type_coerce

from cds_service.records.database import Database


def objects_in(database: Database, array: ColumnElement[Any], name: str) -> TableValuedAlias:
    """Return the objects of arrays as rows to join with, in the column `value`."""
    if database.is_sqlite:
        return func.json_each(array).table_valued(column("value", JSON), name=name)
    return func.json_array_elements(array).table_valued(column("value", JSON), name=name).render_derived()


def text_of(found: TableValuedAlias, name: str) -> ColumnElement[str]:
    """Return a member of the objects in `objects_in`."""
    return type_coerce(found.c.value[name].as_string(), Text)
