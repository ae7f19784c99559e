"""Who may call, and with which keys."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from cds_service.clients.keys import KeySet
from cds_service.clients.registry import Client


def print_callers(console: Console, clients: Sequence[Client]) -> None:
    """A line per client."""
    columns = [Column(name, overflow="fold") for name in ("issuer", "keys", "algorithms", "tenants", "FHIR servers")]
    table = Table(Column("client", no_wrap=True), *columns)
    for client in clients:
        table.add_row(
            escape(client.name),
            escape(client.issuer),
            escape(_source(client)),
            ", ".join(client.algorithms),
            escape(", ".join(client.tenants)) or "any",
            escape("\n".join(client.fhir_servers)) or "as in CDS_FHIR_SERVERS",
        )
    console.print(table)


def print_keys(console: Console, client: Client, found: KeySet | str) -> bool:
    """The keys of a client, or why there are none; whether one of them can check its tokens."""
    console.print(f"[bold]{escape(client.name)}[/]  {escape(_source(client))}", soft_wrap=True)
    if isinstance(found, str):
        console.print(f"  [red]{escape(found)}[/]", soft_wrap=True)
        return False
    can_call = False
    for key in found.keys:
        usable = [name for name in client.algorithms if name in key.algorithms]
        can_call = can_call or bool(usable)
        kid = f"kid {key.kid}" if key.kid else "any kid"
        ends = f"[green]checks {', '.join(usable)}[/]" if usable else "[yellow]checks none of its algorithms[/]"
        console.print(f"  {escape(kid)}  {key.kind}  {ends}", soft_wrap=True, highlight=False)
    for why in found.rejected:
        console.print(f"  [yellow]{escape(why)}[/]", soft_wrap=True, highlight=False)
    if not can_call:
        wanted = ", ".join(client.algorithms)
        console.print(f"  [red]no key here can check its tokens, which are signed by {wanted}[/]", soft_wrap=True)
    return can_call


def _source(client: Client) -> str:
    return client.jwks_url or str(client.keys_file)
