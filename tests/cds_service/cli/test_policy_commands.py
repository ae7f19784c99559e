"""`cds-service policies …`, as an analyst uses it."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cds_service.cli.main import main
from coverage_policies.format.library import load_library
from coverage_policies.format.registry import operators
from fhir_mappings.fhir_json import dumps
from tests.support.own_policies import OwnPolicies, sign_sleep_test

TEXT = "SLEEP.1@2026-01"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OwnPolicies:
    """A folder of an operator's own with one text, in force."""
    found = OwnPolicies(tmp_path)
    found.add()
    monkeypatch.setenv("CDS_POLICY_FOLDERS", str(found.folder))
    monkeypatch.setenv("COLUMNS", "160")
    return found


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, ["policies", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def draft_of(own: OwnPolicies, *changes: tuple[str, str]) -> Path:
    """A copy of the text in another folder, changed."""
    text = own.document.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = own.folder.parent / "draft.yaml"
    path.write_text(text, encoding="utf-8")
    return path


# --- show, operators -------------------------------------------------------------------------------------------------


def test_show_tells_how_each_criterion_is_settled_and_by_which_codes(own: OwnPolicies) -> None:
    shown = run("show", TEXT).output
    for words in (
        "by data: observation in: sleepiness-score",
        "by the answer yes",
        "by the answer no",
        "Was sleepiness scored?",
        "95806",
        "90001-9",
        "edition 1",
    ):
        assert words in shown


def test_show_prints_defaults_and_the_editions_of_the_lock() -> None:
    shown = CliRunner().invoke(main, ["policies", "show", "CP.MP.126@2025-04"], env={"COLUMNS": "400"}).output
    assert "scale: pain-severity-0-10 (default)" in shown
    assert "edition 2, not released, content " in shown


def test_one_section_is_shown_with_its_own_orders_and_codes_alone() -> None:
    shown = run("show", "CP.MP.126@2025-04", "--section", "IV").output
    assert "The implant crosses the joint" in shown
    assert "II.A" not in shown
    assert "sij-fusion-open" not in shown
    refused = run("show", "CP.MP.126@2025-04", "--section", "IX")
    assert (refused.exit_code, refused.output) == (1, "Error: There is no section IX. There are I, II, III, IV.\n")


@pytest.mark.parametrize("text", sorted(load_library().policies))
def test_every_text_is_a_markdown_document_with_all_its_criteria(text: str) -> None:
    document = run("show", text, "--markdown").output
    policy = load_library().policy(text)
    assert document.startswith(f"# {text}: ")
    for criterion in policy.walk():
        assert f"**{criterion.id}**" in document or f"## {criterion.id}: " in document
    for name in policy.sections:
        assert document.count(f"## {name}: ") == 1
    assert "\n| system | code | label | use | service dates |\n|---|---|---|---|---|\n" in document


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("CP.MP.126@2025-4", "There is no policy revision CP.MP.126@2025-4. Did you mean CP.MP.126@2025-04?"),
        ("CP.MP.12", "There is no policy CP.MP.12. Did you mean CP.MP.126?"),
        (
            "KNEE",
            "There is no policy KNEE. There are CP.MP.126, CP.MP.166, CP.MP.173, MC.CP.MP.166, NCD.100.1, NCD.240.2, "
            "NCD.240.4, SLEEP.1.",
        ),
    ],
)
def test_a_policy_that_does_not_exist_is_answered_with_the_closest_one(
    own: OwnPolicies, written: str, message: str
) -> None:
    for command in (["show", written], ["test", written], ["diff", TEXT, written]):
        result = run(*command)
        assert (result.exit_code, result.output) == (1, f"Error: {message}\n")


@pytest.mark.parametrize("written", ["sleep.1@2026-01", "Sleep.1"])
def test_upper_and_lower_case_make_no_difference_in_the_name_of_a_policy(own: OwnPolicies, written: str) -> None:
    assert run("show", written).output == run("show", TEXT).output


def test_a_policy_without_a_revision_is_its_newest() -> None:
    assert run("show", "CP.MP.126").output == run("show", "CP.MP.126@2025-04").output


def test_the_operators_are_listed_and_each_is_explained_with_its_example() -> None:
    listed = run("operators").output
    for name, operator in operators().items():
        assert name in listed
        explained = run("operators", name).output
        assert operator.example.strip() in explained
        assert all(f" {argument} " in explained for argument in operator.schema["properties"])
        assert all(f" {value} " in explained for value in operator.defaults.values())
    assert " all.gap " in run("operators", "procedure").output
    assert "There is no operator observaton. Did you mean observation?" in run("operators", "observaton").output
    assert "There is no operator diagnosis. There are allergy, " in run("operators", "diagnosis").output


# --- list ------------------------------------------------------------------------------------------------------------


def test_the_list_names_owner_lines_and_the_days_of_the_plan_rules(
    own: OwnPolicies, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = own.folder / "rules.yaml"
    rules.write_text(
        "effective:\n"
        f"  - {{policy: {TEXT}, from: 2026-02-01, to: 2026-05-31, source: a}}\n"
        f"  - {{policy: {TEXT}, from: 2026-06-15, source: b}}\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("CDS_PLAN_RULES", str(rules))
    (found,) = [each for each in json.loads(run("list", "--json").output) if each["policy"] == "SLEEP.1"]
    assert found == {
        "policy": "SLEEP.1",
        "revision": "2026-01",
        "edition": 1,
        "title": "Sleep test at home",
        "owner": "Lakeside Health Plan",
        "lines_of_business": ["medicare", "medicare-advantage", "medicaid", "commercial"],
        "effective": [{"from": "2026-02-01", "to": "2026-05-31"}, {"from": "2026-06-15"}],
        "criteria": 2,
        "parts": 0,
        "questions": 1,
        "cases": 2,
        "file": str(own.document),
    }
    shown = run("list").output
    for words in (TEXT, "Lakeside Health Plan", "2026-02-01 to 2026-05-31", "from 2026-06-15", "from 2025-04"):
        assert words in shown


def test_the_list_names_the_days_of_the_document_where_the_plan_rules_have_none(own: OwnPolicies) -> None:
    own.change("revision: 2026-01", "revision: 2026-01\neffective: 2026-01-15\nuntil: 2026-12-31")
    (found,) = [each for each in json.loads(run("list", "--json").output) if each["policy"] == "SLEEP.1"]
    assert found["effective"] == [{"from": "2026-01-15", "to": "2026-12-31"}]
    assert "2026-01-15 to 2026-12-31" in run("list").output


def test_the_list_fits_eighty_columns_without_losing_a_word(own: OwnPolicies, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = run("list").output
    assert max(map(len, shown.splitlines())) <= 80
    assert all(word in shown for word in ("interventions", "Corporation", "MC.CP.MP.166@2025-12", "medicare-advantage"))


@pytest.mark.parametrize("command", ["list", "show", "questionnaire", "lint", "test", "coverage", "diff", "lock"])
def test_every_command_that_reads_policies_takes_a_folder(command: str) -> None:
    assert "--folder" in run(command, "-h").output


# --- questionnaire ---------------------------------------------------------------------------------------------------


def test_questionnaire_prints_the_form_of_a_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDS_CANONICAL_BASE", "https://forms.example.org")
    form = json.loads(run("questionnaire", "cp.mp.126@2022-06").output)
    assert (form["resourceType"], form["id"]) == ("Questionnaire", "CP.MP.126-2022-06.2")
    assert form["url"] == "https://forms.example.org/fhir/Questionnaire/CP.MP.126"


def test_questionnaire_of_a_policy_is_that_of_its_newest_revision() -> None:
    assert json.loads(run("questionnaire", "CP.MP.126").output)["version"] == "2025-04.2"


def test_questionnaire_names_the_closest_revision(own: OwnPolicies) -> None:
    refused = run("questionnaire", "SLEEP.2@2026-01")
    assert refused.exit_code == 1
    assert "Did you mean SLEEP.1@2026-01?" in refused.output


def test_questionnaire_prints_the_form_of_a_policy_of_an_operator(own: OwnPolicies) -> None:
    form = json.loads(run("questionnaire", "SLEEP.1").output)
    assert form["item"][0]["item"][0]["text"] == "Was sleepiness scored?"


# --- lint, test, coverage --------------------------------------------------------------------------------------------


def test_lint_fails_on_every_kind_of_mistake(own: OwnPolicies) -> None:
    (own.folder / "value_sets" / "spare.csv").write_text(
        "system,code,label,source,from,to,use\nCPT,95806,Something else,x,,,decides\n", encoding="utf-8"
    )
    result = run("lint")
    assert result.exit_code == 1
    assert "spare.csv:2:1: error: write http://www.ama-assn.org/go/cpt" in result.output
    assert "spare.csv:1:1: remark: no policy uses this value set" in result.output


@pytest.mark.parametrize(
    ("crd", "remarks"),
    [
        (
            "yes",
            [
                "rules.yaml:1:1: remark: Ours follows Lakeview Health Plan, which has no policy here; "
                "the owners are Centene Corporation, Centers for Medicare & Medicaid Services, Lakeside Health Plan "
                "[owner-without-policy]"
            ],
        ),
        ("no", []),
    ],
)
def test_lint_remarks_on_an_owner_without_a_policy_whom_a_payer_that_we_answer_for_follows(
    own: OwnPolicies, monkeypatch: pytest.MonkeyPatch, crd: str, remarks: list[str]
) -> None:
    rules = own.folder / "rules.yaml"
    owners = "[Lakeside Health Plan, Lakeview Health Plan]"
    rules.write_text(
        f"payers: [{{name: Ours, owners: {owners}, identifiers: [urn:a|1], crd: {crd}}}]\n", encoding="utf-8"
    )
    monkeypatch.setenv("CDS_PLAN_RULES", str(rules))
    told = run("lint").output.splitlines()
    assert [line.removeprefix(f"{own.folder}/") for line in told if "has no policy here" in line] == remarks


def test_lint_tells_days_on_which_the_plan_has_no_text(own: OwnPolicies, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = own.folder / "rules.yaml"
    rules.write_text(
        "effective:\n"
        "  - {policy: CP.MP.126@2025-04, from: 2025-04-01, to: 2025-12-31, source: a}\n"
        "  - {policy: CP.MP.126@2025-04, from: 2026-02-01, source: b}\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("CDS_PLAN_RULES", str(rules))
    result = run("lint")
    assert f"{rules}:1:1: error: no revision of CP.MP.126 is in force from 2026-01-01 to 2026-01-31" in result.output


def test_cases_that_hold_are_counted(own: OwnPolicies) -> None:
    for path in (own.folder, own.document, own.cases):
        result = run("test", path)
        assert result.exit_code == 0
        assert f"│ {TEXT} │     2 │        0 │" in result.output


def test_a_case_that_fails_is_told_with_its_place_what_was_expected_and_why(own: OwnPolicies) -> None:
    own.cases.write_text(own.cases.read_text(encoding="utf-8").replace("I.A: met,", "I.A: not-met,"), encoding="utf-8")
    result = run("test", own.folder)
    assert result.exit_code == 1
    assert f"│ {TEXT} │     2 │        1 │" in result.output
    for line in ("A score", f"  {own.cases}:1", "  I.A", "    expected not-met", "    got      met"):
        assert line in result.output.splitlines()
    assert "    because  Sleepiness score 2026-03-01 14" in result.output


def test_a_case_file_that_cannot_be_read_fails(own: OwnPolicies) -> None:
    own.cases.write_text("- name: A\n", encoding="utf-8")
    result = run("test", own.folder)
    assert result.exit_code == 1
    assert f"{own.cases}:1: this case is missing 'anchor'" in result.output


def test_a_revision_a_policy_and_words_choose_the_cases(own: OwnPolicies) -> None:
    for arguments, cases in (([TEXT], 2), (["SLEEP.1"], 2), ([TEXT, "-k", "a SCORE"], 1)):
        shown = run("test", *arguments).output
        assert f"│ {TEXT} │     {cases} │        0 │" in shown
        assert "CP.MP" not in shown
    result = run("test", "-k", "no such words")
    assert (result.exit_code, result.output) == (1, "Error: No case has 'no such words' in its name.\n")


def test_a_folder_without_a_text_is_a_mistake(own: OwnPolicies) -> None:
    result = run("test", own.folder / "value_sets")
    assert (result.exit_code, "There is no policy document in" in result.output) == (1, True)


def test_a_folder_that_is_not_in_force_is_tested_with_its_own_value_sets(
    own: OwnPolicies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = tmp_path / "elsewhere"
    shutil.move(own.folder, moved)
    monkeypatch.delenv("CDS_POLICY_FOLDERS")
    result = run("test", moved)
    assert (result.exit_code, TEXT in result.output) == (0, True)


def test_codes_are_told_with_the_texts_that_answer_them(own: OwnPolicies) -> None:
    codes = own.folder.parent / "codes"
    codes.write_text("95806\n27279\n11111\n", encoding="utf-8")
    shown = run("coverage", "--codes", codes).output
    assert "1 of 3 codes are answered by no policy." in shown
    answers = json.loads(run("coverage", "--codes", codes, "--json").output)
    assert [answer["answered"] for answer in answers] == [True, True, False]
    assert answers[0]["policies"] == [{"policy": TEXT, "sections": ["I"]}]
    codes.write_text("fusion\n", encoding="utf-8")
    refused = run("coverage", "--codes", codes)
    assert (refused.exit_code, f"{codes}:1: this is no CPT" in refused.output) == (1, True)


# --- diff ------------------------------------------------------------------------------------------------------------


def test_a_draft_is_compared_with_the_text_in_force(own: OwnPolicies) -> None:
    draft = draft_of(own, ("Was sleepiness scored?", "Was sleepiness scored twice?"))
    lines = [line.rstrip() for line in run("diff", TEXT, draft).output.splitlines()]
    assert lines == [
        f"{TEXT} → {draft}",
        "~ changed I.A Sleepiness was scored",
        "    - asks Was sleepiness scored?",
        "    + asks Was sleepiness scored twice?",
        "1 changed.",
    ]
    assert "Nothing differs." in run("diff", TEXT, TEXT).output


@pytest.fixture
def stored(own: OwnPolicies) -> Path:
    """Three requests: one with a score in its prefetch, one with a score in a chart beside it, one without."""
    folder = own.folder.parent / "stored"
    folder.mkdir()
    score = {
        "resourceType": "Observation",
        "id": "score",
        "status": "final",
        "subject": {"reference": "Patient/1"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "90001-9"}]},
        "effectiveDateTime": "2026-03-01",
        "valueQuantity": {"value": 14, "unit": "score"},
    }
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": score}]}
    charted = {name: value for name, value in sign_sleep_test().items() if name != "prefetch"}
    calls = {
        "prefetched": sign_sleep_test() | {"prefetch": {"observations": bundle}},
        "charted": charted | {"fhirServer": "http://127.0.0.1:1/never-called"},
        "charted.chart": bundle,
        "nothing": sign_sleep_test(),
    }
    for name, body in calls.items():
        (folder / f"{name}.json").write_text(dumps(body), encoding="utf-8")
    return folder


def test_stored_orders_whose_outcome_changes_are_told_with_the_criteria_that_flip(
    own: OwnPolicies, stored: Path
) -> None:
    draft = draft_of(own, ("met_when: {obs", "not_met_when: {obs"))
    shown = run("diff", TEXT, draft, "--requests", stored).output
    assert "2 of 3 orders change:" in shown
    rows = [line for line in shown.splitlines() if "met → not-met" in line]
    assert [line.split()[1] for line in rows] == ["charted.json", "prefetched.json"]
    assert all("supported" in line and "criteria-not-met" in line and "I.A" in line for line in rows)


def test_a_new_criterion_that_is_not_met_is_told_and_one_that_is_open_is_not(own: OwnPolicies, stored: Path) -> None:
    new = """        ask: Was sleepiness scored?
      - id: I.B
        says: No score
        not_met_when: {observation: {in: sleepiness-score}}
        ask: Is there no score?
"""
    draft = draft_of(own, ("        ask: Was sleepiness scored?\n", new))
    shown = run("diff", TEXT, draft, "--requests", stored).output
    assert "2 of 3 orders change:" in shown
    assert shown.count("I.B no such criterion → not-met") == 2
    assert run("diff", draft, TEXT, "--requests", stored).output.count("I.B not-met → no such criterion") == 2


def test_orders_that_do_not_change_are_counted(own: OwnPolicies, stored: Path) -> None:
    assert "0 of 3 orders change." in run("diff", TEXT, TEXT, "--requests", stored).output
    assert "0 of 0 orders change." in run("diff", *["CP.MP.126@2025-04"] * 2, "--requests", stored).output


def test_files_that_cannot_be_used_are_named_counted_and_told_nothing_of(own: OwnPolicies, stored: Path) -> None:
    (stored / "a-broken.json").write_text('{"hook": "Secret"', encoding="utf-8")
    (stored / "b-other.json").write_text('{"hook": "Secret", "name": "Secret"}', encoding="utf-8")
    (stored / "c-chart.json").write_text(dumps(sign_sleep_test()), encoding="utf-8")
    (stored / "c-chart.chart.json").write_text('{"resourceType": "Secret"}', encoding="utf-8")
    shown = run("diff", TEXT, TEXT, "--requests", stored).output
    assert "3 files skipped:" in shown
    assert "a-broken.json: a-broken.json is not JSON in UTF-8" in shown
    assert "b-other.json: " in shown
    assert "c-chart.json: it could not be evaluated: ValueError at " in shown
    assert "Secret" not in shown
    assert "0 of 3 orders change." in shown


def test_a_folder_without_requests_is_a_mistake(own: OwnPolicies) -> None:
    result = run("diff", TEXT, TEXT, "--requests", own.folder)
    assert (result.exit_code, "There is no stored request in" in result.output) == (1, True)


def test_a_draft_that_does_not_load_is_told(own: OwnPolicies) -> None:
    result = run("diff", TEXT, draft_of(own, ("edition: 1", "edition: one")))
    assert (result.exit_code, "draft.yaml:3: edition is not valid" in result.output) == (1, True)


# --- settings --------------------------------------------------------------------------------------------------------


def test_settings_that_cannot_be_used_are_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDS_TIME_ZONE", "Nowhere")
    result = run("list")
    assert (result.exit_code, "CDS_TIME_ZONE" in result.output) == (1, True)


# --- cases, reasons --------------------------------------------------------------------------------------------------


def test_cases_lists_the_keys_and_the_kinds_of_facts(own: OwnPolicies) -> None:
    listed = run("cases").output
    assert "not_offered" in listed
    assert "an imaging study" in listed


def test_cases_explains_a_kind_of_fact_with_its_keys_and_examples(own: OwnPolicies) -> None:
    shown = run("cases", "imaging").output
    assert "what the report concludes, as codes" in shown
    assert "- imaging: {as: study, code: cpt 72148, at: 2026-01-05}" in shown


def test_cases_explains_the_order(own: OwnPolicies) -> None:
    assert "order: {as: DeviceRequest, code: E0431, flow: 2 L/min, acquisition: rent}" in run("cases", "order").output


def test_a_kind_of_fact_that_there_is_not_is_answered_with_the_closest(own: OwnPolicies) -> None:
    result = run("cases", "observatio")
    assert (result.exit_code, "Did you mean observation?" in result.output) == (1, True)


def test_reasons_lists_statuses_reasons_and_outcomes(own: OwnPolicies) -> None:
    listed = run("reasons").output
    for word in ("not-met", "DateOutOfRange", "documentation-needed"):
        assert word in listed
