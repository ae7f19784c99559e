"""What the documentation says is so."""

import re
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
import yaml

from cards.detail import detail
from cards.style import CardStyle
from cards.summary import summary
from cds_service.cli.main import main
from cds_service.cli.population import run_command
from cds_service.clients.algorithms import ALGORITHMS
from cds_service.clients.client_entries import BackendServicesEntry, ClientEntry
from cds_service.clients.registry import parse_clients
from cds_service.hooks.hooks import SERVICE_OF_HOOK, SERVICES
from cds_service.hooks.request import read_request
from cds_service.population.rows import SCHEMA
from cds_service.sample_ehr.hook_client import hook_call
from cds_service.sample_ehr.patients import SAMPLES, STORY_DATE
from cds_service.settings import Settings
from cds_service.wiring.loading import load_assessor
from coverage_policies.authoring.cases import parse_cases, run_case
from coverage_policies.format.library import BUILT_IN, load_library, load_names
from coverage_policies.format.loader import parse_policy
from coverage_policies.format.order_terms import Kind, load_order_terms
from coverage_policies.format.registry import operators
from coverage_policies.format.schema import document_schema
from coverage_policies.format.value_sets import ValueSet, ValueSets
from coverage_policies.judging.member_list import MEMBER_COLUMNS
from coverage_policies.judging.payer_tables import AUTHORIZATION_COLUMNS, CODE_COLUMNS
from coverage_policies.judging.payer_terms_file import ContactEntry, PayerEntry
from coverage_policies.judging.plan_rules_file import load_plan_rules
from fhir_mappings.codings import SYSTEMS
from fhir_mappings.order_text import read_phrase
from tests.support.reviews import review_call

INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
INTEGRATION = (ROOT / "docs" / "integrate.md").read_text(encoding="utf-8")
COMMAND_LINE = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
FORMAT = (ROOT / "docs" / "policy-format.md").read_text(encoding="utf-8")
CLIENTS = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
POPULATION = (ROOT / "docs" / "population.md").read_text(encoding="utf-8")
RECORDS = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")
PLAN_RULES = (ROOT / "docs" / "plan-rules.md").read_text(encoding="utf-8")
SETTINGS = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented_with_its_meaning(name: str) -> None:
    (row,) = [line for line in SETTINGS.splitlines() if f"`CDS_{name.upper()}`" in line]
    assert str(Settings.model_fields[name].description) in row


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented_with_its_default(name: str) -> None:
    default = Settings.model_fields[name].default
    if isinstance(default, bool):
        default = "yes" if default else "no"
    elif isinstance(default, tuple):
        default = ", ".join(default)
    assert f"| `CDS_{name.upper()}` | {default or '(none)'} | " in SETTINGS


def test_the_settings_are_documented_in_the_order_of_their_declaration() -> None:
    documented = re.findall(r"^\| `CDS_(\w+)`", SETTINGS, re.MULTILINE)
    assert documented == [name.upper() for name in Settings.model_fields]


def test_every_key_of_a_policy_document_is_documented() -> None:
    schema = document_schema()
    keys = {*schema["properties"], *schema["$defs"]["criterion"]["else"]["properties"]}
    keys |= set(schema["$defs"]["criterion"]["then"]["properties"])
    assert keys <= set(re.findall(r"`([a-z_]+)`", FORMAT))


def test_every_command_is_documented() -> None:
    commands = set(main.commands) - {"policies"}
    policies = main.commands["policies"]
    assert isinstance(policies, click.Group)
    assert all(f"cds-service {name}" in COMMAND_LINE for name in commands)
    assert all(f"policies {name}" in COMMAND_LINE for name in policies.commands)
    for group, page in (
        ("clients", CLIENTS),
        ("db", RECORDS),
        ("decisions", RECORDS),
        ("feedback", RECORDS),
        ("crd", RECORDS),
        ("population", POPULATION),
    ):
        named = main.commands[group]
        assert isinstance(named, click.Group)
        assert all(f"cds-service {group} {name}" in page for name in named.commands)


def test_every_column_of_a_run_and_every_option_is_documented() -> None:
    options = {option for each in run_command.params for option in each.opts}
    assert {name for name in (*SCHEMA.names, *options) if f"`{name}`" not in POPULATION} == set()


_OF_SERVICES = (f"/cds-services/{service.id}{end}" for service in SERVICES for end in ("", "/feedback"))


@pytest.mark.parametrize(
    "path",
    [
        "/cds-services",
        *_OF_SERVICES,
        "/health/live",
        "/health/ready",
        "/metrics",
        "/policies",
        "/fhir/Questionnaire",
        "/fhir/ValueSet",
        "/fhir/ValueSet/$expand",
        "/fhir/Questionnaire/$log-questionnaire-errors",
        "/fhir/metadata",
        "/fhir/.well-known/smart-configuration",
        "/auth/token",
        "/.well-known/davinci-configuration",
    ],
)
def test_every_route_is_documented(path: str) -> None:
    assert f"{path}`" in INTEGRATION


def test_the_example_policy_loads_and_its_example_case_holds() -> None:
    policy_text, *_, case_text = re.findall(r"```yaml\n(.*?)```", FORMAT, re.DOTALL)
    policy = parse_policy(policy_text, "example.yaml", load_names([BUILT_IN]))
    (case,) = parse_cases(case_text, "example.cases.yaml", policy)
    assert run_case(case, policy) == ()


def test_the_example_of_measured_values_has_clauses_that_load() -> None:
    (written,) = re.findall(r"## Measured values.*?```yaml\n(.*?)```", FORMAT, re.DOTALL)
    names = ("oxygen-saturation", "at-rest", "room-air", "supplemental-oxygen", "arterial-po2", "measurement-panels")
    sets = ValueSets({name: ValueSet(name, ()) for name in names})
    example = yaml.safe_load(written)
    for key in ("met_when", "not_met_when"):
        assert operators()["observation"].parse(example[key]["observation"], sets).searches


def test_the_example_of_order_terms_loads_and_states_its_values(tmp_path: Path) -> None:
    (written,) = re.findall(r"```csv\n(.*?)```", FORMAT, re.DOTALL)
    (tmp_path / "lead.csv").write_text(written, encoding="utf-8")
    terms = load_order_terms([tmp_path])
    for value in terms.attributes["lead"].values.values():
        assert {each.value for each in read_phrase(value.phrase, terms) if each.is_stated} == {value.name}


def test_every_kind_of_row_of_order_terms_is_documented() -> None:
    assert all(f"`{kind.value}`" in FORMAT for kind in Kind)


def test_the_example_of_plan_rules_loads(tmp_path: Path) -> None:
    (written,) = re.findall(r"```yaml\n(.*?)```", PLAN_RULES, re.DOTALL)
    (tmp_path / "plan-rules.yaml").write_text(written, encoding="utf-8")
    (tmp_path / "order-codes.csv").write_text("system,code,to_system,to_code\n", encoding="utf-8")
    rules = load_plan_rules(tmp_path / "plan-rules.yaml", load_library().policies, SERVICE_OF_HOOK)
    assert [len(part) for part in (rules.payers, rules.effective, rules.visibility_rules)] == [1, 1, 1]


def test_plan_rules_are_documented_key_by_key() -> None:
    headings = set(re.findall(r"^## (\w+)$", PLAN_RULES, re.MULTILINE))
    assert headings == {"payers", "effective", "policies", "order_codes"}


def test_every_key_and_column_of_a_payer_is_documented() -> None:
    columns = {*CODE_COLUMNS, *AUTHORIZATION_COLUMNS, *MEMBER_COLUMNS}
    keys = {*PayerEntry.model_fields, *ContactEntry.model_fields} - {"name"}  # the example has it
    assert {key for key in keys | columns if f"`{key}" not in PLAN_RULES} == set()
    assert all(f"`{name}`" in PLAN_RULES for name in SYSTEMS)


@pytest.mark.parametrize("text", sorted(load_library().policies))
def test_every_text_is_in_the_readme(text: str) -> None:
    name, _, revision = text.partition("@")
    assert re.search(rf"\| {re.escape(name)}, revision {revision} \|", README)


def test_the_example_of_a_callers_file_can_be_read_and_every_key_is_explained() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", CLIENTS, re.DOTALL)
    plain, payers = parse_clients(example, Path("clients.yaml"))
    assert [(each.name, each.services, each.has_dtr) for each in (plain, payers)] == [
        ("north", "plain", True),
        ("south", "crd-2.2", False),
    ]
    explained = re.findall(r"^\| `([a-z_]+)` \|", CLIENTS, re.MULTILINE)
    assert set(explained) >= {*ClientEntry.model_fields, *BackendServicesEntry.model_fields}
    assert all(f"`{algorithm}`" in CLIENTS for algorithm in ALGORITHMS)


def test_the_card_in_the_readme_is_the_one_of_the_sample_patient() -> None:
    sample = next(each for each in SAMPLES if each.id == "trial-not-weaned")
    body = hook_call(sample, sample.orders[0], fhir_server="", token="", today=STORY_DATE, new_id=lambda: INSTANCE)
    request = read_request({name: value for name, value in body.items() if not name.startswith("fhir")})
    assessor = load_assessor(Settings())
    found = review_call(
        request,
        assessor,
        Settings(),
        chart=sample.bundle(None),
        clock=lambda: datetime(STORY_DATE.year, STORY_DATE.month, STORY_DATE.day, 17, tzinfo=UTC),
    )
    (only,) = found.determinations
    printed = f"**{summary(only)}**\n{detail(only, CardStyle())}"
    quoted = re.search(r"(?ms)^> \*\*Opioids.*?(?=^This is the sample patient)", README)
    assert quoted is not None
    lines = [line.removeprefix("> ").strip(">… ") for line in quoted.group().splitlines()]
    assert [line for line in lines if line not in printed] == []
