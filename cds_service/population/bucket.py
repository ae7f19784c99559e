"""A bucket: the records of some patients in one file, in the order of the export; it is read patient by patient.

A line of it is the kind of the record, the number of the file and of the line in the export, the id of the patient
(percent-encoded), and what the export has there.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote

from fhir_mappings.fhir_json import Resource, parse_json

MOST_CHART_BYTES = 64 * 1024 * 1024
"""A larger chart is not judged, so that no chart takes all memory of a process."""

_FIELDS = 4


class Kind(Enum):
    """What a record is."""

    RESOURCE = b"r"
    ORDER = b"o"
    LOST = b"x"
    """A malformed line that seems to be the patient's: the chart is not whole."""


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the export: the number of the file, from 0, and of the line, from 1."""

    file: int
    line: int


@dataclass(frozen=True, slots=True)
class ExportedPatient:
    """What the export has of one patient. `is_too_large` is whether the chart was not read for its size."""

    id: str
    resources: tuple[Resource, ...] = ()
    orders: tuple[Resource, ...] = ()
    malformed: tuple[Place, ...] = ()
    """Lines that are no resource, and were not known to be when the export was split."""
    is_whole: bool = True
    is_too_large: bool = False


def record(kind: Kind, place: Place, patient: str, content: bytes = b"") -> bytes:
    """Return a record as a bucket holds it. The content has no line feed, since it was one line."""
    named = quote(patient, safe="").encode("ascii")
    return b"%s %d %d %s %s\n" % (kind.value, place.file, place.line, named, content)


@dataclass(slots=True)
class _Found:
    """Where the records of a patient are in the bucket, and how many bytes they have."""

    offsets: "array[int]" = field(default_factory=lambda: array("Q"))
    size: int = 0


def patients_of(path: Path) -> Iterator[ExportedPatient]:
    """Yield the patients of a bucket. In memory are the places of the records, and one chart at a time."""
    with path.open("rb") as file:
        found = _index(file)
        for patient, places in found.items():
            if places.size > MOST_CHART_BYTES:
                yield ExportedPatient(patient, is_too_large=True)
            else:
                yield _read(file, patient, places.offsets)


def _index(file: BinaryIO) -> dict[str, _Found]:
    found: dict[bytes, _Found] = {}
    offset = 0
    for line in file:
        name = line.split(b" ", _FIELDS)[3]
        of_patient = found.get(name)
        if of_patient is None:
            of_patient = found[name] = _Found()
        of_patient.offsets.append(offset)
        of_patient.size += len(line)
        offset += len(line)
    return {unquote(name.decode("ascii")): each for name, each in found.items()}


def _read(file: BinaryIO, patient: str, offsets: "array[int]") -> ExportedPatient:
    resources: list[Resource] = []
    orders: list[Resource] = []
    malformed: list[Place] = []
    is_whole = True
    for offset in offsets:
        file.seek(offset)
        kind, number, line, _, content = file.readline().split(b" ", _FIELDS)
        if kind == Kind.LOST.value:
            is_whole = False
            continue
        try:
            resource = parse_json(content)
        except ValueError:
            malformed.append(Place(int(number), int(line)))
        else:
            (orders if kind == Kind.ORDER.value else resources).append(resource)
    return ExportedPatient(
        patient, tuple(resources), tuple(orders), tuple(malformed), is_whole=is_whole and not malformed
    )
