"""The filters of the pages, which stand in their addresses so that a link shows the same."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from urllib.parse import urlencode

from cds_service.records.selection import MOST_PERIODS, Period, Selection, Step, periods

_DAYS = 30
_MOST_DAYS = 3_660
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_MOST_CHARACTERS = 200
_YES = "yes"


@dataclass(frozen=True, slots=True)
class Filters:
    """What somebody chose: days `first` to `last`, both included, and the calls to count.

    `policy` is a name such as CP.MP.126, or a full one such as CP.MP.126@2025-04. Empty values limit nothing.
    `problems` say what is wrong with the address; what is wrong in it does not count.
    """

    first: date
    last: date
    step: Step = Step.DAY
    policy: str = ""
    criterion: str = ""
    service: str = ""
    client: str = ""
    includes_tests: bool = False
    problems: tuple[str, ...] = ()

    @classmethod
    def read(cls, args: Mapping[str, str], today: date) -> "Filters":
        """Return the filters in the query of an address. Without any, the last 30 days."""
        problems: list[str] = []
        last = _day(args.get("to", ""), "To", problems) or today
        first = _day(args.get("from", ""), "From", problems) or _before(last, _DAYS - 1)
        if first > last:
            problems.append("From is after To. Choose an earlier day.")
            first = last
        if (last - first).days > _MOST_DAYS:
            problems.append("The days are more than ten years. The last ten years of them count.")
            first = _before(last, _MOST_DAYS)
        step = args.get("step", "") or Step.DAY.value
        if step not in list(Step):
            problems.append("By is none of day, week, and month.")
            step = Step.DAY.value
        chosen = {name: args.get(name, "").strip() for name in ("policy", "criterion", "service", "client")}
        if any(len(each) > _MOST_CHARACTERS or "\0" in each for each in chosen.values()):
            problems.append("A filter is too long, or has characters that no name has.")
            chosen = dict.fromkeys(chosen, "")
        return cls(
            first,
            last,
            _coarse(Step(step), first, last),
            **chosen,
            includes_tests=args.get("tests") == _YES,
            problems=tuple(problems),
        )

    def selection(self, zone: tzinfo) -> Selection:
        """Return the calls to count."""
        policy, _, revision = self.policy.partition("@")
        days = periods(self.first, self.last, Step.DAY, zone)
        return Selection(
            days[0].start,
            days[-1].end,
            policy=policy,
            revision=revision,
            criterion=self.criterion,
            service=self.service,
            client=self.client,
            includes_tests=self.includes_tests,
        )

    def periods(self, zone: tzinfo) -> tuple[Period, ...]:
        """Return the periods to count by; the first and the last may begin before and end after the days chosen."""
        return periods(self.first, self.last, self.step, zone)

    @property
    def query(self) -> str:
        """The query of an address that has the same filters."""
        said = {
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "step": self.step.value,
            "policy": self.policy,
            "criterion": self.criterion,
            "service": self.service,
            "client": self.client,
            "tests": _YES if self.includes_tests else "",
        }
        return urlencode({name: value for name, value in said.items() if value})


def _day(text: str, name: str, problems: list[str]) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text) if _DATE.match(text) else None
    except ValueError:
        day = None
    if day is None or not 1970 <= day.year < 9999:
        problems.append(f"{name} is not a day of the calendar from 1970 on, such as 2026-03-01.")
        return None
    return day


def _before(day: date, days: int) -> date:
    return max(day - timedelta(days=days), date(1970, 1, 1))


def _coarse(step: Step, first: date, last: date) -> Step:
    """Return the step, or the next coarser one that divides the days into few enough periods."""
    days = (last - first).days + 1
    if step is Step.DAY and days > MOST_PERIODS:
        step = Step.WEEK
    return Step.MONTH if step is Step.WEEK and days > 7 * (MOST_PERIODS - 2) else step
