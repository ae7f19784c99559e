"""Define operators: a name, a schema for the arguments, the searches, and a check with a three-valued result."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

from coverage_policies.format.searches import Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet, ValueSets
from fhir_mappings.orders import Order
from fhir_mappings.record import Evidence, PatientRecord
from fhir_mappings.truth import Truth

Arguments: TypeAlias = Mapping[str, Any]
"""The arguments of one clause as written, by the operator's schema: strings, lists of strings, or under `all` more."""


class ClauseResult(Struct, frozen=True):
    """Whether a clause holds, the DEQM reason, and the resources behind it.

    `notes` are lines of arithmetic worth reading; `headline` is the finding in a clause, for the summary of the card.
    `needs_side` is whether it is open because the order does not state its side and the records name both.
    """

    holds: Truth
    reason: Reason
    evidence: tuple[Evidence, ...] = ()
    notes: tuple[str, ...] = ()
    headline: str = ""
    needs_side: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What a clause is evaluated against: one order among others, one chart, and the day that every window ends on.

    `is_looking_back` is True if that day is that of an earlier procedure; what is on the chart now may be newer.
    """

    order: Order
    other_orders: tuple[Order, ...]
    record: PatientRecord
    anchor: date
    is_looking_back: bool = False


class ClauseCheck(Protocol):
    """A clause, ready to evaluate."""

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches for the data it needs; none if the order alone answers."""

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return the result for one order and chart. Pure: equal contexts give equal results."""


@dataclass(frozen=True, slots=True)
class Operator:
    """A word of the policy format.

    `schema` is the JSON Schema of its arguments, in which everything is text. `example` is a YAML mapping with
    `clause`, `facts` (in the words of case files), optionally `order`, and whether it `holds` (`yes`, `no`, or
    `unknown`); a test runs it. `parse` raises ValueError for what the schema cannot see, and says how to write it
    right. `reads_names` is True if it reads names out of a catalog, such as those of studies, products, or tests: only
    its value sets may have words that decide, and those of its arguments that are named in `plain_words`.
    `resource_types` are those that its clauses may search; none if the order alone answers. `defaults` are the
    arguments that apply if a document leaves them out.
    """

    name: str
    says: str
    schema: Mapping[str, Any]
    example: str
    parse: Callable[[Arguments, ValueSets], ClauseCheck]
    resource_types: tuple[str, ...] = ()
    reads_names: bool = False
    plain_words: tuple[str, ...] = ()
    defaults: Mapping[str, str] = field(default_factory=dict)

    def takes_any(self, argument: str) -> bool:
        """Return whether any one of the value sets that an argument lists will do."""
        return "description" not in self.schema["properties"].get(argument, {})


NAMES: Mapping[str, Any] = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]
}
"""Schema of an argument that names one value set, or several of which any will do."""


def names(meaning: str) -> Mapping[str, Any]:
    """Return the schema of an argument that names one value set, or several; `meaning` says which of them count."""
    return {**NAMES, "description": meaning}


def phrase(pattern: str, example: str) -> Mapping[str, Any]:
    """Return the schema of a string of a certain form; errors show the example."""
    return {"type": "string", "pattern": pattern, "examples": [example]}


def arguments(required: Iterable[str], **properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of a clause that takes these arguments and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def argument_words(schema: Mapping[str, Any]) -> str:
    """Return what an argument with this schema is, in words for policy authors."""
    if "description" in schema:
        return str(schema["description"])
    if schema == NAMES:
        return "the name of a value set, or a list of which any will do"
    if "anyOf" in schema:
        return f"{argument_words(schema['anyOf'][0])}, or a list of which any will do"
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    if "const" in schema:
        return f"only {schema['const']}"
    if "properties" in schema:
        return f"a mapping of {', '.join(schema['properties'])}"
    return f"written like: {schema['examples'][0]}"


def argument_schemas(schema: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """Yield each argument by its name, those inside of another as `all.count`, its schema, and whether it is needed."""
    for name, each in schema["properties"].items():
        yield f"{above}{name}", each, name in schema.get("required", ())
        if "properties" in each:
            yield from argument_schemas(each, f"{above}{name}.")


def written_values(arguments: Arguments) -> Iterator[tuple[str, str | list[str]]]:
    """Yield each argument that is a string or a list of them, those inside of another by a name such as `all.count`."""
    for name, value in arguments.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", each) for inner, each in written_values(value))
        else:
            yield name, value


def as_list(value: Any) -> list[str]:
    """Return one string, or a list of strings, as a list."""
    return [value] if isinstance(value, str) else list(value)


def value_set(names: Any, sets: ValueSets) -> ValueSet:
    """Return the value set of a name, or the union of several. Raises ValueError for one that does not exist."""
    for name in as_list(names):
        if name not in sets:
            alike = get_close_matches(name, sets, n=1, cutoff=0.8)
            hint = f"; did you mean {alike[0]!r}?" if alike else ""
            raise ValueError(f"there is no value set named {name!r}{hint}")
    return sets.union(as_list(names))
