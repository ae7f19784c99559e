"""The clients file: which EHRs may call, whose keys sign their tokens, and which FHIR servers they may name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from jsonschema import Draft202012Validator, ValidationError

from cds_service.clients.algorithms import ALGORITHMS, USUAL
from cds_service.settings import FHIR_SERVER
from coverage_policies.format.problems import DocumentError, Problem
from coverage_policies.format.strict_yaml import YamlSource, read_yaml

_VISIBLE = r"^[!-~]+\Z"
_LABELS_WITHOUT_STAR = 2


@dataclass(frozen=True, slots=True)
class Client:
    """An EHR that may call.

    Its keys are read from `jwks_url`, or from `keys_file` where that is empty. `tenants` empty takes any tenant and
    none. `fhir_servers` are base URLs without a slash at the end; `*` in one stands for a part (`fhir_servers.py`).
    """

    name: str
    issuer: str
    jwks_url: str = ""
    keys_file: Path | None = None
    algorithms: tuple[str, ...] = USUAL
    tenants: tuple[str, ...] = ()
    fhir_servers: tuple[str, ...] = ()
    insecure_loopback: bool = False


def _texts(description: str, **items: Any) -> dict[str, Any]:
    one = {"type": "string", "minLength": 1, "description": description, **items}
    return {"type": "array", "items": one, "minItems": 1, "uniqueItems": True, "description": description}


_CLIENT: dict[str, Any] = {
    "type": "object",
    "required": ["name", "issuer"],
    "additionalProperties": False,
    "description": "a client is a mapping with name, issuer, and jwks_url or keys_file",
    "properties": {
        "name": {
            "type": "string",
            "pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z",
            "description": "a name of letters, digits, dots, dashes and underscores, for the log",
        },
        "issuer": {
            "type": "string",
            "pattern": r"^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+\Z",
            "description": "the iss of its tokens, a URI, letter by letter",
        },
        "jwks_url": {
            "type": "string",
            "pattern": _VISIBLE,
            "description": "the https address of its JWK set, which is also the jku of its tokens",
        },
        "keys_file": {
            "type": "string",
            "minLength": 1,
            "description": "a file with its public keys (JWK set or PEM), beside this file or by its full path",
        },
        "algorithms": {
            **_texts(f"algorithms that its tokens may be signed with, of: {', '.join(ALGORITHMS)}"),
            "items": {"enum": list(ALGORITHMS), "description": f"an algorithm is one of: {', '.join(ALGORITHMS)}"},
        },
        "tenants": _texts("tenants that its tokens may name"),
        "fhir_servers": _texts(
            "base URLs of FHIR servers; * is any part of a label or a segment, as in https://*.ehr.example.org/r4",
            pattern=_VISIBLE,
        ),
        "insecure_loopback": {
            "enum": ["yes", "no"],
            "description": "yes lets jwks_url be plain http on this machine; for tests",
        },
    },
}
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["clients"],
    "additionalProperties": False,
    "description": "the file holds one list, under clients:",
    "properties": {
        "clients": {"type": "array", "items": _CLIENT, "description": "clients: is a list; each begins with - name:"}
    },
}
_VALIDATOR = Draft202012Validator(_SCHEMA)


def load_clients(path: Path) -> tuple[Client, ...]:
    """The clients registered in a file.

    Raises DocumentError with everything that is wrong in it, OSError where it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise DocumentError([Problem(str(path), 1, "this is not UTF-8")]) from None
    return parse_clients(text, path)


def parse_clients(text: str, path: Path) -> tuple[Client, ...]:
    """The clients in the text of a file; `keys_file` is looked for beside that file.

    Raises DocumentError with everything that is wrong, each with its line and how it is written right.
    """
    source = read_yaml(text, str(path))
    problems = [problem for error in _VALIDATOR.iter_errors(source.data) for problem in _explained(source, error)]
    if not problems:
        problems = [*_repeated(source), *(p for i, raw in _listed(source) for p in _faults(source, i, raw))]
    if problems:
        raise DocumentError(sorted(problems, key=lambda problem: problem.line))
    return tuple(_client(raw, path.parent) for _, raw in _listed(source))


def _explained(source: YamlSource, error: ValidationError) -> Iterable[Problem]:
    path = list(error.absolute_path)
    where = ".".join(str(part) for part in path) or "the file"
    schema: Mapping[str, Any] = error.schema  # type: ignore[assignment]
    found: Any = error.instance
    if error.validator == "additionalProperties":
        known = schema["properties"]
        for name in found.keys() - known.keys():
            yield source.problem([*path, name], f"{where} has no {name}; there are: {', '.join(known)}")
    elif error.validator == "required":
        missing = ", ".join(name for name in schema["required"] if name not in found)
        yield source.problem(path, f"{where} lacks {missing}: {schema['description']}")
    else:
        yield source.problem(path, f"{where} must be: {schema['description']}")


def _listed(source: YamlSource) -> Sequence[tuple[int, Mapping[str, Any]]]:
    return list(enumerate(source.data["clients"]))


def _repeated(source: YamlSource) -> Iterable[Problem]:
    for key in ("name", "issuer"):
        seen: set[str] = set()
        for i, raw in _listed(source):
            if raw[key] in seen:
                yield source.problem(("clients", i, key), f"another client has this {key}; each client has its own")
            seen.add(raw[key])


def _faults(source: YamlSource, i: int, raw: Mapping[str, Any]) -> Iterable[Problem]:
    def at(*key: str | int) -> tuple[str | int, ...]:
        return ("clients", i, *key)

    if ("jwks_url" in raw) == ("keys_file" in raw):
        what = "a client has jwks_url (its keys are fetched) or keys_file (its keys are in a file), and not both"
        yield source.problem(at(), what)
    if fault := _fault_of_jwks_url(raw.get("jwks_url", "https://none"), raw.get("insecure_loopback") == "yes"):
        yield source.problem(at("jwks_url"), fault)
    for j, server in enumerate(raw.get("fhir_servers", ())):
        if fault := _fault_of_server(server):
            yield source.problem(at("fhir_servers", j), fault)


def _split(url: str) -> SplitResult | None:
    """The parts of an http address without user, query and fragment; None for any other."""
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts if is_usable and not set("@#\\") & set(url) else None


def _fault_of_jwks_url(url: str, may_be_plain: bool) -> str:
    parts = _split(url)
    if parts is None:
        return "jwks_url is no address: write https://, host and path, without user and fragment"
    if parts.scheme == "http" and not (may_be_plain and is_loopback(parts.hostname or "")):
        return "jwks_url must be https; plain http is for keys on this machine, with insecure_loopback: yes"
    return ""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its name or number."""
    try:
        return host.lower() == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _fault_of_server(server: str) -> str:
    parts = _split(server)
    if parts is None or not FHIR_SERVER.match(server):
        return "this is no base URL of a FHIR server: write https://, host and path, without user, query and fragment"
    if any("*" in label for label in (parts.hostname or "").split(".")[-_LABELS_WITHOUT_STAR:]):
        return "* stands for too much here: two whole labels must follow it, as in https://*.example.org/r4"
    return ""


def _client(raw: Mapping[str, Any], folder: Path) -> Client:
    return Client(
        name=raw["name"],
        issuer=raw["issuer"],
        jwks_url=raw.get("jwks_url", ""),
        keys_file=folder / raw["keys_file"] if "keys_file" in raw else None,
        algorithms=tuple(raw.get("algorithms", USUAL)),
        tenants=tuple(raw.get("tenants", ())),
        fhir_servers=tuple(server.rstrip("/") for server in raw.get("fhir_servers", ())),
        insecure_loopback=raw.get("insecure_loopback") == "yes",
    )
