"""Everything an operator can set, read from the environment (`CDS_…`) once at start."""

import re
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field, IPvAnyNetwork, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from cds_service.fhir_client.allowlist import SERVER

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:\d+)?\Z")
_Listed = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """The settings of the service; each is the environment variable `CDS_` and its name in capitals.

    Lists are comma-separated. A value that cannot be used raises pydantic's ValidationError at start.
    """

    model_config = SettingsConfigDict(env_prefix="CDS_", frozen=True, env_ignore_empty=True)

    public_url: str = Field(
        "http://127.0.0.1:8000",
        pattern=r"^https?://[^\s?#]+$",
        description="The address under which EHRs reach the service, without /cds-services. "
        "With https, answers tell browsers to stay on it (HSTS).",
    )
    clients: Path | None = Field(
        None,
        description="A YAML file with the EHRs that may call, and how their tokens are checked.",
    )
    allow_unauthenticated: bool = Field(
        False,
        description="Yes serves without tokens: anyone who reaches the service can send orders, and make it read the "
        "FHIR servers they name.",
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
        description="The longest a client's token may still last, in seconds; one that lasts longer is refused.",
    )
    stale_keys_seconds: int = Field(
        21_600,
        ge=0,
        description="How long the last good keys of a client serve while its key server cannot be read, in seconds.",
    )
    time_zone: ZoneInfo = Field(
        ZoneInfo("America/New_York"),
        description="The zone in which an instant becomes a day (IANA name).",
    )
    call_timeout_seconds: float = Field(
        4.0,
        gt=0,
        le=60,
        description="The time one call may take, in seconds, most of it for reading the chart; what is not read in "
        "time counts as unavailable.",
    )
    query_timeout_seconds: float = Field(
        3.0,
        gt=0,
        le=60,
        description="The longest that one FHIR query may take, and connecting as long again, in seconds.",
    )
    query_threads: int = Field(
        12,
        ge=1,
        le=64,
        description="How many FHIR queries of one call run side by side.",
    )
    max_pages: int = Field(
        20,
        ge=1,
        description="How many pages of one search are read; a longer search counts as unavailable.",
    )
    max_response_bytes: int = Field(
        10_000_000,
        ge=1,
        description="The largest page taken from a FHIR server, in bytes after decompression.",
    )
    max_body_bytes: int = Field(
        10_000_000,
        ge=1,
        description="The largest request body taken, in bytes; a larger one is answered 413.",
    )
    max_call_bytes: int = Field(
        40_000_000,
        ge=1,
        description="The most that is taken from a FHIR server for one call, in bytes after decompression.",
    )
    max_call_resources: int = Field(
        5_000,
        ge=1,
        description="The most resources that one call may hold, in prefetch and again from its FHIR server; more "
        "prefetch is answered 413, longer searches count as unavailable.",
    )
    max_orders: int = Field(
        50,
        ge=1,
        description="The most entries of draftOrders that one call may hold; more are answered 413.",
    )
    fhir_servers: _Listed = Field(
        (),
        description="The base addresses of the FHIR servers that calls may name, where the client has registered none; "
        "* stands for any part of a host's label or of a path's segment. Without any, every public server may be "
        "named.",
    )
    fhir_private_networks: Annotated[tuple[IPvAnyNetwork, ...], NoDecode] = Field(
        (),
        description="Private networks in which any named FHIR server may lie, such as 10.0.0.0/8, or 127.0.0.0/8 for "
        "this machine; a server that is registered by its full address needs no mention.",
    )
    fhir_circuit_failures: int = Field(
        5,
        ge=1,
        description="After how many calls in a row without any answer a FHIR server is left alone for a while.",
    )
    fhir_circuit_open_seconds: float = Field(
        30.0,
        ge=0,
        description="How long a FHIR server is left alone that keeps failing, or that asks for it, in seconds.",
    )
    cors_origins: _Listed = Field(
        ("*",),
        description="The web origins whose pages may call the service, or * for all. Cookies are never used.",
    )
    answers_valid_days: int = Field(
        90,
        ge=0,
        description="How many days a clinician's answer to a policy question counts.",
    )
    policy_folders: Annotated[tuple[Path, ...], NoDecode] = Field(
        (),
        description="Folders with policy documents of your own, read beside those that come with the service.",
    )
    plan_rules: Path | None = Field(
        None,
        description="A YAML file with what no policy text says: payers, effective dates, switches, local order codes.",
    )
    data_folder: Path = Field(
        Path("cds-data"),
        description="The folder of the database and of the key for hashes, where no others are set.",
    )
    database_url: SecretStr | None = Field(
        None,
        description="The database of decisions and feedback: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME; "
        "unset, a SQLite file in the data folder.",
    )
    database_wait_seconds: float = Field(
        2.0,
        gt=0,
        le=60,
        description="The longest wait for the database, in seconds: for a connection, another writer, a statement.",
    )
    pseudonym_key: SecretStr | None = Field(
        None,
        min_length=32,
        description="The secret for keyed hashes of ids and charts in the decision log, 32 characters or more; unset, "
        "a file in the data folder. All processes of one database need the same.",
    )
    answer_if_store_fails: bool = Field(
        False,
        description="Yes answers calls whose decision could not be stored, with an error in the log; no answers 503.",
    )
    suppress_overridden_days: int = Field(
        30,
        ge=0,
        description="How many days a card that was overridden is not shown again to the same user for the same order "
        "and facts; 0 shows it every time.",
    )
    store_comments: bool = Field(
        False,
        description="Yes stores what clinicians write in feedback, which may name the patient.",
    )
    metrics: bool = Field(
        False,
        description="Yes serves /metrics for Prometheus, for which no token is asked: keep that address inside.",
    )
    workers: int = Field(
        2,
        ge=1,
        description="How many processes serve requests.",
    )
    threads: int = Field(
        32,
        ge=1,
        description="How many requests each process serves at a time.",
    )

    @field_validator("cors_origins", "policy_folders", "fhir_servers", "fhir_private_networks", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(origin == "*" or _ORIGIN.match(origin) for origin in value):
            raise ValueError("each origin is * or scheme://host[:port], without a path")
        return value

    @field_validator("fhir_servers")
    @classmethod
    def _servers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(SERVER.match(server) for server in value):
            raise ValueError("each server is a base address, http or https, without user, query and fragment")
        return value
