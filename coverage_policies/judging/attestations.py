"""Choose the answers that count for one order under one revision, and those that are only shown beside the question."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from types import MappingProxyType

from msgspec import structs

from coverage_policies.format.model import PATHWAY, Policy
from coverage_policies.format.questions import unchanged_since
from coverage_policies.format.terms import About
from fhir_mappings.answers import Answer, AnswerForm, answer_forms, newest
from fhir_mappings.codings import items
from fhir_mappings.dates import CalendarPeriod, DateInterval, plus
from fhir_mappings.fhir_json import Json
from fhir_mappings.orders import ORDER_KEYS, Order, read_order
from fhir_mappings.record import Evidence, PatientRecord

NO_ANSWERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Attestations:
    """The answers for one order and pathway, by `linkId`: those that decide, and those that are only shown."""

    deciding: Mapping[str, Answer] = field(default_factory=dict)
    shown: Mapping[str, tuple[Evidence, ...]] = field(default_factory=dict)


def attestations(
    policy: Policy,
    order: Order,
    other_orders: Sequence[Order],
    record: PatientRecord,
    valid_for: CalendarPeriod,
    given: Mapping[str, str] = NO_ANSWERS,
) -> Callable[[str | None], Attestations]:
    """Return a function from a pathway to the answers for it.

    `given` are answers that are not on file yet, by `linkId`, each as an `Answer` holds it. They count as a completed
    form about this very order does that was filled in when the chart was read.

    A form counts if its questionnaire names this revision, and it is about this order or at most `valid_for` old;
    without a questionnaire it must be about this order. What a question is about limits its answers further: the
    order, to forms about this very order; the site, also to forms about an order of the same procedure and side; the
    patient, not at all. A form that chose a pathway counts for others only if it is about this order. An answer to a
    question that another edition put differently is shown, as is one about a site that may be another one; a
    questionnaire without an edition is that of the edition in force on the day it was filled in.
    """
    known = {each.reference: each for each in other_orders}
    on_file = answer_forms(record)
    filled_in = (*on_file, _form_of(given, policy, order, record)) if given else on_file
    forms = [_Form(form, policy, order, known, record) for form in filled_in]
    ours = [form for form in forms if form.is_ours and (form.is_about_order or _is_fresh(form.form, valid_for, record))]
    chosen = {form.pathway for form in ours if not form.is_about_order}
    on_pathway = cache(partial(_on_pathway, ours))
    return lambda pathway: on_pathway(pathway if pathway in chosen else None)  # equal on those that no form chose


def _form_of(given: Mapping[str, str], policy: Policy, order: Order, record: PatientRecord) -> AnswerForm:
    """Return the form about an order that holds answers which are not on file yet."""
    return AnswerForm(
        reference="QuestionnaireResponse",
        authored=DateInterval(record.today, record.today, record.read_at),
        moment=record.read_at,
        questionnaire=f"{policy.name}|{policy.revision}.{policy.edition}",
        about=({"reference": order.reference},),
        given=tuple(given.items()),
    )


def _on_pathway(forms: Sequence["_Form"], pathway: str | None) -> Attestations:
    relevant = [form for form in forms if form.is_about_order or form.pathway in ("", pathway)]
    deciding = newest(form.limited_to(decides=True) for form in relevant)
    shown = newest(form.limited_to(decides=False) for form in relevant)
    notes = {
        link: (structs.replace(answer.evidence, value=f"{answer.value}, but maybe for another site or wording"),)
        for link, answer in shown.items()
        if answer.value and link not in deciding
    }
    return Attestations(deciding, notes)


def _is_fresh(form: AnswerForm, valid_for: CalendarPeriod, record: PatientRecord) -> bool:
    return plus(form.authored.latest, valid_for) >= record.today


@dataclass(frozen=True)
class _Form:
    """One form, and how it relates to an order under a revision. `others` are the other orders of the session."""

    form: AnswerForm
    policy: Policy
    order: Order
    others: Mapping[str, Order]
    record: PatientRecord

    @cached_property
    def is_about_order(self) -> bool:
        return any(names_order(self.record, reference, self.order) for reference in self.form.about)

    @cached_property
    def is_about_same_site(self) -> bool:
        other_orders = _orders(self.form, self.others, self.record)
        return self.is_about_order or any(_is_same_site(self.policy, self.order, each) for each in other_orders)

    @property
    def is_ours(self) -> bool:
        """Whether it names this revision, or names none and is about this order."""
        canonical = self.form.questionnaire
        return _named(canonical, self.policy)[0] if canonical else self.is_about_order

    @cached_property
    def unchanged(self) -> Set[str]:
        """The `linkId`s whose question is still the one that was answered."""
        if not self.form.questionnaire:
            return unchanged_since(self.policy, self.policy.edition)
        _, named = _named(self.form.questionnaire, self.policy)
        in_force = self.policy.edition_in_force(self.form.authored.latest)
        known = (self.policy.edition, *(each.number for each in self.policy.editions))
        edition = next((each for each in known if named == str(each)), None) if named else in_force
        return unchanged_since(self.policy, edition) if edition is not None else frozenset()

    @property
    def pathway(self) -> str:
        return next((value for link, value in self.form.given if link == PATHWAY), "")

    def limited_to(self, *, decides: bool) -> AnswerForm:
        """Return the form with only the answers that decide, or only those that are shown."""
        given = [each for each, use in zip(self.form.given, self._uses, strict=True) if use is decides]
        return structs.replace(self.form, given=tuple(given))

    @cached_property
    def _uses(self) -> Sequence[bool | None]:
        abouts = self.policy.abouts
        return [self._use(link, abouts.get(link)) for link, _ in self.form.given]

    def _use(self, link: str, about: About | None) -> bool | None:
        """Return whether an answer decides, or is shown (False); None if it is neither."""
        if about is None or (about is About.ORDER and not self.is_about_order):
            return None
        return link in self.unchanged and (about is not About.SITE or self.is_about_same_site)


def _named(canonical: str, policy: Policy) -> tuple[bool, str]:
    """Return whether a canonical (`…/CP.MP.126|2025-04.1`) names this revision, and the edition that it names, if any.

    The base address does not matter.
    """
    url, _, version = canonical.partition("|")
    name = url.split("#")[0].rstrip("/").rsplit("/", 1)[-1]
    if not version and name.startswith(f"{policy.name}-"):
        name, version = policy.name, name[len(policy.name) + 1 :]
    revision, _, edition = version.partition(".")
    return name == policy.name and revision == policy.revision, edition


def names_order(record: PatientRecord, reference: Mapping[str, Json], order: Order) -> bool:
    """Return whether a Reference names an order: by its address, or by one of its identifiers, ours included."""
    target = reference.get("reference")
    if isinstance(target, str) and order.reference in (target, record.relative(target)):
        return True
    wanted = set(_identifiers(reference.get("identifier")))
    own = set(_identifiers(order.resource.get("identifier")))
    if order.key:
        own.add((ORDER_KEYS, order.key))
    return bool(wanted & own)


def _identifiers(value: Json) -> Iterator[tuple[str, str]]:
    for one in items(value):
        system, written = one.get("system"), one.get("value")
        if isinstance(written, str) and written:
            yield system if isinstance(system, str) else "", written


def _orders(form: AnswerForm, others: Mapping[str, Order], record: PatientRecord) -> Iterable[Order]:
    """Yield the orders that a form is about, of the session or of the chart."""
    for reference in form.about:
        target = reference.get("reference")
        known = others.get(record.relative(target)) if isinstance(target, str) else None
        resource = record.resolve(reference)
        if known is not None:
            yield known
        elif resource is not None:
            yield read_order(resource, zone=record.zone, terms=record.terms, resolve=record.resolve)


def _is_same_site(policy: Policy, order: Order, other: Order) -> bool:
    """Return whether another order is for the same procedure and the same stated side."""
    ours, theirs = policy.entries(order.codes, None), policy.entries(other.codes, None)
    return order.side is not None and order.side == other.side and any(entry in theirs for entry in ours)
