"""The compose file and the image fit the service: settings that exist, addresses that are served, time to stop."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from cds_service.cli.main import main
from cds_service.settings import Settings
from cds_service.wiring.serving import seconds_to_finish

DOCKER = Path(__file__).parent.parent / "docker"
COMPOSE_TEXT = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
SERVICES: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)["services"]
IMAGE = (DOCKER / "Dockerfile").read_text(encoding="utf-8")


EXAMPLE = dict(re.findall(r"^(\w+)=(.*)$", (DOCKER / "example.env").read_text(encoding="utf-8"), re.MULTILINE))


def test_every_setting_exists_and_the_compose_file_decides_none_that_the_example_has() -> None:
    decided = {name for service in SERVICES.values() for name in service.get("environment", ()) if "CDS_" in name}
    assert decided == {"CDS_DATABASE_URL", "CDS_CLIENTS", "CDS_METRICS"}
    assert decided <= {f"CDS_{name.upper()}" for name in Settings.model_fields}
    commented = re.findall(r"^#?(CDS_\w+)=", (DOCKER / "example.env").read_text(encoding="utf-8"), re.MULTILINE)
    assert not decided & set(commented)


def test_every_variable_that_must_be_given_is_in_the_example() -> None:
    others = {name for name in EXAMPLE if not name.startswith("CDS_")}
    assert set(re.findall(r"\$\{(\w+)", COMPOSE_TEXT)) == others - {"COMPOSE_PROJECT_NAME"}


def test_the_example_is_valid_once_its_key_is_replaced() -> None:
    with pytest.raises(ValidationError, match=r"1 validation error for Settings\npseudonym_key\n"):
        Settings(public_url=EXAMPLE["CDS_PUBLIC_URL"], pseudonym_key=EXAMPLE["CDS_PSEUDONYM_KEY"])
    settings = Settings(public_url=EXAMPLE["CDS_PUBLIC_URL"], pseudonym_key="k" * 32)
    assert settings.pseudonym_key is not None


def test_the_schema_is_upgraded_before_the_service_starts() -> None:
    assert SERVICES["upgrade"]["command"] == ["cds-service", "db", "upgrade"]
    assert SERVICES["service"]["depends_on"]["upgrade"] == {"condition": "service_completed_successfully"}
    assert SERVICES["upgrade"]["depends_on"]["database"] == {"condition": "service_healthy"}
    assert "db" in main.commands


def test_it_is_given_longer_to_stop_than_it_takes() -> None:
    assert int(SERVICES["service"]["stop_grace_period"].removesuffix("s")) > seconds_to_finish(Settings())


def test_the_image_is_healthy_when_the_service_is_ready() -> None:
    assert "http://127.0.0.1:8000/health/ready" in IMAGE
    assert '"--port", "8000"' in IMAGE


def test_only_the_proxy_can_be_reached_and_it_has_the_configuration_that_the_tests_run() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert "./nginx.conf:/etc/nginx/nginx.conf:ro" in SERVICES["proxy"]["volumes"]
    site = (DOCKER / "nginx.conf").read_text(encoding="utf-8")
    (listens,) = re.findall(r"listen (\d+) ssl;", site)
    assert SERVICES["proxy"]["ports"] == [f"443:{listens}"]
    assert "server service:8000 " in site
    assert all(service["read_only"] for name, service in SERVICES.items() if name != "database")


def test_the_last_stage_of_the_image_installs_nothing() -> None:
    last = IMAGE.rpartition("\nFROM ")[2]
    assert "COPY --from=build /opt/cds /opt/cds" in last
    assert not any(word in last for word in ("pip ", "apt-get", "gcc"))
    assert "USER 10001" in last


def test_the_image_is_built_from_what_the_wheel_holds() -> None:
    kept = set(re.findall(r"^!(\S+)", (DOCKER / "Dockerfile.dockerignore").read_text(encoding="utf-8"), re.MULTILINE))
    project = tomllib.loads((DOCKER.parent / "pyproject.toml").read_text(encoding="utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert kept >= {
        *packages,
        "pyproject.toml",
        "hatch_build.py",
        "requirements.lock",
        "README.md",
        "LICENSE",
        "NOTICE",
    }
    assert all((DOCKER.parent / name).exists() for name in kept)
