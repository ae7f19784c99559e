"""The operators, for authors of policies."""

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from coverage_policies.format.operator import Operator, argument_schemas, argument_words


def print_operators(console: Console, operators: Iterable[Operator]) -> None:
    """Print a row per operator: its arguments, and when it holds."""
    table = Table(Column("operator", no_wrap=True), Column("arguments", max_width=18), "holds if")
    for operator in operators:
        table.add_row(operator.name, ", ".join(operator.schema["properties"]), escape(operator.says))
    console.print(table)


def print_operator(console: Console, operator: Operator, attributes: Mapping[str, Sequence[str]]) -> None:
    """Print when an operator holds, each argument in words with its default, and the example that is tested.

    `attributes` of orders, with their values, are arguments that order terms add.
    """
    console.print(f"[bold]{operator.name}[/] {escape(operator.says)}\n")
    table = Table(Column("argument", no_wrap=True), "", "what it is", "default")
    is_one_of = operator.schema.get("maxProperties") == 1
    for name, schema, is_required in argument_schemas(operator.schema):
        need = "one of these" if is_one_of else "needed" if is_required else "optional"
        table.add_row(name, need, escape(argument_words(schema)), operator.defaults.get(name, ""))
    for name, values in attributes.items():
        table.add_row(
            name, "optional", escape(f"one of {', '.join(values)}, not-stated, or a list of which any will do")
        )
    console.print(table)
    console.print("\nExample, which is tested:\n")
    console.print(escape(operator.example.strip()), highlight=False, soft_wrap=True)
