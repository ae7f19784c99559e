"""Add a client to the clients file; keep its content and comments, and never write an invalid file."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from cds_service.clients.registry import Client, parse_clients
from coverage_policies.format.problems import DocumentError, Problem

Entry = Mapping[str, str | Sequence[str] | Mapping[str, str | Sequence[str]]]
"""A client as the file states it."""


def add_client(path: Path, entry: Entry) -> Client:
    """Append a client to a file, which is created if it does not exist; return the client as read from it.

    Raises DocumentError, and does not change the file, if the result would be invalid.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    before = parse_clients(text, path) if _holds_anything(text) else ()
    longer = _appended(text, entry, path)
    clients = parse_clients(longer, path)
    if clients[:-1] != before:
        raise _cannot_append(path)
    _replace(path, longer)
    return clients[-1]


def _holds_anything(text: str) -> bool:
    return any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines())


def _appended(text: str, entry: Entry, path: Path) -> str:
    """Return the text with the entry appended to the list, which is added if there is none."""
    item = yaml.safe_dump([dict(entry)], sort_keys=False, allow_unicode=True, width=1000)
    indent = "  "
    if not _holds_anything(text):
        text = f"{text}{_line_end(text)}clients:\n"
    else:
        listed = _list(text)
        if listed.flow_style:
            raise _cannot_append(path)
        indent = " " * listed.start_mark.column
    lines = "".join(f"{indent}{line}\n" for line in item.splitlines())
    return f"{text}{_line_end(text)}{lines}"


def _list(text: str) -> yaml.CollectionNode:
    """Return the YAML node of the list in a clients file."""
    root = yaml.compose(text, Loader=yaml.BaseLoader)
    found: yaml.CollectionNode = root.value[0][1]  # type: ignore[union-attr]
    return found


def _line_end(text: str) -> str:
    return "" if not text or text.endswith("\n") else "\n"


def _cannot_append(path: Path) -> DocumentError:
    what = "a client cannot be appended here; write clients: last, with - name: on a line of its own for each"
    return DocumentError([Problem(str(path), 1, what)])


def _replace(path: Path, text: str) -> None:
    """Replace the file atomically and keep its permissions."""
    target = path.resolve()
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=target.parent, prefix=".clients-", delete=False
    ) as file:
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).chmod(target.stat().st_mode & 0o777 if target.exists() else 0o644)
            Path(file.name).replace(target)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
