"""`cds-service selfcheck`: a checklist of CDS Hooks, CRD, and DTR against any running server."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from cds_service.cli.exit_codes import exit_codes
from cds_service.cli.output.selfcheck import print_report
from cds_service.selfcheck.cases import Case, CaseError, own_cases, sample_cases
from cds_service.selfcheck.checks import Area, Check, run_checks
from cds_service.selfcheck.credentials import Credentials, KeyFileError, read_credentials
from cds_service.selfcheck.loopback_ehr import loopback_ehr
from cds_service.selfcheck.outcomes import AreaResult, Level
from cds_service.selfcheck.report import as_json, failures
from cds_service.selfcheck.run import AREAS, FAMILIES, areas_named
from cds_service.selfcheck.session import Session, Target
from cds_service.selfcheck.web import Web
from cds_service.wiring.system import now
from fhir_mappings.fhir_json import dumps, loads

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_ADDRESS = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")


class _Address(click.ParamType[str]):
    name = "URL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return an http or https address without the slash at its end."""
        if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
            self.fail("write an http or https address, without user, query, and fragment", param, ctx)
        return value.rstrip("/")


@click.command(
    "selfcheck", epilog=exit_codes({1: "the server breaks a SHALL, or an error, which the message explains"})
)
@click.argument("url", type=_Address())
@click.option(
    "--only",
    type=click.Choice(tuple(dict.fromkeys((*FAMILIES, *(area.name for area in AREAS))))),
    multiple=True,
    help="Check this area alone; may be repeated.",
)
@click.option("--json", "as_json_", is_flag=True, help="Print the report as JSON.")
@click.option("--verbose", "-v", is_flag=True, help="Print the checks that passed, too.")
@click.option("--key", type=_FILE, help="The private key of a registered client, a JWK or PEM, to sign tokens with.")
@click.option("--kid", default="", help="The id of the key; by default that of the JWK.")
@click.option("--issuer", default="", help="The iss of the client's tokens; with --key.")
@click.option("--alg", default="", help="The algorithm; by default ES384 or RS384, as the key can.")
@click.option("--client-id", default="", help="The client id for SMART Backend Services, for the forms (DTR).")
@click.option("--dtr-url", type=_Address(), help="The FHIR base of the forms, if it is not found.")
@click.option("--value-set", default="", help="The canonical of a value set to expand there.")
@click.option("--fhir-url", type=_Address(), help="The address of the self-check's EHR, as the server reaches it.")
@click.option("--fhir-port", type=click.IntRange(0, 65_535), default=0, help="The port of that EHR on this machine.")
@click.option("--order", "orders", type=_FILE, multiple=True, help="A draft order to send, as FHIR; may be repeated.")
@click.option("--patient", "patients", type=_FILE, multiple=True, help="The chart of its patient, a FHIR Bundle.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1, max=600),
    default=20.0,
    show_default=True,
    help="Seconds for each request.",
)
def selfcheck_command(
    url: str,
    only: Sequence[str],
    as_json_: bool,
    verbose: bool,
    key: Path | None,
    kid: str,
    issuer: str,
    alg: str,
    client_id: str,
    dtr_url: str | None,
    value_set: str,
    fhir_url: str | None,
    fhir_port: int,
    orders: Sequence[Path],
    patients: Sequence[Path],
    timeout: float,
) -> None:
    """Check the server at URL, any CDS Hooks server, against CDS Hooks, Da Vinci CRD, and Da Vinci DTR.

    URL is the address before /cds-services.
    """
    url = url.removesuffix("/cds-services")
    if fhir_url and not fhir_url.endswith("/fhir"):
        raise click.BadParameter("the address ends in /fhir", param_hint="--fhir-url")
    credentials = _credentials(key, kid, issuer, alg, client_id)
    store, cases = _cases(orders, patients)
    target = Target(url, credentials, dtr_url or "", value_set)
    started = now()
    try:
        with loopback_ehr(store, port=fhir_port, fhir_url=fhir_url or "") as ehr:
            found = _run(areas_named(only), Session(target, Web(timeout), ehr, cases, has_samples=not orders))
    except OSError as error:
        raise click.ClickException(str(error)) from None
    if as_json_:
        click.echo(dumps(as_json(url, started, found), indent=2))
    else:
        print_report(Console(), url, found, verbose=verbose)
    if failures(found, Level.SHALL):
        raise click.exceptions.Exit(1)


def _run(areas: Sequence[Area], session: Session) -> list[AreaResult]:
    """Return the results, with a progress bar on standard error if that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=sum(len(area.checks) for area in areas))

        def tell(check: Check) -> None:
            progress.update(task, description=check.id, advance=1)

        return list(run_checks(areas, session, tell))


def _credentials(key: Path | None, kid: str, issuer: str, alg: str, client_id: str) -> Credentials | None:
    if key is None:
        if kid or issuer or alg or client_id:
            raise click.UsageError("--kid, --issuer, --alg, and --client-id are for use with --key.")
        return None
    if not issuer:
        raise click.UsageError("--key needs --issuer: the iss with which the client is registered.")
    try:
        return read_credentials(key.read_bytes(), kid=kid, issuer=issuer, algorithm=alg, client_id=client_id)
    except KeyFileError as error:
        raise click.BadParameter(str(error), param_hint="--key") from None


def _cases(orders: Sequence[Path], patients: Sequence[Path]) -> tuple[Any, tuple[Case, ...]]:
    today = now().astimezone().date()
    if not orders and patients:
        raise click.UsageError("--patient needs --order: an order for the patient.")
    if not orders:
        return sample_cases(today)
    try:
        return own_cases([_json(each) for each in patients], [_json(each) for each in orders], today)
    except CaseError as error:
        raise click.UsageError(str(error)) from None


def _json(path: Path) -> Any:
    try:
        return loads(path.read_bytes())
    except ValueError:
        raise click.UsageError(f"{path} is not JSON.") from None
