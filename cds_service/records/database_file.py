"""The file of an SQLite database: readable by its owner only, and watched while it is open.

SQLite goes on writing to a file that was deleted or replaced, and what it writes there is lost.
"""

import os
from contextlib import suppress
from pathlib import Path

_OWNER_ONLY = 0o600
_OTHERS = 0o077
_DELETED = "the database file was deleted"

Identity = tuple[int, int] | None
"""Device and inode of a file; None if there is no file."""


class DatabaseFile:
    """The file at `path`, which must stay the one that was there first: at the start, or at the first connection.

    With `create`, the first connection creates the file where there is none.
    """

    def __init__(self, path: Path, *, create: bool) -> None:
        self._path = path
        self._log = Path(f"{path}-wal")
        self._create = create
        self._first = _identity(path)

    def prepare(self) -> str:
        """Create the file if there never was one, and take it from other users; return what `fault` returns.

        SQLite gives the write-ahead log and its index the rights of the database file, once, when it creates them.
        """
        if self._first is None:
            if self._create:
                with suppress(OSError):  # SQLite then fails too, and names the cause
                    os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, _OWNER_ONLY))
            self._first = _identity(self._path)
        for file in (self._path, self._log, Path(f"{self._path}-shm")):
            with suppress(OSError):  # only the owner can change the rights
                if file.stat().st_mode & _OTHERS:
                    file.chmod(_OWNER_ONLY)
        if self._first is None and not self._create:
            return _DELETED
        return self.fault()

    def log(self) -> Identity:
        """Return the identity of the write-ahead log; SQLite creates one when no connection has it open."""
        return _identity(self._log)

    def fault(self, log: Identity = None) -> str:
        """Return what happened to the file, or to the `log` of an open connection; empty if they are in place."""
        if _is_lost(self._path, self._first):
            return "the database file was replaced" if self._path.exists() else _DELETED
        return "the write-ahead log of the database was deleted or replaced" if _is_lost(self._log, log) else ""


def _is_lost(path: Path, opened: Identity) -> bool:
    return opened is not None and _identity(path) != opened


def _identity(path: Path) -> Identity:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
