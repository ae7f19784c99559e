"""The pages of the policies: what is installed, and how a revision judges an order, with an anchor per criterion.

They list no codes, so that no table of CPT codes leaves the service without a client's token.
"""

from dataclasses import replace

from flask import Blueprint, Response

from cds_service.hooks.errors import STATUS_ISSUES, RefusedError
from cds_service.http.services import services
from cds_service.web.pages import html_page
from coverage_policies.authoring.description import DescriptionLine
from coverage_policies.authoring.outline import OutlineItem, outline_of

policies = Blueprint("policies", __name__)

_HEADINGS = {
    "asks": "Question",
    "card says": "If it is not met",
    "override": "Reason to override",
    "suggests": "Suggestion",
    "counts": "Counts",
    "follows": "Consequence",
    "interpretation": "Our reading",
    "note": "Note",
}
"""What a reader sees at once, by the kind of the line; how the chart decides is folded away."""
_CODES = "codes"


@policies.get("/policies")
def list_policies() -> Response:
    """Answer the page that lists every installed revision."""
    installed = services().assessor.library.policies.values()
    return html_page("policies.html", policies=sorted(installed, key=lambda each: each.full_name))


@policies.get("/policies/<revision>")
def show_policy(revision: str) -> Response:
    """Answer the page of a revision, such as CP.MP.126@2025-04; 404 if it is not installed."""
    policy = services().assessor.library.policies.get(revision)
    if policy is None:
        raise RefusedError(404, STATUS_ISSUES[404])
    outline = outline_of(policy, {})
    orders = tuple(_without_codes(each) for each in outline.orders)
    return html_page(
        "policy.html",
        policy=policy,
        outline=outline,
        orders=orders,
        headings=_HEADINGS,
    )


def _without_codes(entry: OutlineItem) -> OutlineItem:
    kept: tuple[DescriptionLine, ...] = tuple(line for line in entry.lines if line.kind != _CODES)
    return replace(entry, lines=kept)
