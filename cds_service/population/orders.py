"""A file of orders, each for a patient of the export: FHIR resources as NDJSON, or a table with patients and codes."""

import csv
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO

from cds_service.hooks.coded_order import coded_order
from cds_service.population.export import (
    MOST_LINE_BYTES,
    MalformedLineError,
    UnreadableExportError,
    head_of,
    is_of_export,
    lines_of,
)
from coverage_policies.format.model import Policy
from coverage_policies.format.value_sets import TEXT, Row
from fhir_mappings.codings import CPT, SYSTEMS
from fhir_mappings.fhir_json import encoded

COLUMNS = ("patient", "code", "system", "date", "id")
"""Of a table: the id of the patient, the code, its system, the day of the order, and an id of the order."""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """An order for a patient as FHIR JSON. `patient` is empty, and `problem` says why, if the line holds none."""

    number: int
    patient: str
    content: bytes
    problem: str = ""


def orders_in(path: Path, file: BinaryIO, policy: Policy) -> Iterator[OrderLine]:
    """Yield the orders of an opened file, in its order; CSV if its name ends so, else NDJSON.

    A table needs `patient` and `code`; without `system`, a code is one of the policy, else CPT. Raise
    UnreadableExportError for a table with other columns, and for a damaged file.
    """
    if is_of_export(path):
        yield from _resources(path, file)
    elif path.suffix == ".csv":
        yield from _rows(path, file, policy)
    else:
        raise UnreadableExportError(f"{path} is no file of orders. Its name ends in .csv, .ndjson, or .ndjson.gz.")


def _resources(path: Path, file: BinaryIO) -> Iterator[OrderLine]:
    for line in lines_of(path, file):
        try:
            head = head_of(line)
        except MalformedLineError as error:
            yield OrderLine(line.number, "", b"", str(error))
        else:
            is_for_patient = bool(head.patient) and head.kind != "Patient"
            problem = "" if is_for_patient else "the order references no patient"
            yield OrderLine(line.number, head.patient if is_for_patient else "", line.content, problem)


def _rows(path: Path, file: BinaryIO, policy: Policy) -> Iterator[OrderLine]:
    known = {row.code: row for entry in policy.orders for row in entry.codes.rows if row.system != TEXT and row.code}
    table = csv.DictReader(_text_of(file))
    try:
        columns = set(table.fieldnames or ())
        if not columns >= {"patient", "code"} or columns - set(COLUMNS):
            raise UnreadableExportError(
                f"{path}:1: the columns are {', '.join(COLUMNS)}, of which patient and code must be there."
            )
        for row in table:
            yield _order(table.line_num, row, known)
    except (UnicodeDecodeError, csv.Error):
        raise UnreadableExportError(f"{path}:{table.line_num + 1}: this is not CSV in UTF-8.") from None


def _text_of(file: BinaryIO) -> Iterator[str]:
    """Yield the lines of a table, each as far as a line may be long, without the mark that spreadsheets begin with."""
    start = file.readline(MOST_LINE_BYTES)
    yield start.removeprefix(BOM_UTF8).decode()
    while line := file.readline(MOST_LINE_BYTES):
        yield line.decode()


def _order(number: int, row: Mapping[str | None, str | None], known: Mapping[str, Row]) -> OrderLine:
    if None in row or None in row.values():
        return OrderLine(number, "", b"", "the row has not as many values as there are columns")
    said = {str(name): (value or "").strip() for name, value in row.items()}
    patient, code = said["patient"].removeprefix("Patient/"), said["code"]
    if not patient or not code:
        return OrderLine(number, "", b"", "a row needs a patient and a code")
    try:
        day = date.fromisoformat(said["date"]) if said.get("date") else None
    except ValueError:
        return OrderLine(number, "", b"", "the date is not YYYY-MM-DD")
    of_policy = known.get(code)
    system = said.get("system") or (of_policy.system if of_policy else CPT)
    system = SYSTEMS.get(system, system)
    label = of_policy.label if of_policy else ""
    order = coded_order(system, code, label, day, said.get("id") or f"row-{number}")
    subject = {"reference": f"Patient/{patient}"}
    return OrderLine(number, patient, encoded({**order, "subject": subject}))
