"""`GET /metrics` in Prometheus text format. It needs no token, so expose it only on an internal network."""

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST

from cds_service.http.services import services

metrics = Blueprint("metrics", __name__)


@metrics.get("/metrics", strict_slashes=True)
def show_metrics() -> Response:
    """Answer the metrics of all processes of the service."""
    return Response(services().metrics.exposition(), content_type=CONTENT_TYPE_LATEST)
