"""The clients file as it is written: its keys, and what each must be."""

from collections.abc import Iterator
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, ConfigDict, Field

from cards.style import ActionForm, SelectionBehavior
from cds_service.clients.algorithms import ALGORITHMS, USUAL
from cds_service.clients.backend_services import ASSERTION_ALGORITHMS, BackendServices, Forms
from cds_service.clients.scopes import KNOWN_SCOPES, USUAL_SCOPES
from coverage_policies.format.file_model import FileModel

Family = Literal["plain", "crd-2.2", "crd-2.0"]
"""Which services a client calls: those of plain CDS Hooks, or those of one version of Da Vinci CRD."""

ScopeSyntax = Literal["v1", "v2"]
"""How an EHR writes scopes: `patient/*.read` (SMART 1) or `patient/*.rs` (SMART 2)."""


def _check_algorithm(name: str) -> str:
    if name not in ALGORITHMS:
        raise ValueError("not an algorithm of ours")
    return name


def _check_distinct(items: list[str]) -> list[str]:
    if len(set(items)) != len(items):
        raise ValueError("an item appears twice")
    return items


def _check_scope(scope: str) -> str:
    if scope not in KNOWN_SCOPES:
        raise ValueError("not a scope of ours")
    return scope


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
    issuer: str = Field(
        "",
        pattern=r"^https?://[!-~]+$",
        description="the exact iss of the EHR's identity tokens, an https address, if its SMART configuration does not "
        "name it",
    )


class BackendServicesEntry(FileModel):
    """The registration as the file states it."""

    model_config = ConfigDict(json_schema_extra={"description": "a mapping with client_id"})

    client_id: str = Field(
        pattern=r"^[!-~]{1,256}$",
        description="the iss and sub of its client assertions, of at most 256 visible ASCII characters",
    )
    scopes: Annotated[list[Annotated[str, AfterValidator(_check_scope)]], _Distinct] = Field(
        list(USUAL_SCOPES),
        min_length=1,
        description=f"a list of the scopes that it may be granted, each once, of {', '.join(KNOWN_SCOPES)}",
    )
    forms: Forms = Field("adaptive", description=" or ".join(get_args(Forms)))
    contexts_of: Annotated[list[str], _Distinct] = Field(
        [],
        min_length=1,
        description="a list of the names of clients whose coverage assertions it may use, each once",
    )

    def registration(self) -> BackendServices:
        """Return the registration."""
        return BackendServices(self.client_id, tuple(self.scopes), self.forms, tuple(self.contexts_of))

    def faults(self, algorithms: list[str], names: set[str]) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Yield what is wrong beside the algorithms of the client and the names of all clients, with its place."""
        if not set(algorithms) & set(ASSERTION_ALGORITHMS):
            known = " or ".join(ASSERTION_ALGORITHMS)
            yield (), f"its client assertions are signed by {known}; add one of them to algorithms"
        for i, name in enumerate(self.contexts_of):
            if name not in names:
                yield ("contexts_of", i), "no client has this name; write the name of a registered client"


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
    backend_services: BackendServicesEntry | None = Field(
        None, description="a mapping with client_id: how its DTR client gets access tokens for the FHIR base"
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
