"""The chart of a patient as a panel: who it is, and a section for each kind of record."""

from collections.abc import Mapping
from dataclasses import dataclass

from cds_service.web.sandbox.chart_items import (
    Item,
    given_answers,
    images,
    insurance,
    medicines,
    others,
    performed,
    problems,
    scores,
)
from cds_service.web.sandbox.picture import Picture
from cds_service.web.sandbox.reading import ChartReading
from cds_service.web.sandbox.reading_problems import Problem
from cds_service.web.sandbox.timeline import timeline
from coverage_policies.format.library import Library
from fhir_mappings.ages import age_between
from fhir_mappings.codings import items
from fhir_mappings.demographics import patients
from fhir_mappings.fhir_json import Resource
from fhir_mappings.record import PatientRecord

SHOWN = 8
"""How many records of a section stand open; the others are folded."""
LISTED = 40
"""How many records of a section are in the page; the others are loaded when somebody asks for them."""

_SECTIONS = (
    ("coverage", "Coverage", insurance, ("Coverage",)),
    ("problems", "Problems", problems, ("Condition",)),
    ("procedures", "Procedures", performed, ("Procedure",)),
    (
        "medicines",
        "Medicines",
        medicines,
        ("MedicationRequest", "MedicationDispense", "MedicationStatement", "MedicationAdministration"),
    ),
    ("scores", "Scores and measurements", scores, ("Observation",)),
    ("imaging", "Imaging and reports", images, ("DiagnosticReport", "ImagingStudy")),
    ("answers", "Earlier answers", given_answers, ("QuestionnaireResponse",)),
)
_OTHERS = "others"
_SHOWN_KINDS = tuple(kind for *_, kinds in _SECTIONS for kind in kinds)


@dataclass(frozen=True, slots=True)
class Section:
    """The records of one kind, and in words what of it was not read."""

    name: str
    title: str
    items: tuple[Item, ...]
    unread: tuple[str, ...] = ()

    @property
    def open(self) -> tuple[Item, ...]:
        """Return the records that stand open; a fold for a single one more would be no help."""
        return self.items if len(self.items) <= SHOWN + 1 else self.items[:SHOWN]

    @property
    def folded(self) -> tuple[Item, ...]:
        """Return the records that are in the page, folded."""
        return self.items[len(self.open) : LISTED]

    @property
    def not_listed(self) -> int:
        """Return how many records are not in the page."""
        return len(self.items) - len(self.open) - len(self.folded)


@dataclass(frozen=True, slots=True)
class Person:
    """Who the patient is, as far as the chart says; each text is empty if it is not known."""

    reference: str
    name: str
    born: str
    age: str
    sex: str


def person_of(record: PatientRecord) -> Person:
    """Return who the patient is, with the age on the day of reading."""
    facts, resources = patients(record), record.of_type("Patient")
    born = next((each.born for each in facts if each.born), None)
    sexes = sorted({sex.value for each in facts for sex in each.sexes})
    return Person(
        facts[0].reference if facts else "",
        next(filter(None, map(_name, resources)), "Without a name"),
        str(born or ""),
        str(age_between(born, record.today, record.today)) if born else "",
        " or ".join(sexes),
    )


def _name(resource: Resource) -> str:
    names = items(resource.get("name"))
    for name in sorted(names, key=lambda each: each.get("use") != "official"):
        given = name.get("given")
        parts = [*(given if isinstance(given, list) else ()), name.get("family")]
        words = " ".join(part for part in parts if isinstance(part, str)) or name.get("text")
        if isinstance(words, str) and words:
            return words[:80]
    return ""


def sections(reading: ChartReading) -> tuple[Section, ...]:
    """Return the sections of the panel, in their order."""
    record = reading.record
    found = [
        Section(name, title, listed(record), _unread(reading.unread, kinds)) for name, title, listed, kinds in _SECTIONS
    ]
    rest = tuple(kind for kind in reading.unread if kind not in (*_SHOWN_KINDS, "Patient"))
    found.append(Section(_OTHERS, "Other records", others(record, _SHOWN_KINDS), _unread(reading.unread, rest)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Panel:
    """The chart as the page shows it. `problem` says why there is none, None if there is."""

    problem: Problem | None
    person: Person
    sections: tuple[Section, ...]
    pictures: tuple[Picture, ...]

    @property
    def drawn(self) -> frozenset[str]:
        """Return the references of the resources that have a place on the timeline."""
        return frozenset(name for each in self.pictures for name in each.references if name)


DRAWN = "drawn"
"""The field in which the form has what the timeline shows, while a script replaces only the rest."""


def panel_of(reading: ChartReading, library: Library) -> Panel:
    """Return the panel of a chart that was read; without a section of other records if there are none."""
    shown = tuple(each for each in sections(reading) if each.items or each.unread or each.name != _OTHERS)
    problem = reading.problem.value if reading.problem else None
    return Panel(problem, person_of(reading.record), shown, timeline(reading.record, library))


def section_named(reading: ChartReading, name: str) -> Section | None:
    """Return one section by its name; None if there is none."""
    return next((each for each in sections(reading) if each.name == name), None)


_WORDS = {
    "MedicationRequest": "Prescriptions",
    "MedicationDispense": "Dispenses",
    "MedicationStatement": "Reported medicines",
    "MedicationAdministration": "Given medicines",
    "DiagnosticReport": "Reports",
    "ImagingStudy": "Imaging studies",
}


def _unread(unread: Mapping[str, str], kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Return what was not read of these types: `Prescriptions were not read completely: no answer in time.`"""
    return tuple(
        f"{_WORDS.get(kind, f'Records of the type {kind}')} {unread[kind]}." for kind in kinds if kind in unread
    )
