"""The style sheet, scripts, and icon of the pages: read once, served under addresses that change with their content."""

import hashlib
from importlib import resources
from types import MappingProxyType

from flask import Blueprint, Response, request

from cds_service.hooks.errors import STATUS_ISSUES, RefusedError

static_files = Blueprint("static_files", __name__, url_prefix="/static")

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".txt": "text/plain"}
_FOLDER = resources.files("cds_service.web").joinpath("static")
FILES = MappingProxyType(
    {each.name: each.read_bytes() for each in _FOLDER.iterdir() if f".{each.name.rpartition('.')[2]}" in _TYPES}
)
"""The content of each file by its name."""
VERSIONS = MappingProxyType({name: hashlib.sha256(content).hexdigest()[:12] for name, content in FILES.items()})
"""What stands behind the `?` of the address of each file: a browser keeps the file until this changes."""

_FOR_A_YEAR = "public, max-age=31536000, immutable"


@static_files.get("/<name>")
def send_file(name: str) -> Response:
    """Answer a file; a browser may keep it if it asked for this version. Raise RefusedError (404)."""
    content = FILES.get(name)
    if content is None:
        raise RefusedError(404, STATUS_ISSUES[404])
    response = Response(content, mimetype=_TYPES[f".{name.rpartition('.')[2]}"])
    is_current = request.query_string.decode("ascii", "replace") == VERSIONS[name]
    response.headers["Cache-Control"] = _FOR_A_YEAR if is_current else "no-cache"
    return response
