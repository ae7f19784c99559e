"""The page of a revision."""

from collections.abc import Sequence

from flask import Response

from cards.phrasing import chart_words
from cards.summary import headline
from cds_service.http.services import services
from cds_service.web.form_view import badge_of
from cds_service.web.policies.code_tables import code_tables
from cds_service.web.policies.common_pages import shown_page
from cds_service.web.policies.history_view import Month, months
from cds_service.web.policies.patient import Overlay
from cds_service.web.policies.revision_view import KINDS, RevisionView
from cds_service.web.policies.visibility import revisions_of, visibility_of
from coverage_policies.authoring.outline import outline_of
from coverage_policies.format.model import Policy


def revision_page(policy: Policy, laid: Overlay | None = None) -> Response:
    """Return the page of a revision; with an overlay, the same page with the status of each criterion."""
    assessor = services().assessor
    sets = assessor.library.value_sets
    tables = code_tables(policy, sets)
    outline = outline_of(policy, {})
    revisions = revisions_of(policy.name)
    return shown_page(
        "policies/revision.html",
        policy=policy,
        kind=KINDS[policy.kind],
        outline=outline,
        view=RevisionView(policy, outline, [each.name for each in tables]),
        tables=tables,
        others=[each for each in revisions if each is not policy],
        month=next(each for each in months_of(policy.name, revisions) if each.revision == policy.revision),
        visibility=visibility_of(policy, assessor.rules).value,
        laid=laid,
        badge=badge_of(laid.determination) if laid else None,
        headline=headline(laid.determination) if laid else "",
        anchor=chart_words(laid.determination.anchor_date.isoformat()) if laid else "",
    )


def months_of(name: str, readable: Sequence[Policy]) -> tuple[Month, ...]:
    """Return the revisions of a policy that are known, of which these are readable, as of today."""
    found = services()
    installed = found.assessor.library.revisions_of(name)
    return months(readable, installed, found.assessor.rules, found.today)
