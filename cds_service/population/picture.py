"""The picture of a run: criteria by status, and the evidence that is missing most, as one SVG file."""

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from cds_service.population.summary import Summary
from cds_service.web.svg_plot import LinearScale, number

_WIDTH, _MARGIN = 760, 16
_LEFT, _RIGHT = _MARGIN, _WIDTH - _MARGIN
_ROW, _BAR = 40, 14
_CHARACTER = 7.2
"""About the width of a wide character; fonts differ."""
_STYLE = """\
svg { background: #fff }
text { font: 12px system-ui, sans-serif; fill: #57606a }
.title { font-size: 15px; font-weight: 600; fill: #1b1f24 }
.says { fill: #1b1f24 }
.numbers { text-anchor: end }
.met { fill: #1a7f37 } .not-met { fill: #b42318 } .unknown { fill: #d4a72c } .missing { fill: #0550ae }
@media (prefers-color-scheme: dark) {
svg { background: #0f1419 }
text { fill: #9da7b1 }
.title, .says { fill: #e6edf3 }
.met { fill: #3fb950 } .not-met { fill: #ff6a5e } .unknown { fill: #d29922 } .missing { fill: #79b8ff }
}"""
_STATUSES = (("met", "met"), ("not-met", "not met"), ("unknown", "unknown"))

MOST_MISSING = 10
"""How many kinds of evidence the picture names."""


def picture(title: str, summary: Summary, criteria: Mapping[str, str], questions: Mapping[str, str]) -> str:
    """Return the SVG: a bar for each criterion that counts for some order, then one for each question that is open.

    `criteria` and `questions` are their words by id, the criteria in the order of the document.
    """
    shown = [name for name in criteria if (found := summary.criteria.get(name)) and found.counted]
    most_missing = summary.missing.most_common(MOST_MISSING)
    parts = [_text(_MARGIN, 28, title, "title"), *_legend(48)]
    top = 72
    scale = LinearScale(0, max((summary.criteria[name].counted for name in shown), default=1), _LEFT, _RIGHT)
    for name in shown:
        counts = summary.criteria[name]
        values = [(kind, says, getattr(counts, kind.replace("-", "_"))) for kind, says in _STATUSES]
        parts += _row(top, f"{name} {criteria[name]}", values, scale)
        top += _ROW
    top += 28
    parts.append(_text(_MARGIN, top, "Missing most: open questions by number of orders", "title"))
    top += 20
    scale = LinearScale(0, max((count for _, count in most_missing), default=1), _LEFT, _RIGHT)
    for name, count in most_missing:
        parts += _row(top, f"{name} {questions.get(name, '')}", [("missing", "orders", count)], scale)
        top += _ROW
    said = f"{title}. {len(shown)} criteria by status, and the questions that are open for most orders."
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top + _MARGIN}" role="img" '
        f'aria-labelledby="title says">\n<title id="title">{escape(title)}</title>\n'
        f'<desc id="says">{escape(said)}</desc>\n<style>\n{_STYLE}\n</style>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _legend(y: float) -> list[str]:
    parts: list[str] = []
    for i, (kind, says) in enumerate(_STATUSES):
        x = _MARGIN + i * 90
        parts += [_rect(x, y - 10, 12, 12, kind, says), _text(x + 18, y, says)]
    return parts


def _row(top: float, label: str, values: Sequence[tuple[str, str, int]], scale: LinearScale) -> list[str]:
    """Return the label of a row with its numbers, and below them its bar, whose parts say theirs to a pointer."""
    numbers = " / ".join(f"{value:,}" for _, _, value in values)
    longest = int((_RIGHT - _LEFT) / _CHARACTER) - len(numbers) - 1
    cut = label if len(label) <= longest else f"{label[: longest - 1]}…"
    parts = [_text(_LEFT, top + 10, cut, "says"), _text(_RIGHT, top + 10, numbers, "numbers")]
    before = 0
    for kind, says, value in values:
        if value:
            left, right = scale.at(before), scale.at(before + value)
            parts.append(_rect(left, top + 15, right - left, _BAR, kind, f"{label}: {value:,} {says}"))
            before += value
    return parts


def _text(x: float, y: float, says: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{number(x)}" y="{number(y)}"{named}>{escape(says)}</text>'


def _rect(x: float, y: float, width: float, height: float, kind: str, says: str) -> str:
    place = f'x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"'
    return f'<rect {place} class="{kind}"><title>{escape(says)}</title></rect>'
