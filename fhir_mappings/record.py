"""One patient's resources, indexed once, and what could not be read."""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from datetime import date, datetime, tzinfo
from enum import Enum
from typing import TypeVar, cast

from msgspec import Struct

from fhir_mappings.bundle import Entry, contained_by_id, reference_of
from fhir_mappings.copies import Key, without_copies
from fhir_mappings.dates import DateInterval, parse
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.order_terms import OrderTerms
from fhir_mappings.ownership import Ownership, chart_server, names_a_patient
from fhir_mappings.references import ChartServer, ReferenceIndex, address_of
from fhir_mappings.validity import Findings, findings

T = TypeVar("T")
_NOT_READ = object()
_NO_SERVER = ChartServer()


class Availability(Enum):
    """The result of the searches for one resource type."""

    COMPLETE = "complete"
    """Everything that the server has was read, even if that is nothing."""
    NOT_OFFERED = "not offered"
    """The server does not support the resource type."""
    UNAVAILABLE = "unavailable"
    """A search failed, was refused, timed out, or was cut short, so absence proves nothing."""


class Evidence(Struct, frozen=True):
    """A resource that decided or informs a criterion. `date` and `value` are display text, empty if unknown."""

    reference: str
    label: str
    date: str = ""
    value: str = ""


_CHOICE_TYPES = {
    *("Age", "Boolean", "CodeableConcept", "Coding", "Date", "DateTime", "Decimal", "Duration", "Instant", "Integer"),
    *("Period", "Quantity", "Range", "Ratio", "Reference", "SampledData", "String", "Time", "Timing"),
}
"""The data types of choice elements such as `onset[x]`."""


class PatientRecord:
    """The part of one patient's chart that was read.

    The record keeps only resources about that patient. `other_patients` counts those that are plainly another patient's
    by resource type, and `left_out` those of which it is not certain whose they are; their type becomes UNAVAILABLE.
    So does a type of which all that was found is one other patient's, if the record has several resources of that
    patient: that may be the record into which this patient's was merged.

    `availability` maps resource types to the result of their searches; a type without a search is UNAVAILABLE.
    `unasked` are those UNAVAILABLE types that nobody was asked for: no search of them failed. `server`
    is the server of the chart; by default, the one that the resources themselves show. `notes` come from the source of
    the chart. `read_at` is the time of reading, with a time zone: nothing in this package uses a clock.
    """

    def __init__(
        self,
        patient_id: str,
        resources: Iterable[Entry],
        *,
        read_at: datetime,
        zone: tzinfo,
        availability: Mapping[str, Availability],
        terms: OrderTerms,
        unasked: Iterable[str] = (),
        server: ChartServer | None = None,
        notes: Iterable[str] = (),
    ) -> None:
        self.patient_id = patient_id
        self.read_at = read_at
        self.zone = zone
        self.terms = terms
        """The words by which its orders, and the labels of its records, are read."""
        self.today: date = read_at.astimezone(zone).date()
        """The local day on which the chart was read."""
        self.other_patients: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.is_left_out = False
        """Whether resources of the patient's chart were found, and none can be used because they may be another's."""
        self.notes = tuple(notes)
        self.quarantined: dict[str, str] = {}
        """The reason why a resource is not used, by reference; it names the element, never its value."""
        self.tolerated: dict[str, str] = {}
        """A fault in an element that no criterion uses, by reference."""
        self.differing: dict[str, str] = {}
        """The type of each resource of which copies differ and none is known to be the latest, by reference."""
        self._availability = dict(availability)
        self.unasked = frozenset(unasked)
        found = list(resources)
        self._server = server or chart_server(patient_id, (), found)
        self._by_type: dict[str, list[Resource]] = {}
        self._by_reference: ReferenceIndex[Resource] = ReferenceIndex(self._server)
        self._references: dict[int, str] = {}
        self._bases: dict[int, str] = {}
        """The servers of the resources that come from another one."""
        self._contained: dict[int, tuple[Resource, Mapping[str, Resource]]] = {}
        """With the resource itself, so that no other one gets its id while the record lives."""
        self._read: dict[Hashable, object] = {}
        self._findings: dict[int, Findings] = {}
        if found:  # each match of an order with a policy needs a record without any
            self._index(self._ours(found))

    def _ours(self, found: Iterable[Entry]) -> list[Entry]:
        """Return the entries about this patient, and record what the others say of the availability of their types."""
        ownership = Ownership(self.patient_id, self._server, found)
        ours: list[Entry] = []
        others: dict[str, Counter[str]] = {}
        for entry in found:
            url, resource = entry
            kind = resource.get("resourceType")
            if not isinstance(kind, str) or kind in ("OperationOutcome", "Bundle"):
                continue
            patient = ownership.patient_of(url, resource)
            if patient == self.patient_id:
                ours.append(entry)
            elif patient:
                self.other_patients[kind] += 1
                others.setdefault(kind, Counter())[patient] += 1
            else:
                self.left_out[kind] += 1
        if not others and not self.left_out:
            return ours
        kept = {resource["resourceType"] for _, resource in ours}
        of_each = sum(others.values(), Counter())
        merged = {
            kind
            for kind, patients in others.items()
            if kind not in kept and len(patients) == 1 and all(of_each[patient] > 1 for patient in patients)
        }
        for kind in (self.left_out.keys() | merged) & self._availability.keys():
            self._availability[kind] = Availability.UNAVAILABLE
        self.is_left_out = bool(self.left_out or merged) and not any(names_a_patient(each) for _, each in ours)
        return ours

    def _index(self, found: Collection[Entry]) -> None:
        server = self._server.sharing_ids_with(found)
        keys = _keys(found, server)
        kept = dict(zip(keys, found, strict=True))
        uncertain: dict[Key, tuple[str, ...]] = {}
        if len(kept) < len(keys):
            keys, kept, uncertain = without_copies(keys, found, self.zone)
        for key in sorted(kept):
            url, resource = kept[key]
            self._by_type.setdefault(resource["resourceType"], []).append(resource)
            if url:
                self._references[id(resource)] = url if key[1] else reference_of(resource, url)
            if key[1] and (base := server.local(address_of(url)).base):
                self._bases[id(resource)] = base
        for key, elements in uncertain.items():
            self._doubt(kept[key][1], elements)
        self._by_reference = ReferenceIndex(server)
        for (url, resource), key in zip(found, keys, strict=True):
            self._by_reference.add(url, resource, kept[key][1])

    def _doubt(self, resource: Resource, elements: Iterable[str]) -> None:
        """Let elements of a resource decide nothing, since a copy of it differs in them and may be the later one."""
        kind, known = resource["resourceType"], findings(resource)
        differing = tuple([(element, "another value in a copy of it") for element in elements])
        self._findings[id(resource)] = Findings(known.faults, known.modified + differing)
        self.differing[self.reference(resource)] = kind
        if kind in self._availability:
            self._availability[kind] = Availability.UNAVAILABLE

    def relative(self, reference: str) -> str:
        """Return a reference without server and version (`Condition/1`); keep references to other servers."""
        address = self._server.local(address_of(reference))
        return reference if address.base else address.name

    def of_type(self, *kinds: str) -> tuple[Resource, ...]:
        """Return every resource of these types, in a fixed order."""
        return tuple([resource for kind in kinds for resource in self._by_type.get(kind, ())])

    def keep(self, kind: str, kept: Iterable[Resource]) -> None:
        """Leave every other resource of a type out of account; references to it still resolve."""
        self._by_type[kind] = list(kept)

    @property
    def resources(self) -> tuple[Resource, ...]:
        """Return every resource, in a fixed order."""
        return self.of_type(*sorted(self._by_type))

    def availability(self, *kinds: str) -> Availability:
        """Return the worst result of the searches for these types, without types that are not offered."""
        found = [self._availability.get(kind, Availability.UNAVAILABLE) for kind in kinds]
        if Availability.UNAVAILABLE in found:
            return Availability.UNAVAILABLE
        return Availability.COMPLETE if Availability.COMPLETE in found else Availability.NOT_OFFERED

    @property
    def is_empty(self) -> bool:
        """Return whether nothing could be read: there is no resource, and no search succeeded."""
        return not self._by_type and Availability.COMPLETE not in self._availability.values()

    def unavailable(self) -> tuple[str, ...]:
        """Return the resource types that were not read completely, those that nobody was asked for included."""
        return self._kinds_that_are(Availability.UNAVAILABLE)

    def failed(self) -> tuple[str, ...]:
        """Return the resource types whose search failed or was cut short, or that a client did not send as asked."""
        return tuple(kind for kind in self.unavailable() if kind not in self.unasked)

    def not_offered(self) -> tuple[str, ...]:
        """Return the resource types that the server does not support."""
        return self._kinds_that_are(Availability.NOT_OFFERED)

    def _kinds_that_are(self, availability: Availability) -> tuple[str, ...]:
        return tuple(sorted([kind for kind, found in self._availability.items() if found is availability]))

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
        return self._by_reference.find(target, self._bases.get(id(within), "") if within is not None else "")

    def _contained_in(self, resource: Resource) -> Mapping[str, Resource]:
        """Return the contained resources by id, indexed once for each resource."""
        if id(resource) not in self._contained:
            self._contained[id(resource)] = resource, contained_by_id(resource)
        return self._contained[id(resource)][1]

    def cached(self, key: Hashable, read: Callable[[], T]) -> T:
        """Return the result of `read`, computed once per record and key, for readings that several criteria share."""
        found = self._read.get(key, _NOT_READ)
        if found is _NOT_READ:
            found = self._read[key] = read()
        return cast(T, found)

    def cached_of(self, reading: str, element: Mapping[str, Json], read: Callable[[], T]) -> T:
        """Return the result of `read`, computed once per record, reading, and element of a resource, or resource.

        The element is kept with the result, so that no other one gets its id.
        """
        _, found = self.cached((reading, id(element)), lambda: (element, read()))
        return found

    def when(self, value: Json) -> DateInterval | None:
        """Parse a FHIR date to days in the local time zone."""
        return parse(value, self.zone)

    def is_usable(self, resource: Resource, *elements: str) -> bool:
        """Return whether these elements follow FHIR R4 without unknown modifiers, so that the resource may decide.

        Name an element as in the specification, a choice without its type (`onset` for `onset[x]`). Record a fault in
        them in `quarantined`, a fault elsewhere in `tolerated`.
        """
        found = self._findings.get(id(resource))
        if found is None:
            found = self._findings[id(resource)] = findings(resource)
        for element, modifier in found.modified:
            if _is_one_of(element, elements):
                of = f"{resource['resourceType']}.{element}" if element else resource["resourceType"]
                self.quarantined[self.reference(resource)] = f"{of} has {modifier}, which may change its meaning"
                return False
        for fault in found.faults:
            if _is_one_of(fault.element, elements):
                self.quarantined[self.reference(resource)] = f"{fault.path} does not follow FHIR R4"
                return False
        if found.faults:
            self.tolerated[self.reference(resource)] = f"{found.faults[0].path} does not follow FHIR R4"
        return True


def _keys(found: Iterable[Entry], server: ChartServer) -> list[Key]:
    """Return what each resource is known by: its reference, and its server if that is another one.

    One that has neither an id nor a full URL is a resource of its own.
    """
    keys = []
    for position, (url, resource) in enumerate(found):
        name = reference_of(resource, url)
        if name == resource["resourceType"]:
            name = f"{name}#{position}"
        keys.append((name, server.local(address_of(url)).base if url else ""))
    return keys


def _is_one_of(element: str, names: Iterable[str]) -> bool:
    """Return whether an element is one of these, or one of their choices; the empty element is the whole resource."""
    return not element or any(
        element == name or (element.startswith(name) and element[len(name) :] in _CHOICE_TYPES) for name in names
    )


def unread_record(read_at: datetime, zone: tzinfo, terms: OrderTerms) -> PatientRecord:
    """Return the record of an unread chart, in which every resource type is UNAVAILABLE."""
    return PatientRecord("", (), read_at=read_at, zone=zone, availability={}, terms=terms, server=_NO_SERVER)
