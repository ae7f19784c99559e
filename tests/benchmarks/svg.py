"""Pictures of measurements as SVG, readable on light and on dark pages."""

import math
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 40, 48, 52
_TICKS = 5
_BAR, _GAP, _LABELS = 18, 8, 300
_STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #57606a }
.title { font-size: 15px; font-weight: 600; fill: #24292f }
.value { fill: #24292f }
.grid { stroke: #d0d7de }
.axis { stroke: #57606a }
.line { stroke: #0969da; stroke-width: 2; fill: none }
.straight { stroke: #57606a; stroke-dasharray: 4 4; fill: none }
.dot, .bar { fill: #0969da }
@media (prefers-color-scheme: dark) {
text { fill: #9198a1 }
.title, .value { fill: #f0f6fc }
.grid { stroke: #3d444d }
.axis, .straight { stroke: #9198a1 }
.line { stroke: #4493f8 }
.dot, .bar { fill: #4493f8 }
}"""


def ticks(largest: float, most: int = _TICKS) -> list[float]:
    """Return round numbers from 0 on, at most so many steps, of which the last is not below the largest value."""
    step = largest / most if largest > 0 else 1.0
    power = 10.0 ** math.floor(math.log10(step))
    step = next(each * power for each in (1, 2, 5, 10) if each * power >= step * (1 - 1e-9))
    return [step * i for i in range(math.ceil(largest / step - 1e-9) + 1)] if largest > 0 else [0.0, step]


def curve(title: str, across_is: str, points: Sequence[tuple[float, float]]) -> str:
    """Draw values over a size, with the straight line through the first two points, dashed, to compare with."""
    (x0, y0), (x1, y1) = points[0], points[1]
    last = points[-1][0]
    straight = y0 + (y1 - y0) / (x1 - x0) * (last - x0)
    across = [value for value in ticks(last) if value <= last * 1.02]
    up = ticks(max(straight, *(y for _, y in points)))

    def x(value: float) -> float:
        return _LEFT + value / last * (WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return HEIGHT - _BOTTOM - value / up[-1] * (HEIGHT - _TOP - _BOTTOM)

    parts = [_text(_LEFT, 24, title, "title")]
    for value in up:
        parts.append(_line("grid" if value else "axis", (x(0), y(value)), (x(last), y(value))))
        parts.append(_text(x(0) - 8, y(value) + 4, f"{value:,g}", anchor="end"))
    parts += [_text(x(value), y(0) + 18, f"{value:,g}", anchor="middle") for value in across]
    parts.append(_text(x(last), HEIGHT - 12, across_is, anchor="end"))
    if len(points) > 2:
        parts.append(_line("straight", (x(x0), y(y0)), (x(last), y(straight))))
    parts.append(_line("line", *((x(px), y(py)) for px, py in points)))
    for px, py in points:
        parts.append(f'<circle class="dot" cx="{x(px):.1f}" cy="{y(py):.1f}" r="4"/>')
        label = f"{py:.3g}" if py < 100 else f"{py:,.0f}"
        parts.append(_text(x(px), y(py) - 10, label, "value", "start" if x(px) < _LEFT + 12 else "middle"))
    return _picture(title, HEIGHT, parts)


def bars(title: str, unit: str, rows: Sequence[tuple[str, float]]) -> str:
    """Draw a bar for each named value."""
    scale = (WIDTH - _LABELS - 70) / max(value for _, value in rows)
    parts = [_text(16, 24, title, "title")]
    for i, (name, value) in enumerate(rows):
        top = _TOP + i * (_BAR + _GAP)
        middle = top + _BAR / 2 + 4
        parts.append(_text(_LABELS - 8, middle, name, anchor="end"))
        parts.append(
            f'<rect class="bar" x="{_LABELS}" y="{top}" width="{max(value * scale, 1):.1f}" height="{_BAR}" rx="2"/>'
        )
        parts.append(_text(_LABELS + max(value * scale, 1) + 6, middle, f"{value:.2f} {unit}", "value"))
    return _picture(title, _TOP + len(rows) * (_BAR + _GAP) + 8, parts)


def _picture(title: str, height: float, parts: Iterable[str]) -> str:
    inner = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
        f'height="{height:.0f}" role="img">\n<title>{escape(title)}</title>\n'
        f"<style>\n{_STYLE}\n</style>\n{inner}\n</svg>\n"
    )


def _line(kind: str, *points: tuple[float, float]) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="{kind}" points="{path}"/>'


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    of_kind = f' class="{kind}"' if kind else ""
    return f'<text{of_kind} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
