"""The compose file and the image fit the service: settings that exist, addresses that are served, time to stop."""

import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

from cds_service.cli.main import main
from cds_service.settings import Settings
from cds_service.wiring.serving import seconds_to_finish

DOCKER = Path(__file__).parent.parent / "docker"
COMPOSE_TEXT = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
SERVICES: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)["services"]
IMAGE = (DOCKER / "Dockerfile").read_text(encoding="utf-8")


def test_every_setting_exists() -> None:
    named = {name for service in SERVICES.values() for name in service.get("environment", ()) if "CDS_" in name}
    assert named
    assert named <= {f"CDS_{name.upper()}" for name in Settings.model_fields}


def test_every_variable_that_must_be_given_is_in_the_example() -> None:
    example = (DOCKER / "example.env").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+)", COMPOSE_TEXT)) == set(re.findall(r"^(\w+)=", example, re.MULTILINE))


def test_the_example_key_is_long_enough_and_its_address_is_one() -> None:
    example = dict(line.split("=", 1) for line in (DOCKER / "example.env").read_text().splitlines() if line[0] != "#")
    settings = Settings(public_url=example["CDS_PUBLIC_URL"], pseudonym_key=example["CDS_PSEUDONYM_KEY"])
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
