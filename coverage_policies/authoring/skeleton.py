"""The start of a new policy: files that load, lint without errors, and pass their cases, to be filled in."""

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from jinja2 import Environment, FileSystemLoader, StrictUndefined

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*\Z")
"""The name of a policy."""

REVISION = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])\Z")
"""A revision: the month it is dated."""

_TEMPLATES = Path(__file__).parent / "skeleton_files"


def skeleton(name: str, revision: str) -> Mapping[PurePosixPath, str]:
    """Return the files of a new policy by their paths in a folder of policies."""
    environment = Environment(  # noqa: S701 (no HTML)
        loader=FileSystemLoader(_TEMPLATES), undefined=StrictUndefined, keep_trailing_newline=True
    )
    prefix = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    paths = {
        "document.yaml": f"documents/{name}/{revision}.yaml",
        "cases.yaml": f"documents/{name}/{revision}.cases.yaml",
        "orders.csv": f"value_sets/{prefix}-orders.csv",
        "diagnoses.csv": f"value_sets/{prefix}-diagnoses.csv",
    }
    return {
        PurePosixPath(path): environment.get_template(template).render(name=name, revision=revision, prefix=prefix)
        for template, path in paths.items()
    }
