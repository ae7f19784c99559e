"""Directions of public sources, each with the daily amount that a reader sees in it.

`sigs.tsv` has one a line: its source (repository and path), its label, and its text. A label is `1-2 each x 4`: the
amount at a time and the times a day (`-` if not stated), several of them joined by ` + `; then, each behind `; `,
`prn`, `max` per day, `days`, and the same amount in `mg`. `none` means that no daily amount of tablets, milliliters, or
milligrams can be computed: another unit, steps that follow each other, or phrases that contradict each other.

All labels were written before the grammar. A third of the texts, chosen by their hash, was not tried until the grammar
was finished; one label of the others was corrected after that (a frequency that is written twice is no contradiction).
"""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

from fhir_mappings.opioids.quantities import Interval
from fhir_mappings.opioids.sig_items import Unit

CORPUS = Path(__file__).parents[1] / "fhir_mappings" / "opioids" / "sigs.tsv"

Bounds: TypeAlias = tuple[Fraction, Fraction] | None
Dose: TypeAlias = tuple[str, Bounds, Bounds]
"""The unit, the amount at a time, and the times a day."""

UNITS = {Unit.EACH: "each", Unit.MILLIGRAMS: "mg", Unit.MILLILITERS: "ml"}


@dataclass(frozen=True, slots=True)
class Label:
    """What a reader sees in directions; no `doses` if nothing can be computed."""

    doses: tuple[Dose, ...]
    as_needed: bool
    most: Fraction | None
    days: Fraction | None
    mass: Bounds


@dataclass(frozen=True, slots=True)
class Labeled:
    """One line of the corpus."""

    source: str
    text: str
    label: Label

    @property
    def is_unseen(self) -> bool:
        """Return whether the text was kept unseen while the grammar was written."""
        return int(hashlib.sha256(self.text.encode()).hexdigest(), 16) % 3 == 0


def corpus() -> Iterator[Labeled]:
    """Yield every line of the corpus."""
    with CORPUS.open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield Labeled(line["source"], line["text"], _label(line["label"]))


def bounds(interval: Interval | None) -> Bounds:
    """Return the bounds of an interval that has an upper bound."""
    return None if interval is None or interval.high is None else (interval.low, interval.high)


def per_day(doses: tuple[Dose, ...], most: Fraction | None, as_needed: bool) -> tuple[object, ...]:
    """Return the daily amount of doses under a maximum, or the doses themselves where it cannot be computed."""
    units = {unit for unit, _, _ in doses}
    complete = [(amount, times) for _, amount, times in doses if amount is not None and times is not None]
    if len(units) != 1 or len(complete) < len(doses):
        if len(doses) == 1 and doses[0][1] is not None and most is not None and as_needed:
            return doses[0][0], Fraction(0), most
        return doses
    low = sum((amount[0] * times[0] for amount, times in complete), Fraction(0))
    high = sum((amount[1] * times[1] for amount, times in complete), Fraction(0))
    return (*units, low if most is None else min(low, most), high if most is None else min(high, most))


def _label(written: str) -> Label:
    first, *rest = written.split("; ")
    members = dict(one.partition(" ")[::2] for one in rest)
    return Label(
        () if first == "none" else tuple(_dose(dose) for dose in first.split(" + ")),
        "prn" in members,
        Fraction(members["max"]) if "max" in members else None,
        Fraction(members["days"]) if "days" in members else None,
        _numbers(members["mg"]) if "mg" in members else None,
    )


def _dose(written: str) -> Dose:
    amount, _, times = written.partition(" x ")
    number, _, unit = amount.partition(" ")
    return unit, _numbers(number), _numbers(times)


def _numbers(written: str) -> Bounds:
    if written == "-":
        return None
    low, _, high = written.partition("-")
    return Fraction(low), Fraction(high or low)
