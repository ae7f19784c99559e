"""The clients file: which EHRs may call, which keys check their tokens, and which FHIR servers they may name."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from cards.crd_versions import CrdVersion
from cards.style import ActionForm, CardStyle, SelectionBehavior
from cds_service.clients.algorithms import USUAL
from cds_service.clients.backend_services import BackendServices
from cds_service.clients.client_entries import ClientEntry, ClientsFile, Family, ScopeSyntax, SmartEntry
from cds_service.fhir_client.addresses import is_loopback
from cds_service.observability.call_log import SANDBOX
from cds_service.settings import FHIR_SERVER
from coverage_policies.format.file_model import read_model
from coverage_policies.format.problems import DocumentError, Problem, read_text
from coverage_policies.format.strict_yaml import YamlSource, read_yaml

SANDBOX_ISSUER = "urn:cds-coverage-policies:sandbox"
"""The issuer of the test client, whose tokens the sandbox signs."""
_LABELS_WITHOUT_STAR = 2

_VERSIONS: dict[Family, CrdVersion] = {"crd-2.2": CrdVersion.V2_2, "crd-2.0": CrdVersion.V2_0}


@dataclass(frozen=True, slots=True)
class SmartRegistration:
    """How the questionnaire app is registered with an EHR (SMART App Launch 2).

    It is a confidential app with a `secret_file`, a public one without. `frame_ancestors` are the web origins whose
    pages may show it in a frame. `issuer` is the `iss` of the EHR's identity tokens where its SMART configuration names
    another or none; else it is empty.
    """

    client_id: str
    secret_file: Path | None = None
    scopes: ScopeSyntax = "v2"
    frame_ancestors: tuple[str, ...] = ()
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class Client:
    """An EHR that may call.

    Its keys are at `jwks_url`, or in `keys_file` if that is empty. Without `tenants`, its tokens may name any tenant or
    none. `fhir_servers` are base URLs without a slash at the end, in the form of `settings.FHIR_SERVER`. What it says
    of its cards is None where the settings apply. `has_dtr` is whether it can fill in the forms that CRD names.
    `backend_services` is how it gets access tokens for the FHIR base, None if it gets none.
    """

    name: str
    issuer: str
    jwks_url: str = ""
    keys_file: Path | None = None
    algorithms: tuple[str, ...] = USUAL
    tenants: tuple[str, ...] = ()
    fhir_servers: tuple[str, ...] = ()
    insecure_loopback: bool = False
    tables: bool | None = None
    selection_behavior: SelectionBehavior | None = None
    actions: ActionForm | None = None
    smart: SmartRegistration | None = None
    services: Family = "plain"
    has_dtr: bool = True
    backend_services: BackendServices | None = None

    @property
    def is_sandbox(self) -> bool:
        """Return whether this is the service's own test client, which calls the services of every family."""
        return self.name == SANDBOX

    @property
    def crd_version(self) -> CrdVersion | None:
        """Return the version of Da Vinci CRD of its services; None for those of plain CDS Hooks."""
        return _VERSIONS.get(self.services)

    def card_style(self, default: CardStyle) -> CardStyle:
        """Return how it wants its cards; `default` is for what it does not say."""
        return CardStyle(
            tables=default.tables if self.tables is None else self.tables,
            selection_behavior=self.selection_behavior or default.selection_behavior,
            actions=self.actions or default.actions,
        )


def load_clients(path: Path) -> tuple[Client, ...]:
    """Return the clients registered in a file.

    Raises DocumentError with every problem in it, and OSError if it cannot be read.
    """
    return parse_clients(read_text(path), path)


def parse_clients(text: str, path: Path) -> tuple[Client, ...]:
    """Return the clients in the text of a file; `keys_file` is relative to that file.

    Raises DocumentError with every problem, each with its line and what to write instead.
    """
    source = read_yaml(text, str(path))
    entries = read_model(ClientsFile, source).clients
    names = {entry.name for entry in entries}
    problems = [
        *_repeated(source, entries),
        *(problem for i, entry in enumerate(entries) for problem in _faults(source, i, entry, names)),
    ]
    if problems:
        raise DocumentError(sorted(problems, key=lambda problem: problem.line))
    return tuple(_client(entry, path.parent) for entry in entries)


def _repeated(source: YamlSource, entries: Sequence[ClientEntry]) -> Iterable[Problem]:
    def identifiers(entry: ClientEntry) -> Iterable[tuple[tuple[str, ...], str]]:
        yield ("name",), entry.name
        yield ("issuer",), entry.issuer
        if entry.backend_services:
            yield ("backend_services", "client_id"), entry.backend_services.client_id

    seen: set[tuple[str, str]] = set()
    for i, entry in enumerate(entries):
        for place, value in identifiers(entry):
            if (place[-1], value) in seen:
                what = f"another client has this {place[-1]}; each client has its own"
                yield source.problem(("clients", i, *place), what)
            seen.add((place[-1], value))


def _faults(source: YamlSource, i: int, entry: ClientEntry, names: set[str]) -> Iterable[Problem]:
    def at(*key: str | int) -> tuple[str | int, ...]:
        return ("clients", i, *key)

    if entry.name == SANDBOX:
        yield source.problem(at("name"), f"{SANDBOX} is the name of the service's own test client; choose another one")
    if entry.issuer == SANDBOX_ISSUER:
        yield source.problem(at("issuer"), "this is the issuer of the service's own test client; no other one has it")
    if bool(entry.jwks_url) == bool(entry.keys_file):
        what = (
            "a client has jwks_url (the service fetches its keys) or keys_file (its keys are in a file), and not both"
        )
        yield source.problem(at(), what)
    if entry.jwks_url and (fault := _fault_of_jwks_url(entry.jwks_url, entry.allows_plain_loopback)):
        yield source.problem(at("jwks_url"), fault)
    if entry.smart and not entry.fhir_servers:
        yield source.problem(at("smart"), "the questionnaire app needs fhir_servers: the base URLs that may launch it")
    for j, server in enumerate(entry.fhir_servers):
        if fault := _fault_of_server(server):
            yield source.problem(at("fhir_servers", j), fault)
    if entry.backend_services:
        for place, fault in entry.backend_services.faults(entry.algorithms, names):
            yield source.problem(at("backend_services", *place), fault)


def _split(url: str) -> SplitResult | None:
    """Return the parts of an http or https address without user and fragment; None for anything else."""
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts if is_usable and not set("@#\\") & set(url) else None


def _fault_of_jwks_url(url: str, may_be_plain: bool) -> str:
    parts = _split(url)
    if parts is None:
        return "jwks_url is not an address: write https://, host, and path, without user and fragment"
    if parts.scheme == "http" and not (may_be_plain and is_loopback(parts.hostname or "")):
        return "jwks_url must be https; plain http is for keys on this machine, with insecure_loopback: yes"
    return ""


def _fault_of_server(server: str) -> str:
    parts = _split(server)
    if parts is None or not FHIR_SERVER.match(server):
        return "this is not a base URL: write https://, host, and path, without user, query, and fragment"
    if any("*" in label for label in (parts.hostname or "").split(".")[-_LABELS_WITHOUT_STAR:]):
        return "* matches too much here: two whole labels must follow it, as in https://*.example.org/r4"
    return ""


def _client(entry: ClientEntry, folder: Path) -> Client:
    return Client(
        name=entry.name,
        issuer=entry.issuer,
        jwks_url=entry.jwks_url,
        keys_file=folder / entry.keys_file if entry.keys_file else None,
        algorithms=tuple(entry.algorithms),
        tenants=tuple(entry.tenants),
        fhir_servers=tuple(server.rstrip("/") for server in entry.fhir_servers),
        insecure_loopback=entry.allows_plain_loopback,
        tables=None if entry.tables is None else entry.tables == "yes",
        selection_behavior=entry.selection_behavior,
        actions=entry.actions,
        smart=_smart(entry.smart, folder) if entry.smart else None,
        services=entry.services,
        has_dtr=entry.dtr == "yes",
        backend_services=entry.backend_services.registration() if entry.backend_services else None,
    )


def _smart(entry: SmartEntry, folder: Path) -> SmartRegistration:
    return SmartRegistration(
        client_id=entry.client_id,
        secret_file=folder / entry.secret_file if entry.secret_file else None,
        scopes=entry.scopes,
        frame_ancestors=tuple(entry.frame_ancestors),
        issuer=entry.issuer,
    )
