"""The forms of a search: the usual one, and others to try if a server refuses it.

US Core guarantees a search by patient and one code, not by several (multipleOr on `code` is SHOULD), by patient and
category, and, where a server requires `status`, by all its values (US Core 6.1, General Guidance, "Search for Servers
Requiring Status").
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cds_service.fhir_client.memory import Store
from coverage_policies.format.searches import Search
from fhir_mappings.bundle import Entry

_COUNT = ("_count", "200")
"""Asks for larger pages than the defaults of 10 to 50; servers with a lower limit send what they can."""
_MAX_QUERY_LENGTH = 1_800
"""Below the 2,048 characters of a query string that IIS takes by default."""
_MAX_CODE_QUERIES = 100

_OF_REQUESTS = "draft,active,on-hold,revoked,completed,entered-in-error,unknown"
_OF_RESULTS = "registered,preliminary,final,amended,corrected,cancelled,entered-in-error,unknown"
_ALL_STATUSES = {
    "CarePlan": _OF_REQUESTS,
    "DiagnosticReport": f"{_OF_RESULTS},partial,appended",
    "Encounter": "planned,arrived,triaged,in-progress,onleave,finished,cancelled,entered-in-error,unknown",
    "MedicationDispense": "preparation,in-progress,cancelled,on-hold,completed,"
    "entered-in-error,stopped,declined,unknown",
    "MedicationRequest": "active,on-hold,cancelled,completed,entered-in-error,stopped,draft,unknown",
    "Observation": _OF_RESULTS,
    "Procedure": "preparation,in-progress,not-done,on-hold,stopped,completed,entered-in-error,unknown",
    "ServiceRequest": _OF_REQUESTS,
}
"""Every status that FHIR R4 allows, of types that always have one."""

_CATEGORY = "category"
_CATEGORIES = {
    "Condition": ("problem-list-item", "encounter-diagnosis", "health-concern"),
    "DiagnosticReport": ("LAB", "RAD", "LP29684-5", "LP29708-2", "LP7839-6"),
    "Observation": (
        *("vital-signs", "laboratory", "social-history", "survey", "exam"),
        *("imaging", "procedure", "therapy", "activity"),
    ),
}
"""The categories of US Core, and of HL7 table 0074 for radiology and FHIR R4 for observations."""


@dataclass(frozen=True, slots=True)
class SearchForm:
    """One form of a search: queries that together find what it does.

    `filters` are the parameters that the queries lack and the service applies; not those of dates, which only bound how
    much is sent. `is_whole` is False if the queries may miss something.
    """

    queries: tuple[Search, ...]
    filters: tuple[tuple[str, str], ...] = ()
    is_whole: bool = True

    def kept(self, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        """Return the entries that satisfy the filters; those of other types, which a server includes, stay."""
        if not self.filters:
            return entries
        kind = self.queries[0].resource_type
        of_kind = [entry for entry in entries if entry[1].get("resourceType") == kind]
        included = [entry for entry in entries if entry[1].get("resourceType") != kind]
        return (*Store(of_kind).search(kind, self.filters), *included)


def search_forms(search: Search) -> Iterator[SearchForm]:
    """Yield the forms of a search, the usual one first; the others are for a server that refused those before."""
    usual = _with(search, _COUNT)
    yield SearchForm(tuple(_short(usual)))
    if 1 < len(search.codes) <= _MAX_CODE_QUERIES:
        yield SearchForm(tuple(replace(usual, codes=(code,)) for code in search.codes))
    if search.resource_type in _ALL_STATUSES:
        yield SearchForm((_with(search, ("status", _ALL_STATUSES[search.resource_type])),))
    if not search.codes:
        # US Core guarantees a search for observations by category, for other types by patient alone.
        is_by_category = search.resource_type == "Observation"
        kept = tuple(each for each in search.parameters if is_by_category and each[0] == _CATEGORY)
        left_out = (each for each in search.parameters if each not in kept and each[0] != search.date_parameter)
        yield SearchForm((replace(search, parameters=kept),), tuple(left_out))
    if search.resource_type in _CATEGORIES and _CATEGORY not in dict(search.parameters):
        categories = _CATEGORIES[search.resource_type]
        queries = (_with(replace(search, codes=()), (_CATEGORY, each)) for each in categories)
        yield SearchForm(tuple(queries), is_whole=False)


def _with(search: Search, *parameters: tuple[str, str]) -> Search:
    return replace(search, parameters=(*search.parameters, *parameters))


def _short(search: Search) -> Iterator[Search]:
    """Yield the search in parts with fewer codes, so that no query string is too long for a server."""
    codes: list[str] = []
    length = start = len(search.query("")) - len(",".join(search.codes)) + 64
    for code in search.codes:
        cost = len(code) + 3  # `|` is encoded as three characters, and a comma follows
        if codes and length + cost > _MAX_QUERY_LENGTH:
            yield replace(search, codes=tuple(codes))
            codes, length = [], start
        codes.append(code)
        length += cost
    yield replace(search, codes=tuple(codes))
