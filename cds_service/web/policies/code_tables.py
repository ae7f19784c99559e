"""The value sets of a revision as tables: codes with our labels, service dates, and what a code can do."""

from collections.abc import Mapping
from dataclasses import dataclass

from cds_service.web.policies.visibility import order_sets, signed_in
from coverage_policies.authoring.description import names_in, validity, value_set_names
from coverage_policies.format.model import Policy
from coverage_policies.format.value_sets import TEXT, UNLESS, Row, ValueSet
from fhir_mappings.code_systems import NAMES
from fhir_mappings.codings import Course

MOST_ON_A_PAGE = 60
"""A larger set has a page of its own, so that the page of its policy stays light."""

_SYSTEMS = {**NAMES, TEXT: "Words", UNLESS: "Words that contradict a code"}
_COURSES = {Course.PERMANENT: "Permanent", Course.CHRONIC: "Chronic", Course.ACUTE: "Acute"}


@dataclass(frozen=True, slots=True)
class CodeRow:
    """One code, in words. `course` and `dates` are empty where the value set does not state them."""

    system: str
    code: str
    label: str
    use: str
    course: str
    dates: str


@dataclass(frozen=True, slots=True)
class CodeTable:
    """A value set of a revision.

    `used_in` are the criteria that read it, by id. `is_order` is whether it is that of orders. Without `is_open` its
    rows are for signed-in operators, and `rows` is empty.
    """

    name: str
    count: int
    systems: tuple[str, ...]
    used_in: tuple[str, ...]
    is_order: bool
    is_open: bool
    rows: tuple[CodeRow, ...]

    @property
    def is_large(self) -> bool:
        """Return whether it is shown on its own page alone."""
        return self.count > MOST_ON_A_PAGE

    @property
    def has_courses(self) -> bool:
        """Return whether some row states how long a condition lasts."""
        return any(row.course for row in self.rows)

    @property
    def has_dates(self) -> bool:
        """Return whether some row is bounded by service dates."""
        return any(row.dates for row in self.rows)


def code_tables(policy: Policy, sets: Mapping[str, ValueSet]) -> tuple[CodeTable, ...]:
    """Return the value sets that a revision uses, those of its orders first, then by name."""
    ordered = order_sets([policy])
    used_in = _users(policy)
    found = []
    for name in sorted(value_set_names(policy) & sets.keys(), key=lambda name: (name not in ordered, name)):
        rows = sets[name].rows
        is_open = name in ordered or signed_in() or not sets[name].has_cpt
        found.append(
            CodeTable(
                name=name,
                count=len(rows),
                systems=tuple(dict.fromkeys(map(_system, rows))),
                used_in=used_in.get(name, ()),
                is_order=name in ordered,
                is_open=is_open,
                rows=tuple(map(_row, rows)) if is_open else (),
            )
        )
    return tuple(found)


def _users(policy: Policy) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for criterion in policy.walk():
        names = names_in(criterion.clauses) | ({criterion.on_date_of.name} if criterion.on_date_of else set())
        for name in names:
            found.setdefault(name, []).append(criterion.id)
    return {name: tuple(ids) for name, ids in found.items()}


def _row(row: Row) -> CodeRow:
    return CodeRow(
        system=_system(row),
        code=row.code,
        label=row.label,
        use="Settles" if row.decides else "Only asks",
        course=_COURSES[row.course] if row.course else "",
        dates=validity(row),
    )


def _system(row: Row) -> str:
    return _SYSTEMS.get(row.system, row.system)
