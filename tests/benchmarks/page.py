"""docs/performance.md: prose that stays true, and the numbers of one run."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import thousand_policies
from tests.benchmarks.calls import RESOURCES
from tests.benchmarks.fhir_mode import Queried
from tests.benchmarks.forms import Forms
from tests.benchmarks.levels import Levels
from tests.benchmarks.machine import Machine
from tests.benchmarks.peers import Peers
from tests.benchmarks.processes import ROOT
from tests.benchmarks.ratios import CONNECTIONS, FLOOR, ORJSON_FLOOR, RECORDED, UNRECORDED, Ratios
from tests.benchmarks.scaling import Growth
from tests.benchmarks.stages import OPERATOR, Stages
from tests.benchmarks.svg import bars, curve
from tests.benchmarks.thousand_policies import Thousand
from tests.benchmarks.web_pages import HEALTH, WebPages

PAGE = ROOT / "docs" / "performance.md"
IMAGES = ROOT / "docs" / "images"
_SMALL_MS = 0.05
"""Operators that take less are one row together."""

TEMPLATE = Path(__file__).parent / "page_template.md"


@dataclass(frozen=True, slots=True)
class Results:
    """The measurements of one run."""

    machine: Machine
    ratios: Ratios
    stages: Stages
    growth: tuple[Growth, ...]
    thousand: Thousand
    queried: tuple[Queried, ...]
    forms: Forms
    levels: Levels
    start_seconds: float
    peers: Peers
    web_pages: WebPages


def lines(ratios: Ratios) -> tuple[str, str]:
    """Return the two lines that a script can look for."""
    return (
        f"decision on disk: {ratios.ratio(RECORDED):.2f} times the floor",
        f"decision on disk at {CONNECTIONS} connections: {ratios.ratio_at_many(RECORDED):.2f} times the floor",
    )


def page(results: Results) -> str:
    """Return the text of the page."""
    ratios = results.ratios
    return TEMPLATE.read_text(encoding="utf-8").format(
        kilobytes=round(ratios.body_bytes / 1000),
        resources=RESOURCES,
        machine=_table(("what", "on this page"), results.machine.rows),
        connections=CONNECTIONS,
        burst=4 * CONNECTIONS,
        ratios=_ratios(ratios),
        lines="<br>\n".join(lines(ratios)),
        stages=_stages(results.stages),
        growth="\n\n".join(_growth(each) for each in results.growth),
        loading=_loading(results.thousand),
        among=_among(results.thousand),
        queried=_queried(results.queried),
        screens=results.forms.screens,
        forms=_forms(results.forms),
        levels=_levels(results.levels),
        memory=_memory(results),
        peers=_peers(results.peers),
        health=HEALTH,
        decisions=f"{results.web_pages.decisions:,}",
        pages=_pages(results.web_pages),
    )


def pictures(results: Results) -> dict[str, str]:
    """Return the pictures of the page by the names of their files."""
    found = {
        f"performance-{each.name}.svg": curve(
            f"CPU time of a call in ms, by {_plural(each)}", _plural(each), each.points
        )
        for each in results.growth
    }
    rows = [(name.replace("`", ""), ms) for name, ms in _merged(results.stages)]
    return found | {"performance-stages.svg": bars("CPU time of a call by stage", "ms", rows)}


def _ratios(ratios: Ratios) -> str:
    names = {
        RECORDED: "order-sign, decision on disk",
        UNRECORDED: "order-sign, nothing stored",
        FLOOR: "floor: Flask's JSON",
        ORJSON_FLOOR: "floor: orjson",
    }
    one, many = "median ms at 1 connection", f"median ms at {CONNECTIONS}"
    head = ("", one, "× floor", "× orjson's", many, "× floor", "× orjson's", "CPU ms", "× floor", "errors")
    rows = []
    for name, says in names.items():
        if name not in ratios.timings:
            rows.append((f"{says}, not measured: {ratios.no_orjson}", *["–"] * (len(head) - 1)))
            continue
        timing = ratios.timings[name]
        errors = timing.one.errors + timing.many.errors
        at_one = [f"{timing.one.ms(50):.2f}", *_times(ratios, name, ratios.ratio)]
        at_many = [f"{timing.many.ms(50):.1f}", *_times(ratios, name, ratios.ratio_at_many)]
        cpu = [f"{timing.cpu_ms:.1f}", f"{timing.cpu_ms / ratios.timings[FLOOR].cpu_ms:.1f}"]
        rows.append((says, *at_one, *at_many, *cpu, str(errors)))
    return _table(head, rows)


def _times(ratios: Ratios, name: str, ratio: Callable[[str, str], float]) -> list[str]:
    return [f"{ratio(name, floor):.2f}" if floor in ratios.timings else "–" for floor in (FLOOR, ORJSON_FLOOR)]


def _merged(stages: Stages) -> list[tuple[str, float]]:
    """Return the stages, the small operators as one."""
    small = [ms for name, ms in stages.by_stage if name.startswith(OPERATOR) and ms < _SMALL_MS]
    kept = [(name, ms) for name, ms in stages.by_stage if not name.startswith(OPERATOR) or ms >= _SMALL_MS]
    last = max((i for i, (name, _) in enumerate(kept) if name.startswith(OPERATOR)), default=len(kept) - 1)
    return [*kept[: last + 1], *([("other operators", sum(small))] if small else []), *kept[last + 1 :]]


def _stages(stages: Stages) -> str:
    rows = [(name, f"{ms:.2f}", f"{ms / stages.total * 100:.0f}") for name, ms in _merged(stages)]
    return _table(("stage", "CPU ms", "%"), [*rows, ("**a call**", f"**{stages.total:.2f}**", "100")])


def _growth(growth: Growth) -> str:
    rows = []
    before: tuple[int, float] | None = None
    for size, ms in growth.points:
        more = f"{(ms - before[1]) / (size - before[0]):.3f}" if before else ""
        rows.append((f"{size:,}", f"{ms:.1f}", f"{ms / growth.points[0][1]:.2f}", more))
        before = size, ms
    head = (_plural(growth), "CPU ms", "times the first", f"ms for one more {growth.unit}")
    name = f"CPU time by {_plural(growth)}"
    return f"![{name}](images/performance-{growth.name}.svg)\n\n{_table(head, rows)}"


def _loading(found: Thousand) -> str:
    floor = found.works[thousand_policies.FLOOR]
    rows = [(what, f"{seconds * 1000:.0f}", f"{seconds / floor:.2f}") for what, seconds in found.works.items()]
    return _table((f"{found.policies:,} policies, {found.value_sets:,} value sets", "CPU ms", "× floor"), rows)


def _among(found: Thousand) -> str:
    rows = [
        (what, f"{few * 1000:.2f}", f"{many * 1000:.2f}", f"{many / few:.2f}")
        for what, (few, many) in found.calls.items()
    ]
    head = ("a call", f"CPU ms among {found.shipped}", f"among {found.policies:,}", "ratio")
    return _table(head, rows)


def _plural(growth: Growth) -> str:
    first, *rest = growth.unit.split(" in ")
    return " in ".join((f"{first}s", *rest))


def _queried(queried: Iterable[Queried]) -> str:
    rows = [
        (
            f"{each.delay_ms} ms",
            f"{each.load.ms(50):.0f}",
            f"{each.multiple:.2f}",
            f"{each.queries:.0f}",
            f"{each.cpu_ms:.0f}",
            str(each.load.errors),
        )
        for each in queried
    ]
    return _table(("a query takes", "a call, ms", "× query", "queries", "CPU ms", "errors"), rows)


def _forms(found: Forms) -> str:
    rows = [
        (
            name,
            f"{timing.load.ms(50):.2f}",
            f"{found.ratio(name):.2f}",
            f"{timing.sent / 1000:.1f}",
            f"{timing.received / 1000:.1f}",
            str(timing.load.errors),
        )
        for name, timing in found.timings.items()
    ]
    return _table(("", "median ms", "× floor", "kB sent", "kB received", "errors"), rows)


def _levels(levels: Levels) -> str:
    rows = [
        (
            str(connections),
            f"{load.calls_per_second:.0f}",
            *(f"{load.ms(percent):.0f}" for percent in (50, 95, 99)),
            str(load.errors),
        )
        for connections, load in levels.by_connections.items()
    ]
    return _table(("connections", "calls/s", "p50 ms", "p95 ms", "p99 ms", "errors"), rows)


def _memory(results: Results) -> str:
    levels = results.levels
    rows = (
        ("resident memory of a worker after the first call", f"{levels.mib_at_start:.0f} MiB"),
        (f"resident memory of a worker after {levels.calls:,} calls", f"{levels.mib_after:.0f} MiB"),
        ("from executing `cds-service serve` to the first answer to a hook call", f"{results.start_seconds:.1f} s"),
    )
    return _table(("", "measured"), rows)


def _peers(peers: Peers) -> str:
    rows = [(each.name, f"{each.load.ms(50):.1f}", f"{each.cpu_ms:.1f}", str(each.load.errors)) for each in peers.peers]
    if peers.missing:
        rows.append((f"HealthChain: not measured, {peers.missing}", "–", "–", "–"))
    return _table(("", "median ms", "CPU ms", "errors"), rows)


def _pages(found: WebPages) -> str:
    rows = [
        (
            f"`{name}`" if name.startswith("/") and " " not in name else name,
            f"{step.load.ms(50):.1f}",
            f"{found.multiple(name):.1f}",
            f"{step.size / 1000:.0f}" if step.is_whole and name != HEALTH else "–",
            str(step.load.errors),
        )
        for name, step in found.steps.items()
    ]
    return _table(("", "median ms", f"× {HEALTH}", "kB with its files", "errors"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    written = [head, ["---", *["--:" if len(head) > 2 else "---"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in written)
