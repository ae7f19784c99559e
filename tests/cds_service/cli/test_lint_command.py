"""`cds-service policies lint`: its formats, its exit codes, and what PATH narrows it to."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cds_service.cli.main import main
from cds_service.cli.policies.lint import ERRORS, REMARKS
from tests.support.own_policies import OwnPolicies

HEADER = "system,code,label,source,from,to,use\n"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OwnPolicies:
    """A folder of an operator's own with one policy, in the current folder; no setting names it."""
    monkeypatch.chdir(tmp_path)
    found = OwnPolicies(tmp_path)
    found.add()
    return found


@pytest.fixture
def wrong(own: OwnPolicies) -> OwnPolicies:
    """The same, whose document has an error in line 10."""
    own.change("sections: [I]", "sections: [I, II]")
    return own


@pytest.fixture
def unused(own: OwnPolicies) -> OwnPolicies:
    """The same, with a value set that no policy names: a remark."""
    own.value_set("spare").write_text(HEADER + "http://loinc.org,1-8,Spare,Lakeside,,,decides\n", encoding="utf-8")
    return own


def lint(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, ["policies", "lint", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


DOCUMENT = "own/documents/SLEEP.1/2026-01.yaml"
SPARE = "own/value_sets/spare.csv"


# --- what is found, and the exit code --------------------------------------------------------------------------------


def test_without_findings_it_says_how_much_was_checked(own: OwnPolicies) -> None:
    result = lint("own")
    assert (result.exit_code, result.output) == (0, "No problems. Checked 1 policy and 2 value sets.\n")


def test_an_error_has_line_column_severity_and_rule(wrong: OwnPolicies) -> None:
    result = lint("own")
    assert result.exit_code == ERRORS == 1
    assert result.output == (
        f"{wrong.document.relative_to(Path.cwd())}:8:5: error: there is no section 'II' [document]\n"
        "1 error. Lint checks more once the policies load.\n"
    )


def test_a_remark_fails_only_on_request_and_with_a_code_of_its_own(unused: OwnPolicies) -> None:
    result = lint("own")
    assert (result.exit_code, lint("own", "--strict").exit_code) == (0, REMARKS)
    assert f"{SPARE}:1:1: remark: no policy uses this value set" in result.output
    assert "1 remark. Checked 1 policy and 3 value sets." in result.output


def test_an_error_beside_a_remark_is_an_error(unused: OwnPolicies) -> None:
    unused.value_set("home-sleep-test").write_text(HEADER + "CPT,95806,Sleep test,x,,,decides\n", encoding="utf-8")
    assert lint("own", "--strict").exit_code == ERRORS


def test_every_broken_row_of_every_value_set_is_found_at_once(own: OwnPolicies) -> None:
    for name in ("a", "b"):
        own.value_set(name).write_text(HEADER + "x,1,One,x,,,maybe\nx,2\n", encoding="utf-8")
    assert [line.split(": ")[0] for line in lint("own").output.splitlines()[:-1]] == [
        f"own/value_sets/{name}.csv:{line}:1" for name in ("a", "b") for line in (2, 3)
    ]


# --- formats ---------------------------------------------------------------------------------------------------------


def test_json_holds_every_part_of_a_finding(wrong: OwnPolicies) -> None:
    result = lint("own", "--format", "json")
    assert result.exit_code == ERRORS
    assert json.loads(result.output) == [
        {
            "file": DOCUMENT,
            "line": 8,
            "column": 5,
            "severity": "error",
            "rule": "document",
            "message": "there is no section 'II'",
        }
    ]


def test_json_without_findings_is_an_empty_list(own: OwnPolicies) -> None:
    assert json.loads(lint("own", "--format", "json").output) == []


def test_github_gets_an_annotation_per_finding(wrong: OwnPolicies) -> None:
    assert lint("own", "--format", "github").output == (
        f"::error file={DOCUMENT},line=8,col=5,title=document::there is no section 'II'\n"
    )


def test_github_shows_a_remark_as_a_warning(unused: OwnPolicies) -> None:
    assert lint("own", "--format", "github").output.startswith(f"::warning file={SPARE},line=1,col=1,title=unused-")


def test_github_gets_no_character_that_means_something_to_it(own: OwnPolicies, tmp_path: Path) -> None:
    moved = own.folder.rename(tmp_path / "50%, ours")
    (moved / "documents" / "SLEEP.1" / "2026-01.yaml").write_text("policy: 100%", encoding="utf-8")
    line = lint(moved, "--format", "github").output.splitlines()[0]
    assert line.startswith("::error file=50%25%2C ours/documents/")
    assert "\n" not in line


def test_sarif_holds_the_finding_and_the_rule_it_breaks(wrong: OwnPolicies) -> None:
    log = json.loads(lint("own", "--format", "sarif").output)
    (run,) = log["runs"]
    (result,) = run["results"]
    (rule,) = run["tool"]["driver"]["rules"]
    assert (log["version"], result["ruleId"], result["level"]) == ("2.1.0", "document", "error")
    assert result["message"] == {"text": "there is no section 'II'"}
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": DOCUMENT},
        "region": {"startLine": 8, "startColumn": 5},
    }
    assert (rule["id"], rule["defaultConfiguration"]) == ("document", {"level": "error"})


def test_sarif_calls_a_remark_a_note(unused: OwnPolicies) -> None:
    (run,) = json.loads(lint("own", "--format", "sarif").output)["runs"]
    assert [result["level"] for result in run["results"]] == ["note"]


def test_sarif_without_findings_has_no_results(own: OwnPolicies) -> None:
    (run,) = json.loads(lint("own", "--format", "sarif").output)["runs"]
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])


# --- PATH and --folder -----------------------------------------------------------------------------------------------


def test_without_a_path_the_policies_of_the_settings_are_checked(wrong: OwnPolicies) -> None:
    assert lint().exit_code == 0
    assert lint("--folder", "own").exit_code == ERRORS


def test_a_folder_that_the_settings_name_too_is_read_once(own: OwnPolicies, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDS_POLICY_FOLDERS", str(own.folder))
    assert lint("--folder", "own", "own").exit_code == 0


@pytest.mark.parametrize("name", ["documents/SLEEP.1", "documents/SLEEP.1/2026-01.yaml", "value_sets"])
def test_a_part_of_a_folder_can_be_checked(unused: OwnPolicies, name: str) -> None:
    assert (SPARE in lint(f"own/{name}").output) == (name == "value_sets")


def test_a_case_file_stands_for_its_document(wrong: OwnPolicies) -> None:
    assert lint(wrong.cases).output.startswith(f"{wrong.document}:8:5: error: ")


def test_a_draft_outside_of_the_folders_is_checked_with_the_value_sets_there_are(
    own: OwnPolicies, tmp_path: Path
) -> None:
    draft = tmp_path / "draft.yaml"
    draft.write_text(own.document.read_text(encoding="utf-8").replace("SLEEP.1", "SLEEP.2"), encoding="utf-8")
    assert lint(draft, "--folder", "own").output == "No problems. Checked 1 policy and 0 value sets.\n"
    draft.write_text(draft.read_text(encoding="utf-8") + "  II: {says: t, ask: q}\n", encoding="utf-8")
    result = lint(draft, "--folder", "own")
    assert (result.exit_code, "no order reaches section II" in result.output) == (ERRORS, True)


def test_a_path_that_does_not_exist_is_a_usage_error(own: OwnPolicies) -> None:
    assert lint("nowhere").exit_code == 2
