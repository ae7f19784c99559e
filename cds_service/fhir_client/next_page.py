"""The address of a next page, which must lie under the base address of the server that sends it.

The token of the call goes with the request for it (CDS Hooks 2.0.1, FHIR Resource Access).
"""

import posixpath
import re
from urllib.parse import unquote, urljoin, urlsplit

from cds_service.fhir_client.allowlist import origin_of

_PLAIN_URL = re.compile(r"[!-\[\]-~]+\Z")
_MOST_DECODINGS = 2
_PATH_PARAMETERS = re.compile(r";[^/]*")


class NextPageRefusedError(Exception):
    """A next page that is not read; the message says why. `origin` is that of its address, empty if it has none."""

    def __init__(self, why: str, target: str) -> None:
        super().__init__(why)
        try:
            parts = urlsplit(target)
            self.origin = origin_of(f"{parts.scheme}://{parts.netloc}")
        except ValueError:
            self.origin = ""


def next_page(base: str, url: str, link: str) -> str:
    """Return the address to which a link on the page at `url` leads.

    Raise NextPageRefusedError unless it lies under the base address after resolving `..`.
    """
    target = link
    try:
        target = urljoin(url, link)
        if not _PLAIN_URL.match(target):
            raise NextPageRefusedError("its address is malformed", target)
        if _origin(base) != _origin(target):
            raise NextPageRefusedError("it is on another server", target)
        base_path, path = _path(base), _path(target)
    except ValueError:
        raise NextPageRefusedError("its address is malformed", target) from None
    if path != base_path and not path.startswith(f"{base_path.rstrip('/')}/"):
        raise NextPageRefusedError("it is not under the base address of the server", target)
    return target


def _origin(url: str) -> tuple[str, str | None, str | None, int | None]:
    """Return scheme, user, host, and port, with the default port of the scheme; raise ValueError if malformed."""
    parts = urlsplit(url)
    return parts.scheme, parts.username, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _path(url: str) -> str:
    """Return the path as the most lenient server may read it; raise ValueError if it is encoded more than twice.

    Some servers decode a path twice, take a backslash for a slash, or ignore `;` and what follows it in a segment.
    """
    path = urlsplit(url).path
    for _ in range(_MOST_DECODINGS):
        path = unquote(path)
    if unquote(path) != path:
        raise ValueError("the path is encoded too often")
    return posixpath.normpath(_PATH_PARAMETERS.sub("", path.replace("\\", "/")) or "/")
