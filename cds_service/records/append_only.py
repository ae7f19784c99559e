"""Triggers that keep the rows of a table from being changed, and from being deleted before their time."""

from alembic import op


def guard(table: str, deletable: str = "") -> None:
    """Create the triggers of a table in a migration.

    `deletable` is the condition in SQL under which a row, `OLD`, may be deleted; without one, none ever may.
    """
    deletable = deletable or "1 = 0"
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite(table, deletable)
    else:
        _guard_postgresql(table, deletable)


def _guard_sqlite(table: str, deletable: str) -> None:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    op.execute(f"CREATE TRIGGER {table}_unchanged BEFORE UPDATE ON {table} {refuse}")
    op.execute(f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} WHEN NOT {deletable} {refuse}")


def _guard_postgresql(table: str, deletable: str) -> None:
    op.execute(
        f"CREATE FUNCTION {table}_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'DELETE' AND {deletable} THEN RETURN OLD; END IF; "
        f"RAISE EXCEPTION '{table} is append-only'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_guard BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_guard()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {table}_guard()"
    )
