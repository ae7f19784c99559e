"""The clients file: which EHRs may call, which keys check their tokens, and which FHIR servers they may name."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, ConfigDict, Field

from cards.crd_versions import CrdVersion
from cards.style import ActionForm, CardStyle, SelectionBehavior
from cds_service.clients.algorithms import ALGORITHMS, USUAL
from cds_service.fhir_client.addresses import is_loopback
from cds_service.observability.call_log import SANDBOX
from cds_service.settings import FHIR_SERVER
from coverage_policies.format.file_model import FileModel, read_model
from coverage_policies.format.problems import DocumentError, Problem, read_text
from coverage_policies.format.strict_yaml import YamlSource, read_yaml

SANDBOX_ISSUER = "urn:cds-coverage-policies:sandbox"
"""The issuer of the test client, whose tokens the sandbox signs."""
_LABELS_WITHOUT_STAR = 2

Family = Literal["plain", "crd-2.2", "crd-2.0"]
"""Which services a client calls: those of plain CDS Hooks, or those of one version of Da Vinci CRD."""
_VERSIONS: dict[Family, CrdVersion] = {"crd-2.2": CrdVersion.V2_2, "crd-2.0": CrdVersion.V2_0}

ScopeSyntax = Literal["v1", "v2"]
"""How an EHR writes scopes: `patient/*.read` (SMART 1) or `patient/*.rs` (SMART 2)."""


@dataclass(frozen=True, slots=True)
class SmartRegistration:
    """How the questionnaire app is registered with an EHR (SMART App Launch 2).

    It is a confidential app with a `secret_file`, a public one without. `frame_ancestors` are the web origins whose
    pages may show it in a frame.
    """

    client_id: str
    secret_file: Path | None = None
    scopes: ScopeSyntax = "v2"
    frame_ancestors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Client:
    """An EHR that may call.

    Its keys are at `jwks_url`, or in `keys_file` if that is empty. Without `tenants`, its tokens may name any tenant or
    none. `fhir_servers` are base URLs without a slash at the end, in the form of `settings.FHIR_SERVER`. What it says
    of its cards is None where the settings apply. `has_dtr` is whether it can fill in the forms that CRD names.
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


def _check_algorithm(name: str) -> str:
    if name not in ALGORITHMS:
        raise ValueError("not an algorithm of ours")
    return name


def _check_distinct(items: list[str]) -> list[str]:
    if len(set(items)) != len(items):
        raise ValueError("an item appears twice")
    return items


_VISIBLE = r"^[!-~]+$"
_ORIGIN = r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$"
_Distinct = AfterValidator(_check_distinct)


class SmartEntry(FileModel):
    """How the questionnaire app is registered with an EHR, as the file states it."""

    model_config = ConfigDict(json_schema_extra={"description": "a mapping with client_id"})

    client_id: str = Field(pattern=_VISIBLE, description="the client_id that the EHR gave the questionnaire app")
    secret_file: str = Field(
        "",
        min_length=1,
        description="a file with the client secret of a confidential app, relative to this file or by its full path",
    )
    scopes: ScopeSyntax = Field("v2", description="v2 for scopes such as patient/*.rs, v1 for patient/*.read")
    frame_ancestors: Annotated[list[Annotated[str, Field(pattern=_ORIGIN)]], _Distinct] = Field(
        [],
        min_length=1,
        description="a list of the web origins whose pages may show the app in a frame, each as https://host[:port]",
    )


class ClientEntry(FileModel):
    """A client as the file states it."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="a name for the log, of at most 64 letters, digits, dots, dashes, and underscores",
    )
    issuer: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+$", description="the exact iss of its tokens, a URI")
    jwks_url: str = Field(
        "", pattern=_VISIBLE, description="the https address of its JWK set, which is also the jku of its tokens"
    )
    keys_file: str = Field(
        "",
        min_length=1,
        description="a file with its public keys (JWK set or PEM), relative to this file or by its full path",
    )
    algorithms: Annotated[list[Annotated[str, AfterValidator(_check_algorithm)]], _Distinct] = Field(
        list(USUAL),
        min_length=1,
        description=f"a list of the algorithms that may sign its tokens, each once, of {', '.join(ALGORITHMS)}",
    )
    tenants: Annotated[list[Annotated[str, Field(min_length=1)]], _Distinct] = Field(
        [], min_length=1, description="a list of the tenants that its tokens may name, each once"
    )
    fhir_servers: Annotated[list[Annotated[str, Field(pattern=_VISIBLE)]], _Distinct] = Field(
        [],
        min_length=1,
        description="a list of base URLs of FHIR servers, each once; * matches any part of a host label or of a path "
        "segment, as in https://*.ehr.example.org/r4",
    )
    insecure_loopback: Literal["yes", "no"] = Field(
        "no", description="yes or no; yes allows plain http for a jwks_url on this machine, for tests"
    )
    tables: Literal["yes", "no"] | None = Field(
        None, description="yes or no; yes if it shows tables in the Markdown of a card"
    )
    selection_behavior: SelectionBehavior | None = Field(
        None, description="at-most-one, or any if it knows no other selectionBehavior"
    )
    actions: ActionForm | None = Field(
        None, description="update, or delete-create if it cannot apply a suggestion that updates an order"
    )

    services: Family = Field("plain", description="plain, crd-2.2, or crd-2.0: the services that it sees and calls")
    dtr: Literal["yes", "no"] = Field(
        "yes", description="yes or no; no if it has no DTR client: CRD cards then offer a task to complete each form"
    )
    smart: SmartEntry | None = Field(
        None, description="a mapping with client_id: how the questionnaire app is registered with this EHR"
    )

    @property
    def allows_plain_loopback(self) -> bool:
        """Whether `jwks_url` may be plain http on this machine."""
        return self.insecure_loopback == "yes"


class ClientsFile(FileModel):
    """The clients file."""

    model_config = ConfigDict(json_schema_extra={"description": "a mapping with one key, clients"})

    clients: list[ClientEntry] = Field(
        description="a list of clients, each a mapping with name, issuer, and jwks_url or keys_file"
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
    problems = [*_repeated(source, entries), *(p for i, entry in enumerate(entries) for p in _faults(source, i, entry))]
    if problems:
        raise DocumentError(sorted(problems, key=lambda problem: problem.line))
    return tuple(_client(entry, path.parent) for entry in entries)


def _repeated(source: YamlSource, entries: Sequence[ClientEntry]) -> Iterable[Problem]:
    for key in ("name", "issuer"):
        seen: set[str] = set()
        for i, entry in enumerate(entries):
            value = getattr(entry, key)
            if value in seen:
                yield source.problem(("clients", i, key), f"another client has this {key}; each client has its own")
            seen.add(value)


def _faults(source: YamlSource, i: int, entry: ClientEntry) -> Iterable[Problem]:
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
    )


def _smart(entry: SmartEntry, folder: Path) -> SmartRegistration:
    return SmartRegistration(
        client_id=entry.client_id,
        secret_file=folder / entry.secret_file if entry.secret_file else None,
        scopes=entry.scopes,
        frame_ancestors=tuple(entry.frame_ancestors),
    )
