"""The routes of a single decision: look it up by an id, and replay it."""

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from cds_service.http.services import services
from cds_service.records.database import UnavailableError
from cds_service.records.lookup import FoundDecision, look_up
from cds_service.records.policy_snapshot import policy_versions
from cds_service.records.selection import service_of
from cds_service.records.verify import Check
from cds_service.web.insights.replaying import ReplayError, ReplayInput, replayed
from cds_service.web.insights.stored import stored_records
from cds_service.web.login import operator
from cds_service.web.pages import operator_page
from cds_service.web.site import site

_MOST_CHARACTERS = 200
_MOST_REASON = 500
_TOO_LARGE = "The files or the text are too large. Send a text of more than 500 kB as a file."


def register_decisions(pages: Blueprint) -> None:
    """Add the routes to the pages of insights."""
    pages.add_url_rule("/decision", view_func=show_decision, methods=["GET"])
    pages.add_url_rule("/decision", view_func=replay_decision, methods=["POST"])


def show_decision() -> Response:
    """Answer the decision that `?id=` names; without one the form, and 404 if there is none."""
    name = _name(request.args.get("id", ""))
    try:
        found = _found(name)
    except UnavailableError as error:
        return operator_page("insights/decision.html", 503, **_values(name, None, failure=str(error)))
    return operator_page("insights/decision.html", 404 if name and found is None else 200, **_values(name, found))


def replay_decision() -> Response:
    """Replay the decision that `?id=` names with what the form has, and answer its page with the comparison."""
    name, found = _name(request.args.get("id", "")), None
    try:
        found = _found(name)
        if found is None:
            return operator_page("insights/decision.html", 404, **_values(name, None))
        checks = replayed(found, _given(), stored_records())
    except RequestEntityTooLarge:
        return operator_page("insights/decision.html", 413, **_values(name, found, replay_failure=_TOO_LARGE))
    except ReplayError as error:
        return operator_page("insights/decision.html", 400, **_values(name, found, replay_failure=str(error)))
    except UnavailableError as error:
        return operator_page("insights/decision.html", 503, **_values(name, found, failure=str(error)))
    return operator_page("insights/decision.html", 200, **_values(name, found, checks=checks))


def _found(name: str) -> FoundDecision | None:
    return look_up(stored_records().database, name, services().clock()) if name else None


def _name(text: str) -> str:
    """Return the id that somebody typed; what no id can be is found nowhere."""
    return text.strip()[:_MOST_CHARACTERS].replace("\0", "")


def _given() -> ReplayInput:
    return ReplayInput(
        request=_body("request"),
        chart=_body("chart"),
        reads_samples=request.form.get("samples") == "yes",
        reason=request.form.get("reason", "").strip()[:_MOST_REASON].replace("\0", ""),
        who=_who(),
    )


def _body(name: str) -> bytes:
    """Return what was uploaded, else what was pasted; empty if the stored exchange is to be used."""
    if request.form.get("source") == "stored" and name == "request":
        return b""
    file = request.files.get(f"{name}_file")
    sent = file.read() if file is not None else b""
    return sent or request.form.get(f"{name}_text", "").strip().encode("utf-8", "replace")


def _who() -> str:
    """Return the operator for the record of accesses; where nobody signs in, that it was the page."""
    found = operator()
    if found is None or not (found.name or found.subject):
        return "anybody (page without login)"
    return f"{found.name} ({found.subject})" if found.name else found.subject


def _values(
    name: str,
    found: FoundDecision | None,
    *,
    checks: tuple[Check, ...] = (),
    failure: str = "",
    replay_failure: str = "",
) -> dict[str, object]:
    library, own = services().assessor.library, site()
    says = {
        f"{policy.full_name}#{each.id}": each.says for policy in library.policies.values() for each in policy.walk()
    }
    return {
        "id": name,
        "found": found,
        "service": service_of(found.decision.row["path"]) if found else "",
        "installed": policy_versions(library),
        "says": says,
        "has_samples": own is not None and own.samples is not None,
        "needs_login": own is not None and own.login is not None,
        "checks": checks,
        "differing": sum(not each.is_same for each in checks),
        "failure": failure,
        "replay_failure": replay_failure,
    }
