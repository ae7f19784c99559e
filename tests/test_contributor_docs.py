"""What the pages for contributors point at exists, and the forms warn of patient data."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
FORMS = [path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config"]
INVENTED = ("immunization", "NAME/", "test_…")
"""What stands in names of files that a contributor makes."""

_PATH = re.compile(r"`((?:cds_service|cards|coverage_policies|fhir_mappings|tests|docs|docker)/[^` ]*)`")
_TERM = re.compile(r"^\| ([a-z ]+) \| .* \| (`.*`.*) \|$", re.MULTILINE)
_DEFINED = re.compile(r"`(\w+)` in `([\w/.]+)`")


def folders(package: Path) -> Iterator[str]:
    """The folders of a package down to its second level, as paths from the root of the repository."""
    for folder in (*package.glob("*/"), *package.glob("*/*/")):
        is_policy = folder.parent.name == "documents"
        if folder.is_dir() and folder.name != "__pycache__" and not is_policy:
            yield f"{folder.relative_to(ROOT)}/"


@pytest.mark.parametrize("page", ["docs/architecture.md", "docs/glossary.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_every_path_on_a_page_exists(page: str) -> None:
    paths = {
        path
        for path in _PATH.findall((ROOT / page).read_text(encoding="utf-8"))
        if not any(word in path for word in INVENTED)
    }
    assert paths
    assert {path for path in paths if not (ROOT / path).exists()} == set()


@pytest.mark.parametrize("package", ["cds_service", "coverage_policies"])
def test_every_folder_is_on_the_architecture_page(package: str) -> None:
    found = set(folders(ROOT / package))
    assert found
    assert {folder for folder in found if f"| `{folder}` |" not in ARCHITECTURE} == set()


def test_the_terms_of_the_glossary_are_sorted() -> None:
    terms = [term for term, _ in _TERM.findall(GLOSSARY)]
    assert len(terms) > 30
    assert terms == sorted(terms)


@pytest.mark.parametrize("page", [GLOSSARY, ARCHITECTURE], ids=["glossary", "architecture"])
def test_every_name_is_defined_where_a_page_says(page: str) -> None:
    names = _DEFINED.findall(page)
    assert names
    assert [
        (name, path)
        for name, path in names
        if not re.search(rf"^(?:class|def) {name}\b", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
    ] == []


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_every_issue_form_warns_of_patient_data_and_asks_that_there_be_none(form: Path) -> None:
    written = yaml.safe_load(form.read_text(encoding="utf-8"))
    first, *_, last = written["body"]
    assert "Never paste patient data" in first["attributes"]["value"]
    assert last["attributes"]["options"][0]["required"] is True


def test_the_hosted_ci_runs_what_every_change_must_pass() -> None:
    (job,) = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))["jobs"].values()
    assert job["steps"][-1] == {"run": ".ci/run"}


def test_every_hook_before_a_commit_runs_from_the_environment_of_make() -> None:
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert all(hook["entry"].startswith(".venv/bin/") for hook in local["hooks"])
