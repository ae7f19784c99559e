"""Make chart text safe for GitHub-flavored Markdown (CDS Hooks 2.0.1, card detail)."""

import re

_SPECIAL = re.compile(r"[\\`*_\[\]|<>~&]")


def escaped(text: str) -> str:
    """Return the text on one line, with every character escaped that Markdown or HTML would interpret."""
    line = _SPECIAL.sub(_with_backslash, " ".join(text.split()))
    return line.replace("\\<", "&lt;").replace("\\&", "&amp;")


def _with_backslash(special: re.Match[str]) -> str:
    return f"\\{special[0]}"


def shortened(text: str, length: int) -> str:
    """Return the text cut between words to at most `length` characters, with an ellipsis if it was cut."""
    text = " ".join(text.split())
    if len(text) <= length:
        return text
    return text[: length - 1].rsplit(" ", 1)[0].rstrip(" ,;:–-") + "…"
