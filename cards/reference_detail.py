"""Write the detail of an External Reference: what the policy behind the links requires of each order (CRD resp-20)."""

from collections.abc import Iterable, Iterator

from cards.layout import Block, Line, fitted
from cards.markdown import escaped
from cards.summary import plan_reviews
from coverage_policies.judging.assessment import Assessment
from coverage_policies.judging.determination import Determination
from coverage_policies.judging.failures import failed_criteria

_NAMED = 3
"""How many requirements of a section are named."""


def reference_detail(policy: str, about: Iterable[Assessment]) -> str:
    """Return, as Markdown, what a policy requires of each order that is not shown to meet it, and in which section."""
    return fitted(block for each in about for block in _of_assessment(policy, each))


def order_names(assessments: Iterable[Assessment]) -> str:
    """Return the names of the orders of assessments as Markdown, each once."""
    names = (one.order_label for each in assessments for one in each.all_determinations if one.order_label)
    return escaped("; ".join(dict.fromkeys(names)))


def _of_assessment(policy: str, assessment: Assessment) -> Iterator[Block]:
    judged = [each for each in assessment.determinations if each.policy == policy]
    said = dict.fromkeys(filter(None, map(_said, judged)))
    yield Block("", (Line(f"**{order_names([assessment])}**"), *(Line(f"- {each}", 1) for each in said)))


def _said(determination: Determination) -> str:
    if failed := failed_criteria(determination):
        return _listed(determination, "not met", [each.says for each in failed])
    if asked := [each.says for each in determination.questions if each.says]:
        return _listed(determination, "still to document", asked)
    if reviewed := plan_reviews(determination):
        return _listed(determination, "plan medical review", reviewed)
    return ""


def _listed(determination: Determination, what: str, said: Iterable[str]) -> str:
    """Return the section that decided, and what of it: `Section II, not met: The implant crosses the joint.`"""
    listed = [escaped(each.rstrip(".")) for each in dict.fromkeys(said)]
    named = "; ".join([*listed[:_NAMED], *(["and more"] if len(listed) > _NAMED else [])])
    where = f"Section {determination.section}, {what}" if determination.section else what[:1].upper() + what[1:]
    return f"{escaped(where)}: {named}."
