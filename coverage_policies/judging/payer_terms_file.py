"""Read a payer of the plan rules file, and its terms if this service answers for it by Da Vinci CRD."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import Field

from coverage_policies.format.file_model import FileModel
from coverage_policies.format.problems import Problem
from coverage_policies.format.strict_csv import NamedTables
from coverage_policies.format.strict_yaml import YamlSource
from coverage_policies.format.terms import LineOfBusiness
from coverage_policies.judging.member_list import read_members
from coverage_policies.judging.payer_tables import read_authorizations, read_code_terms
from coverage_policies.judging.payer_terms import Contact, Covered, PayerTerms
from coverage_policies.judging.plan_rules import Payer

_Name = Annotated[str, Field(min_length=1)]


class ContactEntry(FileModel):
    """Whom to ask about an answer, as the file states it."""

    name: str = Field("", min_length=1, description="the name of a person or an office")
    phone: str = Field("", min_length=1, description="a telephone number")
    email: str = Field("", pattern=r"^[^@\s]+@[^@\s]+$", description="an email address")
    url: str = Field("", pattern=r"^https?://\S+$", description="an address such as https://plan.example/providers")


class PayerEntry(FileModel):
    """A payer as the file states it."""

    name: _Name = Field(description="the name of the payer")
    owner: str = Field("", min_length=1, description="the owner of the policies that it follows")
    owners: list[_Name] = Field([], min_length=1, description="a list of the owners of the policies that it follows")
    identifiers: list[Annotated[str, Field(pattern=r"\|")]] = Field(
        [],
        min_length=1,
        description="a list of identifiers, each written system|value, as in http://hl7.org/fhir/sid/us-npi|1234567893",
    )
    names: list[_Name] = Field([], min_length=1, description="a list of names of the payer, as a Coverage states them")
    classes: list[_Name] = Field(
        [], min_length=1, description="a list of classes of its plans, each written type|value, as in plan|GOLD-1"
    )
    line_of_business: LineOfBusiness | None = Field(
        None, strict=False, description=f"one of {', '.join(LineOfBusiness)}"
    )
    crd: Literal["yes", "no"] = Field(
        "no", description="yes or no; yes if this service answers for the payer by Da Vinci CRD"
    )
    if_supported: Literal["covered", "conditional"] = Field(
        "conditional", description="covered if an order that its policy supports is covered, else conditional"
    )
    if_not_met: Literal["not-covered", "conditional"] = Field(
        "conditional", description="not-covered if an order that fails its policy is not covered, else conditional"
    )
    without_policy: Literal["covered", "not-covered", "conditional"] = Field(
        "conditional", description="covered, not-covered, or conditional: what holds for an order without a policy"
    )
    codes: str = Field("", min_length=1, description="the name of a CSV file, relative to this file")
    authorizations: str = Field("", min_length=1, description="the name of a CSV file, relative to this file")
    members: str = Field("", min_length=1, description="the name of a CSV file, relative to this file")
    contact: ContactEntry | None = Field(None, description="a mapping with name, phone, email, or url")

    @property
    def is_answered_for(self) -> bool:
        """Whether this service answers for the payer by Da Vinci CRD."""
        return self.crd == "yes"

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the CSV files of the payer."""
        return tuple(name for name in (self.codes, self.authorizations, self.members) if name)


_ONLY_WITH_CRD = (
    *("if_supported", "if_not_met", "without_policy"),
    *("codes", "authorizations", "members", "contact"),
)


def payer_problems(source: YamlSource, entries: Sequence[PayerEntry]) -> Iterator[Problem]:
    """Yield what is wrong with the payers of a file beside their form."""
    for i, entry in enumerate(entries):
        place = ("payers", i)
        if bool(entry.owner) == bool(entry.owners):
            yield source.problem(
                (*place, "owners"),
                "a payer needs either owner (of the policies that it follows), or owners, a list of several",
            )
        if not (entry.identifiers or entry.names or entry.classes):
            yield source.problem(place, "a payer needs identifiers, names, or classes that identify it")
        if entry.is_answered_for and not entry.identifiers:
            what = "a payer with crd: yes needs identifiers, as Coverage.payor or its Organization states them"
            yield source.problem((*place, "crd"), what)
        for key in _ONLY_WITH_CRD:
            if key in entry.model_fields_set and not entry.is_answered_for:
                yield source.problem((*place, key), f"payers.{key} needs crd: yes; add that, or leave {key} out")
        if entry.contact is not None and not entry.contact.model_fields_set:
            yield source.problem((*place, "contact"), "payers.contact needs name, phone, email, or url")
    yield from _shared_identifiers(source, entries)


def _shared_identifiers(source: YamlSource, entries: Sequence[PayerEntry]) -> Iterator[Problem]:
    """Yield the identifiers of two payers that leave open for which of them this service answers."""
    of: dict[str, tuple[int, PayerEntry]] = {}
    for i, entry in enumerate(entries):
        for j, identifier in enumerate(entry.identifiers):
            other, holder = of.setdefault(identifier, (i, entry))
            if other != i and (entry.is_answered_for or holder.is_answered_for):
                what = f"{holder.name} has this identifier as well; one of a payer with crd: yes has no other payer"
                yield source.problem(("payers", i, "identifiers", j), what)


def read_payer(entry: PayerEntry, i: int, tables: NamedTables) -> Payer:
    """Return the payer number `i` of a file; what is wrong with its CSV files is added to that of `tables`."""
    return Payer(
        entry.name,
        tuple(entry.owners) or (entry.owner,),
        frozenset(entry.identifiers),
        frozenset(name.casefold() for name in entry.names),
        frozenset(entry.classes),
        entry.line_of_business,
        _terms(entry, i, tables) if entry.is_answered_for else None,
    )


def _terms(entry: PayerEntry, i: int, tables: NamedTables) -> PayerTerms:
    contact = entry.contact
    return PayerTerms(
        if_supported=Covered(entry.if_supported),
        if_not_met=Covered(entry.if_not_met),
        without_policy=Covered(entry.without_policy),
        codes=tables.read(("payers", i, "codes"), entry.codes, read_code_terms) or {},
        granted=tables.read(("payers", i, "authorizations"), entry.authorizations, read_authorizations) or {},
        members=tables.read(("payers", i, "members"), entry.members, read_members),
        contact=Contact(contact.name, contact.phone, contact.email, contact.url) if contact else None,
    )
