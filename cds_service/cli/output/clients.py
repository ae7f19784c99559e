"""The clients that may call, and their keys."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from cds_service.clients.backend_services import ASSERTION_ALGORITHMS
from cds_service.clients.keys import KeySet, PublicKey
from cds_service.clients.registry import Client


def print_clients(console: Console, clients: Sequence[Client]) -> None:
    """Print a block per client; long addresses stay whole."""
    for client in clients:
        console.print(f"[bold]{escape(client.name)}[/]")
        grid = Table.grid(Column(no_wrap=True, style="dim"), Column(overflow="fold"), padding=(0, 2))
        for what, value in {
            "issuer": client.issuer,
            "keys": _source(client),
            "algorithms": ", ".join(client.algorithms),
            "tenants": ", ".join(client.tenants) or "any",
            "FHIR servers": "\n".join(client.fhir_servers) or "as in CDS_FHIR_SERVERS",
            "services": client.services if client.has_dtr else f"{client.services}, no DTR",
            "cards": _card_style(client) or "as in CDS_CARD_…",
            "FHIR base": _backend_services(client) or "no access tokens",
        }.items():
            grid.add_row(f"  {what}", escape(value))
        console.print(grid)


def print_keys(console: Console, client: Client, found: KeySet | str) -> bool:
    """Print the keys of a client, or why there are none; return whether they can check its tokens."""
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
    if can_call and client.backend_services and not any(_asserts(client, key) for key in found.keys):
        wanted = " or ".join(ASSERTION_ALGORITHMS)
        console.print(f"  [red]no key here can check its client assertions, signed by {wanted}[/]", soft_wrap=True)
        return False
    if not can_call:
        wanted = ", ".join(client.algorithms)
        console.print(f"  [red]no key here can check its tokens, which are signed by {wanted}[/]", soft_wrap=True)
    return can_call


def print_prefetch_only(console: Console) -> None:
    """Print that a client may name no FHIR server."""
    what = "no --fhir-server and no CDS_FHIR_SERVERS: only prefetch will be used, and a call without it gets 412"
    console.print(f"  [yellow]{what}[/]", soft_wrap=True, highlight=False)


def _asserts(client: Client, key: PublicKey) -> bool:
    """Return whether a key can check client assertions of a client."""
    return any(each in client.algorithms and each in key.algorithms for each in ASSERTION_ALGORITHMS)


def _backend_services(client: Client) -> str:
    """Return how a client gets access tokens, a line for each part; empty if it gets none."""
    found = client.backend_services
    if found is None:
        return ""
    lines = [f"client_id {found.client_id}", " ".join(found.scopes), f"{found.forms} forms"]
    if found.contexts_of:
        lines.append(f"coverage assertions also of {', '.join(found.contexts_of)}")
    return "\n".join(lines)


def _source(client: Client) -> str:
    return client.jwks_url or str(client.keys_file)


def _card_style(client: Client) -> str:
    """Return what a client says of its cards."""
    tables = {True: "tables", False: "no tables", None: None}[client.tables]
    return ", ".join(filter(None, (tables, client.selection_behavior, client.actions)))
