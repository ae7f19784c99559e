"""The JSON files that commands read: calls and charts."""

from pathlib import Path

import click
from simplejson import JSONDecodeError

from cds_service.crd.request import read_crd_request
from cds_service.hooks.errors import RefusedError
from cds_service.hooks.hooks import Service
from cds_service.hooks.request import HookRequest, read_request
from fhir_mappings.fhir_json import Json, parse_json


def json_in(path: Path) -> Json:
    """Return the JSON in a file; anything else in it ends the command."""
    try:
        return parse_json(path.read_bytes())
    except JSONDecodeError as error:
        raise click.ClickException(f"{path}:{error.lineno}:{error.colno}: this is not JSON") from None
    except ValueError as error:
        raise click.ClickException(f"{path} cannot be read as JSON: {_why(error)}") from None


def _why(error: ValueError) -> str:
    return f"byte {error.start} is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)


def request_in(path: Path, service: Service | None = None) -> HookRequest:
    """Return the CDS Hooks call in a file, that of a CRD service if one is given; anything else ends the command."""
    try:
        return read_crd_request(json_in(path), service).call if service else read_request(json_in(path))
    except RefusedError as error:
        raise click.ClickException("\n".join(issue.diagnostics for issue in error.issues)) from None
