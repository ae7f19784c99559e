"""A policy revision as the evaluator sees it: sections of criteria, ready to evaluate, immutable."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from functools import cached_property, lru_cache
from typing import Any

from coverage_policies.format.changes import OrderChange
from coverage_policies.format.editions import Edition
from coverage_policies.format.operator import Arguments, ClauseCheck
from coverage_policies.format.searches import ANSWERS, PROCEDURES, Search, merge
from coverage_policies.format.terms import About, LineOfBusiness, Outcome, PolicyKind, PriorAuthorization, RequestType
from coverage_policies.format.value_sets import TEXT, Row, ValueSet
from fhir_mappings.codings import Coding
from fhir_mappings.order_terms import NO_TERMS, OrderTerms

_PART = re.compile(r"\.[a-z][a-z-]+$")

PATHWAY = "pathway"
APPLIES = "applies"
SIDE = "side"
CODE = "code"
"""The `linkId`s of the answers that choose the pathway, that tell whether the policy applies to the order, and that
state its side; and the id of the question for the code of an order without one."""


class Role(Enum):
    """A criterion that is reported and never counted."""

    ADVISORY = "advisory"
    POST_PROCEDURE = "post-procedure"
    INFORMATION = "information"


@dataclass(frozen=True)
class Clause:
    """One use of an operator, with its arguments as written."""

    operator: str
    arguments: Arguments
    check: ClauseCheck

    @property
    def limit(self) -> str:
        """Return the limit of a measured value, or of its change, as it is written: `at most 88 %`; empty for none."""
        return str(self.arguments.get("value") or self.arguments.get("change") or "")

    @cached_property
    def kinds(self) -> frozenset[str]:
        """Return the resource types that it searches."""
        return frozenset(search.resource_type for search in self.check.searches)

    @cached_property
    def deciding_kinds(self) -> frozenset[str]:
        """Return the resource types that it searches for more than the dates of others."""
        return frozenset(search.resource_type for search in self.check.searches if not search.only_dates)


@dataclass(frozen=True, slots=True)
class OrderSuggestion:
    """What the order could say instead, so that the criterion is met; `says` is the label of the suggestion."""

    says: str
    change: OrderChange


@dataclass(frozen=True)
class Criterion:
    """A section, a numbered criterion, or a part of one.

    `says_when_not_met` is what a card says when it is not met. A group has `children`, of which `required` must be met
    (None: all of them). A leaf is settled by clauses or by an answer to `ask`; `met_by` is the answer, `yes` or `no`,
    that favors the order, `about` what the question is about, and `asked` its place among the questions, if the author
    sets it. `case_review_if_met` and `case_review_if_not_met`
    hand a status to a human. `needs` takes the status of other criteria, `on_date_of` on the date of the last
    procedure of that set. `pathways` is empty if the criterion counts on every one. On `rules_out`
    it counts only if it is not met, and is not asked.
    """

    id: str
    says: str
    says_when_not_met: str = ""
    override: str = ""
    children: tuple["Criterion", ...] = ()
    required: int | None = None
    met_when: tuple[Clause, ...] = ()
    not_met_when: tuple[Clause, ...] = ()
    show: tuple[Clause, ...] = ()
    suggest: OrderSuggestion | None = None
    ask: str = ""
    asked: int | None = None
    met_by: str = "yes"
    about: About = About.PATIENT
    needs: tuple[str, ...] = ()
    on_date_of: ValueSet | None = None
    is_never_met: bool = False
    case_review_if_met: bool = False
    case_review_if_not_met: bool = False
    role: Role | None = None
    pathways: frozenset[str] = frozenset()
    rules_out: frozenset[str] = frozenset()
    interpretation: str = ""
    note: str = ""
    line: int = 0
    column: int = 1

    def walk(self) -> Iterator["Criterion"]:
        """Yield this criterion and all below it, in the order of the document."""
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def is_part(self) -> bool:
        """Return whether it is a named part of our own (`II.D.faber`) rather than a number of the published policy."""
        return _PART.search(self.id) is not None

    @cached_property
    def is_one_item(self) -> bool:
        """Return whether it is documented at one go: a criterion without parts, or with no groups below it but our own.

        A section with parts is not, nor are the criteria of a pathway, nor is a group of which the plan reviews a part:
        one answer for all of it would hide what is to be reviewed.
        """
        if not self.children:
            return True
        if "." not in self.id or self.pathways or any(below.is_for_plan_review for below in self.children):
            return False
        return all(not below.children or below._has_only_parts for below in self.children)

    @property
    def is_for_plan_review(self) -> bool:
        """Return whether the plan reviews it if it is met, or if it is not met."""
        return self.case_review_if_met or self.case_review_if_not_met

    @property
    def _has_only_parts(self) -> bool:
        """Return whether all below it are named parts, however deep."""
        return not self.pathways and all(
            below.is_part and (not below.children or below._has_only_parts) for below in self.children
        )

    @property
    def clauses(self) -> tuple[Clause, ...]:
        """Return the clauses of this criterion itself."""
        return self.met_when + self.not_met_when + self.show


@dataclass(frozen=True, slots=True)
class Section:
    """A numbered section with what follows when it is not met."""

    root: Criterion
    if_not_met: Outcome = Outcome.CRITERIA_NOT_MET


@dataclass(frozen=True, slots=True)
class Companion:
    """An order that belongs to another one: missing if no order of the session has a code of the set.

    `add` is the row of the set to order then, as a resource of `request_type`. `says` is why.
    """

    codes: ValueSet
    add: Row
    request_type: RequestType
    says: str


@dataclass(frozen=True, slots=True)
class OrderEntry:
    """The orders that a policy is about: their codes, the sections that judge them, and conditions on the order.

    With `only_if` the order is judged if one clause holds. `unless` excludes it if one holds, but if one of `only_if`
    does too, the order says both. `never_if` excludes it whatever else it says. `ask` is the question for an order that
    says both, and for one that is not certain and shows a sign: a clause of `ask_if` that holds, or something in one
    of `only_if` that does not decide. Without a question such an order is excluded. An entry whose value set has words
    finds orders without a code, and asks for it. `companions` are the orders that belong to it.
    """

    codes: ValueSet
    sections: tuple[str, ...]
    only_if: tuple[Clause, ...] = ()
    unless: tuple[Clause, ...] = ()
    never_if: tuple[Clause, ...] = ()
    ask_if: tuple[Clause, ...] = ()
    ask: str = ""
    companions: tuple[Companion, ...] = ()
    line: int = 0
    column: int = 1

    @property
    def clauses(self) -> tuple[Clause, ...]:
        """Return all its clauses."""
        return self.only_if + self.unless + self.never_if + self.ask_if

    @property
    def is_by_words(self) -> bool:
        """Return whether it finds orders by their words."""
        return bool(self.codes.rows) and all(row.system == TEXT for row in self.codes.rows)


@dataclass(frozen=True, slots=True)
class Choice:
    """One pathway: chosen by the order, kept because the order may mean it, ruled out by data, or likely by data."""

    name: str
    says: str
    chosen_when: tuple[Clause, ...] = ()
    keep_when: tuple[Clause, ...] = ()
    exclude_when: tuple[Clause, ...] = ()
    presume_when: tuple[Clause, ...] = ()
    line: int = 0
    column: int = 1


@dataclass(frozen=True, slots=True)
class Pathway:
    """The purposes or indications one code can serve, and the question that settles which."""

    ask: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Policy:
    """One revision of one policy, in one edition of how it was written down.

    `url` is where its owner publishes it. `effective` and `until` are the first and the last day it applies, both None
    unless the owner states them. `states` are the states it is for, by postal code; empty for all.
    `prior_authorization` is None if the policy does not say. `history` are the months of the policy's other
    revisions, as far as its log shows, installed or not.
    """

    name: str
    revision: str
    edition: int
    title: str
    owner: str
    lines_of_business: tuple[LineOfBusiness, ...]
    notes: tuple[str, ...]
    orders: tuple[OrderEntry, ...]
    sections: Mapping[str, Section]
    pathway: Pathway | None = None
    history: tuple[str, ...] = ()
    kind: PolicyKind = PolicyKind.PLAN
    url: str = ""
    effective: date | None = None
    until: date | None = None
    states: tuple[str, ...] = ()
    prior_authorization: PriorAuthorization | None = None
    source: str = ""
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """The data of the document as it was loaded; its file may have changed since."""
    index: Mapping[str, Criterion] = field(default_factory=dict)
    order_terms: OrderTerms = field(default=NO_TERMS, repr=False, compare=False)
    """The words of orders by which it was loaded."""
    editions: tuple[Edition, ...] = ()
    """The editions in the lock of its folder, the first one first; with this one, if it was written there."""

    def edition_numbered(self, number: int) -> Edition | None:
        """Return an edition of the lock by its number."""
        return next((each for each in self.editions if each.number == number), None)

    def edition_in_force(self, on: date) -> int:
        """Return the number of the edition in force on a day: the last one released by then.

        Before the first release it is this edition, since nothing else was ever in force.
        """
        released = [each.number for each in self.editions if each.released is not None and each.released <= on]
        return max(released, default=self.edition)

    @property
    def full_name(self) -> str:
        """Return the policy with its revision: `CP.MP.126@2025-04`."""
        return f"{self.name}@{self.revision}"

    @property
    def dated(self) -> date:
        """Return the first day of the month of this revision."""
        year, month = self.revision.split("-")
        return date(int(year), int(month), 1)

    @cached_property
    def kinds(self) -> frozenset[str]:
        """Return the resource types that this revision searches."""
        return frozenset(search.resource_type for search in self.searches())

    @cached_property
    def abouts(self) -> Mapping[str, About]:
        """Return what each question is about, by the `linkId` of its answer."""
        of_order = dict.fromkeys((APPLIES, PATHWAY, SIDE), About.ORDER)
        return of_order | {criterion.id: criterion.about for criterion in self.index.values()}

    @cached_property
    def link_ids(self) -> frozenset[str]:
        """Return the `linkId`s of all questions that a form may answer."""
        pathway = () if self.pathway is None else (PATHWAY,)
        return frozenset({*self.index, SIDE, *pathway, APPLIES})

    def entries(self, codes: tuple[Coding, ...], on: date | None) -> tuple[OrderEntry, ...]:
        """Return the entries with a code of the order that is valid on a service date; with None, on any date."""
        return self._known_entries(codes, on)

    @cached_property
    def _known_entries(self) -> Callable[[tuple[Coding, ...], date | None], tuple[OrderEntry, ...]]:
        """The orders of a call are compared with each other, and ask for the same again and again."""

        @lru_cache(maxsize=1_000)
        def entries(codes: tuple[Coding, ...], on: date | None) -> tuple[OrderEntry, ...]:
            return tuple(entry for entry in self._by_code if entry.codes.match(codes, on))

        return entries

    def named(self, words: Iterable[str]) -> tuple[OrderEntry, ...]:
        """Return the entries that find an order by its words."""
        labels = tuple(Coding("", "", text) for text in words)
        return tuple(entry for entry in self.orders if entry.is_by_words and entry.codes.match(labels))

    @cached_property
    def _by_code(self) -> tuple[OrderEntry, ...]:
        return tuple(entry for entry in self.orders if not entry.is_by_words)

    def walk(self) -> Iterator[Criterion]:
        """Yield every criterion, in the order of the document."""
        for section in self.sections.values():
            yield from section.root.walk()

    def clauses(self) -> Iterator[Clause]:
        """Yield every clause: of the criteria, the orders, and the pathways."""
        for criterion in self.walk():
            yield from criterion.clauses
        for entry in self.orders:
            yield from entry.clauses
        for choice in self.pathway.choices if self.pathway else ():
            yield from choice.chosen_when + choice.keep_when + choice.exclude_when + choice.presume_when

    def searches(self) -> tuple[Search, ...]:
        """Return the searches for the data that this revision needs, attestations included."""
        return self._searches

    @cached_property
    def _searches(self) -> tuple[Search, ...]:
        found = [search for clause in self.clauses() for search in clause.check.searches]
        found += [PROCEDURES for criterion in self.walk() if criterion.on_date_of]
        return merge([*found, ANSWERS])
