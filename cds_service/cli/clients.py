"""`cds-service clients …`: for those who let EHRs in."""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import click
from rich.console import Console

from cards.style import ActionForm, SelectionBehavior
from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.inputs import exit_on_error, settings_given
from cds_service.cli.names import no_such
from cds_service.cli.output.clients import print_clients, print_keys, print_prefetch_only
from cds_service.clients.algorithms import ALGORITHMS
from cds_service.clients.backend_services import Forms
from cds_service.clients.client_entries import Family
from cds_service.clients.key_sources import keys_of
from cds_service.clients.keys import KeysError, KeySet
from cds_service.clients.registry import Client, load_clients
from cds_service.clients.registry_edit import add_client
from cds_service.clients.scopes import KNOWN_SCOPES

_FILE = click.option(
    "--file",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The clients file; CDS_CLIENTS unless given.",
)


@click.command("add", epilog=exit_codes())
@click.argument("name")
@click.option("--issuer", required=True, help="The iss of its tokens, letter by letter.")
@click.option("--jwks-url", help="The https address of its JWK set, which is also the jku of its tokens.")
@click.option("--keys-file", help="A file with its public keys instead, JWK set or PEM, beside the clients file.")
@click.option("--algorithm", "algorithms", multiple=True, type=click.Choice(ALGORITHMS), help="Of its tokens; repeat.")
@click.option("--tenant", "tenants", multiple=True, help="A tenant that its tokens may name; repeat. None: any.")
@click.option("--fhir-server", "servers", multiple=True, help="A base URL that its calls may name; repeat.")
@click.option("--insecure-loopback", is_flag=True, help="Lets --jwks-url be plain http on this machine; for tests.")
@click.option("--tables", type=click.Choice(["yes", "no"]), help="Whether it shows tables in a card.")
@click.option(
    "--selection-behavior", type=click.Choice(get_args(SelectionBehavior)), help="Of cards with suggestions for it."
)
@click.option("--actions", type=click.Choice(get_args(ActionForm)), help="How a suggestion replaces an order.")
@click.option("--services", type=click.Choice(get_args(Family)), help="The services that it sees; plain unless given.")
@click.option("--dtr", type=click.Choice(["yes", "no"]), help="Whether it fills in forms by Da Vinci DTR.")
@click.option("--backend-client-id", help="The client_id by which it gets access tokens for the FHIR base, for DTR.")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(KNOWN_SCOPES), help="Of its access tokens; repeat.")
@click.option("--forms", type=click.Choice(get_args(Forms)), help="How it gets forms; adaptive unless given.")
@click.option("--contexts-of", multiple=True, help="A client whose coverage assertions it may use; repeat.")
@_FILE
def add_command(
    name: str,
    issuer: str,
    jwks_url: str | None,
    keys_file: str | None,
    algorithms: Sequence[str],
    tenants: Sequence[str],
    servers: Sequence[str],
    insecure_loopback: bool,
    tables: str | None,
    selection_behavior: str | None,
    actions: str | None,
    services: str | None,
    dtr: str | None,
    backend_client_id: str | None,
    scopes: Sequence[str],
    forms: str | None,
    contexts_of: Sequence[str],
    path: Path | None,
) -> None:
    """Register the EHR NAME at the end of the clients file, and keep the comments in it."""
    backend = {
        "client_id": backend_client_id,
        "scopes": list(scopes),
        "forms": forms,
        "contexts_of": list(contexts_of),
    }
    if not backend_client_id and any(backend.values()):
        raise click.UsageError("--scope, --forms, and --contexts-of need --backend-client-id.")
    stated = {
        "name": name,
        "issuer": issuer,
        "jwks_url": jwks_url,
        "keys_file": keys_file,
        "algorithms": list(algorithms),
        "tenants": list(tenants),
        "fhir_servers": list(servers),
        "insecure_loopback": "yes" if insecure_loopback else None,
        "tables": tables,
        "selection_behavior": selection_behavior,
        "actions": actions,
        "services": services,
        "dtr": dtr,
        "backend_services": {key: value for key, value in backend.items() if value},
    }
    file = _file(path)
    with exit_on_error():
        added = add_client(file, {key: value for key, value in stated.items() if value})
    click.echo(f"Added {added.name} to {file}.")
    if not added.fhir_servers:
        click.echo("It has no --fhir-server: unless CDS_FHIR_SERVERS allows one, only prefetch can be read for it.")
    click.echo(f"Next: cds-service clients check {added.name}, and restart the service.")


@click.command("list", epilog=exit_codes())
@_FILE
def list_command(path: Path | None) -> None:
    """List the EHRs that may call the service."""
    print_clients(Console(), _registered(path))


@click.command(
    "check",
    epilog=exit_codes({0: "every client has keys that check its tokens", 1: "one has not"}),
)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@_FILE
def check_command(names: Sequence[str], path: Path | None) -> None:
    """Fetch or read the keys of every client, or of those named, and print them.

    Warns about a client that may name no FHIR server, so that only prefetch can be read for it.
    """
    registered = _registered(path)
    known = [client.name for client in registered]
    for name in names:
        if name not in known:
            raise no_such("client", name, known)
    console = Console()
    has_servers = bool(settings_given().fhir_servers)
    can_call = []
    for client in registered:
        if not names or client.name in names:
            can_call.append(_checked(console, client))
            if not (client.fhir_servers or has_servers):
                print_prefetch_only(console)
    if not all(can_call):
        raise SystemExit(1)


def _checked(console: Console, client: Client) -> bool:
    """Whether a client has a key that can check its tokens; prints what there is."""
    found: KeySet | str
    try:
        found = keys_of(client)
    except KeysError as error:
        found = str(error)
    return print_keys(console, client, found)


def _file(path: Path | None) -> Path:
    found = path or settings_given().clients
    if found is None:
        raise click.ClickException("There is no clients file. Give --file FILE, or set CDS_CLIENTS.")
    return found


def _registered(path: Path | None) -> tuple[Client, ...]:
    with exit_on_error():
        return load_clients(_file(path))
