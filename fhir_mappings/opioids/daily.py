"""The dose of opioids of each day, from what was certainly taken to what may have been taken."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from fhir_mappings.opioids.bounds import least
from fhir_mappings.opioids.history import are_too_many, read_history
from fhir_mappings.opioids.lines import Dose, dose
from fhir_mappings.opioids.series import earlier, series
from fhir_mappings.opioids.sources import sources
from fhir_mappings.record import PatientRecord


@dataclass(frozen=True, slots=True)
class DailyDose:
    """The dose of each day from `first` to `last`, both inclusive."""

    first: date
    last: date
    dose: Dose


def daily_doses(record: PatientRecord, on: date, days: int) -> tuple[DailyDose, ...]:
    """Return the dose of each of the last whole days before `on`, or before the reading if `on` is in the future.

    Days of the same dose are joined. The bounds are those of the current dose of a reduction, on each day: the lower
    one counts what was supplied, the upper one goes on until a record ends it. Empty if there are too many resources.
    """
    as_of = min(on, record.today)
    last = earlier(as_of, 1)
    first = min(earlier(as_of, days), last)
    found = sources(record)
    if are_too_many(found):
        return ()
    history = read_history(record, found, as_of, first)
    daily = series(least(history.taken, history.scale), history.most(), first, last, history.scale)
    by_day = (
        (first + timedelta(number), dose(daily.mean(first + timedelta(number), first + timedelta(number))))
        for number in range((last - first).days + 1)
    )
    joined = []
    for known, same in groupby(by_day, key=lambda each: each[1]):
        each = [day for day, _ in same]
        joined.append(DailyDose(each[0], each[-1], known))
    return tuple(joined)
