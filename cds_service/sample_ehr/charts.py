"""The charts of the sample EHR: those that it was started with, and the resources that apps wrote since."""

from collections.abc import Sequence
from threading import Lock

from cds_service.fhir_client.memory import Store
from fhir_mappings.bundle import Entry
from fhir_mappings.fhir_json import Resource


class VersionConflictError(Exception):
    """A resource has another version than the one that the client wants to replace."""


class ChartsFullError(Exception):
    """The charts have as many written resources as they may have."""


class Charts:
    """A store, and over it the current version of every written resource; safe for several threads.

    `most` bounds the number of written resources.
    """

    def __init__(self, store: Store, *, most: int = 500) -> None:
        self._started_with = store
        self._written = Store(())
        """Replaced as a whole on each write, so that readers need no lock."""
        self._most = most
        self._lock = Lock()

    def types(self) -> tuple[str, ...]:
        """Return the resource types that the charts started with."""
        return self._started_with.types()

    def all_entries(self) -> tuple[Entry, ...]:
        """Return the current version of every resource."""
        written = self._written
        return (*_not_in(written, self._started_with.all_entries()), *written.all_entries())

    def read(self, resource_type: str, resource_id: str) -> Resource | None:
        """Return a resource by its id; None if there is none."""
        return self._written.read(resource_type, resource_id) or self._started_with.read(resource_type, resource_id)

    def search(self, resource_type: str, params: Sequence[tuple[str, str]]) -> list[Entry]:
        """Return the entries that satisfy every parameter, as `Store.search` does; the written ones last."""
        written = self._written
        found = self._started_with.search(resource_type, params)
        return [*_not_in(written, found), *written.search(resource_type, params)]

    def write(
        self, base: str, resource: Resource, *, updated: str, replaces: str | None = None
    ) -> tuple[Resource, bool]:
        """Store a resource under its id; return it as stored, and whether it is new.

        `base` is the FHIR address of this server and `updated` the `meta.lastUpdated`. `replaces` is the version that
        the client wants to replace, if it names one. Raises VersionConflictError and ChartsFullError.
        """
        kind, own_id = str(resource["resourceType"]), str(resource["id"])
        with self._lock:
            before = self.read(kind, own_id)
            version = version_of(before) if before else 0
            if replaces is not None and replaces != str(version or ""):
                raise VersionConflictError
            others = [entry for entry in self._written.all_entries() if _name(entry[1]) != (kind, own_id)]
            if len(others) >= self._most:
                raise ChartsFullError
            sent = resource.get("meta")
            meta = (sent if isinstance(sent, dict) else {}) | {"versionId": str(version + 1), "lastUpdated": updated}
            stored = {**resource, "meta": meta}
            self._written = Store([*others, (f"{base}/{kind}/{own_id}", stored)])
        return stored, before is None


def version_of(resource: Resource) -> int:
    """Return the version of a resource; 1 for a resource that names none."""
    meta = resource.get("meta")
    version = meta.get("versionId") if isinstance(meta, dict) else None
    return int(version) if isinstance(version, str) and version.isdecimal() else 1


def _name(resource: Resource) -> tuple[object, object]:
    return resource.get("resourceType"), resource.get("id")


def _not_in(written: Store, entries: Sequence[Entry]) -> list[Entry]:
    replaced = {_name(resource) for _, resource in written.all_entries()}
    return [entry for entry in entries if _name(entry[1]) not in replaced]
