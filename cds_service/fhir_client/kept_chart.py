"""What was read of a chart, as JSON: kept with a session or a call, and answered from later instead of read again."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cds_service.fhir_client.forwarding_source import ForwardingSource
from cds_service.fhir_client.search_bundle import Page
from cds_service.fhir_client.source import FhirSource, SearchResult, UnreadableSource
from coverage_policies.format.searches import Search
from fhir_mappings.bundle import Entry
from fhir_mappings.record import Availability

Kept = Mapping[str, Any]
"""What was read, as JSON: `searches` by key and query, `targets` of references."""


class KeptChart(ForwardingSource):
    """A source that answers from what was kept, and asks another source for the rest.

    A search that failed is tried again; if it fails again, whichever result has more entries is the answer. `without`
    is the id of a response that is left out: its answers are those of the session itself.
    """

    def __init__(self, source: FhirSource, kept: Kept, without: str = "") -> None:
        super().__init__(source)
        self._kept_searches: Mapping[str, Any] = kept.get("searches", {})
        self._kept_targets: Mapping[str, Any] = kept.get("targets", {})
        self._searches: dict[Search, SearchResult] = {}
        self._targets: dict[str, Entry] = {}
        self._without = without

    @property
    def kept(self) -> Kept:
        """Return what was kept and what was read so far; a query that still runs changes nothing of it."""
        searches = {_name(search): _as_json(result) for search, result in self._searches.copy().items()}
        targets = {reference: list(entry) for reference, entry in self._targets.copy().items()}
        return {"searches": {**self._kept_searches, **searches}, "targets": {**self._kept_targets, **targets}}

    def search(self, search: Search, patient_id: str) -> SearchResult:
        """Search, unless the result was kept."""
        known = self._known(search)
        if known is None or known.availability is Availability.UNAVAILABLE:
            known = self._noted(search, super().search(search, patient_id), known)
        return self._shown(search, known)

    def follow(self, first: Page, search: Search, patient_id: str) -> SearchResult:
        """Read the pages after a prefetched first page, unless the result was kept."""
        known = self._known(search)
        if known is None or known.availability is Availability.UNAVAILABLE:
            known = self._noted(search, super().follow(first, search, patient_id), known)
        return self._shown(search, known)

    def read(self, reference: str) -> Entry | None:
        """Read the target of a reference, unless it was kept."""
        if reference in self._targets:
            return self._targets[reference]
        if reference in self._kept_targets:
            url, resource = self._kept_targets[reference]
            return url, resource
        found = super().read(reference)
        if found is not None:
            self._targets[reference] = found
        return found

    def _known(self, search: Search) -> SearchResult | None:
        """Return the result of a search that was read or kept before; None if it was not."""
        if search in self._searches:
            return self._searches[search]
        known = self._kept_searches.get(_name(search)) if self._kept_searches else None
        return _result(known) if known is not None else None

    def _noted(self, search: Search, found: SearchResult, before: SearchResult | None) -> SearchResult:
        """Note a new result to be kept, and return it: or the one before, if both failed and that has more entries.

        Nothing is noted of a search that failed without any entry.
        """
        is_failed = found.availability is Availability.UNAVAILABLE
        if is_failed and before is not None and len(before.entries) > len(found.entries):
            return before
        if not is_failed or found.entries:
            self._searches[search] = found
        return found

    def _shown(self, search: Search, result: SearchResult) -> SearchResult:
        """Return a result without the response that is left out."""
        if not self._without or search.resource_type != "QuestionnaireResponse":
            return result
        others = tuple(each for each in result.entries if each[1].get("id") != self._without)
        return SearchResult(others, result.availability, result.servers)


class OnlyKept(KeptChart):
    """A chart of which there is only what was kept: any other search is unavailable, and any other reference unread.

    `address` is that of the server it was read from.
    """

    answers: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    def __init__(self, kept: Kept, address: str) -> None:
        super().__init__(UnreadableSource(address, ()), kept)


def _name(search: Search) -> str:
    return f"{search.key} {search.query('')}"


def _as_json(result: SearchResult) -> Mapping[str, Any]:
    return {
        "entries": [list(each) for each in result.entries],
        "availability": result.availability.name,
        "servers": list(result.servers),
    }


def _result(known: Mapping[str, Any]) -> SearchResult:
    entries = tuple((url, resource) for url, resource in known["entries"])
    return SearchResult(entries, Availability[known["availability"]], tuple(known["servers"]))
