"""Values of the chart that a form shows beside a question: measurements by code and date, and nothing concluded.

Only the evaluator concludes: it knows units, sides, conditions, and what could not be read. An expression that answered
a question in its place would say yes where it cannot tell.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from coverage_policies.format.amount_phrases import value_limit
from coverage_policies.format.model import Clause, Criterion
from coverage_policies.format.operator import as_list
from coverage_policies.questionnaires.extensions import Extension, initial_expression, query_variable, unit_option

_PLAIN = {"in", "value", "within"}
"""The arguments of a clause about every measurement of a kind, whatever the conditions it was taken under."""
_REPORTED = "status in ('final' | 'amended' | 'corrected')"


@dataclass(frozen=True, slots=True)
class ShownValue:
    """The measurements that a clause is about, in its unit, as an item of a form and the search that fills it."""

    link_id: str
    text: str
    unit: str
    variable: str
    query: str

    def extension(self) -> Extension:
        """Return the variable that holds the measurements."""
        return query_variable(self.variable, self.query)

    def item(self) -> dict[str, Any]:
        """Return the item: each measurement on record, which a clinician may correct; it is no answer."""
        found = f"%{self.variable}.entry.resource.where({_REPORTED}).value.ofType(Quantity).where(code = '{self.unit}')"
        return {
            "extension": [unit_option(self.unit), initial_expression(found)],
            "linkId": self.link_id,
            "text": self.text,
            "type": "quantity",
            "repeats": True,
        }


def shown_values(c: Criterion) -> Iterator[ShownValue]:
    """Yield what to show beside the question of a criterion, each kind of measurement once."""
    seen = set()
    for clause in c.met_when:
        shown = _shown_value(c, clause)
        if shown is not None and shown.link_id not in seen:
            seen.add(shown.link_id)
            yield shown


def _shown_value(c: Criterion, clause: Clause) -> ShownValue | None:
    if clause.operator != "observation" or not {"in", "value"} <= clause.arguments.keys() <= _PLAIN:
        return None
    unit = value_limit(clause.arguments["value"]).unit
    codes = [code for search in clause.check.searches for code in search.codes]
    if not unit or not codes:
        return None
    name = "-".join(as_list(clause.arguments["in"]))
    within = clause.arguments.get("within")
    since = f"&date=ge{{{{today() - {within}}}}}" if within else ""
    words = name.replace("-", " ").capitalize()
    return ShownValue(
        link_id=f"{c.id}/{name}",
        text=f"{words} on record{f' within {within}' if within else ''} ({unit})",
        unit=unit,
        variable="".join(part.capitalize() for part in f"{name}-{within or ''}".replace(" ", "-").split("-")),
        query=f"Observation?patient={{{{%patient.id}}}}&code={','.join(codes)}{since}",
    )
