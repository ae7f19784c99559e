"""The routes of the policy pages. Cards link to the page of a revision, at the anchor of a criterion.

Anyone may read them, since a clinician's browser has no token. Tables of CPT codes are for signed-in operators;
the codes of the orders that a policy covers are for everybody.
"""

from datetime import date

from flask import Blueprint, Response, request

from cards.phrasing import chart_words
from cds_service.http.services import services
from cds_service.web.policies.by_code import look_up, looks_like_code
from cds_service.web.policies.by_words import index_of
from cds_service.web.policies.code_tables import code_tables
from cds_service.web.policies.common_pages import missing_page, shown_page
from cds_service.web.policies.diff_view import changed_parts
from cds_service.web.policies.revision_page import months_of, revision_page
from cds_service.web.policies.visibility import readable_policies, revisions_of, signed_in, visibility_of

policies = Blueprint("policies", __name__, url_prefix="/policies")

_LONGEST_QUERY = 200


@policies.get("")
def search() -> Response:
    """Answer the list of every installed revision or, with `?q=`, what they say about a code or words.

    `on` is the service date for a code, in ISO form; today without one.
    """
    readable = readable_policies()
    query = " ".join(request.args.get("q", "")[:_LONGEST_QUERY].split())
    on, is_date = _service_date()
    is_operator = signed_in()
    assessor = services().assessor
    findings = None
    if looks_like_code(query):
        findings = look_up(query, on, assessor, readable, is_operator=is_operator)
    hits, count = index_of(assessor.library).find(query, readable, is_operator=is_operator)
    return shown_page(
        "policies/index.html",
        policies=tuple(readable.values()),
        visibility={name: visibility_of(policy, assessor.rules).value for name, policy in readable.items()},
        query=query,
        on=on,
        on_words=chart_words(on.isoformat()),
        is_date=is_date,
        findings=findings,
        hits=hits,
        count=count,
    )


@policies.get("/<name>")
def show(name: str) -> Response:
    """Answer the page of a revision, such as CP.MP.126@2025-04, or the history of a policy, such as CP.MP.126."""
    policy = readable_policies().get(name)
    if policy is not None:
        return revision_page(policy)
    revisions = revisions_of(name)
    if not revisions:
        return missing_page(name)
    return shown_page(
        "policies/history.html", policy=revisions[-1], revisions=revisions, months=months_of(name, revisions)
    )


@policies.get("/<name>/diff")
def compare(name: str) -> Response:
    """Answer what changed between two revisions of a policy: `?from=2022-06&to=2025-04`; the two newest by default."""
    revisions = revisions_of(name)
    if not revisions:
        return missing_page(name)
    by_month = {policy.revision: policy for policy in revisions}
    before = by_month.get(request.args.get("from", revisions[-2:][0].revision))
    after = by_month.get(request.args.get("to", revisions[-1].revision))
    if before is None or after is None:
        return missing_page(name)
    return shown_page(
        "policies/diff.html", revisions=revisions, before=before, after=after, changes=changed_parts(before, after)
    )


@policies.get("/<name>/value-sets/<value_set>")
def show_codes(name: str, value_set: str) -> Response:
    """Answer a value set of a revision as a page of its own."""
    policy = readable_policies().get(name)
    tables = code_tables(policy, services().assessor.library.value_sets) if policy else ()
    table = next((each for each in tables if each.name == value_set), None)
    if policy is None or table is None:
        return missing_page(name)
    return shown_page("policies/value_set.html", policy=policy, table=table)


def _service_date() -> tuple[date, bool]:
    """Return the service date that is asked for, and False if it is not a date and today takes its place."""
    written = request.args.get("on", "")
    try:
        return (date.fromisoformat(written) if written else services().today), True
    except ValueError:
        return services().today, False
