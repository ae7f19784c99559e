"""The chart of a session: read once from the EHR, and then kept with the session, so that no screen reads it again."""

from collections.abc import Mapping
from typing import Any

from cds_service.fhir_client.forwarding_source import ForwardingSource
from cds_service.fhir_client.source import FhirSource, SearchResult
from coverage_policies.format.searches import Search
from fhir_mappings.bundle import Entry
from fhir_mappings.record import Availability

Kept = Mapping[str, Any]
"""What was read, as JSON: `searches` by key and query, `targets` of references."""


class KeptChart(ForwardingSource):
    """A source that answers from what a session kept, and asks another source for the rest.

    A search that failed is not kept, so that the next screen tries it again. `without` is the id of a response that is
    left out: its answers are those of the session itself.
    """

    def __init__(self, source: FhirSource, kept: Kept, without: str = "") -> None:
        super().__init__(source)
        self._searches: dict[str, Any] = dict(kept.get("searches", {}))
        self._targets: dict[str, Any] = dict(kept.get("targets", {}))
        self._without = without

    @property
    def kept(self) -> Kept:
        """Return what was read so far, for the session to keep."""
        return {"searches": self._searches, "targets": self._targets}

    def search(self, search: Search, patient_id: str) -> SearchResult:
        """Search, unless the session kept the result."""
        name = f"{search.key} {search.query('')}"
        known = self._searches.get(name)
        if known is not None:
            result = _result(known)
        else:
            result = super().search(search, patient_id)
            if result.availability is not Availability.UNAVAILABLE:
                self._searches[name] = _as_json(result)
        if not self._without or search.resource_type != "QuestionnaireResponse":
            return result
        others = tuple(each for each in result.entries if each[1].get("id") != self._without)
        return SearchResult(others, result.availability, result.servers)

    def read(self, reference: str) -> Entry | None:
        """Read the target of a reference, unless the session kept it."""
        if reference not in self._targets:
            found = super().read(reference)
            if found is None:
                return None
            self._targets[reference] = list(found)
        url, resource = self._targets[reference]
        return url, resource


def _as_json(result: SearchResult) -> Mapping[str, Any]:
    return {
        "entries": [list(each) for each in result.entries],
        "availability": result.availability.name,
        "servers": list(result.servers),
    }


def _result(known: Mapping[str, Any]) -> SearchResult:
    entries = tuple((url, resource) for url, resource in known["entries"])
    return SearchResult(entries, Availability[known["availability"]], tuple(known["servers"]))
