"""Text that may come from a chart, made safe to stand in GitHub-flavoured Markdown (CDS Hooks 2.0.1, card detail)."""

import re

_SPECIAL = re.compile(r"([\\`*_\[\]|<>~&])")
_SPACE = re.compile(r"\s+")


def escaped(text: str) -> str:
    """The text on one line, with everything escaped that Markdown or HTML would act on inside a line."""
    return _SPECIAL.sub(r"\\\1", _SPACE.sub(" ", text)).strip().replace("\\<", "&lt;").replace("\\&", "&amp;")


def shortened(text: str, length: int) -> str:
    """The text cut at a word to at most `length` characters, with an ellipsis where something was cut."""
    text = _SPACE.sub(" ", text).strip()
    if len(text) <= length:
        return text
    return text[: length - 1].rsplit(" ", 1)[0].rstrip(" ,;:–-") + "…"
