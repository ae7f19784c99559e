"""The routes of the policy pages. Cards link to the page of a revision, at the anchor of a criterion.

Anyone may read them, since a clinician's browser has no client's token. Tables of CPT codes and a patient laid over a
policy are for signed-in operators; the codes of the orders that a policy covers are for everybody.
"""

from datetime import date

from flask import Blueprint, Response, request

from cards.phrasing import chart_words
from cards.summary import headline
from cds_service.http.services import services
from cds_service.web.form_view import badge_of
from cds_service.web.pages import html_page, operator_page
from cds_service.web.policies.by_code import look_up, looks_like_code
from cds_service.web.policies.by_words import index_of
from cds_service.web.policies.code_tables import code_tables
from cds_service.web.policies.diff_view import changed_parts
from cds_service.web.policies.history_view import months
from cds_service.web.policies.patient import NoOverlayError, Overlay, overlay
from cds_service.web.policies.revision_view import KINDS, RevisionView
from cds_service.web.policies.visibility import readable_policies, revisions_of, signed_in, visibility_of
from cds_service.web.sandbox.case import Case, CaseError
from cds_service.web.site import SampleServer, site
from coverage_policies.authoring.outline import outline_of
from coverage_policies.format.model import Policy

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
    return _page(
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
        return _revision(policy, None)
    revisions = revisions_of(name)
    if not revisions:
        return _missing(name)
    listed = months(revisions, services().assessor.rules, _today())
    return _page("policies/history.html", policy=revisions[-1], revisions=revisions, months=listed)


@policies.get("/<name>/diff")
def compare(name: str) -> Response:
    """Answer what changed between two revisions of a policy: `?from=2022-06&to=2025-04`; the two newest by default."""
    revisions = revisions_of(name)
    if not revisions:
        return _missing(name)
    months_of = {policy.revision: policy for policy in revisions}
    before = months_of.get(request.args.get("from", revisions[-2:][0].revision))
    after = months_of.get(request.args.get("to", revisions[-1].revision))
    if before is None or after is None:
        return _missing(name)
    return _page(
        "policies/diff.html", revisions=revisions, before=before, after=after, changes=changed_parts(before, after)
    )


@policies.get("/<name>/value-sets/<value_set>")
def show_codes(name: str, value_set: str) -> Response:
    """Answer a value set of a revision as a page of its own."""
    policy = readable_policies().get(name)
    tables = code_tables(policy, services().assessor.library.value_sets) if policy else ()
    table = next((each for each in tables if each.name == value_set), None)
    if policy is None or table is None:
        return _missing(name)
    return _page("policies/value_set.html", policy=policy, table=table)


@policies.post("/<name>/patient")
def lay_over_patient(name: str) -> Response:
    """Answer the page of a revision with the status of each criterion for an order of a case of the sandbox.

    The form has `case`, the `order` by its reference, and the `token` for its FHIR server. For signed-in operators.
    """
    if not signed_in():
        return _problem("Sign in to lay a patient over a policy", "Only operators may read charts here.", 403)
    policy = readable_policies().get(name)
    if policy is None:
        return _missing(name)
    try:
        case = Case.parse(request.form.get("case", ""))
        samples = _samples()
        is_sample = samples is not None and case.fhir_server == samples.address
        token = samples.token if samples is not None and is_sample else request.form.get("token", "")
        found = overlay(policy, case, request.form.get("order", ""), token, samples, services())
    except CaseError as error:
        return _problem("This case cannot be read", str(error), 400)
    except NoOverlayError as error:
        return _problem("The patient cannot be laid over this policy", str(error), 422)
    return _revision(policy, found)


def _revision(policy: Policy, laid: Overlay | None) -> Response:
    assessor = services().assessor
    sets = assessor.library.value_sets
    tables = code_tables(policy, sets)
    outline = outline_of(policy, {})
    others = [each for each in revisions_of(policy.name) if each is not policy]
    return _page(
        "policies/revision.html",
        policy=policy,
        kind=KINDS[policy.kind],
        outline=outline,
        view=RevisionView(policy, outline, [each.name for each in tables]),
        tables=tables,
        others=others,
        month=next(
            each
            for each in months(revisions_of(policy.name), assessor.rules, _today())
            if each.revision == policy.revision
        ),
        visibility=visibility_of(policy, assessor.rules).value,
        laid=laid,
        badge=badge_of(laid.determination) if laid else None,
        headline=headline(laid.determination) if laid else "",
        anchor=chart_words(laid.determination.anchor_date.isoformat()) if laid else "",
        notes=tuple(map(chart_words, laid.determination.notes)) if laid else (),
    )


def _page(template: str, status: int = 200, **values: object) -> Response:
    """Return a page; what a signed-in operator sees is not stored by browsers."""
    show_page = operator_page if signed_in() else html_page
    return show_page(template, status, is_operator=signed_in(), **values)


def _missing(name: str) -> Response:
    """Return the page for what is not installed, with the revisions that there are of the policy."""
    return _page("policies/missing.html", 404, revisions=revisions_of(name.partition("@")[0]))


def _problem(title: str, says: str, status: int) -> Response:
    return _page("policies/problem.html", status, heading=title, says=says)


def _service_date() -> tuple[date, bool]:
    """Return the service date that is asked for, and False if it is not a date and today takes its place."""
    written = request.args.get("on", "")
    try:
        return (date.fromisoformat(written) if written else _today()), True
    except ValueError:
        return _today(), False


def _today() -> date:
    found = services()
    return found.clock().astimezone(found.settings.time_zone).date()


def _samples() -> SampleServer | None:
    found = site()
    return found.samples if found else None
