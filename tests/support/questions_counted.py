"""Count the screens that a clinician answers on an order: until it is supported, and until a decisive "no"."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from coverage_policies.format.model import APPLIES, PATHWAY, SIDE
from coverage_policies.format.terms import Outcome
from coverage_policies.judging.alternatives import RULED_OUT
from coverage_policies.judging.determination import Question
from coverage_policies.judging.next_screen import Screen
from tests.support.sessions import OPPOSITE, Situation, answers_of, session


@dataclass(frozen=True)
class Counted:
    """The counts of one order and pathway. `until_no` has the screens until each item that fails alone ends it."""

    name: str
    pathway: str
    outcome: Outcome
    screens: int
    answers: int
    until_no: tuple[int, ...]
    until_marked_no: tuple[int, ...]

    @property
    def mean_until_no(self) -> float:
        """The mean over the items that end it. Raises StatisticsError if there is none."""
        return statistics.mean(self.until_no)

    @property
    def mean_until_marked_no(self) -> float:
        """The mean over the items with a place among the questions. Raises StatisticsError if there is none."""
        return statistics.mean(self.until_marked_no)


def counted(of: Situation) -> Iterator[Counted]:
    """Yield the counts of each pathway that remains for an order; nothing if it is settled without an answer."""
    first = of.screen({})
    if first.is_settled or first.question is None:
        return
    for pathway in first.determination.pathways or [""]:
        *asked, last = _screens(of, pathway)
        items = [each.question for each in asked if each.question is not None]
        ended = {item.id: count for item in items if (count := _until_no(of, pathway, item.id))}
        marked = tuple(count for link, count in ended.items() if _is_marked(of, link))
        answers = sum(len(each.parts) or 1 for each in items)
        name = f"{of.name} ({of.policy.full_name})"
        yield Counted(name, pathway, last.outcome, len(items), answers, tuple(ended.values()), marked)


def summary(rows: Sequence[Counted]) -> str:
    """Return the medians and the worst of the counts, in one sentence each."""
    supported = [row for row in rows if row.outcome is Outcome.SUPPORTED]
    screens, answers = [row.screens for row in supported], [row.answers for row in supported]
    means = [row.mean_until_no for row in rows if row.until_no]
    marked = [row.mean_until_marked_no for row in rows if row.until_marked_no]
    return (
        f"until supported: median {statistics.median(screens):g} screens, worst {max(screens)}"
        f" (single answers: {statistics.median(answers):g}, {max(answers)});"
        f" until a decisive no: median of means {statistics.median(means):g}, worst mean {max(means):g},"
        f" last {max(max(row.until_no, default=0) for row in rows)};"
        f" of marked items: {statistics.median(marked):g}, {max(marked):g}"
    )


def _screens(of: Situation, pathway: str, failing: str = "") -> list[Screen]:
    """Return the screens until it is settled, the last one included, if all is favorable but one item."""

    def answered(question: Question) -> Mapping[str, str]:
        chosen = {APPLIES: "yes", PATHWAY: pathway, SIDE: "right"}
        if question.id in chosen:
            return {question.id: chosen[question.id]}
        fails = question.id == failing
        return answers_of(question, lambda part: OPPOSITE[part.met_by] if fails else part.met_by)

    return [shown for shown, _ in session(of, answered)]


def _until_no(of: Situation, pathway: str, failing: str) -> int:
    """Return the screens that are answered until one item that fails ends it; 0 if it does not."""
    if failing in (APPLIES, PATHWAY, SIDE):
        return 0
    *asked, last = _screens(of, pathway, failing)
    return len(asked) if last.outcome in RULED_OUT else 0


def _is_marked(of: Situation, link: str) -> bool:
    """Return whether the author gave an item, or one of its parts, a place among the questions."""
    return any(each.asked is not None for each in of.policy.index[link].walk())
