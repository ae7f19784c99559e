"""Every setting of the service, read from the environment (`CDS_…`) once at start."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, IPvAnyNetwork, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "CDS_"
FHIR_SERVER = re.compile(r"https?://[A-Za-z0-9.*:\[\]-]+(/[A-Za-z0-9._~*/-]*)?\Z")
"""An allowed FHIR server: a base address in which `*` matches any part of a host label or of a path segment."""

_RENAMED = {
    "CDS_CALLERS": "CDS_CLIENTS",
    "CDS_ALLOW_ANYONE": "CDS_ALLOW_UNAUTHENTICATED",
    "CDS_FHIR_REST_SECONDS": "CDS_FHIR_CIRCUIT_OPEN_SECONDS",
    "CDS_FHIR_FAILURES": "CDS_FHIR_CIRCUIT_FAILURES",
    "CDS_HOLD_BACK_DAYS": "CDS_SUPPRESS_OVERRIDDEN_DAYS",
    "CDS_BUDGET_SECONDS": "CDS_CALL_TIMEOUT_SECONDS",
    "CDS_RECORDS_KEY": "CDS_PSEUDONYM_KEY",
    "CDS_ANSWER_UNRECORDED": "CDS_ANSWER_IF_STORE_FAILS",
    "CDS_KEEP_COMMENTS": "CDS_STORE_COMMENTS",
}
_TEST_NAMES = frozenset(
    {
        "CDS_EXTRA_CHARTS",
        "CDS_IG_DATA",
        "CDS_TEST_PICTURES",
        "CDS_TEST_PROFILE",
        "CDS_TESTS_NEED_CHROMIUM",
        "CDS_TESTS_NEED_DEPLOY_TOOLS",
        "CDS_TESTS_NEED_FAKETIME",
        "CDS_TESTS_NEED_NGINX",
        "CDS_TESTS_NEED_NODE",
        "CDS_TESTS_NEED_POSTGRESQL",
    }
)
_KEY_LENGTH = 32
_ENCRYPTION_KEY = re.compile(r"[0-9A-Fa-f]{64}\Z")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:\d+)?\Z")
_Strings = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """The settings of the service; each is the environment variable `CDS_` and its name in capitals.

    The everyday settings come first, then limits and timeouts, in the order of docs/settings.md. Lists are
    comma-separated; an empty variable counts as unset. Raises pydantic's ValidationError for an invalid value.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, env_ignore_empty=True)

    public_url: str = Field(
        "http://127.0.0.1:8000",
        pattern=r"^https?://[^\s?#]+$",
        description="The address at which EHRs reach the service, without /cds-services. "
        "With https, responses tell browsers to keep using https (HSTS).",
    )
    canonical_base: str | None = Field(
        None,
        pattern=r"^https?://[^\s?#|]+$",
        description="The address that the canonicals of questionnaires start with, without /fhir; if unset, "
        "CDS_PUBLIC_URL. Set it if the public address may change: forms keep the canonical they were filled in under.",
    )
    clients: Path | None = Field(
        None,
        description="A YAML file that registers the EHRs that may call, and how to check their tokens.",
    )
    allow_unauthenticated: bool = Field(
        False,
        description="Set to yes to serve without tokens: anyone who can reach the service can send orders and make it "
        "query the FHIR servers they name.",
    )
    fhir_servers: _Strings = Field(
        (),
        description="The base addresses of the FHIR servers that calls may name when their client has registered "
        "none; * matches any part of a host label or of a path segment. If empty, calls may name any public server.",
    )
    fhir_private_networks: Annotated[tuple[IPvAnyNetwork, ...], NoDecode] = Field(
        (),
        description="Private networks in which any FHIR server may be, such as 10.0.0.0/8, or 127.0.0.0/8 for this "
        "machine; a server registered by its full address does not need this.",
    )
    policy_folders: Annotated[tuple[Path, ...], NoDecode] = Field(
        (),
        description="Folders with your own policy documents, read in addition to those that ship with the service.",
    )
    plan_rules: Path | None = Field(
        None,
        description="A YAML file with what no policy says: payers, effective dates, visibility, local order codes.",
    )
    time_zone: ZoneInfo = Field(
        ZoneInfo("America/New_York"),
        description="The time zone that turns an instant into a calendar day (IANA name).",
    )
    answers_valid_days: int = Field(
        90,
        ge=0,
        description="How many days a clinician's answer to a policy question counts, and a form is judged by the chart "
        "that was read when it was named.",
    )
    suppress_overridden_days: int = Field(
        30,
        ge=0,
        description="How many days to suppress a card that a user has overridden, for the same user, order, and "
        "facts; 0 never suppresses one.",
    )
    store_comments: bool = Field(
        False,
        description="Set to yes to store the comments that clinicians write in feedback, which may name the patient.",
    )
    data_folder: Path = Field(
        Path("cds-data"),
        description="The folder for the database and the pseudonym key, unless they are set separately.",
    )
    database_url: SecretStr | None = Field(
        None,
        description="The database of decisions and feedback: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME; "
        "if unset, a SQLite file in the data folder.",
    )
    pseudonym_key: SecretStr | None = Field(
        None,
        description="The secret for the keyed hashes of ids and charts in the decision log and for access tokens, at "
        "least 32 characters; if unset, a file in the data folder. All processes that share a database need the same "
        "key.",
    )
    encryption_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        description="The keys that encrypt the exchanges of Da Vinci CRD, each 64 hexadecimal digits, as `openssl rand "
        "-hex 32` makes one: the first encrypts, all decrypt. If empty, requests and responses are not stored.",
    )
    exchange_days: int = Field(
        3_653,
        ge=1,
        description="How many days to keep the exchanges of Da Vinci CRD and the assertions issued in them; the "
        "default is ten years.",
    )
    answer_if_store_fails: bool = Field(
        False,
        description="Set to yes to answer a call even if its decision could not be stored, and log an error; "
        "otherwise the call gets 503.",
    )
    cors_origins: _Strings = Field(
        ("*",),
        description="The web origins whose pages may call the service, or * for all. Calls never use cookies.",
    )
    public_policies: bool = Field(
        False,
        description="Set to yes to let anyone read the forms and the value sets without CPT codes, /fhir, without a "
        "client's token. The policy pages, /policies, never need one.",
    )
    operator_pages: bool = Field(
        False,
        description="Set to yes to serve the pages for operators, /sandbox and /insights, behind a login; the CDS_OIDC "
        "settings say where operators sign in.",
    )
    oidc_issuer: str | None = Field(
        None,
        pattern=r"^https?://[^\s?#@]+$",
        description="The issuer of the OpenID Connect provider at which operators sign in, to the letter as its "
        "configuration states it.",
    )
    oidc_client_id: str | None = Field(
        None,
        pattern=r"^[!-~]+$",
        description="The client id of this service at that provider. Register CDS_PUBLIC_URL and /login/callback as "
        "its redirect address.",
    )
    oidc_client_secret: SecretStr | None = Field(
        None,
        description="The client secret of this service at that provider.",
    )
    operator_claim: str = Field(
        "groups",
        pattern=r"^[!-~]+$",
        description="The claim of the ID token that says who is an operator.",
    )
    operator_values: _Strings = Field(
        (),
        description="The values of that claim that operators have; @example.org stands for verified e-mail addresses "
        "of that domain. If empty, every user whom the provider signs in is an operator.",
    )
    card_tables: bool = Field(
        False,
        description="Set to yes if clients show tables in the Markdown of a card; otherwise cards use bullets. A "
        "client's own entry in the clients file comes first, here and for the two settings below.",
    )
    card_selection_behavior: Literal["at-most-one", "any"] = Field(
        "at-most-one",
        description="How many suggestions of a card may be accepted: at-most-one, or any for clients that know only "
        "that.",
    )
    card_actions: Literal["update", "delete-create"] = Field(
        "update",
        description="How a suggestion replaces an order: update, or delete-create for clients that cannot update one.",
    )
    metrics: bool = Field(
        False,
        description="Set to yes to serve /metrics for Prometheus. It needs no token, so keep that address internal.",
    )
    traces_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s?#@]+$",
        description="The address that takes OpenTelemetry traces by OTLP over HTTP, such as "
        "http://collector:4318/v1/traces; if unset, there are none. They hold no patient data.",
    )
    workers: int = Field(
        2,
        ge=1,
        description="How many processes serve requests.",
    )
    threads: int = Field(
        32,
        ge=1,
        description="How many requests each process serves at the same time.",
    )

    call_timeout_seconds: float = Field(
        4.0,
        gt=0,
        le=60,
        description="The time limit of one call, in seconds, most of it for reading the chart; data not read and "
        "criteria not evaluated in time count as unavailable.",
    )
    query_timeout_seconds: float = Field(
        3.0,
        gt=0,
        le=60,
        description="The time limit of one FHIR query, in seconds, and again of connecting to the server.",
    )
    query_threads: int = Field(
        20,
        ge=1,
        le=64,
        description="How many FHIR queries of one call run in parallel; 20 are enough for the searches of any call.",
    )
    fhir_circuit_failures: int = Field(
        5,
        ge=1,
        description="How many calls in a row a FHIR server may leave unanswered before its circuit opens: until it "
        "closes again, calls do not query that server.",
    )
    fhir_circuit_open_seconds: float = Field(
        30.0,
        ge=0,
        description="How long the circuit of a FHIR server stays open before one trial request, in seconds.",
    )
    max_body_bytes: int = Field(
        10_000_000,
        ge=1,
        description="The largest request body, in bytes; a larger one gets 413.",
    )
    max_orders: int = Field(
        50,
        ge=1,
        description="The most entries of draftOrders in one call; more get 413.",
    )
    max_call_resources: int = Field(
        5_000,
        ge=1,
        description="The most resources in the prefetch of one call, and again from its FHIR server; the searches "
        "that exceed it count as unavailable.",
    )
    max_call_bytes: int = Field(
        40_000_000,
        ge=1,
        description="The most data to read from a FHIR server for one call, in bytes after decompression.",
    )
    max_response_bytes: int = Field(
        10_000_000,
        ge=1,
        description="The largest page to read from a FHIR server, in bytes after decompression.",
    )
    max_pages: int = Field(
        50,
        ge=1,
        description="The most pages to read of one search; a longer search counts as unavailable.",
    )
    clock_skew_seconds: int = Field(
        30,
        ge=0,
        le=300,
        description="How far the clocks of clients may differ from ours, in seconds.",
    )
    longest_token_seconds: int = Field(
        86_400,
        ge=60,
        description="The longest remaining lifetime of a client's token, in seconds; a token valid for longer is "
        "refused.",
    )
    stale_keys_seconds: int = Field(
        21_600,
        ge=0,
        description="How long to use the last good keys of a client while its key server cannot be read, in seconds.",
    )
    database_wait_seconds: float = Field(
        2.0,
        gt=0,
        le=60,
        description="The longest wait for the database, in seconds: for a connection, another writer, or a statement.",
    )

    @field_validator(
        *("cors_origins", "policy_folders", "fhir_servers", "fhir_private_networks", "encryption_keys"),
        "operator_values",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(origin == "*" or _ORIGIN.match(origin) for origin in value):
            raise ValueError("write each origin as * or scheme://host[:port], without a path")
        return value

    @field_validator("pseudonym_key")
    @classmethod
    def _check_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < _KEY_LENGTH:
            raise ValueError(f"write at least {_KEY_LENGTH} characters")
        return value

    @field_validator("encryption_keys")
    @classmethod
    def _check_encryption_keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not all(_ENCRYPTION_KEY.match(key.get_secret_value()) for key in value):
            raise ValueError("write each key as 64 hexadecimal digits; `openssl rand -hex 32` makes one")
        return value

    @field_validator("fhir_servers")
    @classmethod
    def _check_servers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(FHIR_SERVER.match(server) for server in value):
            raise ValueError("write each server as an http or https base address, without user, query, and fragment")
        return value


def renamed_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of an environment that carry the old name of a setting, each with its new name."""
    return {name: _RENAMED[name.upper()] for name in _set_names(environment) if name.upper() in _RENAMED}


def unknown_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the `CDS_` variables of an environment that are no settings, each with the closest setting or ""."""
    known = [name.upper() for name in Settings.model_fields]
    settings = {PREFIX + name for name in known}
    others = [name for name in _set_names(environment) if name.upper() not in settings | _RENAMED.keys() | _TEST_NAMES]
    close = {name: get_close_matches(name.upper().removeprefix(PREFIX), known, n=1) for name in others}
    return {name: f"{PREFIX}{found[0]}" if found else "" for name, found in close.items()}


def _set_names(environment: Mapping[str, str]) -> list[str]:
    """Return the `CDS_` variables in any case, as pydantic reads them, without the empty ones."""
    return sorted(name for name, value in environment.items() if name.upper().startswith(PREFIX) and value)
