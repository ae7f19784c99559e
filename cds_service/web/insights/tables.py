"""The tables of insights, each of which is on a page and a CSV file of its own. They hold nothing of a patient."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from cds_service.hooks.feedback import ACCEPTED, OVERRIDDEN
from cds_service.records.call_counts import Durations
from cds_service.web.insights.figures import Figures
from coverage_policies.format.terms import Outcome, Status

OUTCOMES = tuple(each.value for each in reversed(Outcome))
"""The outcomes, the best first but for not-applicable."""
STATUSES = tuple(each.value for each in Status)
_NO_CARD_ITEM = "the policy as a whole"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with a heading per column: text first, then `numbers` columns of numbers. None stands for no number."""

    name: str
    title: str
    header: tuple[str, ...]
    rows: Sequence[tuple[object, ...]]
    numbers: int


def calls(figures: Figures) -> Table:
    """Return the calls by period and service."""
    counted: dict[tuple[int, str], Counter[str]] = {}
    for (period, service, status), number in figures.calls.counts.items():
        counted.setdefault((period, service), Counter())[kind_of(status)] += number
    rows = [
        (_day(figures, period), service, found["answered"], found["refused"], found["failed"])
        for (period, service), found in sorted(counted.items())
    ]
    header = (_period(figures), "Service", "Answered", "Refused (4xx)", "Failed (5xx)")
    return Table("calls", "Calls", header, rows, 3)


def statuses(figures: Figures) -> Table:
    """Return the calls by service and HTTP status."""
    counted: Counter[tuple[str, int]] = Counter()
    for (_, service, status), number in figures.calls.counts.items():
        counted[service, status] += number
    rows = [(service, str(status), number) for (service, status), number in sorted(counted.items())]
    return Table("statuses", "Calls by service and HTTP status", ("Service", "HTTP status", "Calls"), rows, 1)


def latency(figures: Figures) -> Table:
    """Return how long calls took, by period."""
    rows: list[tuple[object, ...]] = []
    for number, counted in figures.calls.milliseconds.items():
        if found := Durations.of(counted):
            rows.append((_day(figures, number), counted.total(), found.median, found.p95, found.greatest))
    header = (_period(figures), "Calls", "Median (ms)", "95th percentile (ms)", "Longest (ms)")
    return Table("latency", "Duration of calls", header, rows, 4)


def outcomes(figures: Figures) -> Table:
    """Return the determinations by policy revision and outcome."""
    counted: dict[tuple[str, str], Counter[str]] = {}
    for (_, policy, revision, outcome), number in figures.outcomes.items():
        counted.setdefault((policy, revision), Counter())[outcome] += number
    rows = [(*key, *(found[each] for each in OUTCOMES), found.total()) for key, found in sorted(counted.items())]
    header = ("Policy", "Revision", *OUTCOMES, "Total")
    return Table("outcomes", "Outcomes by policy", header, rows, len(OUTCOMES) + 1)


def outcomes_over_time(figures: Figures) -> Table:
    """Return the determinations by period and outcome."""
    counted: dict[int, Counter[str]] = {}
    for (period, _, _, outcome), number in figures.outcomes.items():
        counted.setdefault(period, Counter())[outcome] += number
    rows = [(_day(figures, period), *(found[each] for each in OUTCOMES)) for period, found in sorted(counted.items())]
    return Table("outcomes-over-time", "Outcomes over time", (_period(figures), *OUTCOMES), rows, len(OUTCOMES))


def cards(figures: Figures) -> Table:
    """Return the cards that were shown and suppressed."""
    rows = [(each.outcome, each.indicator, each.shown, each.suppressed) for each in figures.cards]
    return Table("cards", "Cards", ("Outcome", "Indicator", "Shown", "Suppressed"), rows, 2)


def feedback(figures: Figures) -> Table:
    """Return the feedback by criterion."""
    rows = [
        (
            *(each.policy, each.revision, each.criterion or _NO_CARD_ITEM),
            *(each.shown, each.accepted, each.overridden, _percent(each.rate)),
        )
        for each in figures.feedback.by_criterion
    ]
    header = ("Policy", "Revision", "Criterion", "Cards shown", "Accepted", "Overridden", "Accepted (% of feedback)")
    return Table("feedback", "Feedback by criterion", header, rows, 4)


def feedback_over_time(figures: Figures) -> Table:
    """Return the feedback by the period in which the card was shown."""
    found = figures.feedback_by_period
    rows = [
        (_day(figures, period), found[period, ACCEPTED], found[period, OVERRIDDEN])
        for period in sorted({each for each, _ in found})
    ]
    header = (f"{_period(figures)} of the card", "Accepted", "Overridden")
    return Table("feedback-over-time", "Feedback over time", header, rows, 2)


def reasons(figures: Figures) -> Table:
    """Return the override reasons by policy revision."""
    rows = [
        (each.policy, each.revision, reason, number, _percent(number / each.overridden))
        for each in figures.feedback.by_policy
        for reason, number in sorted(each.reasons.items(), key=lambda item: (-item[1], item[0]))
    ]
    header = ("Policy", "Revision", "Reason", "Cards", "Share of overrides (%)")
    return Table("reasons", "Override reasons", header, rows, 2)


def criteria(figures: Figures) -> Table:
    """Return the criteria by status, and how many of them an answer decided."""
    rows = [
        (each.policy, each.revision, each.criterion, *(each.statuses[status] for status in STATUSES), each.answered)
        for each in figures.criteria.lines
    ]
    header = ("Policy", "Revision", "Criterion", "Met", "Not met", "Unknown", "Decided by an answer")
    return Table("criteria", "Criteria by status", header, rows, 4)


def criteria_reasons(figures: Figures) -> Table:
    """Return the criteria by status and reason."""
    rows = [
        (each.policy, each.revision, each.criterion, status, reason or "none", number)
        for each in figures.criteria.lines
        for (status, reason), number in sorted(each.reasons.items())
    ]
    header = ("Policy", "Revision", "Criterion", "Status", "Reason", "Determinations")
    return Table("criteria-reasons", "Criteria by reason", header, rows, 1)


def criterion_over_time(figures: Figures) -> Table:
    """Return the chosen criterion by period and status."""
    found = figures.criteria.by_period
    rows = [
        (_day(figures, period), *(found[period, status] for status in STATUSES))
        for period in sorted({each for each, _ in found})
    ]
    header = (_period(figures), "Met", "Not met", "Unknown")
    return Table("criterion-over-time", f"{figures.filters.criterion or 'One criterion'} over time", header, rows, 3)


_ALL: tuple[Callable[[Figures], Table], ...] = (
    *(calls, statuses, latency, outcomes, outcomes_over_time, cards, feedback, feedback_over_time, reasons, criteria),
    *(criteria_reasons, criterion_over_time),
)
TABLES: Mapping[str, Callable[[Figures], Table]] = MappingProxyType(
    {each.__name__.replace("_", "-"): each for each in _ALL}
)
"""What makes each table, by its name in the address of its CSV file."""


def kind_of(status: int) -> str:
    """Return what an HTTP status says about a call: answered, refused, or failed."""
    return "answered" if status < 400 else "refused" if status < 500 else "failed"


def _period(figures: Figures) -> str:
    return figures.filters.step.value.capitalize()


def _day(figures: Figures, period: int) -> str:
    return figures.periods[period].first.isoformat()


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 1)
