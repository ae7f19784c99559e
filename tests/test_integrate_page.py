"""docs/integrate.md: its calls, commands, and registrations do what the page says."""

import copy
import json
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from cds_service.cli.main import main
from cds_service.clients.authenticator import Authenticator
from cds_service.clients.keys import read_keys
from cds_service.clients.registry import Client, SmartRegistration, parse_clients
from cds_service.crd.services import services_for
from cds_service.hooks.hooks import SERVICE_OF_HOOK
from cds_service.sample_ehr.patients import STORY_DATE, sample_store
from cds_service.sample_ehr.server import create_sample_ehr
from cds_service.sample_ehr.smart.id_tokens import ALGORITHM, IdTokens
from cds_service.settings import Settings
from cds_service.wiring.loading import load_assessor
from cds_service.wiring.serving import on_loopback
from coverage_policies.format.library import load_library
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.plan_rules import PlanRules
from coverage_policies.judging.plan_rules_file import load_plan_rules
from tests.support.client_fakes import FixedKeys, InMemoryReplayGuard, pem, private_key, token
from tests.support.crd_calls import CrdService
from tests.support.hook_fakes import Service
from tests.support.printed_steps import DOCS
from tests.support.smart_loop import smart_loop

PAGE = (DOCS / "integrate.md").read_text(encoding="utf-8")
EXAMPLES = DOCS / "examples"
CLIENTS = EXAMPLES / "clients"
EHR = "http://127.0.0.1:8080/fhir"
PUBLIC = "https://cds.example.org"
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
COMMANDS = [
    shlex.split(command.replace("\\\n", ""))
    for command in re.findall(r"^ *cds-service ((?:.*\\\n)*.*)$", PAGE, re.MULTILINE)
]
BODIES = re.findall(r"^\| `([\w-]+\.json)` \| `([\w-]+)` \| (\d{3}): (.*?) \|$", PAGE, re.MULTILINE)
CHANGES = re.findall(r"^\| [^|]+ \| `(\{.*?\})` \| (\d{3}): (.*?) \|$", PAGE, re.MULTILINE)
HEADERS = re.findall(r"^\| [^|]+ \| `([\w-]+): ([^`]+)` \| (\d{3}): (.*?) \|$", PAGE, re.MULTILINE)
UNREAD = re.findall(r"^\| (is not running|is at another path|does not take the token) \| (.*?) \|$", PAGE, re.MULTILINE)
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"


@pytest.fixture(name="assessor", scope="module")
def _assessor() -> Assessor:
    return load_assessor(Settings())


@pytest.fixture(name="service")
def _service(assessor: Assessor) -> Service:
    return Service(assessor)


@pytest.fixture(name="ehr", scope="module")
def _ehr() -> Iterator[str]:
    """The FHIR server of `demo --sandbox`, which asks for no token."""
    with on_loopback(create_sample_ehr(sample_store(STORY_DATE))) as base:
        yield f"{base}/fhir"


def body_of(file: Path, ehr: str = EHR) -> Any:
    return json.loads(file.read_text(encoding="utf-8").replace(EHR, ehr))


def says(response: Any) -> str:
    """The first sentence of an answer: of its first card or of its first issue; empty if it has none."""
    found = response.json
    return str(next((each["summary"] for each in found.get("cards", [])), "") or found["issue"][0]["diagnostics"])


def merged(value: Any, change: Any) -> Any:
    """A value after a change in the form of a JSON merge patch (RFC 7386)."""
    if not isinstance(change, Mapping):
        return change
    kept = dict(value) if isinstance(value, Mapping) else {}
    found = {**kept, **{name: merged(kept.get(name), each) for name, each in change.items()}}
    return {name: each for name, each in found.items() if change.get(name, 0) is not None}


# --- the calls -------------------------------------------------------------------------------------------------------


def test_the_page_lists_every_example_body() -> None:
    assert sorted(file for file, *_ in BODIES) == sorted(path.name for path in CLIENTS.iterdir())


@pytest.mark.parametrize(("file", "name", "status", "words"), BODIES, ids=[file for file, *_ in BODIES])
def test_a_client_s_body_gets_the_answer_of_the_table(
    file: str, name: str, status: str, words: str, service: Service, ehr: str
) -> None:
    response = service.post(body_of(CLIENTS / file, ehr), name)
    assert response.status_code == int(status)
    assert says(response).startswith(words)


def test_the_call_of_the_first_step_is_a_row_of_the_table() -> None:
    ((name, file),) = re.findall(r"curl -s http://127.0.0.1:8000/cds-services/(\S+) .*?-d @(\S+)", PAGE, re.DOTALL)
    assert (DOCS.parent / file).parent == CLIENTS
    assert (Path(file).name, name) in [row[:2] for row in BODIES]


@pytest.mark.parametrize(("change", "status", "words"), CHANGES)
def test_a_changed_call_is_refused_as_the_table_says(change: str, status: str, words: str, service: Service) -> None:
    response = service.post(merged(body_of(EXAMPLES / "order-sign.json"), json.loads(change)))
    assert response.status_code == int(status)
    assert says(response).startswith(words)


def test_the_unchanged_call_is_right(service: Service) -> None:
    assert service.post(body_of(EXAMPLES / "order-sign.json")).status_code == 200
    assert len(CHANGES) > 8


@pytest.mark.parametrize(("header", "value", "status", "words"), HEADERS)
def test_a_header_is_answered_as_the_table_says(
    header: str, value: str, status: str, words: str, service: Service
) -> None:
    sent = {"Content-Type": "application/json", header: value}
    data = (EXAMPLES / "order-sign.json").read_bytes()
    response = service.client.post("/cds-services/coverage-order-sign", data=data, headers=sent)
    assert response.status_code == int(status)
    assert says(response).startswith(words)


def test_the_media_type_of_fhir_and_a_slash_at_the_end_cost_nothing(service: Service) -> None:
    (costless,) = re.findall(r"^What costs nothing: .*?:\n", PAGE, re.MULTILINE | re.DOTALL)
    ((media_type,),) = [re.findall(r"`(\w+/\S+)`", costless)]
    data = (EXAMPLES / "order-sign.json").read_bytes()
    response = service.client.post("/cds-services/coverage-order-sign/", data=data, content_type=media_type)
    assert response.status_code == 200


def test_the_other_names_of_hcpcs_are_understood(service: Service, ehr: str) -> None:
    (listed,) = re.findall(r"other names of HCPCS:\n(.*?)\. A code without", PAGE, re.DOTALL)
    systems = re.findall(r"`(\S+)`", listed)
    assert len(systems) == 4
    body = body_of(CLIENTS / "br-provider.json", ehr)
    concept = body["context"]["draftOrders"]["entry"][0]["resource"]["codeCodeableConcept"]
    coding = concept["coding"][0]
    del coding["display"], concept["text"]
    answers = {}
    for system in (HCPCS, *systems):
        coding["system"] = system
        answers[system] = says(service.post(body))
    assert len(set(answers.values())) == 1
    del coding["system"]
    assert service.post(body).json == {"cards": []}


@pytest.mark.parametrize(("server", "words"), UNREAD)
def test_the_412_says_what_the_fhir_server_answered(server: str, words: str, service: Service) -> None:
    body = body_of(CLIENTS / "crd-request-generator.json")
    with on_loopback(create_sample_ehr(sample_store(STORY_DATE), token="another")) as base:
        body["fhirServer"] = f"{base}/{'wrong' if server == 'is at another path' else 'fhir'}"
        body["fhirAuthorization"]["access_token"] = "expired"
        if server != "is not running":
            response = service.post(body)
    if server == "is not running":
        response = service.post(body)
    assert response.status_code == 412
    assert words in response.json["issue"][1]["diagnostics"]


def test_there_is_a_row_for_each_reason_of_a_412() -> None:
    assert len(UNREAD) == 3


def test_the_null_of_br_provider_reads_the_chart_as_if_nothing_had_been_sent(service: Service, ehr: str) -> None:
    body = body_of(CLIENTS / "br-provider.json", ehr)
    assert set(body["prefetch"].values()) == {None}
    answer = service.post(body)
    assert answer.json == service.post(merged(body, {"prefetch": None})).json
    assert "data-unavailable" not in answer.text


def test_the_empty_token_of_the_request_generator_is_named_in_the_notes(service: Service, ehr: str) -> None:
    (card,) = service.post(body_of(CLIENTS / "crd-request-generator.json", ehr)).json["cards"]
    assert any("access token" in note for note in card["extension"]["cds-service.determination"]["notes"])


def test_an_order_with_a_local_code_only_is_asked_for_its_billing_code(service: Service) -> None:
    body = body_of(CLIENTS / "epic.json")
    body["context"]["draftOrders"]["entry"][0]["resource"]["code"]["coding"].pop()
    assert says(service.post(body, "coverage-order-select")).startswith("Which code do you mean: 27279")


# --- CRD services ----------------------------------------------------------------------------------------------------


@pytest.fixture(name="rules", scope="module")
def _rules() -> PlanRules:
    return load_plan_rules(EXAMPLES / "crd" / "plan-rules.yaml", load_library().policies, SERVICE_OF_HOOK)


def crd_answer(rules: PlanRules, change: Any, version: str) -> tuple[int, str]:
    """Status and first diagnostics for an order that is right but for a change."""
    body = merged(body_of(EXAMPLES / "crd" / "order-sign.json"), change)
    response = CrdService(rules, clock=lambda: NOW).post(body, version)
    return response.status_code, says(response)


@pytest.mark.parametrize("version", ["2.2", "2.0"])
def test_crd_services_refuse_an_order_without_authored_on_and_name_it(rules: PlanRules, version: str) -> None:
    orders = copy.deepcopy(body_of(EXAMPLES / "crd" / "order-sign.json")["context"]["draftOrders"])
    del orders["entry"][0]["resource"]["authoredOn"]
    status, words = crd_answer(rules, {"context": {"draftOrders": orders}}, version)
    assert status == 422
    assert ".authoredOn is required" in words


@pytest.mark.parametrize(("version", "status"), [("2.2", 400), ("2.0", 422)])
def test_crd_services_refuse_a_bundle_without_type(rules: PlanRules, version: str, status: int) -> None:
    found, words = crd_answer(rules, {"context": {"draftOrders": {"type": None}}}, version)
    assert found == status
    assert words.startswith("context.draftOrders.type is required")


def test_the_first_service_of_a_hook_is_a_plain_one_unless_the_client_is_registered(rules: PlanRules) -> None:
    def first(client: Client | None) -> str:
        return next(each.id for each in services_for(client, rules) if each.hook == "order-sign")

    assert first(None) == "coverage-order-sign"
    assert first(Client("a", "urn:a", services="crd-2.2")) == "crd-order-sign"


# --- registrations ---------------------------------------------------------------------------------------------------


def test_the_commands_and_their_options_exist() -> None:
    assert len(COMMANDS) > 4
    for words in COMMANDS:
        group = 2 if words[0] == "clients" else 1
        shown = CliRunner().invoke(main, [*words[:group], "--help"])
        assert shown.exit_code == 0
        assert [word for word in words if word.startswith("--") and word not in shown.output] == []


def registered(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    """The client that a command of the page registers."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CDS_CLIENTS", "clients.yaml")
    (command,) = [words for words in COMMANDS if words[:3] == ["clients", "add", name]]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    (client,) = parse_clients(Path("clients.yaml").read_text(encoding="utf-8"), Path("clients.yaml"))
    return client


def accepts(client: Client, said: dict[str, Any], keys: bytes, **header: Any) -> bool:
    """Whether a token with these claims and header gets its client in."""
    address = f"{PUBLIC}/cds-services/coverage-order-sign"
    checks = Authenticator(
        [(client, FixedKeys(read_keys(keys)))],
        InMemoryReplayGuard(lambda: NOW),
        lambda: NOW,
        skew_seconds=Settings().clock_skew_seconds,
        max_lifetime_seconds=Settings().longest_token_seconds,
    )
    sent = token({"aud": address, "jti": "1", **said}, **header)
    return checks.authenticate(f"Bearer {sent}", [address]).client is client


def moments(lasting: timedelta) -> dict[str, int]:
    return {"iat": int(NOW.timestamp()), "exp": int((NOW + lasting).timestamp())}


def test_a_token_of_epic_is_accepted_from_the_client_that_the_page_registers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = registered("epic-north", tmp_path, monkeypatch)
    before = int((NOW - timedelta(minutes=5)).timestamp())
    said = {"iss": client.issuer, "sub": "cds-hooks", "nbf": before, **moments(timedelta(minutes=15))}
    assert accepts(client, said, pem("RS384"), algorithm="RS384", jku=client.jwks_url)
    assert (client.selection_behavior, client.actions) == ("any", "delete-create")


def test_a_token_of_the_request_generator_needs_its_algorithm() -> None:
    client = Client("a", "http://localhost:8080/fhir", algorithms=("RS256",))
    said = {"iss": client.issuer, **moments(timedelta(days=1))}
    assert accepts(client, said, pem("RS256"), algorithm="RS256", jku="http://localhost:3001/public_keys")


def test_the_key_of_br_provider_is_taken_from_its_certificate_and_its_token_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "certificate.pem").write_bytes(certificate())
    (command,) = re.findall(r"^ *(openssl .*)$", PAGE, re.MULTILINE)
    subprocess.run(["bash", "-euc", command], cwd=tmp_path, check=True)  # noqa: S603, S607
    client = registered("br-provider", tmp_path, monkeypatch)
    assert client.keys_file is not None
    said = {"iss": client.issuer, **moments(timedelta(minutes=5))}
    assert accepts(client, said, client.keys_file.read_bytes(), algorithm="RS384")


def certificate() -> bytes:
    """A certificate of the key that signs by RS384."""
    key: RSAPrivateKey = private_key("RS384", "first")
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "provider")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
    )
    return built.sign(key, SHA256()).public_bytes(Encoding.PEM)


# --- SMART launchers -------------------------------------------------------------------------------------------------


def smart_blocks() -> list[str]:
    """The YAML of the page, without the indent of the steps that it stands in."""
    return [
        re.sub(r"^   ", "", each, flags=re.MULTILINE) for each in re.findall(r"```yaml\n(.*?) *```", PAGE, re.DOTALL)
    ]


@pytest.fixture(name="launcher")
def _launcher(monkeypatch: pytest.MonkeyPatch) -> SmartRegistration:
    """The registration on the page; the sample EHR signs as the launcher that it is for."""
    text, _ = smart_blocks()
    (client,) = parse_clients(text, Path("clients.yaml"))
    assert client.smart is not None
    named = client.smart.issuer

    def signed(self: IdTokens, claims: Mapping[str, Any]) -> str:
        said = {**claims, "iss": named, "profile": claims["fhirUser"]}
        return jwt.encode(said, self._key(), ALGORITHM)

    monkeypatch.setattr(IdTokens, "signed", signed)
    return client.smart


def launched(assessor: Assessor, registration: SmartRegistration) -> str:
    """The text of the page that a launch from a card ends on."""
    with smart_loop(assessor, NOW, registration=registration) as loop:
        (card,) = loop.sign("sij-rich-chart")
        return loop.launch(card, "sij-rich-chart").page.text


@pytest.mark.slow
def test_a_launcher_opens_the_form_once_its_issuer_is_registered(
    assessor: Assessor, launcher: SmartRegistration
) -> None:
    assert 'name="answer:' in launched(assessor, launcher)


@pytest.mark.slow
def test_a_launcher_whose_issuer_is_not_registered_is_refused(assessor: Assessor, launcher: SmartRegistration) -> None:
    assert "The identity token of the EHR cannot be verified." in launched(
        assessor, SmartRegistration(launcher.client_id)
    )


def test_the_registration_for_oracle_health_is_one_of_the_clients_file() -> None:
    _, smart = smart_blocks()
    (client,) = parse_clients(
        "clients:\n  - name: oracle\n    issuer: https://cds-hooks.cerner.com\n"
        "    jwks_url: https://authorization.cerner.com/jwk\n    fhir_servers: [https://fhir.example.org/r4]\n"
        + re.sub(r"^", "    ", smart, flags=re.MULTILINE).rstrip(" "),
        Path("clients.yaml"),
    )
    assert client.smart is not None
    assert client.smart.issuer.endswith("/oidc/idsps/TENANT/")
