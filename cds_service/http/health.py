"""The health routes: `/health/ready` checks whether the service can answer calls, `/health/live` only the process."""

from flask import Blueprint, Response

from cds_service.http.json_body import json_response
from cds_service.http.services import services

health = Blueprint("health", __name__)


@health.get("/health/live")
def live() -> Response:
    """Answer that the process is alive."""
    return json_response({"status": "ok"})


@health.get("/health/ready")
def ready() -> Response:
    """Answer whether the service can answer calls, and what is missing."""
    found = {check.name: check() for check in services().checks}
    missing = [name for name, condition in found.items() if not condition.is_ready]
    says: dict[str, object] = {"status": "not ready" if missing else "ready"}
    if missing:
        says["not_ready"] = missing
    says |= {name: condition.as_json() for name, condition in found.items()}
    return json_response(says, 503 if missing else 200)
