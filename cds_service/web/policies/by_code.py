"""Search the policies by a procedure code: what is installed about it, on a date, for each line of business."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from cds_service.web.policies.visibility import order_sets, visibility_of
from coverage_policies.authoring.description import value_set_names
from coverage_policies.format.library import Library
from coverage_policies.format.model import OrderEntry, Policy
from coverage_policies.format.terms import LineOfBusiness
from coverage_policies.format.value_sets import TEXT, UNLESS
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.plan_rules import Visibility
from coverage_policies.judging.policy_selection import in_force_on, lines_judged
from fhir_mappings.codings import Coding, codings

_CODE = re.compile(r"(?=[^\d]*\d)[A-Za-z0-9][A-Za-z0-9.-]{1,19}\Z", re.ASCII)
"""What looks like a code rather than a word: letters and digits, of which one is a digit at least."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group of orders with the code: the value set, the sections that judge it, and the label of the code."""

    name: str
    sections: tuple[str, ...]
    label: str
    is_valid: bool
    """Whether the code is valid on the date."""


@dataclass(frozen=True, slots=True)
class Naming:
    """A revision whose orders have the code.

    `is_in_force` is whether it judges orders of the date, `visibility` whether clients are shown its determinations.
    """

    policy: Policy
    groups: tuple[Group, ...]
    is_in_force: bool
    visibility: Visibility

    @property
    def is_judging(self) -> bool:
        """Return whether it judges an order of the date with the code."""
        return self.is_in_force and any(group.sections and group.is_valid for group in self.groups)


@dataclass(frozen=True, slots=True)
class Mention:
    """A revision that reads the code as evidence, and the value sets that have it."""

    policy: Policy
    value_sets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CodeFindings:
    """What is installed about a code on a date.

    `by_line` are the revisions that judge it, by line of business, and `reasons` why these revisions, by policy.
    """

    code: str
    on: date
    naming: tuple[Naming, ...]
    by_line: Mapping[LineOfBusiness, tuple[Policy, ...]]
    reasons: Mapping[str, str]
    mentions: tuple[Mention, ...]


def looks_like_code(query: str) -> bool:
    """Return whether a query is one code."""
    return _CODE.match(query) is not None


def look_up(code: str, on: date, assessor: Assessor, readable: Collection[str], *, is_operator: bool) -> CodeFindings:
    """Return what the revisions with these full names say about a code of an order on a service date.

    The code is read as that of an order is: ICD-10-CM with or without its dot, a billing code with its modifiers. A
    local code that the plan rules map counts as the codes that it stands for. Only an operator learns which sets of
    evidence with CPT codes have the code.
    """
    code = code.upper()
    library, rules = assessor.library, assessor.rules
    local = [Coding(system, known) for system, known in rules.order_codes if known.upper() == code]
    asked = rules.mapped([*codings([{"system": system, "code": code} for system in _systems(library)]), *local])
    naming = tuple(_naming(asked, on, assessor, readable))
    judging = [each.policy for each in naming if each.is_judging and each.visibility is not Visibility.OFF]
    return CodeFindings(
        code=code,
        on=on,
        naming=naming,
        by_line={line: tuple(p for p in judging if line in lines_judged(p)) for line in LineOfBusiness},
        reasons={
            name: " ".join(in_force_on(library.revisions_of(name), on, rules).reasons)
            for name in dict.fromkeys(each.policy.name for each in naming)
        },
        mentions=tuple(_mentions(asked, library, readable, is_operator=is_operator)),
    )


def _systems(library: Library) -> tuple[str, ...]:
    """Return the code systems of all value sets; words have none."""
    found = dict.fromkeys(row.system for codes in library.value_sets.values() for row in codes.rows)
    return tuple(system for system in found if system not in (TEXT, UNLESS))


def _naming(asked: tuple[Coding, ...], on: date, assessor: Assessor, readable: Collection[str]) -> Iterator[Naming]:
    for revisions in assessor.library.revisions_about(asked):
        in_force = in_force_on(revisions, on, assessor.rules)
        names = {each.full_name for each in in_force.policies} if in_force.available else set()
        for policy in reversed(revisions):
            entries = policy.entries(asked, None)
            if entries and policy.full_name in readable:
                groups = tuple(dict.fromkeys(_group(entry, asked, on) for entry in entries))
                visibility = visibility_of(policy, assessor.rules)
                yield Naming(policy, groups, policy.full_name in names, visibility)


def _group(entry: OrderEntry, asked: tuple[Coding, ...], on: date) -> Group:
    match = entry.codes.match(asked)
    is_valid = entry.codes.match(asked, on) is not None
    return Group(entry.codes.name, entry.sections, match.label if match else "", is_valid)


def _mentions(
    asked: tuple[Coding, ...], library: Library, readable: Collection[str], *, is_operator: bool
) -> Iterator[Mention]:
    having = {
        name
        for name, codes in library.value_sets.items()
        if (is_operator or not codes.has_cpt) and any(codes.row(coding) is not None for coding in asked)
    }
    for name in sorted(readable):
        policy = library.policies[name]
        if found := sorted((value_set_names(policy) & having) - order_sets([policy])):
            yield Mention(policy, tuple(found))
