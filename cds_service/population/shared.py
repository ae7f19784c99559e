"""What an export has that is about no patient, such as drugs and organizations: by reference, and out of core."""

import sqlite3
from errno import EIO, ENOSPC
from pathlib import Path
from types import TracebackType
from typing import Self

from fhir_mappings.fhir_json import Resource, parse_json
from fhir_mappings.references import address_of

_MANY = 5_000
_SCHEMA = "CREATE TABLE resources (name TEXT PRIMARY KEY, updated TEXT, line BLOB) WITHOUT ROWID"
_ADD = (
    "INSERT INTO resources VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE "
    "SET updated = excluded.updated, line = excluded.line WHERE excluded.updated > updated"
)


class SharedResourcesWriter:
    """Makes the file. Of two resources with one type and id, the one with the later `meta.lastUpdated` stays.

    It raises OSError for what the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self._waiting: list[tuple[str, str, bytes]] = []
        self._path = path
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")  # a file that is not finished is made anew
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute(_SCHEMA)

    def add(self, name: str, updated: str, line: bytes) -> None:
        """Add a resource by its `Type/id`."""
        self._waiting.append((name, updated, line))
        if len(self._waiting) >= _MANY:
            self._write()

    def _write(self) -> None:
        try:
            self._database.execute("BEGIN")
            self._database.executemany(_ADD, self._waiting)
            self._database.execute("COMMIT")
        except sqlite3.OperationalError as error:
            code = ENOSPC if error.sqlite_errorcode == sqlite3.SQLITE_FULL else EIO
            raise OSError(code, str(error), str(self._path)) from None
        self._waiting.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._write()
        finally:
            self._database.close()


class SharedResources:
    """Reads the file, which several processes may do at a time, also over a network."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True, check_same_thread=False)

    def read(self, reference: str) -> Resource | None:
        """Return the resource of a relative reference; None for any other, and if the export has none that is JSON."""
        address = address_of(reference)
        if address.base:
            return None
        found = self._database.execute("SELECT line FROM resources WHERE name = ?", (address.name,)).fetchone()
        try:
            resource = parse_json(found[0]) if found else None
        except ValueError:
            return None
        return resource if isinstance(resource, dict) else None

    def close(self) -> None:
        """Close the file."""
        self._database.close()
