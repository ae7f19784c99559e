"""What stands on each page of insights: plots, and the tables behind them."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cds_service.hooks.feedback import ACCEPTED, OVERRIDDEN
from cds_service.records.call_counts import Durations
from cds_service.records.criterion_counts import CriterionCount
from cds_service.web.insights import tables
from cds_service.web.insights.figures import Figures
from cds_service.web.insights.plots import Plot, Series, columns, lines, rows
from cds_service.web.insights.tables import OUTCOMES, STATUSES, Table
from coverage_policies.format.terms import Status

_MOST_SERVICES = 5
_MOST_ROWS = 10
_KINDS_OF_OUTCOMES = {
    "supported": "plot-good",
    "documentation-needed": "plot-open",
    "case-review": "plot-1",
    "criteria-not-met": "plot-bad",
    "not-supported": "plot-worst",
    "not-evaluated": "plot-2",
    "not-applicable": "plot-none",
}
_KINDS_OF_STATUSES = {
    Status.MET.value: "plot-good",
    Status.NOT_MET.value: "plot-bad",
    Status.UNKNOWN.value: "plot-open",
}


@dataclass(frozen=True, slots=True)
class Section:
    """A plot, and the tables behind it."""

    title: str
    plot: Plot
    tables: Sequence[Table]


@dataclass(frozen=True, slots=True)
class Key:
    """A number that stands for the page, and what it is."""

    name: str
    says: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page of insights: its title, what is on it, and the numbers at its top."""

    title: str
    sections: Callable[[Figures], tuple[Section, ...]]
    keys: Callable[[Figures], tuple[Key, ...]]


def _call_sections(figures: Figures) -> tuple[Section, ...]:
    counted: dict[str, Counter[int]] = {}
    for (period, service, status), number in figures.calls.counts.items():
        kind = tables.kind_of(status)
        counted.setdefault(service if kind == "answered" else kind, Counter())[period] += number
    services = sorted(counted.keys() - {"refused", "failed"}, key=lambda each: (-counted[each].total(), each))
    for each in services[_MOST_SERVICES:]:
        counted.setdefault("other services", Counter()).update(counted[each])
    named = [(f"plot-{i}", each) for i, each in enumerate(services[:_MOST_SERVICES], start=1)]
    named += [("plot-none", "other services"), ("plot-open", "refused"), ("plot-bad", "failed")]
    series = [Series(kind, each, _over(figures, counted[each])) for kind, each in named if each in counted]
    labels = _days(figures)
    durations = [Durations.of(counted) for counted in figures.calls.milliseconds.values()]
    took = [
        Series("plot-1", "median", [each.median if each else 0 for each in durations]),
        Series("plot-bad", "95th percentile", [each.p95 if each else 0 for each in durations]),
    ]
    step = figures.filters.step.value
    return (
        Section(
            "Calls",
            columns("calls", "Calls", f"Calls per {step}, by service; refused and failed ones apart.", labels, series),
            (tables.calls(figures), tables.statuses(figures)),
        ),
        Section(
            "Duration",
            lines("latency", "Duration", f"Milliseconds until the decision was stored, per {step}.", labels, took),
            (tables.latency(figures),),
        ),
    )


def _call_keys(figures: Figures) -> tuple[Key, ...]:
    kinds: Counter[str] = Counter()
    for (_, _, status), number in figures.calls.counts.items():
        kinds[tables.kind_of(status)] += number
    took = figures.calls.durations
    return (
        Key("Calls", f"{kinds.total():,}"),
        Key("Refused", f"{kinds['refused']:,}"),
        Key("Failed", f"{kinds['failed']:,}"),
        Key("Median", f"{took.median:,} ms" if took else "–"),
        Key("95th percentile", f"{took.p95:,} ms" if took else "–"),
    )


def _outcome_sections(figures: Figures) -> tuple[Section, ...]:
    by_policy, by_period = Counter[tuple[str, str]](), Counter[tuple[int, str]]()
    for (period, policy, revision, outcome), number in figures.outcomes.items():
        by_policy[f"{policy}@{revision}", outcome] += number
        by_period[period, outcome] += number
    policies = sorted({name for name, _ in by_policy})
    kinds = _KINDS_OF_OUTCOMES
    here = [each for each in OUTCOMES if any(outcome == each for _, outcome in by_policy)]
    totals = [sum(by_policy[name, each] for each in here) for name in policies]
    labels = [f"{name}: {total:,}" for name, total in zip(policies, totals, strict=True)]
    stacked = [Series(kinds[each], each, [by_policy[name, each] for name in policies]) for each in here]
    over = [
        Series(kinds[each], each, [by_period[number, each] for number in range(len(figures.periods))]) for each in here
    ]
    step = figures.filters.step.value
    return (
        Section(
            "Outcomes by policy",
            rows("outcomes", "Outcomes by policy", "Determinations by policy revision and outcome.", labels, stacked),
            (tables.outcomes(figures),),
        ),
        Section(
            "Outcomes over time",
            columns("outcomes-over-time", "Outcomes", f"Determinations per {step}, by outcome.", _days(figures), over),
            (tables.outcomes_over_time(figures),),
        ),
    )


def _outcome_keys(figures: Figures) -> tuple[Key, ...]:
    counted: Counter[str] = Counter()
    for (_, _, _, outcome), number in figures.outcomes.items():
        counted[outcome] += number
    total = counted.total()
    shares = [(each, _share(counted[each], total)) for each in OUTCOMES if counted[each]]
    return (Key("Determinations", f"{total:,}"), *(Key(_words(each), says) for each, says in shares))


def _feedback_sections(figures: Figures) -> tuple[Section, ...]:
    outcomes = sorted({each.outcome for each in figures.cards})
    shown, suppressed = Counter[str](), Counter[str]()
    for each in figures.cards:
        shown[each.outcome] += each.shown
        suppressed[each.outcome] += each.suppressed
    reasons: Counter[str] = Counter()
    for line in figures.feedback.by_policy:
        reasons.update(line.reasons)
    common = [name for name, _ in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:_MOST_ROWS]]
    given = figures.feedback_by_period
    over = [
        Series(kind, outcome, [given[number, outcome] for number in range(len(figures.periods))])
        for kind, outcome in (("plot-good", ACCEPTED), ("plot-bad", OVERRIDDEN))
    ]
    cards = [
        Series("plot-1", "shown", [shown[each] for each in outcomes]),
        Series("plot-none", "suppressed", [suppressed[each] for each in outcomes]),
    ]
    of_cards = [f"{each}: {shown[each]:,} shown, {suppressed[each]:,} suppressed" for each in outcomes]
    of_reasons = [f"{each}: {reasons[each]:,}" for each in common]
    overrides = [Series("plot-bad", "overrides", [reasons[each] for each in common])]
    return (
        Section(
            "Cards",
            rows("cards", "Cards", "Cards that were shown, and suppressed after an override.", of_cards, cards),
            (tables.cards(figures),),
        ),
        Section(
            "Override reasons",
            rows("reasons", "Override reasons", "Overridden cards by reason.", of_reasons, overrides),
            (tables.reasons(figures),),
        ),
        Section(
            "Feedback",
            columns("feedback-over-time", "Feedback", "Cards by what became of them.", _days(figures), over),
            (tables.feedback_over_time(figures), tables.feedback(figures)),
        ),
    )


def _feedback_keys(figures: Figures) -> tuple[Key, ...]:
    shown, suppressed = sum(each.shown for each in figures.cards), sum(each.suppressed for each in figures.cards)
    said = Counter(outcome for _, outcome in figures.feedback.given)
    return (
        Key("Cards shown", f"{shown:,}"),
        Key("Cards suppressed", f"{suppressed:,}"),
        Key("Cards with feedback", f"{said.total():,}"),
        Key("Accepted", _share(said[ACCEPTED], said.total())),
        Key("Overridden", _share(said[OVERRIDDEN], said.total())),
    )


def _criterion_sections(figures: Figures) -> tuple[Section, ...]:
    found, asked = figures.single_criteria(), figures.single_criteria(with_asked_groups=True)
    ranked = (
        Section("What fails most", _ranked("failing", "not met", found, lambda each: each.failed), ()),
        Section("What is documented least", _ranked("open", "unknown", found, lambda each: each.undocumented), ()),
        Section(
            "What clinicians answer",
            _ranked("answered", "decided by an answer", asked, lambda each: each.answered),
            (tables.criteria(figures), tables.criteria_reasons(figures)),
        ),
    )
    if not figures.filters.criterion:
        return ranked
    by_period = figures.criteria.by_period
    over = [
        Series(_KINDS_OF_STATUSES[each], each, [by_period[number, each] for number in range(len(figures.periods))])
        for each in STATUSES
    ]
    title = f"{figures.filters.criterion} over time"
    plot = columns("criterion-over-time", title, "Determinations by status.", _days(figures), over)
    return (Section(title, plot, (tables.criterion_over_time(figures),)), *ranked)


def _ranked(name: str, how: str, found: Sequence[CriterionCount], rank: Callable[[CriterionCount], int]) -> Plot:
    """Return the plot of the criteria that come first by a number of determinations, and of all their statuses."""
    first = sorted((each for each in found if rank(each)), key=lambda each: (-rank(each), each.criterion))[:_MOST_ROWS]
    labels = [f"{each.policy}@{each.revision} {each.criterion} ({rank(each):,} of {each.total:,})" for each in first]
    series = [
        Series(_KINDS_OF_STATUSES[status], status, [each.statuses[status] for each in first]) for status in STATUSES
    ]
    return rows(name, f"Criteria that were {how}", f"Criteria by how often they were {how}.", labels, series)


def _criterion_keys(figures: Figures) -> tuple[Key, ...]:
    counted: Counter[str] = Counter()
    answered = 0
    for each in figures.single_criteria():
        counted.update(each.statuses)
        answered += each.answered
    total = counted.total()
    return (
        Key("Criteria evaluated", f"{total:,}"),
        *(Key(_words(each), _share(counted[each], total)) for each in STATUSES),
        Key("Decided by an answer", _share(answered, total)),
    )


PAGES = {
    "calls": Page("Calls", _call_sections, _call_keys),
    "outcomes": Page("Outcomes", _outcome_sections, _outcome_keys),
    "feedback": Page("Cards and feedback", _feedback_sections, _feedback_keys),
    "criteria": Page("Criteria", _criterion_sections, _criterion_keys),
}
"""The pages by the last part of their address."""


def _over(figures: Figures, counted: Counter[int]) -> list[int]:
    return [counted[number] for number in range(len(figures.periods))]


def _days(figures: Figures) -> list[str]:
    form = "%b %Y" if figures.filters.step.value == "month" else "%b %d"
    return [f"{each.first:{form}}" for each in figures.periods]


def _words(term: str) -> str:
    return term.replace("-", " ").capitalize()


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({100 * part / whole:.0f}%)" if whole else "0"
