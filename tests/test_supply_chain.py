"""What is installed is what the repository names: versions, hashes, and licenses."""

import re
import tomllib
from importlib.metadata import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
IMAGE = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
NOTICE = (ROOT / "NOTICE").read_text(encoding="utf-8")
LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-deploy.lock"]
BUILD_ONLY = {"hatchling", "pathspec", "tomlkit", "trove-classifiers"}
"""What builds the wheel and does not get into the image."""

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)(?: ; [^\\]+)? ?(\\)?$")
_HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")
_SHARE_ALIKE = re.compile(r"GPL|MPL|EPL|Mozilla|General Public|Eclipse|EUPL|CDDL", re.IGNORECASE)


def pins(file: str) -> dict[str, str]:
    """The version of each distribution that a file names."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    found = [match for line in lines if (match := _PIN.match(line))]
    return {canonicalize_name(match[1]): match[2] for match in found}


@pytest.mark.parametrize("file", LOCKS)
def test_every_line_of_a_lock_is_a_pin_with_hashes(file: str) -> None:
    lines = [line for line in (ROOT / file).read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert all(_PIN.match(line) or _HASH.match(line) for line in lines)
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if _PIN.match(line):
            assert _HASH.match(following), f"{line} has no hash"


def test_the_lock_for_developers_and_the_constraints_name_the_same_versions() -> None:
    assert pins("requirements-dev.lock") == pins("constraints.txt")


def test_the_lock_of_the_image_is_part_of_the_one_for_developers() -> None:
    image, developers = pins("requirements.lock"), pins("requirements-dev.lock")
    assert image.items() < developers.items()
    assert not {"pytest", "mypy", "ruff", "hypothesis"} & image.keys()


def test_the_locks_hold_everything_that_the_project_asks_for() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    build = PROJECT["build-system"]["requires"]
    runtime = [*PROJECT["project"]["dependencies"], *extras["postgres"], *extras["tracing"], *build]
    for file, asked in (("requirements.lock", runtime), ("requirements-dev.lock", [*runtime, *extras["dev"]])):
        locked = pins(file)
        for requirement in map(Requirement, asked):
            assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)]), str(requirement)


def test_constraints_are_plain() -> None:
    assert "--hash" not in (ROOT / "constraints.txt").read_text(encoding="utf-8")


def test_the_image_is_built_from_hashed_files_on_a_base_that_can_be_pinned() -> None:
    installs = [line for line in IMAGE.splitlines() if "pip install" in line or "pip download" in line]
    assert installs
    assert all("--require-hashes -r requirements.lock" in line or "--no-index" in line for line in installs)
    assert all("${BASE_DIGEST:+@${BASE_DIGEST}}" in line for line in IMAGE.splitlines() if line.startswith("FROM"))
    assert "ARG BASE_DIGEST" in IMAGE


def test_the_environment_of_the_tests_is_installed_from_hashed_files() -> None:
    assert "--require-hashes -r requirements-dev.lock" in MAKEFILE


def test_the_tests_need_no_tool_for_the_sbom() -> None:
    assert "cyclonedx-bom" not in pins("requirements-dev.lock")
    assert any("cyclonedx-bom" in each for each in PROJECT["project"]["optional-dependencies"]["sbom"])


def test_the_notice_names_every_dependency_with_a_share_alike_license() -> None:
    found = {}
    for name in pins("requirements.lock").keys() - BUILD_ONLY:
        about = metadata(name).json
        classifiers = [each for each in about.get("classifier", []) if each.startswith("License ::")]
        if _SHARE_ALIKE.search(f"{about.get('license_expression', '')} {' '.join(classifiers)}"):
            found[name] = str(about.get("license_expression", ""))
    assert {"psycopg", "psycopg-binary", "certifi"} <= found.keys()
    for name, license_name in found.items():
        assert name in NOTICE
        assert license_name in NOTICE


def test_every_container_is_restricted() -> None:
    services = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert "database" in services
    for service in services.values():
        assert service["cap_drop"] == ["ALL"]
        assert "cap_add" not in service
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["mem_limit"].endswith("g")
        assert service["pids_limit"] > 0
    assert services["database"]["user"] == "postgres"
