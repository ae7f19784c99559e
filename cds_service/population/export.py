"""The files of a FHIR bulk export: NDJSON, one resource per line, also in gzip (FHIR Bulk Data Access 2.0).

Only what tells whose a resource is gets decoded here; the line itself is passed on as it is.
"""

import gzip
import re
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypedDict, cast

import msgspec

from fhir_mappings.fhir_json import Resource
from fhir_mappings.ownership import OTHER_SUBJECTS, subject_of
from fhir_mappings.references import address_of

MOST_LINE_BYTES = 32 * 1024 * 1024
"""A longer line is malformed, so that a file that is one line of gigabytes is never read whole."""

_SUFFIXES = (".ndjson", ".jsonl")


class UnreadableExportError(Exception):
    """A folder or file of an export that cannot be used; the message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file by its number, from 1; of a line that is too long, `content` is only its beginning."""

    number: int
    content: bytes
    is_too_long: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """What a line says of its resource: the type, the id, `meta.lastUpdated`, and the id of the patient it is about.

    All but the type may be empty. `patient` of a Patient is its own id. `is_of_no_patient` is whether its subject is
    plainly something else, such as a group.
    """

    kind: str
    own_id: str
    updated: str
    patient: str
    is_of_no_patient: bool


class MalformedLineError(Exception):
    """A line that holds no resource; the message says what is wrong, and never quotes the line."""


def files_in(folder: Path) -> tuple[Path, ...]:
    """Return the files of an export, also in folders below: `*.ndjson` and `*.jsonl`, and the same with `.gz`.

    Raise UnreadableExportError if there is none.
    """
    found = tuple(path for path in sorted(folder.rglob("*")) if is_of_export(path))
    if not found:
        raise UnreadableExportError(
            f"There is no file of a bulk export in {folder}. Its names end in .ndjson or .ndjson.gz."
        )
    return found


def is_of_export(path: Path) -> bool:
    """Return whether the name of a file says that it is NDJSON."""
    name = path.name.removesuffix(".gz")
    return name.endswith(_SUFFIXES) and path.is_file()


def lines_of(path: Path, file: BinaryIO) -> Iterator[Line]:
    """Yield the lines of an opened file that are not blank, from gzip if its name says so, without a byte order mark.

    Raise UnreadableExportError if the gzip is damaged: what follows is lost, and nobody knows how much.
    """
    stream = cast(BinaryIO, gzip.GzipFile(fileobj=file)) if path.name.endswith(".gz") else file
    number = 0
    try:
        while content := stream.readline(MOST_LINE_BYTES + 1):
            number += 1
            if len(content) > MOST_LINE_BYTES:
                start = content
                while content and not content.endswith(b"\n"):
                    content = stream.readline(MOST_LINE_BYTES)
                yield Line(number, start, is_too_long=True)
            elif stripped := (content if number > 1 else content.removeprefix(BOM_UTF8)).strip():
                yield Line(number, stripped)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise UnreadableExportError(f"{path} is damaged after line {number:,}. Fetch it again.") from None


_Head = TypedDict(
    "_Head",
    {
        "resourceType": Any,
        "id": Any,
        "meta": Any,
        "subject": Any,
        "patient": Any,
        "beneficiary": Any,
        "for": Any,
        "individual": Any,
    },
    total=False,
)
"""The members that are decoded: those of every resource, and `SUBJECT_ELEMENTS`."""

_DECODER = msgspec.json.Decoder(type=_Head)


def head_of(line: Line) -> Head:
    """Return what a line says of its resource. Raise MalformedLineError if it is too long, or no resource in JSON."""
    if line.is_too_long:
        raise MalformedLineError("the line is too long")
    try:
        found = cast("dict[str, Any]", _DECODER.decode(line.content))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedLineError("this is not one JSON object") from None
    kind = found.get("resourceType")
    if not isinstance(kind, str) or not kind:
        raise MalformedLineError("the object has no resourceType")
    own_id = found.get("id")
    name = own_id if isinstance(own_id, str) else ""
    meta = found.get("meta")
    updated = meta.get("lastUpdated") if isinstance(meta, dict) else None
    return Head(kind, name, updated if isinstance(updated, str) else "", *_subject(kind, name, found))


def _subject(kind: str, own_id: str, resource: Resource) -> tuple[str, bool]:
    """Return the id of the patient of a resource, on whatever server, and whether its subject is something else.

    Whether the patient of another server is meant is decided with the whole chart at hand (`Ownership`).
    """
    if kind == "Patient":
        return own_id, False
    of, _, patient = address_of(subject_of(resource)).name.partition("/")
    return patient if of == "Patient" else "", of in OTHER_SUBJECTS


_REFERENCE = re.compile(
    rb'"(?:subject|patient|beneficiary|for|individual)"\s*:\s*\{[^{}]*"reference"\s*:\s*"(?:[^"\\]*/)?'
    rb'Patient/([A-Za-z0-9.-]{1,64})["/]'
)


def patient_hinted(content: bytes) -> str:
    """Return the id of the one patient that a malformed line seems to reference; empty for none and for several."""
    found = set(_REFERENCE.findall(content))
    return found.pop().decode("ascii") if len(found) == 1 else ""


_TYPE = re.compile(rb'"resourceType"\s*:\s*"([A-Z][A-Za-z]{1,63})"')


def types_hinted(content: bytes) -> frozenset[str]:
    """Return the resource types that a malformed line names, those of contained resources included."""
    return frozenset(kind.decode("ascii") for kind in _TYPE.findall(content))
