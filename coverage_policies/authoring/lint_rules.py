"""The rules of lint by id: how serious a finding is, and what the rule asks for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from coverage_policies.format.problems import Problem


class Severity(Enum):
    """How serious a finding is: an error spoils answers, a remark only looks like a mistake."""

    ERROR = "error"
    REMARK = "remark"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of lint. `says` is what must be so, in one sentence."""

    id: str
    severity: Severity
    says: str


_ERRORS = {
    "encoding": "A file is UTF-8.",
    "yaml": "A document is YAML, without aliases, and with each key once.",
    "schema": "A policy document has the keys of the format, each with a value of the right kind.",
    "document": "What a document names exists, and every criterion can be settled.",
    "value-set": "A value set is a CSV file with seven columns and a name of its own.",
    "folder": "A policy folder holds documents/<policy>/<revision>.yaml and value_sets/<name>.csv.",
    "lock": "The content of a released edition does not change.",
    "unreached-section": "An order, or a criterion of another section, leads to each section.",
    "unused-pathway": "At least one criterion is for each pathway.",
    "double-order-code": "One entry under `orders` selects each code.",
    "ended-order-codes": "An entry under `orders` has a code that is valid when the revision begins.",
    "incomplete-history": "`history` names the earlier revisions that are installed.",
    "impossible-pathway": "A criterion counts on a pathway on which the group around it counts.",
    "never-decides": "A clause under `met_when` or `not_met_when` has a code that decides.",
    "course-without-gap": "How long a treatment lasted is asked of a course, with the longest gap between two visits.",
    "unrelated-suggestion": "A suggestion changes what a clause of its criterion reads.",
    "unused-override": "A reason to override is for a criterion that can keep an order from coverage.",
    "empty-value-set": "A value set holds at least one code.",
    "code-system": "A code system is one that the service knows or the folder declares, by its usual address.",
    "code-form": "A code can match: it has the form of its system, a right check digit, and exists in ICD-10-CM.",
    "reversed-dates": "`from` comes before `to`.",
    "double-code": "A code is valid once on each day.",
    "effective-gap": "By the plan rules, one revision of a policy is in force on each day.",
}
_REMARKS = {
    "differing-label": "A code has one label, which another may continue.",
    "unlike-label": "A label shares a word with that of the same code in the value sets of the service.",
    "heading": "A code of ICD-10-CM that others are below ends in `*`, or they stand beside it.",
    "unused-value-set": "A policy names each value set of your own.",
    "owner-without-policy": "A policy is installed of each owner that a payer with `crd: yes` follows.",
    "stray-cases": "A case file has a policy document of the same name beside it.",
}

RULES: Mapping[str, Rule] = {
    **{name: Rule(name, Severity.ERROR, says) for name, says in _ERRORS.items()},
    **{name: Rule(name, Severity.REMARK, says) for name, says in _REMARKS.items()},
}
"""Every rule by its id."""


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return problems by file, line, column, rule, and words, each once."""
    return tuple(sorted(set(problems), key=lambda each: (each.file, each.line, each.column, each.rule, each.what)))
