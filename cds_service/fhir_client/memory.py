"""Charts in memory, searchable as a FHIR R4 server would search them."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl, quote

from cds_service.fhir_client.search_bundle import Page
from cds_service.fhir_client.search_parameters import (
    Parameter,
    SearchError,
    alternatives,
    parameters_of,
    satisfies,
)
from cds_service.fhir_client.source import PatientRead, SearchResult
from coverage_policies.format.searches import Search
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.record import Availability, Entry, entries

_VERSIONED = re.compile(r"/_history/[^/]*\Z")
_NOT_OF_A_CHART = {"OperationOutcome", "Bundle"}


class Store:
    """The resources of one chart or of several, exactly as they came: nothing in them is rewritten.

    `skipped` counts the Bundle entries that hold no resource of a chart. Of two entries with the same type and id
    the one updated last stays, else the first.
    """

    def __init__(self, resources: Iterable[Entry], *, skipped: int = 0) -> None:
        self.skipped = skipped
        self._entries: dict[str, dict[str, Entry]] = {}
        """By type and then by id; what has no id is kept under its position."""
        self._aliases: dict[str, str] = {}
        """What each full URL stands for: `Type/id`."""
        for full_url, resource in resources:
            self._add(full_url, resource)

    @classmethod
    def from_bundle(cls, *bundles: Json) -> "Store":
        """The charts in FHIR Bundles of any type, with absolute, relative or `urn:uuid:` references.

        Entries that are no object or hold no resource are skipped and counted. Raises ValueError for something
        that is no Bundle at all.
        """
        found: list[Entry] = []
        skipped = 0
        for bundle in bundles:
            kind = bundle.get("resourceType") if isinstance(bundle, dict) else None
            if kind != "Bundle":
                what = f"resourceType {kind!r}" if isinstance(kind, str) else "no resourceType"
                raise ValueError(
                    f"A chart is a FHIR Bundle; this has {what}. Put the resources into a Bundle's entries."
                )
            kept = [
                entry
                for entry in entries(bundle)
                if isinstance(entry[1].get("resourceType"), str) and entry[1]["resourceType"] not in _NOT_OF_A_CHART
            ]
            sent = bundle.get("entry", [])
            skipped += (len(sent) if isinstance(sent, list) else 1) - len(kept)
            found += kept
        return cls(found, skipped=skipped)

    def _add(self, full_url: str, resource: Resource) -> None:
        kind = str(resource.get("resourceType"))
        own_id = id_of(full_url, resource)
        of_kind = self._entries.setdefault(kind, {})
        key = own_id or f"#{len(of_kind)}"
        if key not in of_kind or _updated(resource) > _updated(of_kind[key][1]):
            of_kind[key] = full_url, resource
        if full_url and own_id:
            self._aliases[full_url] = f"{kind}/{own_id}"

    def types(self) -> tuple[str, ...]:
        """The resource types there is something of, in alphabetical order."""
        return tuple(sorted(self._entries))

    def read(self, resource_type: str, resource_id: str) -> Resource | None:
        """One resource by its id, one without an id by the uuid it was posted under; None where there is none."""
        found = self._entries.get(resource_type, {}).get(resource_id)
        return found[1] if found else None

    def resolve(self, reference: str) -> Entry | None:
        """What a reference points at, relative, absolute or by `urn:uuid:`, with its full URL; None where it is not."""
        kind, _, own_id = self._canonical(reference, "").rpartition("/")
        return self._entries.get(kind, {}).get(own_id)

    def search(self, resource_type: str, params: Sequence[tuple[str, str]]) -> list[Entry]:
        """What satisfies every parameter, with full URLs, in the order of the charts.

        Parameters that this type does not have are ignored, as R4 has it where handling is not strict; so is
        `_count`: paging is the server's. Raises SearchError for an unknown modifier or an unreadable date.
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
        """The one name of what a reference points at, without version and without the server it stands on."""
        target = _VERSIONED.sub("", reference)
        if target in self._aliases:
            return self._aliases[target]
        server = "/".join(full_url.split("/")[:-2]) if "://" in full_url else ""
        return target.removeprefix(f"{server}/") if server else target


def id_of(full_url: str, resource: Resource) -> str:
    """A resource's id, else the last part of its full URL (`urn:uuid:x` gives x), else nothing."""
    own_id = resource.get("id")
    return own_id if isinstance(own_id, str) and own_id else re.split("[/:]", full_url)[-1]


def _updated(resource: Resource) -> str:
    meta = resource.get("meta")
    updated = meta.get("lastUpdated") if isinstance(meta, dict) else None
    return updated if isinstance(updated, str) else ""


def _parameter(resource_type: str, name: str) -> Parameter | None:
    """A parameter of this type; None for `_id`, which every type has."""
    return parameters_of(resource_type).get(name)


def known_parameters(resource_type: str, params: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The parameters a search honors, `patient:Patient` written as `patient`; the others are ignored.

    Raises SearchError for a known parameter with a modifier: R4 forbids to ignore one (3.1.1.4.5). An empty value
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
    """A chart in memory as a source: it holds everything, so every search is complete."""

    address = ""
    notes: tuple[str, ...] = ()

    def __init__(self, store: Store) -> None:
        self._store = store

    def search(self, search: Search, patient_id: str) -> SearchResult:
        """Everything the chart has; what it does not have does not exist."""
        if isinstance(search, PatientRead):
            params = [("_id", patient_id)]
        else:
            params = parse_qsl(search.query(quote(patient_id, safe="")).partition("?")[2])
        return SearchResult(tuple(self._store.search(search.resource_type, params)), Availability.COMPLETE)

    def follow(self, first: Page, search: Search, patient_id: str) -> SearchResult:
        """The chart's own answer: it does not have the pages of the server that the first one came from."""
        found = self.search(search, patient_id)
        return SearchResult(first.entries + found.entries, found.availability)

    def read(self, reference: str) -> Entry | None:
        """What the chart has under this reference."""
        return self._store.resolve(reference)
