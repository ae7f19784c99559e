"""`cds-service policies cases` and `policies reasons`: what case files and determinations are written with."""

import click
from rich.console import Console

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.names import no_such
from cds_service.cli.output.reference import print_entries, print_kind, print_kinds
from coverage_policies.authoring.reference import (
    case_keys,
    expected_keys,
    fact_kinds,
    order_keys,
    outcomes,
    reasons,
    statuses,
)


@click.command("cases", epilog=exit_codes())
@click.argument("kind", required=False)
def cases_command(kind: str | None) -> None:
    """List the keys of a case and the kinds of facts, or explain KIND with its keys and an example.

    KIND is a kind of fact, such as condition, or order.
    """
    console, kinds = Console(), {each.name: each for each in (order_keys(), *fact_kinds())}
    if kind is None:
        print_entries(console, "key of a case", case_keys())
        print_entries(console, "under expect", expected_keys())
        print_kinds(console, kinds.values())
    elif kind in kinds:
        print_kind(console, kinds[kind])
    else:
        raise no_such("kind of fact", kind, kinds)


@click.command("reasons", epilog=exit_codes())
def reasons_command() -> None:
    """List the statuses, reasons, and outcomes of determinations, with what each means."""
    console = Console()
    print_entries(console, "status", statuses())
    print_entries(console, "reason", reasons())
    print_entries(console, "outcome", outcomes())
