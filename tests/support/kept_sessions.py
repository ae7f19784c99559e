"""A store of sealed sessions for tests."""

from datetime import datetime


class KeptSessions:
    """A store in a dictionary."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[bytes, datetime]] = {}

    def put(self, name: str, sealed: bytes, until: datetime) -> None:
        self.rows[name] = sealed, until

    def find(self, name: str) -> tuple[bytes, datetime] | None:
        return self.rows.get(name)

    def replace(self, name: str, sealed: bytes) -> bool:
        if name not in self.rows:
            return False
        self.rows[name] = sealed, self.rows[name][1]
        return True

    def remove(self, name: str) -> bool:
        return self.rows.pop(name, None) is not None
