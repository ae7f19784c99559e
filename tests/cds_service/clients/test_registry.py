"""The clients file, strictly read; the commands that write, list and check it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cards.crd_versions import CrdVersion
from cards.style import CardStyle
from cds_service.cli.main import main
from cds_service.clients.backend_services import BackendServices
from cds_service.clients.keys import KeysError, read_keys
from cds_service.clients.registry import SANDBOX_ISSUER, Client, SmartRegistration, load_clients, parse_clients
from cds_service.settings import Settings
from cds_service.smart.launches import SmartClient
from cds_service.wiring.clients import NoClientsError, clients_of, describe_clients
from cds_service.wiring.serving import on_loopback
from cds_service.wiring.smart import smart_clients_of
from coverage_policies.format.problems import DocumentError
from tests.support.client_fakes import KeyServer, jwk, pem

WHOLE = """
# who may call
clients:
  - name: north
    issuer: https://north.example.org
    jwks_url: https://north.example.org/jwks.json
    algorithms: [ES384, PS512]
    tenants: [a, b]
    fhir_servers:
      - https://fhir.north.example.org/r4/
      - https://*.ehr.example.org/v/*/fhir
  - name: south
    issuer: urn:south
    keys_file: south.pem
"""


def test_clients_are_read_from_their_file(tmp_path: Path) -> None:
    path = tmp_path / "clients.yaml"
    path.write_text(WHOLE)
    assert load_clients(path) == (
        Client(
            name="north",
            issuer="https://north.example.org",
            jwks_url="https://north.example.org/jwks.json",
            algorithms=("ES384", "PS512"),
            tenants=("a", "b"),
            fhir_servers=("https://fhir.north.example.org/r4", "https://*.ehr.example.org/v/*/fhir"),
        ),
        Client(name="south", issuer="urn:south", keys_file=tmp_path / "south.pem"),
    )


def test_the_registration_of_the_questionnaire_app_is_read(tmp_path: Path) -> None:
    path = tmp_path / "clients.yaml"
    path.write_text(
        one(
            KEYS,
            "fhir_servers: [https://a.example.org/r4]",
            "smart: {client_id: questions, secret_file: s, scopes: v1, frame_ancestors: [https://a.example.org], "
            "issuer: https://a.example.org/oidc/}",
        )
    )
    (client,) = load_clients(path)
    assert client.smart == SmartRegistration(
        "questions", tmp_path / "s", "v1", ("https://a.example.org",), "https://a.example.org/oidc/"
    )


def test_a_secret_is_read_from_its_file_without_the_line_end(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("secret\n")
    client = Client("a", "urn:a", fhir_servers=("https://a/r4",), smart=SmartRegistration("q", tmp_path / "s"))
    assert smart_clients_of([client, Client("b", "urn:b")], Settings()) == (
        SmartClient("a", SmartRegistration("q", tmp_path / "s"), ("https://a/r4",), "secret"),
    )


@pytest.mark.parametrize("content", [None, " \n"])
def test_a_secret_that_is_not_there_stops_the_start(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "s").write_text(content)
    client = Client("a", "urn:a", smart=SmartRegistration("q", tmp_path / "s"))
    with pytest.raises(NoClientsError, match="a: its secret_file"):
        smart_clients_of([client], Settings())


@pytest.mark.parametrize(
    ("public_url", "may"),
    [
        ("https://cds.example.org", True),
        ("http://127.0.0.1:8000", True),
        ("http://localhost:8000", True),
        ("http://cds.example.org", False),
    ],
)
def test_the_questionnaire_app_needs_https(public_url: str, may: bool) -> None:
    client = Client("a", "urn:a", fhir_servers=("https://a/r4",), smart=SmartRegistration("q"))
    settings = Settings(public_url=public_url)
    assert len(smart_clients_of([Client("b", "urn:b")], settings)) == 0
    if may:
        assert len(smart_clients_of([client], settings)) == 1
    else:
        with pytest.raises(NoClientsError, match="needs https: set CDS_PUBLIC_URL"):
            smart_clients_of([client], settings)


def test_the_registration_for_access_tokens_is_read(tmp_path: Path) -> None:
    path = tmp_path / "clients.yaml"
    both = one(KEYS, "backend_services: {client_id: dtr-app}")
    both += "\n- name: b\n  issuer: urn:b\n  keys_file: k\n  algorithms: [ES256, RS384]\n  backend_services:\n"
    both += "    {client_id: 'https://b.example.org', scopes: [system/ValueSet.r], forms: standard, contexts_of: [a]}"
    path.write_text(both)
    assert [client.backend_services for client in load_clients(path)] == [
        BackendServices("dtr-app", ("system/Questionnaire.rs", "system/ValueSet.rs"), "adaptive", ()),
        BackendServices("https://b.example.org", ("system/ValueSet.r",), "standard", ("a",)),
    ]


def test_two_clients_with_one_client_id_are_refused() -> None:
    backend = "backend_services: {client_id: dtr-app}"
    text = one(KEYS, backend) + f"\n- name: b\n  issuer: urn:b\n  keys_file: k\n  {backend}"
    with pytest.raises(DocumentError) as error:
        parse_clients(text, Path("f.yaml"))
    assert [(problem.line, problem.what.split(";")[0]) for problem in error.value.problems] == [
        (9, "another client has this client_id"),
    ]


def test_the_client_id_at_an_ehr_and_that_of_access_tokens_may_be_the_same() -> None:
    lines = ("fhir_servers: [https://a.example.org/r4]", "smart: {client_id: q}", "backend_services: {client_id: q}")
    (client,) = parse_clients(one(KEYS, *lines), Path("f.yaml"))
    assert client.smart is not None
    assert client.backend_services is not None
    assert client.smart.client_id == client.backend_services.client_id == "q"


KEYS = "keys_file: k"
URL = "jwks_url: https://a.example.org/k"


def one(*lines: str, name: str = "a") -> str:
    return "\n".join(
        ["clients:", f"- name: {name}", "  issuer: https://a.example.org", *(f"  {line}" for line in lines)]
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "f.yaml:1: the file is missing 'clients' (a list of clients, each"),
        ("clients: []\nx: 1", "f.yaml:2: the file has no key 'x'; known keys: clients"),
        ("- clients", "f.yaml:1: the file must be a mapping with one key, clients"),
        ("clients: 3", "f.yaml:1: clients must be a list of clients"),
        ("clients:\n- 3", "f.yaml:2: clients must be a list of clients, each a mapping"),
        ("clients:\n- issuer: urn:a", "f.yaml:2: clients is missing 'name' (a name for the log"),
        (one(KEYS, "isuer: x"), "f.yaml:5: clients has no key 'isuer' (did you mean 'issuer'?); known keys: name, "),
        (one(KEYS, name="a b"), "f.yaml:2: clients.name must be a name for the log, of at most"),
        (one(KEYS, name='"a\\n"'), "f.yaml:2: clients.name must be a name for the log, of at most"),
        (one().replace("https:", "https"), "f.yaml:3: clients.issuer must be the exact iss of its tokens"),
        (one(KEYS, "algorithms: [HS256]"), "f.yaml:5: clients.algorithms must be a list of the algorithms"),
        (one(KEYS, "algorithms: [none]"), "f.yaml:5: clients.algorithms must be a list of"),
        (one(KEYS, "algorithms: []"), "f.yaml:5: clients.algorithms must be a list of"),
        (one(KEYS, "algorithms: [ES384, ES384]"), "f.yaml:5: clients.algorithms must be a list of"),
        (one(KEYS, "tenants: ['']"), "f.yaml:5: clients.tenants must be a list of"),
        (one(KEYS, "tenants: []"), "f.yaml:5: clients.tenants must be a list of"),
        (one(KEYS, "insecure_loopback: true"), "f.yaml:5: clients.insecure_loopback must be yes or no"),
        (one(KEYS, "tables: true"), "f.yaml:5: clients.tables must be yes or no"),
        (one(KEYS, "services: crd"), "f.yaml:5: clients.services must be plain, crd-2.2, or crd-2.0"),
        (one(KEYS, "dtr: maybe"), "f.yaml:5: clients.dtr must be yes or no"),
        (one(KEYS, "selection_behavior: all"), "f.yaml:5: clients.selection_behavior must be at-most-one, or any"),
        (one(KEYS, "actions: replace"), "f.yaml:5: clients.actions must be update, or delete-create"),
        (one(KEYS, "smart: yes"), "f.yaml:5: clients.smart must be a mapping with client_id"),
        (one(KEYS, "smart: {client_id: q}"), "f.yaml:5: the questionnaire app needs fhir_servers"),
        (one(KEYS, "smart: {client_id: ''}"), "f.yaml:5: clients.smart.client_id must be the client_id that the EHR"),
        (one(KEYS, "smart: {}"), "f.yaml:5: clients.smart is missing 'client_id'"),
        (
            one(KEYS, "smart: {client_id: q, issuer: a.example.org}"),
            "f.yaml:5: clients.smart.issuer must be the exact iss of the EHR's identity tokens",
        ),
        (
            one(KEYS, "smart: {client_id: q, scopes: v3}"),
            "f.yaml:5: clients.smart.scopes must be v2 for scopes such as",
        ),
        (
            one(KEYS, "smart: {client_id: q, frame_ancestors: ['https://a.example.org/x']}"),
            "f.yaml:5: clients.smart.frame_ancestors must be a list of the web origins",
        ),
        (
            one(KEYS, "smart: {client_id: q, frame_ancestors: ['*']}"),
            "f.yaml:5: clients.smart.frame_ancestors must be a list of the web origins",
        ),
        (one(KEYS, "backend_services: yes"), "f.yaml:5: clients.backend_services must be a mapping with client_id"),
        (one(KEYS, "backend_services: {}"), "f.yaml:5: clients.backend_services is missing 'client_id'"),
        (
            one(KEYS, "backend_services: {client_id: 'a b'}"),
            "f.yaml:5: clients.backend_services.client_id must be the iss and sub of its client assertions",
        ),
        (
            one(KEYS, f"backend_services: {{client_id: {'x' * 257}}}"),
            "f.yaml:5: clients.backend_services.client_id must be the iss and sub of its client assertions",
        ),
        *(
            (
                one(KEYS, f"backend_services: {{client_id: q, scopes: [{scopes}]}}"),
                "f.yaml:5: clients.backend_services.scopes must be a list of the scopes that it may be granted",
            )
            for scopes in (
                "",
                "system/Patient.rs",
                "'system/*.rs'",
                "system/Questionnaire.cruds",
                "system/Questionnaire.read",
                "system/Questionnaire.rs, system/Questionnaire.rs",
            )
        ),
        (
            one(KEYS, "backend_services: {client_id: q, forms: paper}"),
            "f.yaml:5: clients.backend_services.forms must be adaptive or standard",
        ),
        (
            one(KEYS, "backend_services: {client_id: q, contexts_of: []}"),
            "f.yaml:5: clients.backend_services.contexts_of must be a list of the names of clients",
        ),
        (
            one(KEYS, "backend_services: {client_id: q, contexts_of: [a, north]}"),
            "f.yaml:5: no client has this name; write the name of a registered client",
        ),
        (
            one(KEYS, "algorithms: [ES256, PS384]", "backend_services: {client_id: q}"),
            "f.yaml:6: its client assertions are signed by ES384 or RS384; add one of them to algorithms",
        ),
        (one(), "f.yaml:2: a client has jwks_url (the service fetches its keys) or"),
        (one(KEYS, URL), "f.yaml:2: a client has jwks_url (the service fetches its keys) or"),
        (one("jwks_url: http://a.example.org/k"), "f.yaml:4: jwks_url must be https"),
        (one("jwks_url: http://127.0.0.1/k"), "f.yaml:4: jwks_url must be https"),
        (one("jwks_url: http://a.example.org/k", "insecure_loopback: yes"), "f.yaml:4: jwks_url must be https"),
        (one("jwks_url: http://127.0.0.1.example.org/k", "insecure_loopback: yes"), "f.yaml:4: jwks_url must be https"),
        (one("jwks_url: https://u:p@a.example.org/k"), "f.yaml:4: jwks_url is not an address"),
        (one("jwks_url: file:///etc/passwd"), "f.yaml:4: jwks_url is not an address"),
        (one("jwks_url: https://"), "f.yaml:4: jwks_url is not an address"),
        (one("jwks_url: https://[::1"), "f.yaml:4: jwks_url is not an address"),
        (one("jwks_url: https://a.example.org:x/"), "f.yaml:4: jwks_url is not an address"),
        (one("jwks_url: 'https://a.example.org/k#f'"), "f.yaml:4: jwks_url is not an address"),
        (one(KEYS, "fhir_servers: ['https://*']"), "f.yaml:5: * matches too much here"),
        (one(KEYS, "fhir_servers: ['https://*.org']"), "f.yaml:5: * matches too much here"),
        (one(KEYS, "fhir_servers: ['https://ehr.*.org']"), "f.yaml:5: * matches too much here"),
        (one(KEYS, "fhir_servers: ['https://ehr.example.*']"), "f.yaml:5: * matches too much here"),
        (one(KEYS, "fhir_servers: ['https://ehr-*.org']"), "f.yaml:5: * matches too much here"),
        (one(KEYS, "fhir_servers: ['https://a.org:*/r4']"), "f.yaml:5: this is not a base URL"),
        (one(KEYS, "fhir_servers: ['https://a.org/r4?x=1']"), "f.yaml:5: this is not a base URL"),
        (one(KEYS, "fhir_servers: ['ftp://a.org/r4']"), "f.yaml:5: this is not a base URL"),
        (one(KEYS, "fhir_servers: ['https://u@a.org/r4']"), "f.yaml:5: this is not a base URL"),
        (one(KEYS, KEYS), "f.yaml:5: 'keys_file' occurs twice"),
        ("clients: [", "f.yaml:2: this is not YAML"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(DocumentError) as error:
        parse_clients(text, Path("f.yaml"))
    assert str(error.value).startswith(problem)


def test_what_a_client_says_of_its_cards_comes_before_the_settings() -> None:
    text = one(KEYS, "tables: no", "selection_behavior: any", "actions: delete-create")
    (client,) = parse_clients(text, Path("f.yaml"))
    default = CardStyle(tables=True)
    assert client.card_style(default) == CardStyle(tables=False, selection_behavior="any", actions="delete-create")


def test_the_settings_say_what_a_client_does_not_say_of_its_cards() -> None:
    (client,) = parse_clients(one(KEYS), Path("f.yaml"))
    default = CardStyle(tables=True, selection_behavior="any", actions="delete-create")
    assert client.card_style(default) == default


def test_two_clients_with_one_name_or_issuer_are_refused() -> None:
    text = one(KEYS) + "\n- name: a\n  issuer: https://a.example.org\n  keys_file: k"
    with pytest.raises(DocumentError) as error:
        parse_clients(text, Path("f.yaml"))
    assert [(problem.line, problem.what.split(";")[0]) for problem in error.value.problems] == [
        (5, "another client has this name"),
        (6, "another client has this issuer"),
    ]


@pytest.mark.parametrize(
    ("name", "issuer", "says"),
    [
        ("sandbox", "https://ehr.example.org", "sandbox is the name of the service's own test client"),
        ("ehr", SANDBOX_ISSUER, "this is the issuer of the service's own test client"),
    ],
)
def test_no_client_can_be_taken_for_the_test_client(name: str, issuer: str, says: str) -> None:
    text = f"clients:\n  - name: {name}\n    issuer: {issuer}\n    jwks_url: https://ehr.example.org/keys\n"
    with pytest.raises(DocumentError, match=says):
        parse_clients(text, Path("f.yaml"))


def test_keys_on_this_machine_need_the_flag() -> None:
    for host in ("127.0.0.1", "localhost", "[::1]", "127.9.9.9:8080"):
        (client,) = parse_clients(one(f"jwks_url: http://{host}/k", "insecure_loopback: yes"), Path("f.yaml"))
        assert client.insecure_loopback


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "clients.yaml"
    path.write_bytes(b"clients: \xff")
    with pytest.raises(DocumentError, match="the file is not UTF-8"):
        load_clients(path)


# --- key files -------------------------------------------------------------------------------------------------------


def test_public_keys_in_pem_serve_any_kid() -> None:
    found = read_keys(pem() + b"\n" + pem("RS384") + pem("EdDSA"))
    assert [key.kind for key in found.keys] == ["EC secp384r1", "RSA 2048", "Ed25519"]
    assert len(found.candidate_keys("any", "ES384")) == len(found.candidate_keys("other", "PS256")) == 1


PRIVATE = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ([jwk(kid=None)], "key 1: it has no kid"),
        ([jwk(kid=7)], "key 1: it has no kid"),
        ([jwk(kid="a\x1b[0m")], "key 1: its kid is not printable text"),
        ([jwk(), 3], "key 2: it is not a JSON object"),
        ([{"kty": "oct", "k": "AAAA", "kid": "a"}], "key 1: it is a shared secret"),
        ([jwk(d="AAAA")], "key 1: it is a private key"),
        ([jwk(use="enc")], "key 1: it is not for signatures"),
        ([jwk(key_ops=["sign"])], "key 1: it is not for signatures"),
        ([jwk(key_ops=7)], "key 1: it is not for signatures"),
        ([jwk(alg="ES256")], "key 1: its alg does not fit the key"),
        ([jwk(alg=["ES384"])], "key 1: its alg does not fit the key"),
        ([jwk(crv="P-256")], "key 1: its numbers or its type"),
        ([jwk(x="AAAA")], "key 1: its numbers or its type"),
        ([jwk(x=7)], "key 1: its numbers or its type"),
        ([jwk(x="é")], "key 1: its numbers or its type"),
        ([jwk(kty="other")], "key 1: its numbers or its type"),
        ([jwk(kty=[1])], "key 1: its numbers or its type"),
        ([jwk(algorithm="RS384", n="_" * 170 + "8")], "key 1: its 1024 bits are not within 2048 to 16384"),
        ([jwk(algorithm="RS384", e="")], "key 1: its numbers or its type"),
        (PRIVATE, "key 1: it is a private key"),
        (PRIVATE.replace("PRIVATE KEY", "CERTIFICATE"), "key 1: it is a certificate"),
        (PRIVATE.replace("PRIVATE", "PUBLIC"), "key 1: it is not a usable public key"),
    ],
)
def test_a_key_that_cannot_be_used_is_set_aside_with_the_reason(keys: Any, why: str) -> None:
    found = read_keys(keys.encode() if isinstance(keys, str) else json.dumps({"keys": keys}).encode())
    assert found.rejected[0].startswith(why)


def test_a_file_that_holds_no_keys_is_told() -> None:
    with pytest.raises(KeysError, match="this is not JSON"):
        read_keys(b"ssh-rsa AAAA")


# --- what the settings say -------------------------------------------------------------------------------------------


def test_nobody_serves_open_by_accident(tmp_path: Path) -> None:
    empty = tmp_path / "clients.yaml"
    empty.write_text("clients: []")
    for settings in (Settings(), Settings(clients=empty), Settings(clients=empty, allow_unauthenticated=True)):
        with pytest.raises(NoClientsError):
            clients_of(settings)
    assert clients_of(Settings(allow_unauthenticated=True)) is None
    assert describe_clients(None, Settings()).startswith("ANYONE MAY CALL")


def test_the_operator_is_told_what_tokens_must_name(tmp_path: Path) -> None:
    path = tmp_path / "clients.yaml"
    path.write_text(WHOLE)
    said = describe_clients(clients_of(Settings(clients=path)), Settings(public_url="https://cds.example.org/"))
    assert said == (
        "Clients: north, south. The aud of their tokens is the address they call, below https://cds.example.org "
        "(CDS_PUBLIC_URL)."
    )


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("CDS_CLIENTS", str(tmp_path / "clients.yaml"))
    monkeypatch.setenv("CDS_DATA_FOLDER", str(tmp_path / "data"))

    def invoke(*args: str) -> Result:
        return CliRunner().invoke(main, ["clients", *args])

    return invoke


def test_serve_refuses_to_start_open_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CDS_ALLOW_UNAUTHENTICATED", raising=False)
    found = CliRunner().invoke(main, ["serve", "--port", "1"])
    assert found.exit_code == 1
    assert "No clients are registered" in found.output
    assert "--allow-unauthenticated" in found.output


@pytest.mark.parametrize("arguments", [["--allow-unauthenticated"], []])
def test_serve_does_not_take_both_clients_and_anyone(run: Any, arguments: list[str]) -> None:
    run("add", "a", "--issuer", "urn:a", "--keys-file", "k")
    env = {} if arguments else {"CDS_ALLOW_UNAUTHENTICATED": "yes"}
    found = CliRunner().invoke(main, ["serve", "--port", "1", *arguments], env=env)
    assert found.exit_code == 1
    assert "Set only one of them" in found.output


# --- commands --------------------------------------------------------------------------------------------------------


def test_a_client_is_added_and_comments_stay(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "clients.yaml"
    assert run("add", "first", "--issuer", "urn:first", "--keys-file", "first.pem").exit_code == 0
    path.write_text(f"# ours\n{path.read_text()}  # the next one is new")
    path.chmod(0o600)
    added = run(
        "add", "second", "--issuer", "https://second.example.org", "--jwks-url", "https://second.example.org/k",
        "--algorithm", "ES384", "--algorithm", "PS256", "--tenant", "yes", "--tenant", "8",
        "--fhir-server", "https://*.second.example.org/r4/",
    )  # fmt: skip
    assert added.exit_code == 0, added.output
    assert "cds-service clients check second" in added.output
    text = path.read_text()
    assert text.startswith("# ours\nclients:\n  - name: first\n")
    assert "# the next one is new\n  - name: second\n" in text
    assert path.stat().st_mode & 0o777 == 0o600
    first, second = load_clients(path)
    assert first.keys_file == tmp_path / "first.pem"
    assert (second.algorithms, second.tenants) == (("ES384", "PS256"), ("yes", "8"))
    assert second.fhir_servers == ("https://*.second.example.org/r4",)
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["clients.yaml"]


def test_a_client_of_crd_is_added_and_listed(run: Any, tmp_path: Path) -> None:
    added = run("add", "a", "--issuer", "urn:a", "--keys-file", "k", "--services", "crd-2.0", "--dtr", "no")
    assert added.exit_code == 0, added.output
    (client,) = load_clients(tmp_path / "clients.yaml")
    assert (client.services, client.crd_version, client.has_dtr) == ("crd-2.0", CrdVersion.V2_0, False)
    assert "crd-2.0, no DTR" in run("list").output


def test_a_client_of_the_fhir_base_is_added_and_listed(run: Any, tmp_path: Path) -> None:
    run("add", "a", "--issuer", "urn:a", "--keys-file", "k")
    assert "no access tokens" in run("list").output
    added = run(
        "add", "b", "--issuer", "urn:b", "--keys-file", "k", "--backend-client-id", "dtr-app",
        "--scope", "system/Questionnaire.r", "--scope", "system/ValueSet.rs", "--forms", "standard",
        "--contexts-of", "a",
    )  # fmt: skip
    assert added.exit_code == 0, added.output
    _, client = load_clients(tmp_path / "clients.yaml")
    assert client.backend_services == BackendServices(
        "dtr-app", ("system/Questionnaire.r", "system/ValueSet.rs"), "standard", ("a",)
    )
    listed = run("list").output
    for part in (
        "client_id dtr-app",
        "system/Questionnaire.r system/ValueSet.rs",
        "standard forms",
        "coverage assertions also of a",
    ):
        assert part in listed


@pytest.mark.parametrize("option", [["--scope", "system/ValueSet.r"], ["--forms", "standard"], ["--contexts-of", "a"]])
def test_what_is_about_access_tokens_needs_a_client_id(run: Any, tmp_path: Path, option: list[str]) -> None:
    added = run("add", "a", "--issuer", "urn:a", "--keys-file", "k", *option)
    assert added.exit_code == 2
    assert "--backend-client-id" in added.output
    assert not (tmp_path / "clients.yaml").exists()


@pytest.mark.parametrize(("algorithm", "code"), [("RS384", 0), ("ES256", 1)])
def test_the_check_says_whether_a_key_can_sign_client_assertions(
    run: Any, tmp_path: Path, algorithm: str, code: int
) -> None:
    (tmp_path / "k").write_bytes(pem(algorithm))
    added = run(
        "add", "a", "--issuer", "urn:a", "--keys-file", "k", "--algorithm", "ES256", "--algorithm", "RS384",
        "--backend-client-id", "dtr-app",
    )  # fmt: skip
    assert added.exit_code == 0, added.output
    checked = run("check")
    assert checked.exit_code == code
    assert ("no key here can check its client assertions, signed by ES384 or RS384" in checked.output) is bool(code)


def test_a_client_calls_plain_services_and_fills_in_forms_unless_it_says_otherwise(run: Any, tmp_path: Path) -> None:
    run("add", "a", "--issuer", "urn:a", "--keys-file", "k")
    (client,) = load_clients(tmp_path / "clients.yaml")
    assert (client.services, client.crd_version, client.has_dtr) == ("plain", None, True)


@pytest.mark.parametrize(
    "before",
    [
        "# nothing yet",
        "",
        "clients:\n- name: b\n  issuer: urn:b\n  keys_file: k",
        "clients:\n      - {name: b, issuer: urn:b, keys_file: k}\n",
        '"clients":\n  -\n    name: b\n    issuer: urn:b\n    keys_file: k\n\n\n# end',
    ],
)
def test_a_client_is_added_however_the_list_is_indented(run: Any, tmp_path: Path, before: str) -> None:
    path = tmp_path / "clients.yaml"
    path.write_text(before)
    added = run("add", "a", "--issuer", "urn:a", "--keys-file", "k")
    assert added.exit_code == 0, added.output
    assert path.read_text().startswith(before)
    assert load_clients(path)[-1].name == "a"


@pytest.mark.parametrize(
    ("before", "arguments", "told"),
    [
        ("clients: [{name: b, issuer: urn:b, keys_file: k}]", [], "a client cannot be appended here"),
        ("clients: []", [], "a client cannot be appended here"),
        ("clients:\n- name: a\n  issuer: urn:b\n  keys_file: k", [], "another client has this name"),
        ("clients:\n- name: b\n  issuer: urn:a\n  keys_file: k", [], "another client has this issuer"),
        ("clients:\n- name: b\n", [], "clients is missing 'issuer'"),
        ("", ["--jwks-url", "https://a.example.org/k"], "and not both"),
        ("", ["--fhir-server", "https://*.org"], "matches too much"),
        ("clients:\n- name: b\n  issuer: urn:b\n  keys_file: k\n...\n", [], ""),
    ],
)
def test_nothing_is_written_that_would_be_wrong(
    run: Any, tmp_path: Path, before: str, arguments: list[str], told: str
) -> None:
    path = tmp_path / "clients.yaml"
    path.write_text(before)
    refused = run("add", "a", "--issuer", "urn:a", "--keys-file", "k", *arguments)
    assert refused.exit_code == 1
    assert told in refused.output
    assert path.read_text() == before


def test_clients_are_listed(run: Any, tmp_path: Path) -> None:
    (tmp_path / "clients.yaml").write_text(WHOLE)
    listed = run("list")
    assert listed.exit_code == 0
    for said in ("north", "urn:south", "https://north.example.org/jwks.json", "south.pem", "ES384, PS512", "a, b"):
        assert said in listed.output


def test_a_command_without_a_file_says_so(run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CDS_CLIENTS")
    assert "There is no clients file. Give --file FILE, or set CDS_CLIENTS." in run("list").output
    assert run("list", "--file", str(tmp_path / "none.yaml")).exit_code == 1


@pytest.fixture
def server() -> Iterator[KeyServer]:
    fake = KeyServer(jwk("k-es"), jwk("k-rs", "RS384"), jwk("k-256", "ES256"), jwk("k-enc", use="enc"))
    with on_loopback(fake.app) as address:
        fake.url = f"{address}/jwks.json"
        yield fake


ONLY_PREFETCH = "no --fhir-server and no CDS_FHIR_SERVERS: only prefetch will be used, and a call without it gets 412"


def test_checking_fetches_or_reads_the_keys_and_says_what_is_there(run: Any, tmp_path: Path, server: KeyServer) -> None:
    (tmp_path / "south.pem").write_bytes(pem("RS384"))
    run("add", "north", "--issuer", "urn:north", "--jwks-url", server.url, "--insecure-loopback")
    run("add", "south", "--issuer", "urn:south", "--keys-file", "south.pem", "--algorithm", "PS512")
    checked = run("check")
    assert checked.exit_code == 0, checked.output
    assert [" ".join(line.split()) for line in checked.output.splitlines()] == [
        f"north {server.url}",
        "kid k-es EC secp384r1 checks ES384",
        "kid k-rs RSA 2048 checks RS384",
        "kid k-256 EC secp256r1 checks none of its algorithms",
        "key 4: it is not for signatures (use, key_ops)",
        ONLY_PREFETCH,
        f"south {tmp_path / 'south.pem'}",
        "any kid RSA 2048 checks PS512",
        ONLY_PREFETCH,
    ]
    assert server.asked == 1


@pytest.mark.parametrize(("own", "of_all"), [("https://ehr.example.org/r4", ""), ("", "https://ehr.example.org/r4")])
def test_checking_warns_only_where_no_fhir_server_is_registered(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str, of_all: str
) -> None:
    (tmp_path / "south.pem").write_bytes(pem("RS384"))
    servers = ["--fhir-server", own] if own else []
    run("add", "south", "--issuer", "urn:south", "--keys-file", "south.pem", *servers)
    monkeypatch.setenv("CDS_FHIR_SERVERS", of_all)
    checked = run("check")
    assert checked.exit_code == 0, checked.output
    assert "only prefetch" not in checked.output


def test_checking_fails_where_no_key_can_check_a_token(run: Any, tmp_path: Path, server: KeyServer) -> None:
    run("add", "north", "--issuer", "urn:north", "--jwks-url", server.url, "--insecure-loopback")
    run("add", "south", "--issuer", "urn:south", "--keys-file", "south.pem")
    assert run("check", "north").exit_code == 0
    missing = run("check")
    assert missing.exit_code == 1
    assert "the file cannot be read: No such file or directory" in missing.output
    server.keys = [jwk("k-256", "ES256")]
    unfit = run("check", "north")
    assert unfit.exit_code == 1
    assert "no key here can check its tokens, which are signed by ES384, RS384" in unfit.output
    server.fails()
    assert "the key server answered 503" in run("check", "north").output
    assert "There is no client east. There are north, south." in run("check", "east").output
