"""What the policies that judge an order let a payer say of coverage, before prior authorization and words.

One assessment is one policy, or several revisions or lines of business of which it is not known which applies: they are
alternatives, and only what all of them say holds. Several assessments are several policies, and all of them must hold:
the worst decides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from coverage_policies.format.model import APPLIES, CODE
from coverage_policies.format.terms import About, Outcome, PriorAuthorization, Reason
from coverage_policies.judging.assessment import Assessment
from coverage_policies.judging.determination import Determination, Question
from coverage_policies.judging.payer_terms import Authorization, PayerTerms
from fhir_mappings.codings import Coding

COVERED, NOT_COVERED, CONDITIONAL, INDETERMINATE = "covered", "not-covered", "conditional", "indeterminate"
_IN_ORDER = (NOT_COVERED, INDETERMINATE, CONDITIONAL, COVERED)
"""The codes of `covered`, the worst first."""


class Cause(Enum):
    """Why an answer does not settle coverage."""

    DOCUMENTATION = auto()
    """A clinician has to document something."""
    CODE = auto()
    """The order has no code that the policy could be found by for certain."""
    PERFORMER = auto()
    LOCATION = auto()
    TECHNICAL = auto()
    """Data that matter could not be read."""
    PLAN = auto()
    """The plan decides: a medical review, benefits that were not checked, or a failure that does not settle it."""
    NOT_CHECKED = auto()
    """No policy was applied: there is none, or none of its revisions for the day is installed."""
    DISAGREEMENT = auto()
    """It is not known which of several revisions applies, and they disagree."""
    MAY_NOT_APPLY = auto()
    """It is not known whether the policy is for the member's plan."""
    AUTHORIZED = auto()
    """The policy is not met, but the payer has granted an authorization."""
    PERIOD = auto()
    """The service date may be outside the period that the payer allows."""
    STANDING = auto()
    """It is not certain that the member has a plan on the service date."""


_SETTLED_BY = {"performer": Cause.PERFORMER, "location": Cause.LOCATION}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A code of `covered` in CRD 2.2, what leaves it open, and what the policies say of prior authorization.

    `authorization` is None if the policies do not say, or not for certain.
    """

    covered: str
    causes: frozenset[Cause] = frozenset()
    authorization: Authorization | None = None


def judging(assessments: Iterable[Assessment], code: Coding | None) -> tuple[Assessment, ...]:
    """Return the assessments that concern an order, limited to one of its billing codes.

    A revision that judges the order by other billing codes only does not apply to this one.
    """
    limited = (
        replace(each, determinations=tuple(_under(found, code) for found in each.determinations))
        for each in assessments
    )
    return tuple(each for each in limited if applying(each))


def _under(determination: Determination, code: Coding | None) -> Determination:
    if code is None or not determination.codes or any(is_same(each, code) for each in determination.codes):
        return determination
    return replace(determination, outcome=Outcome.NOT_APPLICABLE)


def is_same(one: Coding, other: Coding) -> bool:
    """Return whether two codings are the same code, whatever they call it."""
    return (one.system, one.code) == (other.system, other.code)


def applying(assessment: Assessment) -> tuple[Determination, ...]:
    """Return the determinations of the revisions that concern the order."""
    return tuple(each for each in assessment.determinations if each.outcome is not Outcome.NOT_APPLICABLE)


def verdict(assessments: Sequence[Assessment], terms: PayerTerms, *, is_unread: bool) -> Verdict:
    """Return what all assessments of an order say together; there is at least one, and each concerns the order.

    `not-covered` by one policy is decisive, whatever the others say; `covered` needs all of them. `is_unread` is
    whether technical trouble kept data from being read.
    """
    found = [_of_assessment(each, terms, is_unread=is_unread) for each in assessments]
    worst = min((each.covered for each in found), key=_IN_ORDER.index)
    said = {each.authorization for each in found}
    authorization = None
    if Authorization.AUTH_NEEDED in said:
        authorization = Authorization.AUTH_NEEDED
    elif said == {Authorization.NO_AUTH}:
        authorization = Authorization.NO_AUTH
    return Verdict(worst, frozenset().union(*(each.causes for each in found)), authorization)


def _of_assessment(assessment: Assessment, terms: PayerTerms, *, is_unread: bool) -> Verdict:
    """Return what revisions of which one applies say together: what they have in common, else `conditional`."""
    found = [of_determination(each, terms, is_unread=is_unread) for each in assessment.determinations]
    covered, *others = {each.covered for each in found}
    causes = frozenset[Cause]().union(*(each.causes for each in found))
    if others:
        covered, causes = CONDITIONAL, causes | {Cause.DISAGREEMENT}
    if assessment.may_not_apply:
        causes |= {Cause.MAY_NOT_APPLY}
        if covered in (COVERED, NOT_COVERED):
            covered = CONDITIONAL
    said = {each.authorization for each in found}
    return Verdict(covered, causes, said.pop() if len(said) == 1 and not assessment.may_not_apply else None)


def unreadable(assessments: Iterable[Assessment], terms: PayerTerms, *, is_unread: bool) -> tuple[Determination, ...]:
    """Return the determinations that are open for no other reason than that data could not be read."""
    return tuple(
        found
        for each in assessments
        for found in applying(each)
        if of_determination(found, terms, is_unread=is_unread).covered == INDETERMINATE
    )


def of_determination(found: Determination, terms: PayerTerms, *, is_unread: bool) -> Verdict:
    """Return what one revision lets the payer say; a revision that does not apply says `covered` of nothing."""
    head = _authorization(found)
    match found.outcome:
        case Outcome.NOT_SUPPORTED:
            return Verdict(NOT_COVERED, authorization=head)
        case Outcome.CRITERIA_NOT_MET:
            said = terms.if_not_met.value
        case Outcome.SUPPORTED:
            said = terms.if_supported.value
        case Outcome.CASE_REVIEW:
            said = CONDITIONAL
        case Outcome.NOT_APPLICABLE:
            return Verdict("")
        case _:
            return _open(found, head, is_unread=is_unread)
    return Verdict(said, frozenset({Cause.PLAN} if said == CONDITIONAL else ()), head)


def _authorization(found: Determination) -> Authorization | None:
    """Return what the head of a policy says of prior authorization, if the policy certainly judges the order."""
    if not found.criteria or any(each.id in (APPLIES, CODE) for each in found.questions):
        return None
    match found.prior_authorization:
        case PriorAuthorization.REQUIRED:
            return Authorization.AUTH_NEEDED
        case PriorAuthorization.NOT_REQUIRED:
            return Authorization.NO_AUTH
        case _:
            return None


def _open(found: Determination, head: Authorization | None, *, is_unread: bool) -> Verdict:
    """Return the verdict of a determination that is open: for which reasons, and whether only data are missing."""
    asked = leaves(found)
    if any(each.id == CODE for each in asked):
        return Verdict(CONDITIONAL, frozenset({Cause.CODE}))
    if not found.criteria and not found.is_cut_short:
        return Verdict(CONDITIONAL, frozenset({Cause.NOT_CHECKED}))
    in_trouble = is_unread or found.is_cut_short or bool(found.unread)
    unread = [each for each in asked if each.reason is Reason.DATA_UNAVAILABLE]
    causes = {Cause.TECHNICAL} if in_trouble and (unread or found.outcome is Outcome.NOT_EVALUATED) else set()
    others = [each for each in asked if each not in unread]
    # What the order itself leaves open does not make up for a chart that was not read.
    if causes and (found.outcome is Outcome.NOT_EVALUATED or all(each.about is About.ORDER for each in others)):
        return Verdict(INDETERMINATE, frozenset(causes), head)
    causes |= {_SETTLED_BY[each.settled_by] for each in asked if each.settled_by}
    if not asked or any(not each.settled_by for each in asked):
        causes.add(Cause.DOCUMENTATION)
    return Verdict(CONDITIONAL, frozenset(causes), head)


def leaves(found: Determination) -> tuple[Question, ...]:
    """Return the open questions of a determination, each part of a question for itself."""
    return tuple(part for each in found.questions for part in (each.parts or (each,)))
