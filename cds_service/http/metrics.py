"""`GET /metrics`, in Prometheus' text format. It asks for no token: keep that address inside."""

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST

from cds_service.http.services import services

metrics = Blueprint("metrics", __name__)


@metrics.get("/metrics")
def show_metrics() -> Response:
    """Answer what all processes of the service counted."""
    return Response(services().metrics.exposition(), content_type=CONTENT_TYPE_LATEST)
