"""Compose the coverage information of an order (Da Vinci CRD, coverage-information extension).

`compose` turns the assessments of one order into what a payer says of it; `cards/coverage_extension.py` writes that as
the extension of a version of CRD.

| an order whose policy says | is in CRD 2.2 | and in CRD 2.0.1 |
| --- | --- | --- |
| `not-supported` | `not-covered` | the same |
| `criteria-not-met` | what the payer states (`if_not_met`), by default `conditional` with `OTH` | the same |
| `documentation-needed` | `conditional`, `OTH`; at signing `clinical` and a questionnaire | the same |
| the same for want of a code | `conditional`, `detail-code` | `OTH`, and the reason `detail-code` |
| the same for want of a performer or a place | `conditional`, `performer` or `location` | the same |
| `case-review`, or no revision for the day | `conditional`, `OTH` | the same |
| what technical trouble leaves open | `indeterminate`, and first the reason `technical` | `conditional`, `OTH` |
| `supported` | what the payer states (`if_supported`), by default `conditional` with `OTH` | the same |
| nothing, since there is none | what the payer states, by default `conditional` with `OTH` | the same |

A member without a plan is `not-covered` with a coded reason in CRD 2.2; CRD 2.0.1 has no such code, and gets
`conditional` and the reason in words. `pa-needed` is left out if nothing is known of it; CRD 2.0.1 wants it always
(crd-ci-q2), and gets `conditional`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from cards.coverage_parts import CoverageInformation, Detail, Occasion, Reason, Subject
from cards.coverage_terms import NOTHING_STATED, authorization_on_file, is_within, row_of, service_days
from cards.coverage_verdict import (
    CONDITIONAL,
    COVERED,
    INDETERMINATE,
    NOT_COVERED,
    Cause,
    Verdict,
    applying,
    judging,
    of_determination,
    unreadable,
    verdict,
)
from cards.coverage_words import (
    authorization_words,
    instructions,
    partly_unread_words,
    payer_unread_words,
    period_words,
    policy_words,
    standing_words,
    technical_words,
    without_code_words,
    without_policy_words,
)
from cards.crd_versions import CrdVersion
from cards.links import page
from coverage_policies.judging.alternatives import RULED_OUT
from coverage_policies.judging.assessment import Assessment
from coverage_policies.judging.determination import Determination
from coverage_policies.judging.payer_terms import (
    Authorization,
    CodeTerms,
    GrantedAuthorization,
    PayerTerms,
    Standing,
)
from fhir_mappings.code_systems import NDC
from fhir_mappings.codings import CPT, HCPCS, RXNORM, Coding
from fhir_mappings.fhir_json import Json
from fhir_mappings.orders import Order

_BILLING = (CPT, HCPCS)
_IDENTIFYING = (CPT, HCPCS, RXNORM, NDC)
"""The systems of codes by which policies, and the rows of a payer, find an order."""
_STANDING_CODES = {
    Standing.NO_MEMBER: "no-member-found",
    Standing.NOT_ACTIVE: "no-active-coverage",
    Standing.AMBIGUOUS: "coverage-not-found",
}
_INFO_OF_CAUSE_2_0 = {Cause.PERFORMER: "performer", Cause.LOCATION: "location"}
_INFO_OF_CAUSE = _INFO_OF_CAUSE_2_0 | {Cause.CODE: "detail-code"}
_SATISFIED = "satisfied"
_NO_ANSWER = "This order could not be checked. Ask the plan about coverage and prior authorization."


def compose(
    order: Order, assessments: Sequence[Assessment], subject: Subject, occasion: Occasion
) -> tuple[CoverageInformation, ...]:
    """Return what the payer says of one order, given every assessment of it; at least one repetition.

    Within an assessment the revisions are alternatives: what they do not agree on is `conditional`. All assessments
    must hold: the worst decides (`cards/coverage_verdict.py`). There is one repetition for each different answer to
    the billing codes of the order, which makes their scopes disjoint (CRD 2.2.1 covinfo-1), so mostly one. If any
    policy judges the order by a billing code, nothing is said of its other billing codes.

    An authorization that the payer has granted to the member outranks criteria that are not met: the answer is then
    `conditional`, never `not-covered`.
    """
    if subject.standing in _STANDING_CODES:
        return (_without_plan(subject, occasion.version),)
    if order.obstacle:
        reason = Reason(f"This order could not be checked: {order.obstacle}.")
        return (replace(minimal(subject, occasion.version), reasons=(reason,), contact=_terms(subject).contact),)
    concerning = judging(assessments, None)
    resting = _billing(code for each in concerning for found in applying(each) for code in found.codes)
    billed = resting or _billing(order.codes)
    found: list[tuple[CoverageInformation, list[Coding]]] = []
    for code in billed or (None,):
        answer = _Scope(order, code, judging(concerning, code), subject, occasion).answer()
        codes = next((codes for said, codes in found if said == answer), None)
        if codes is None:
            found.append((answer, codes := []))
        codes += [code] if code else []
    stated = resting or tuple(code for code in billed if _has_terms(code, subject))
    return tuple(
        replace(answer, billing_codes=tuple(code for code in codes if len(found) > 1 or code in stated))
        for answer, codes in found
    )


def minimal(subject: Subject, version: CrdVersion) -> CoverageInformation:
    """Return an answer that claims nothing and keeps every rule of a version, for when no other does."""
    return CoverageInformation(
        coverage=subject.coverage,
        covered=CONDITIONAL,
        assertion_id=subject.assertion_id,
        day=subject.day,
        pa_needed=CONDITIONAL if version is CrdVersion.V2_0 else "",
        info_needed=("OTH",),
        reasons=(Reason(_NO_ANSWER),),
    )


def payer_unread(subject: Subject, version: CrdVersion) -> CoverageInformation:
    """Return the answer while technical trouble keeps the payer of the Coverage from being known (resp-43)."""
    found = replace(minimal(subject, version), reasons=(Reason(payer_unread_words()),))
    if version is CrdVersion.V2_0:
        return found
    return replace(found, covered=INDETERMINATE, info_needed=(), reasons=(Reason(payer_unread_words(), "technical"),))


def _is_billing(code: Coding) -> bool:
    return code.system in _BILLING


def _billing(codes: Iterable[Coding]) -> tuple[Coding, ...]:
    """Return the billing codes among these, each once, without what the sender calls them."""
    return tuple(dict.fromkeys(Coding(each.system, each.code) for each in codes if _is_billing(each)))


def _terms(subject: Subject) -> PayerTerms:
    return subject.payer.terms or PayerTerms()


def _has_terms(code: Coding, subject: Subject) -> bool:
    """Return whether the payer states something of a code, or has granted it to the member."""
    terms, day = _terms(subject), subject.day
    is_granted = authorization_on_file(terms, subject.member_ids, (code,), day) is not None
    return is_granted or row_of(terms, (code,), day) != NOTHING_STATED


def _without_plan(subject: Subject, version: CrdVersion) -> CoverageInformation:
    """Return the answer for a member whom the payer does not know, or who has no plan or several (resp-44, resp-45)."""
    words = standing_words(subject.standing, subject.payer.name)
    found = replace(minimal(subject, version), reasons=(Reason(words),), contact=_terms(subject).contact)
    if version is CrdVersion.V2_0:
        return found
    reason = Reason(words, _STANDING_CODES[subject.standing])
    return replace(found, covered=NOT_COVERED, info_needed=(), reasons=(reason,))


@dataclass(frozen=True)
class _Scope:
    """One order and one of its billing codes, None without one, with the assessments that concern it."""

    order: Order
    code: Coding | None
    assessments: tuple[Assessment, ...]
    subject: Subject
    occasion: Occasion

    def answer(self) -> CoverageInformation:
        """Return the answer; its billing codes are left to the caller."""
        covered, needed = self._verdict.covered, self._authorization
        needs_documents = (
            Cause.DOCUMENTATION in self._verdict.causes and covered != NOT_COVERED and self.occasion.is_signing
        )
        return CoverageInformation(
            coverage=self.subject.coverage,
            covered=covered,
            assertion_id=self.subject.assertion_id,
            day=self.subject.day,
            pa_needed=needed,
            doc_needed=("clinical",) if needs_documents else (),
            doc_purpose=("withpa",) if needs_documents and needed == Authorization.AUTH_NEEDED.value else (),
            info_needed=self._info_needed,
            reasons=tuple(self._reasons()),
            details=tuple(self._details()),
            questionnaires=self._questionnaires() if needs_documents else (),
            satisfied_pa_id=self._granted.number if self._granted and needed == _SATISFIED else "",
            contact=_terms(self.subject).contact,
            expires=self._expires,
        )

    @cached_property
    def _codes(self) -> tuple[Coding, ...]:
        """Return the codes of the order that are in scope: the billing code, then those that are none."""
        others = (each for each in self.order.codes if not _is_billing(each))
        return (*((self.code,) if self.code else ()), *others)

    @cached_property
    def _service_days(self) -> tuple[date, date]:
        return service_days(self.order, self.subject.day)

    @cached_property
    def _row(self) -> CodeTerms:
        return row_of(_terms(self.subject), self._codes, self.subject.day)

    @cached_property
    def _granted(self) -> GrantedAuthorization | None:
        """Return the authorization that is good both on the day of the answer and on that of the service."""
        last = max(*self._service_days, self.subject.day)
        return authorization_on_file(_terms(self.subject), self.subject.member_ids, self._codes, last)

    @cached_property
    def _unread(self) -> tuple[Determination, ...]:
        return unreadable(self.assessments, _terms(self.subject), is_unread=self.occasion.is_unread)

    @cached_property
    def _verdict(self) -> Verdict:
        """Return the verdict of the policies, or of the payer's terms without one, as far as the payer can keep it."""
        if self.assessments:
            found = verdict(self.assessments, _terms(self.subject), is_unread=self.occasion.is_unread)
        else:
            found = self._without_policy()
        covered, causes = found.covered, found.causes
        if covered == NOT_COVERED and self._granted:
            covered, causes = CONDITIONAL, causes | {Cause.AUTHORIZED}
        if covered == COVERED and not is_within(self._row, self._service_days):
            covered, causes = CONDITIONAL, causes | {Cause.PERIOD}
        if covered in (COVERED, CONDITIONAL) and self.subject.standing is Standing.UNCERTAIN:
            covered, causes = CONDITIONAL, causes | {Cause.STANDING}
        if covered == INDETERMINATE and self.occasion.version is CrdVersion.V2_0:
            covered = CONDITIONAL
        return replace(found, covered=covered, causes=causes)

    def _without_policy(self) -> Verdict:
        """Return the payer's default, unless the order has no code by which a policy could have been found."""
        if self._row.covered is None and not any(each.system in _IDENTIFYING for each in self.order.codes):
            if self.occasion.is_unread and not self.order.codes:
                return Verdict(INDETERMINATE, frozenset({Cause.TECHNICAL}))
            return Verdict(CONDITIONAL, frozenset({Cause.CODE}))
        said = (self._row.covered or _terms(self.subject).without_policy).value
        return Verdict(said, frozenset({Cause.NOT_CHECKED} if said == CONDITIONAL else ()))

    @cached_property
    def _authorization(self) -> str:
        """Return `pa-needed`: what is on file, else what the payer states, else what the policies say."""
        if self._verdict.covered == NOT_COVERED:
            return ""
        if self._granted:
            return _SATISFIED
        stated = self._row.authorization or self._verdict.authorization
        if stated is None:
            return CONDITIONAL if self.occasion.version is CrdVersion.V2_0 else ""
        return stated.value

    @cached_property
    def _info_needed(self) -> tuple[str, ...]:
        """Return `info-needed`: empty unless something is conditional, and never empty then (crd-ci-q3)."""
        if CONDITIONAL not in (self._verdict.covered, self._authorization):
            return ()
        codes = _INFO_OF_CAUSE_2_0 if self.occasion.version is CrdVersion.V2_0 else _INFO_OF_CAUSE
        found = [codes.get(cause, "OTH") for cause in Cause if cause in self._verdict.causes]
        return tuple(dict.fromkeys([*found, *(("OTH",) if self._authorization == CONDITIONAL else ())]))

    def _reasons(self) -> Iterator[Reason]:
        """Yield the reasons; technical trouble comes first where it alone keeps the order from being checked."""
        payer, causes, version = self.subject.payer.name, self._verdict.causes, self.occasion.version
        technical = "technical" if version is CrdVersion.V2_2 else ""
        is_unread = Cause.TECHNICAL in causes and self._verdict.covered != NOT_COVERED
        is_all_unread = is_unread and (bool(self._unread) or not self.assessments)
        if is_all_unread:
            yield Reason(technical_words(self._unread, payer), technical)
        words = " ".join(filter(None, self._words()))
        if words:
            lacks_code = version is CrdVersion.V2_0 and Cause.CODE in causes
            yield Reason(words, "detail-code" if lacks_code else "")
        if is_unread and not is_all_unread:
            yield Reason(partly_unread_words(self._applying, payer), technical)
        if version is CrdVersion.V2_0:
            for each in self._instructed():
                yield Reason(instructions(each))
            for url in self._policy_links():
                yield Reason(f"Policy: {url}")

    def _words(self) -> Iterator[str]:
        payer, said = self.subject.payer.name, self._verdict
        if self.assessments:
            aside = {id(each) for each in self._unread}
            yield from policy_words(self.assessments, aside, said, payer, is_signing=self.occasion.is_signing)
        elif Cause.CODE in said.causes:
            yield without_code_words()
        elif Cause.TECHNICAL not in said.causes:
            yield without_policy_words(said.covered, payer)
        if Cause.PERIOD in said.causes:
            yield period_words(self._row, self._service_days)
        if Cause.STANDING in said.causes:
            yield standing_words(Standing.UNCERTAIN, payer)
        yield authorization_words(self._authorization, payer, self._granted.number if self._granted else "")

    @property
    def _applying(self) -> tuple[Determination, ...]:
        return tuple(found for each in self.assessments for found in applying(each))

    def _instructed(self) -> Iterator[Determination]:
        """Yield the determinations after which there is something to do, each instruction once.

        For an order that is not covered only what rules it out can be remedied.
        """
        given = set()
        for each in self._applying:
            is_useless = self._verdict.covered == NOT_COVERED and each.outcome not in RULED_OUT
            said = instructions(each)
            if said and said not in given and not is_useless and not any(each is found for found in self._unread):
                given.add(said)
                yield each

    def _policy_links(self) -> tuple[str, ...]:
        """Return where each policy that was applied can be read: where its owner publishes it, else our page of it."""
        applied = (each for each in self._applying if each.criteria or each.questions)
        urls = (each.url or page(each, self.occasion.policy_pages) for each in applied)
        return tuple(dict.fromkeys(filter(None, urls)))

    def _details(self) -> Iterator[Detail]:
        """Yield the limits that the payer states; in CRD 2.2, what to do next and where the policy is, too."""
        row = self._row
        if self._verdict.covered != NOT_COVERED:
            if row.quantity is not None:
                quantity: Json = {"value": row.quantity} | ({"unit": row.unit} if row.unit else {})
                yield Detail("cat-limitation", "allowed-quantity", ("valueQuantity", quantity))
            if row.since or row.until:
                ends = {"start": row.since, "end": row.until}
                period: Json = {name: day.isoformat() for name, day in ends.items() if day}
                yield Detail("cat-limitation", "allowed-period", ("valuePeriod", period))
        if self.occasion.version is CrdVersion.V2_2:
            for each in self._instructed():
                yield Detail("cat-other", "instructions", ("valueString", instructions(each)))
            for url in self._policy_links():
                yield Detail("cat-other", "policy-link", ("valueUrl", url))

    def _questionnaires(self) -> tuple[str, ...]:
        """Return the forms that ask what a clinician has to document, if we publish any."""
        if not self.occasion.canonicals:
            return ()
        terms, is_unread = _terms(self.subject), self.occasion.is_unread
        asking = (
            each
            for each in self._applying
            if each.questions and Cause.DOCUMENTATION in of_determination(each, terms, is_unread=is_unread).causes
        )
        return tuple(dict.fromkeys(each.questionnaire(self.occasion.canonicals) for each in asking))

    @property
    def _expires(self) -> date | None:
        """Return the last day on which the answer can be relied on, as far as the payer states one."""
        until = self._granted.until if self._granted and self._authorization == _SATISFIED else None
        return min((each for each in (self._row.expires, until) if each), default=None)
