"""One patient's resources, indexed once, and what could not be read."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from enum import Enum
from typing import TypeAlias, TypeVar, cast

from fhir_mappings.codings import items
from fhir_mappings.dates import DateInterval, parse
from fhir_mappings.fhir_json import Json, Resource, dumps
from fhir_mappings.validity import faults

T = TypeVar("T")


class Availability(Enum):
    """The result of the searches for one resource type."""

    COMPLETE = "complete"
    """Everything that the server has was read, even if that is nothing."""
    NOT_OFFERED = "not offered"
    """The server does not support the resource type."""
    UNAVAILABLE = "unavailable"
    """A search failed, was refused, timed out, or was cut short, so absence proves nothing."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A resource that decided or informs a criterion. `date` and `value` are display text, empty if unknown."""

    reference: str
    label: str
    date: str = ""
    value: str = ""


Entry: TypeAlias = tuple[str, Resource]
"""A resource with its Bundle `fullUrl`, which may be empty."""

SUBJECT_ELEMENTS = ("subject", "patient", "beneficiary", "for", "individual")
"""The elements that reference the patient of a resource, the usual one first."""

_NOT_ABOUT_A_PATIENT = {
    "Medication",
    "Organization",
    "Practitioner",
    "PractitionerRole",
    "Location",
    "Questionnaire",
}

_CHOICE_TYPES = {
    *("Age", "Boolean", "CodeableConcept", "Coding", "Date", "DateTime", "Decimal", "Duration", "Instant", "Integer"),
    *("Period", "Quantity", "Range", "Ratio", "Reference", "SampledData", "String", "Time", "Timing"),
}
"""The data types of choice elements such as `onset[x]`."""


def entries(bundle: Json) -> Iterator[Entry]:
    """Yield the resources of a Bundle with their full URLs; skip malformed entries."""
    if not isinstance(bundle, Mapping):
        return
    found = bundle.get("entry")
    for entry in found if isinstance(found, list) else ():
        if isinstance(entry, Mapping) and isinstance(entry.get("resource"), Mapping):
            url = entry.get("fullUrl")
            yield url if isinstance(url, str) else "", entry["resource"]


def reference_of(resource: Resource, full_url: str = "") -> str:
    """Return the reference to a resource in an answer: `Type/id`, else its full URL, else its type."""
    kind, own_id = resource.get("resourceType"), resource.get("id")
    if isinstance(own_id, str) and own_id:
        return f"{kind}/{own_id}"
    return full_url or str(kind)


def contained_by_id(resource: Resource) -> dict[str, Resource]:
    """Return the contained resources of a resource by id; of two with one id, the first."""
    found: dict[str, Resource] = {}
    for each in items(resource.get("contained")):
        if isinstance(each.get("id"), str):
            found.setdefault(each["id"], each)
    return found


class PatientRecord:
    """The part of one patient's chart that was read.

    The record keeps only resources about that patient and counts the others in `other_patients`. `availability` maps
    resource types to the result of their searches; a type without a search is UNAVAILABLE. `notes` come from the source
    of the chart. `read_at` is the time of reading, with a time zone: nothing in this package uses a clock.
    """

    def __init__(
        self,
        patient_id: str,
        resources: Iterable[Entry],
        *,
        read_at: datetime,
        zone: tzinfo,
        availability: Mapping[str, Availability],
        server: str = "",
        notes: Iterable[str] = (),
    ) -> None:
        self.patient_id = patient_id
        self.read_at = read_at
        self.zone = zone
        self.other_patients = 0
        self.notes = tuple(notes)
        self.quarantined: dict[str, str] = {}
        """The reason why a resource is not used, by reference; it names the element, never its value."""
        self.tolerated: dict[str, str] = {}
        """A fault in an element that no criterion uses, by reference."""
        self._availability = dict(availability)
        self._server = server.rstrip("/")
        self._by_type: dict[str, list[Resource]] = {}
        self._by_reference: dict[str, Resource] = {}
        self._references: dict[int, str] = {}
        self._contained: dict[int, tuple[Resource, Mapping[str, Resource]]] = {}
        """With the resource itself, so that no other one gets its id while the record lives."""
        self._read: dict[Hashable, object] = {}
        self._faults: dict[int, tuple[tuple[str, str], ...]] = {}
        self._index(list(resources))

    def _index(self, found: list[Entry]) -> None:
        names = {f"Patient/{self.patient_id}"}
        for url, resource in found:
            if resource.get("resourceType") == "Patient" and resource.get("id") == self.patient_id and url:
                names.add(url)
        kept: dict[str, tuple[str, Resource]] = {}
        ages: dict[str, tuple[datetime, str]] = {}
        urls: dict[str, str] = {}
        for position, (url, resource) in enumerate(found):
            kind = resource.get("resourceType")
            if not isinstance(kind, str) or kind in ("OperationOutcome", "Bundle"):
                continue
            if not self._is_about(resource, kind, names):
                self.other_patients += 1
                continue
            name = reference_of(resource, url)
            key = name if name != kind else f"{kind}#{position}"
            if url:
                urls[url] = key
            if key not in kept:
                kept[key] = (url, resource)
                continue
            age = self._age(resource)
            if key not in ages:
                ages[key] = self._age(kept[key][1])
            if age > ages[key]:
                kept[key], ages[key] = (url, resource), age
        for key in sorted(kept):
            url, resource = kept[key]
            self._by_type.setdefault(resource["resourceType"], []).append(resource)
            self._references[id(resource)] = reference_of(resource, url)
            self._by_reference[key] = resource
        for url, key in urls.items():
            self._by_reference[url] = kept[key][1]

    def _age(self, resource: Resource) -> tuple[datetime, str]:
        """Return a sort key for copies of a resource: the last update, then the content for a stable order."""
        meta = resource.get("meta")
        updated = self.when(meta.get("lastUpdated")) if isinstance(meta, Mapping) else None
        moment = updated.instant if updated else None
        return moment or datetime.min.replace(tzinfo=UTC), dumps(resource)

    def _is_about(self, resource: Resource, kind: str, names: set[str]) -> bool:
        if kind == "Patient":
            return resource.get("id") == self.patient_id
        if kind in _NOT_ABOUT_A_PATIENT:
            return True
        for member in SUBJECT_ELEMENTS:
            subject = resource.get(member)
            if isinstance(subject, Mapping) and isinstance(subject.get("reference"), str):
                return self.relative(subject["reference"]) in names or subject["reference"] in names
        return False

    def relative(self, reference: str) -> str:
        """Return a reference without server and version (`Condition/1`); keep references to other servers."""
        path = reference.split("/_history/")[0]
        if self._server and path.startswith(self._server + "/"):
            return path[len(self._server) + 1 :]
        if not self._server and "://" in path:
            return "/".join(path.split("/")[-2:])
        return path

    def of_type(self, *kinds: str) -> tuple[Resource, ...]:
        """Return every resource of these types, in a fixed order."""
        return tuple(resource for kind in kinds for resource in self._by_type.get(kind, ()))

    @property
    def resources(self) -> tuple[Resource, ...]:
        """Return every resource, in a fixed order."""
        return self.of_type(*sorted(self._by_type))

    def availability(self, *kinds: str) -> Availability:
        """Return the worst result of the searches for these types, without types that are not offered."""
        found = {self._availability.get(kind, Availability.UNAVAILABLE) for kind in kinds}
        if Availability.UNAVAILABLE in found:
            return Availability.UNAVAILABLE
        return Availability.COMPLETE if Availability.COMPLETE in found else Availability.NOT_OFFERED

    @property
    def is_empty(self) -> bool:
        """Return whether nothing could be read: there is no resource, and no search succeeded."""
        return not self._by_type and Availability.COMPLETE not in self._availability.values()

    def unavailable(self) -> tuple[str, ...]:
        """Return the resource types whose search failed or was cut short."""
        return tuple(sorted(k for k, v in self._availability.items() if v is Availability.UNAVAILABLE))

    def not_offered(self) -> tuple[str, ...]:
        """Return the resource types that the server does not support."""
        return tuple(sorted(k for k, v in self._availability.items() if v is Availability.NOT_OFFERED))

    def reference(self, resource: Resource) -> str:
        """Return the reference to one of this record's resources, `Type/id` if it has an id."""
        return self._references.get(id(resource)) or reference_of(resource)

    def resolve(self, reference: Json, within: Resource | None = None) -> Resource | None:
        """Return the target of a Reference or of its string: contained, by full URL, or by `Type/id`."""
        target = reference.get("reference") if isinstance(reference, Mapping) else reference
        if not isinstance(target, str):
            return None
        if target.startswith("#"):
            return self._contained_in(within).get(target[1:]) if within is not None else None
        return self._by_reference.get(target) or self._by_reference.get(self.relative(target))

    def _contained_in(self, resource: Resource) -> Mapping[str, Resource]:
        """Return the contained resources by id, indexed once for each resource."""
        if id(resource) not in self._contained:
            self._contained[id(resource)] = resource, contained_by_id(resource)
        return self._contained[id(resource)][1]

    def cached(self, key: Hashable, read: Callable[[], T]) -> T:
        """Return the result of `read`, computed once per record and key, for readings that several criteria share."""
        if key not in self._read:
            self._read[key] = read()
        return cast(T, self._read[key])

    def when(self, value: Json) -> DateInterval | None:
        """Parse a FHIR date to days in the local time zone."""
        return parse(value, self.zone)

    @property
    def today(self) -> date:
        """Return the local day on which the chart was read."""
        return self.read_at.astimezone(self.zone).date()

    def is_usable(self, resource: Resource, *elements: str) -> bool:
        """Return whether these elements of a resource follow FHIR R4, so that the resource may decide.

        Name an element as in the specification, a choice without its type (`onset` for `onset[x]`). Record a fault in
        them in `quarantined`, a fault elsewhere in `tolerated`.
        """
        if id(resource) not in self._faults:
            self._faults[id(resource)] = tuple((fault.element, fault.path) for fault in faults(resource))
        found = self._faults[id(resource)]
        for element, path in found:
            if not element or any(_is_part(element, name) for name in elements):
                self.quarantined[self.reference(resource)] = f"{path} does not follow FHIR R4"
                return False
        if found:
            self.tolerated[self.reference(resource)] = f"{found[0][1]} does not follow FHIR R4"
        return True


def _is_part(element: str, name: str) -> bool:
    """Return whether an element is `name` or one of its choices, as `onsetDateTime` is one of `onset`."""
    return element == name or (element.startswith(name) and element[len(name) :] in _CHOICE_TYPES)


def unread_record(read_at: datetime, zone: tzinfo) -> PatientRecord:
    """Return the record of an unread chart, in which every resource type is UNAVAILABLE."""
    return PatientRecord("", (), read_at=read_at, zone=zone, availability={})
