"""The manifests for Kubernetes fit the service and each other, and its schemas; what is generated is current."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from cds_service.cli.main import main
from cds_service.clients.registry import parse_clients
from cds_service.settings import Settings
from cds_service.web.site import Site
from cds_service.wiring.app import create_app
from cds_service.wiring.loading import load_assessor
from cds_service.wiring.serving import seconds_to_finish
from tests.manifests import DOCKER, KUBERNETES, files, secret_settings
from tests.support import deploy_tools
from tests.support.hook_fakes import NOW

CUSTOM = ("alerts.yaml", "monitor.yaml")
"""Resources of the Prometheus Operator, whose schema is not one of Kubernetes."""


def manifest(name: str) -> Any:
    return yaml.safe_load((KUBERNETES / f"{name}.yaml").read_text(encoding="utf-8"))


NAMES = [path.stem for path in sorted(KUBERNETES.glob("*.yaml")) if path.stem != "kustomization"]
DEPLOYMENT, UPGRADE, PURGE = (manifest(name)["spec"] for name in ("deployment", "upgrade", "purge"))
PODS = {
    "deployment": DEPLOYMENT["template"],
    "upgrade": UPGRADE["template"],
    "purge": PURGE["jobTemplate"]["spec"]["template"],
}
(SERVICE,) = DEPLOYMENT["template"]["spec"]["containers"]


def containers(pod: Any) -> Iterator[Any]:
    yield from pod["spec"].get("initContainers", ())
    yield from pod["spec"]["containers"]


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_what_repeats_the_settings_and_the_alerts_is_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == files()[path], "run `make manifests`"


def test_secrets_are_in_the_secret_and_nowhere_else() -> None:
    secrets = {f"CDS_{name.upper()}" for name in secret_settings()}
    assert secrets == {"CDS_DATABASE_URL", "CDS_PSEUDONYM_KEY", "CDS_ENCRYPTION_KEYS", "CDS_OIDC_CLIENT_SECRET"}
    assert not secrets & manifest("settings")["data"].keys()
    assert manifest("secrets")["stringData"].keys() <= secrets


def test_the_settings_are_valid_once_the_key_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (manifest("settings")["data"] | manifest("secrets")["stringData"]).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=r"1 validation error for Settings\npseudonym_key\n"):
        Settings()
    monkeypatch.setenv("CDS_PSEUDONYM_KEY", "k" * 32)
    settings = Settings()
    assert settings.metrics
    assert str(settings.clients) == "/etc/cds/clients.yaml"
    mounted = {each["name"]: each["mountPath"] for each in SERVICE["volumeMounts"]}
    assert mounted["clients"] == "/etc/cds"
    (client,) = parse_clients(manifest("clients")["data"]["clients.yaml"], Path("clients.yaml"))
    assert client.name == "north"


def test_the_kustomization_has_every_manifest() -> None:
    kustomization = manifest("kustomization")
    assert sorted(kustomization["resources"]) == [f"{name}.yaml" for name in NAMES]
    (image,) = kustomization["images"]
    assert {each["image"] for pod in PODS.values() for each in containers(pod)} == {image["name"]}
    assert kustomization["namespace"] == manifest("namespace")["metadata"]["name"]


@pytest.mark.parametrize("name", PODS)
def test_every_container_has_no_rights_and_a_limit_on_its_memory(name: str) -> None:
    spec = PODS[name]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert f"--uid {spec['securityContext']['runAsUser']}" in (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert spec["serviceAccountName"] == manifest("service-account")["metadata"]["name"]
    volumes = {each["name"] for each in spec["volumes"]}
    for each in containers(PODS[name]):
        assert each["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert each["resources"]["limits"]["memory"]
        assert {mount["name"] for mount in each["volumeMounts"]} <= volumes
        assert {"/tmp", "/var/lib/cds"} <= {mount["mountPath"] for mount in each["volumeMounts"]}  # noqa: S108
        sources = {kind: found["name"] for source in each["envFrom"] for kind, found in source.items()}
        assert sources == {"configMapRef": "cds-settings", "secretRef": "cds-secrets"}


@pytest.mark.parametrize("name", PODS)
def test_every_command_exists(name: str) -> None:
    for each in containers(PODS[name]):
        program, *words = each["command"]
        assert program == "cds-service"
        found: Any = main
        for word in words:
            if word.startswith("--"):
                break
            found = found.commands[word]


def test_replicas_are_probed_where_the_service_answers_and_given_time_to_stop() -> None:
    app = create_app(settings=Settings(), assessor=load_assessor(Settings()), clock=lambda: NOW, new_id=lambda: "1")
    client = app.test_client()
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert client.get(SERVICE[kind]["httpGet"]["path"]).status_code == 200
        assert SERVICE[kind]["httpGet"]["port"] == "http"
    (port,) = SERVICE["ports"]
    assert port["containerPort"] == int(SERVICE["command"][-1])
    pause = int(SERVICE["lifecycle"]["preStop"]["exec"]["command"][1])
    assert DEPLOYMENT["template"]["spec"]["terminationGracePeriodSeconds"] > seconds_to_finish(Settings()) + pause


def test_no_replica_goes_before_another_one_is_there() -> None:
    assert DEPLOYMENT["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert "replicas" not in DEPLOYMENT
    autoscaler = manifest("autoscaler")["spec"]
    assert 2 < autoscaler["minReplicas"] < autoscaler["maxReplicas"]
    assert manifest("disruption-budget")["spec"]["maxUnavailable"] == 1
    (waits,) = DEPLOYMENT["template"]["spec"]["initContainers"]
    assert waits["command"] == ["cds-service", "db", "check"]
    assert UPGRADE["template"]["spec"]["containers"][0]["command"] == ["cds-service", "db", "upgrade"]


def test_every_selector_finds_the_replicas() -> None:
    labels = DEPLOYMENT["template"]["metadata"]["labels"]
    service = manifest("service")
    selectors = [
        DEPLOYMENT["selector"]["matchLabels"],
        service["spec"]["selector"],
        manifest("disruption-budget")["spec"]["selector"]["matchLabels"],
        manifest("network-policy")["spec"]["podSelector"]["matchLabels"],
    ]
    assert all(selector.items() <= labels.items() for selector in selectors)
    for name in ("upgrade", "purge"):
        assert selectors[-1].items() <= PODS[name]["metadata"]["labels"].items()
        assert not selectors[1].items() <= PODS[name]["metadata"]["labels"].items()
    assert manifest("autoscaler")["spec"]["scaleTargetRef"]["name"] == manifest("deployment")["metadata"]["name"]
    monitor = manifest("monitor")["spec"]
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]


def test_the_ingress_serves_every_address_but_those_for_the_inside() -> None:
    settings = Settings(metrics=True)
    site = Site(has_style_guide=True)
    app = create_app(
        settings=settings, assessor=load_assessor(settings), clock=lambda: datetime.now(UTC), new_id=str, site=site
    )
    (rule,) = manifest("ingress")["spec"]["rules"]
    served = {each["path"] for each in rule["http"]["paths"]}
    first = {f"/{each.rule.split('/')[1]}" for each in app.url_map.iter_rules() if each.rule != "/"}
    inside = {"/metrics", "/health"}
    assert inside <= first
    assert first - served == inside | {"/styleguide"}
    assert not any(path.startswith(tuple(served)) for path in inside)


def test_compose_lets_the_service_start_as_many_threads_as_calls_may_need() -> None:
    defaults = {name: Settings.model_fields[name].default for name in ("workers", "threads", "query_threads")}
    compose = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
    limit = compose["services"]["service"]["pids_limit"]
    assert limit > defaults["workers"] * defaults["threads"] * (1 + defaults["query_threads"]) + 100


@pytest.mark.process
def test_every_manifest_is_valid_by_the_schemas_of_kubernetes() -> None:
    names = [f"{name}.yaml" for name in NAMES if f"{name}.yaml" not in CUSTOM]
    done = deploy_tools.run("kubernetes-validate", "--strict", *names, folder=KUBERNETES)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(" passed for resource ") == len(names)


@pytest.mark.process
def test_the_dockerfile_has_no_fault_that_hadolint_knows() -> None:
    done = deploy_tools.run("hadolint", "Dockerfile", folder=DOCKER)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.process
def test_the_compose_file_is_valid_with_the_example_of_its_variables(tmp_path: Path) -> None:
    for name in ("compose.yaml", "example.env"):
        (tmp_path / name).write_text((DOCKER / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "example.env").rename(tmp_path / ".env")
    done = deploy_tools.run("docker-compose", "-f", "compose.yaml", "config", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    service = yaml.safe_load(done.stdout)["services"]["service"]
    assert service["environment"]["CDS_PUBLIC_URL"] == "https://cds.example.org"
    assert service["environment"]["CDS_DATABASE_URL"] == "postgresql://cds:replaceThisPassword@database/cds"
    assert service["read_only"] is True
