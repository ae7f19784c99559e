"""Make chart text safe for GitHub-flavored Markdown (CDS Hooks 2.0.1, card detail)."""

import re

_SPECIAL = re.compile(r"[\\`*_\[\]|<>~&]")
_ENTITIES = {"<": "&lt;", "&": "&amp;"}


def escaped(text: str) -> str:
    """Return the text on one line, with every character escaped that Markdown or HTML would interpret."""
    return _SPECIAL.sub(_escaped, " ".join(text.split()))


def _escaped(special: re.Match[str]) -> str:
    return _ENTITIES.get(special[0]) or f"\\{special[0]}"


def shortened(text: str, length: int) -> str:
    """Return the text cut between words to at most `length` characters, with an ellipsis if it was cut."""
    text = " ".join(text.split())
    if len(text) <= length:
        return text
    return text[: length - 1].rsplit(" ", 1)[0].rstrip(" ,;:–-") + "…"
