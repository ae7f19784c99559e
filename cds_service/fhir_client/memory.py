"""Charts in memory, with the search behavior of a FHIR R4 server."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from types import MappingProxyType
from typing import Self, TypeVar
from urllib.parse import parse_qsl

from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.query_threads import QueryThreads
from cds_service.fhir_client.search_bundle import Page, is_whole_chart
from cds_service.fhir_client.search_parameters import (
    Parameter,
    SearchError,
    alternatives,
    parameters_of,
    satisfies,
)
from cds_service.fhir_client.source import SearchResult
from coverage_policies.format.searches import PatientRead, Search
from fhir_mappings.bundle import Entry, entries
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.ownership import Owner, Ownership, chart_server
from fhir_mappings.record import Availability
from fhir_mappings.references import address_of

_VERSIONED = re.compile(r"/_history/[^/]*\Z")
_MOST_QUERIES = 20
_NOT_CHART_DATA = {"OperationOutcome", "Bundle"}

T = TypeVar("T")


class Store:
    """The resources of one or several charts, unchanged.

    `is_whole` is False if the Bundles tell of a part that they lack, or an entry of them cannot be read. Of two entries
    with the same type and id, the store keeps the one with the later `meta.lastUpdated`, else the first, unless their
    full URLs are on different servers.
    """

    def __init__(self, resources: Iterable[Entry], *, is_whole: bool = True) -> None:
        self.is_whole = is_whole
        self._entries: dict[str, dict[str, Entry]] = {}
        """Entries by type and id; a resource without an id is stored under its position."""
        self._aliases: dict[str, str] = {}
        """`Type/id` by full URL."""
        for full_url, resource in resources:
            self._add(full_url, resource)

    @classmethod
    def from_bundle(cls, *bundles: Json) -> "Store":
        """Return a store of the charts in FHIR Bundles of any type, with absolute, relative, or `urn:uuid:` references.

        Skip entries that are not objects or hold no resource. Raise ValueError if a value is not a Bundle.
        """
        found: list[Entry] = []
        is_whole = True
        for bundle in bundles:
            kind = bundle.get("resourceType") if isinstance(bundle, dict) else None
            if kind != "Bundle":
                what = f"resourceType {kind!r}" if isinstance(kind, str) else "no resourceType"
                raise ValueError(
                    f"A chart is a FHIR Bundle; this has {what}. Put the resources into a Bundle's entries."
                )
            is_whole = is_whole and is_whole_chart(bundle)
            found += [
                entry
                for entry in entries(bundle)
                if isinstance(entry[1].get("resourceType"), str) and entry[1]["resourceType"] not in _NOT_CHART_DATA
            ]
        return cls(found, is_whole=is_whole)

    def _add(self, full_url: str, resource: Resource) -> None:
        kind = str(resource.get("resourceType"))
        own_id = id_of(full_url, resource)
        of_kind = self._entries.setdefault(kind, {})
        key = own_id or f"#{len(of_kind)}"
        if key in of_kind and _are_of_two_servers(full_url, of_kind[key][0]):
            key = full_url
        if key not in of_kind or _updated(resource) > _updated(of_kind[key][1]):
            of_kind[key] = full_url, resource
        if full_url and own_id and key == own_id:
            self._aliases[full_url] = f"{kind}/{own_id}"

    def all_entries(self) -> tuple[Entry, ...]:
        """Return every entry of the store."""
        return tuple(entry for of_kind in self._entries.values() for entry in of_kind.values())

    def types(self) -> tuple[str, ...]:
        """Return the resource types in the store, in alphabetical order."""
        return tuple(sorted(self._entries))

    def read(self, resource_type: str, resource_id: str) -> Resource | None:
        """Return a resource by its id, or by the UUID of its full URL if it has none; None if there is none."""
        found = self._entries.get(resource_type, {}).get(resource_id)
        return found[1] if found else None

    def resolve(self, reference: str) -> Entry | None:
        """Return the target of a relative, absolute, or `urn:uuid:` reference; None if the store lacks it."""
        kind, _, own_id = self._canonical(reference, "").rpartition("/")
        return self._entries.get(kind, {}).get(own_id)

    def search(self, resource_type: str, params: Sequence[tuple[str, str]]) -> list[Entry]:
        """Return the entries that satisfy every parameter, in chart order.

        Ignore parameters that the type does not have (R4 lenient handling), and `_count`: paging is up to the server.
        Raise SearchError for an unknown modifier or an unreadable date.
        """
        known = known_parameters(resource_type, params)
        return [entry for entry in self._entries.get(resource_type, {}).values() if self._satisfies(entry, known)]

    def _satisfies(self, entry: Entry, known: Sequence[tuple[str, str]]) -> bool:
        full_url, resource = entry

        def canonical(reference: str) -> str:
            return self._canonical(reference, full_url)

        for name, value in known:
            parameter = _parameter(str(resource["resourceType"]), name)
            if parameter is None:
                if id_of(full_url, resource) not in alternatives(value):
                    return False
            elif not satisfies(resource, name, parameter, value, canonical):
                return False
        return True

    def _canonical(self, reference: str, full_url: str) -> str:
        """Return the target of a reference as `Type/id`, without version and without its own server."""
        target = _VERSIONED.sub("", reference)
        if target in self._aliases:
            return self._aliases[target]
        server = "/".join(full_url.split("/")[:-2]) if "://" in full_url else ""
        return target.removeprefix(f"{server}/") if server else target


def _are_of_two_servers(one_url: str, other_url: str) -> bool:
    bases = {address_of(url).base for url in (one_url, other_url)}
    return len(bases - {""}) == 2


def id_of(full_url: str, resource: Resource) -> str:
    """Return a resource's id, else the last part of its full URL (`x` for `urn:uuid:x`), else an empty string."""
    own_id = resource.get("id")
    return own_id if isinstance(own_id, str) and own_id else re.split("[/:]", full_url)[-1]


def _updated(resource: Resource) -> str:
    meta = resource.get("meta")
    updated = meta.get("lastUpdated") if isinstance(meta, dict) else None
    return updated if isinstance(updated, str) else ""


def _parameter(resource_type: str, name: str) -> Parameter | None:
    """Return a parameter of this type; None for `_id`, which every type has."""
    return parameters_of(resource_type).get(name)


def known_parameters(resource_type: str, params: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the parameters that a search applies, with `patient:Patient` as `patient`; drop the others.

    Raise SearchError for a known parameter with a modifier, which R4 forbids to ignore (3.1.1.4.5). An empty value
    counts as no parameter.
    """
    known = []
    for name, value in params:
        stem, _, modifier = name.partition(":")
        if stem != "_id" and _parameter(resource_type, stem) is None:
            continue
        if modifier and (stem, modifier) not in (("patient", "Patient"), ("subject", "Patient")):
            raise SearchError(f"{stem} takes no modifier here; search without it")
        if value:
            known.append((stem, value))
    return known


class ChartInMemory:
    """A FHIR source over a chart in memory. It holds the whole chart, so a search is complete if the chart is whole."""

    address = ""
    notes: tuple[str, ...] = ()
    answers: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    def __init__(self, store: Store) -> None:
        self._store = store
        self._others: dict[str, frozenset[int]] = {}
        self._threads = QueryThreads(_MOST_QUERIES)

    def open(self, _deadline: Deadline) -> Self:
        """Return the chart itself, to be opened like a FHIR server: it answers at once, so no deadline applies."""
        return self

    def search(self, search: Search, patient_id: str) -> SearchResult:
        """Return everything in the chart that the search finds, and what may be the patient's."""
        if isinstance(search, PatientRead):
            found = self._store.search("Patient", [("_id", patient_id)])
        else:
            params = parse_qsl(search.query("").partition("?")[2])  # without a patient, they find those of all
            others = self._of_others(patient_id)
            found = [each for each in self._store.search(search.resource_type, params) if id(each[1]) not in others]
        return SearchResult(tuple(found), Availability.COMPLETE if self._store.is_whole else Availability.UNAVAILABLE)

    def _of_others(self, patient_id: str) -> frozenset[int]:
        """Return which resources are other patients' for certain; none in a chart in which the patient is not."""
        if patient_id not in self._others:
            found = self._store.all_entries() if self._store.read("Patient", patient_id) else ()
            ownership = Ownership(patient_id, chart_server(patient_id, (), found), found)
            self._others[patient_id] = frozenset(id(one) for url, one in found if ownership.of(url, one) is Owner.OTHER)
        return self._others[patient_id]

    def follow(self, first: Page, search: Search, patient_id: str) -> SearchResult:
        """Return the first page and the chart's own search result; the server's further pages are out of reach."""
        found = self.search(search, patient_id)
        availability = found.availability if first.is_whole else Availability.UNAVAILABLE
        return SearchResult(first.entries + found.entries, availability, first.servers)

    def read(self, reference: str) -> Entry | None:
        """Return the target of a reference; None if the chart lacks it."""
        return self._store.resolve(reference)

    def start(self, query: Callable[[], T]) -> "Future[T]":
        """Run a query in a thread of this chart."""
        return self._threads.start(query)
