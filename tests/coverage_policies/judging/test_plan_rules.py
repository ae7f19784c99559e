"""The operator's file: what it says, and every mistake in it with file and line."""

from datetime import date
from pathlib import Path
from textwrap import dedent

import pytest

from coverage_policies.format.problems import DocumentError
from coverage_policies.format.terms import LineOfBusiness
from coverage_policies.judging.plan_rules import (
    Effective,
    Payer,
    PlanRules,
    Visibility,
    VisibilityRule,
)
from coverage_policies.judging.plan_rules_file import load_plan_rules
from fhir_mappings.codings import CPT, HCPCS, SNOMED, Coding

HOOKS = ("order-select", "order-sign")
TEXTS = ("P.1@2024-01", "P.1@2025-04", "P.2@2025-01")


def load(tmp_path: Path, written: str, codes: str | bytes | None = None) -> PlanRules:
    (tmp_path / "rules.yaml").write_text(dedent(written), encoding="utf-8")
    if codes is not None:
        as_bytes = codes if isinstance(codes, bytes) else dedent(codes).encode()
        (tmp_path / "codes.csv").write_bytes(as_bytes)
    return load_plan_rules(tmp_path / "rules.yaml", TEXTS, HOOKS)


def mistakes(tmp_path: Path, written: str, codes: str | bytes | None = None) -> list[str]:
    """The mistakes, with the names of the files and not their folder."""
    with pytest.raises(DocumentError) as error:
        load(tmp_path, written, codes)
    return [str(problem).removeprefix(f"{tmp_path}/") for problem in error.value.problems]


# --- what it says ----------------------------------------------------------------------------------------------------


def test_an_empty_file_rules_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, "") == PlanRules()


def test_a_payer_is_read_with_all_it_is_recognized_by(tmp_path: Path) -> None:
    written = """
        payers:
          - name: Sample Health Plan
            owner: Owner
            identifiers: [http://hl7.org/fhir/sid/us-npi|1, urn:naic|2]
            names: [Sample ADVANTAGE, SHP]
            classes: [plan|GOLD-1]
            line_of_business: medicare
        """
    assert load(tmp_path, written).payers == (
        Payer(
            name="Sample Health Plan",
            owners=("Owner",),
            identifiers=frozenset({"http://hl7.org/fhir/sid/us-npi|1", "urn:naic|2"}),
            names=frozenset({"sample advantage", "shp"}),
            classes=frozenset({"plan|GOLD-1"}),
            line=LineOfBusiness.MEDICARE,
        ),
    )


def test_a_payer_needs_no_line_of_business(tmp_path: Path) -> None:
    (payer,) = load(tmp_path, "payers: [{name: N, owner: O, names: [n]}]").payers
    assert payer.line is None


def test_effective_dates_are_read_with_and_without_an_end(tmp_path: Path) -> None:
    written = """
        effective:
          - {policy: P.1@2024-01, from: 2024-03-01, to: 2025-05-31, source: A bulletin}
          - {policy: P.1@2025-04, from: 2025-06-01, source: Another}
        """
    assert load(tmp_path, written).effective == (
        Effective("P.1@2024-01", date(2024, 3, 1), date(2025, 5, 31), "A bulletin"),
        Effective("P.1@2025-04", date(2025, 6, 1), None, "Another"),
    )


def test_a_text_may_be_in_force_for_one_day(tmp_path: Path) -> None:
    written = "effective: [{policy: P.1@2024-01, from: 2024-03-01, to: 2024-03-01, source: s}]"
    assert load(tmp_path, written).effective[0].until == date(2024, 3, 1)


def test_switches_are_read_for_a_text_and_for_a_policy(tmp_path: Path) -> None:
    written = """
        policies:
          - {policy: P.1@2025-04, hooks: [order-select], show: shadow}
          - {policy: P.2, show: off}
        """
    assert load(tmp_path, written).visibility_rules == (
        VisibilityRule("P.1@2025-04", Visibility.SHADOW, frozenset({"order-select"})),
        VisibilityRule("P.2", Visibility.OFF, frozenset()),
    )


def test_order_codes_are_read_from_the_table_beside_it(tmp_path: Path) -> None:
    codes = f"""\
        system,code,to_system,to_code
        urn:local,FUSION,{CPT},27279
        {SNOMED},609588000,{CPT},27280
        """
    assert load(tmp_path, "order_codes: codes.csv", codes).order_codes == {
        ("urn:local", "FUSION"): (Coding(CPT, "27279"),),
        (SNOMED, "609588000"): (Coding(CPT, "27280"),),
    }


def test_one_order_code_may_stand_for_several(tmp_path: Path) -> None:
    codes = f"system,code,to_system,to_code\nurn:local,PUMP,{CPT},62362\nurn:local,PUMP,{HCPCS},E0783\n"
    found = load(tmp_path, "order_codes: codes.csv", codes).order_codes
    assert found == {("urn:local", "PUMP"): (Coding(CPT, "62362"), Coding(HCPCS, "E0783"))}


def test_a_code_system_of_the_table_goes_by_any_of_its_names(tmp_path: Path) -> None:
    codes = (
        "system,code,to_system,to_code\nhttps://snomed.info/sct,1,http://www.nlm.nih.gov/research/umls/hcpcs,E0783\n"
    )
    found = load(tmp_path, "order_codes: codes.csv", codes).order_codes
    assert found == {(SNOMED, "1"): (Coding(HCPCS, "E0783"),)}


def test_a_table_saved_by_a_spreadsheet_is_read(tmp_path: Path) -> None:
    codes = b"\xef\xbb\xbfsystem,code,to_system,to_code\r\nurn:local,1,urn:to,2\r\n"
    assert ("urn:local", "1") in load(tmp_path, "order_codes: codes.csv", codes).order_codes


def test_a_table_without_rows_maps_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, "order_codes: codes.csv", "system,code,to_system,to_code\n").order_codes == {}


# --- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("- a\n- list\n", "rules.yaml:1: the file must be a mapping with payers, effective, "),
        (
            "payers: []\npayer: []\n",
            "rules.yaml:2: the file has no key 'payer' (did you mean 'payers'?); known keys: payers, ",
        ),
        ("payers: Ours\n", "rules.yaml:1: payers must be a list of payers"),
        ("payers:\n  - {names: [n], owner: o}\n", "rules.yaml:2: payers is missing 'name' (the name of the payer)"),
        (
            "payers:\n  - {names: [n], name: n}\n",
            "rules.yaml:2: a payer needs either owner (of the policies that it follows), or owners, a list of several",
        ),
        (
            "payers:\n  - {}\n",
            "rules.yaml:2: payers is missing 'name' (the name of the payer)",
        ),
        (
            "payers:\n  - name: n\n    owner: o\n    npi: 1\n",
            "rules.yaml:4: payers has no key 'npi'; known keys: name, ",
        ),
        (
            "payers:\n  - {name: n, owner: o, names: n}\n",
            "rules.yaml:2: payers.names must be a list of names",
        ),
        (
            "payers:\n  - {name: n, owner: o, names: []}\n",
            "rules.yaml:2: payers.names must be a list of names",
        ),
        (
            "payers:\n  - {name: n, owner: '', names: [n]}\n",
            "rules.yaml:2: payers.owner must be the owner of the policies that it follows",
        ),
        ("payers:\n  - {name: [n], owner: o, names: [n]}\n", "rules.yaml:2: payers.name must be the name of the payer"),
        (
            "payers:\n  - name: n\n    owner: o\n    names: [n]\n    line_of_business: Medicare\n",
            "rules.yaml:5: payers.line_of_business must be one of medicare, medicare-advantage, medicaid, commercial",
        ),
        (
            "payers:\n  - {name: n, owner: o}\n",
            "rules.yaml:2: a payer needs identifiers, names, or classes that identify it",
        ),
        (
            "payers:\n  - name: n\n    owner: o\n    identifiers:\n      - urn:a|1\n      - 1234567893\n",
            "rules.yaml:6: payers.identifiers must be a list of identifiers, each written system|value",
        ),
        (
            "effective:\n  - {policy: P.1@2024-01, from: 2024-01-01}\n",
            "rules.yaml:2: effective is missing 'source' (where the plan",
        ),
        (
            "effective:\n  - policy: P.1@2024-01\n    from: June\n    source: s\n",
            "rules.yaml:3: effective.from must be the first day, such as 2025-06-01",
        ),
        (
            "effective:\n  - policy: P.1@2024-01\n    from: 2024-01-01\n    to: 2024-02\n    source: s\n",
            "rules.yaml:4: effective.to must be the last day, such as 2025-06-01",
        ),
        (
            "effective:\n  - policy: P.1@2024-01\n    source: s\n    from: 2025-02-29\n",
            "rules.yaml:4: effective.from must be the first day, such as 2025-06-01",
        ),
        (
            "effective:\n  - policy: P.1@2024-01\n    source: s\n    from: 2025-02-28\n    to: 2025-13-01\n",
            "rules.yaml:5: effective.to must be the last day, such as 2025-06-01",
        ),
        (
            "effective:\n  - policy: P.1@2024-01\n    source: s\n    from: 2025-03-01\n    to: 2025-02-28\n",
            "rules.yaml:5: the last day is before the first",
        ),
        (
            "effective:\n  - {policy: P.1, from: 2025-01-01, source: s}\n",
            "rules.yaml:2: there is no such revision; the revisions are: P.1@2024-01, P.1",
        ),
        (
            "policies:\n  - {policy: P.3, show: off}\n",
            "rules.yaml:2: there is no such policy or revision; the revisions are: P.1@2024-01, P.1",
        ),
        ("policies:\n  - {policy: P.1, show: quiet}\n", "rules.yaml:2: policies.show must be one of on, shadow, off"),
        ("policies:\n  - {policy: P.1}\n", "rules.yaml:2: policies is missing 'show' (one of on, shadow, off)"),
        (
            "policies:\n  - {policy: P.1, show: off, hooks: [order-dispatch]}\n",
            "rules.yaml:2: a hook is one of order-select, order-sign",
        ),
        (
            "policies:\n  - {policy: P.1, show: off, hooks: []}\n",
            "rules.yaml:2: policies.hooks must be a list",
        ),
        ("policies:\n  - {policy: [P.1], show: off}\n", "rules.yaml:2: policies.policy must be the name of a policy"),
        ("effective:\n  - {policy: P.1@2024-01, from: 20250601, source: s}\n", "rules.yaml:2: effective.from must be"),
        ("order_codes: ''\n", "rules.yaml:1: order_codes must be the name of a CSV file, relative"),
        (
            "order_codes: nowhere.csv\n",
            "rules.yaml:1: nowhere.csv cannot be read; write the name of a CSV file, relative",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line_and_how_it_is_written_right(tmp_path: Path, written: str, told: str) -> None:
    (only,) = mistakes(tmp_path, written)
    assert only.startswith(told)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    written = "payers:\n  - {name: n, owner: o}\npolicies:\n  - {policy: P.3, show: off}\norder_codes: codes.csv\n"
    assert [each.split(":")[:2] for each in mistakes(tmp_path, written, codes="code\n")] == [
        ["rules.yaml", "2"],
        ["rules.yaml", "4"],
        ["codes.csv", "1"],
    ]


def test_what_is_no_yaml_is_told_with_its_line(tmp_path: Path) -> None:
    (told,) = mistakes(tmp_path, "payers:\n  - {name: [}\n")
    assert told.startswith("rules.yaml:2: this is not YAML")


def test_a_key_that_stands_twice_is_told(tmp_path: Path) -> None:
    (told,) = mistakes(tmp_path, "policies: []\npolicies: []\n")
    assert told == "rules.yaml:2: 'policies' occurs twice; keep one"


def test_a_file_that_is_not_in_utf_8_is_told(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_bytes("payers: [{name: Versicherungstr\u00e4ger}]".encode("latin-1"))
    with pytest.raises(DocumentError, match=r"rules\.yaml:1: the file is not UTF-8; save it as UTF-8"):
        load_plan_rules(path, TEXTS, HOOKS)


HEADER = "system,code,to_system,to_code\n"
ROW = "a row must have system, code, to_system, to_code, none of them empty"


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        ("", "codes.csv:1: the header must be system,code,to_system,to_code"),
        ("system,code\n", "codes.csv:1: the header must be system,code,to_system,to_code"),
        (f"{HEADER}urn:a,1,urn:b,2\nurn:a,1,urn:b\n", "codes.csv:3: 3 columns instead of 4"),
        (f"{HEADER}urn:a,1,urn:b,2,3\n", "codes.csv:2: 5 columns instead of 4"),
        (f"{HEADER}urn:a,,urn:b,2\n", f"codes.csv:2: {ROW}"),
        (f"{HEADER}urn:a,1,urn:b, \n", f"codes.csv:2: {ROW}"),
        (f"{HEADER}\n", "codes.csv:2: 0 columns instead of 4"),
        (b"\xff\xfe", "codes.csv:1: the file is not UTF-8; save it as UTF-8"),
    ],
)
def test_a_mistake_in_the_table_of_order_codes_is_told_with_its_line(
    tmp_path: Path, codes: str | bytes, told: str
) -> None:
    assert mistakes(tmp_path, "order_codes: codes.csv", codes) == [told]


# --- switches --------------------------------------------------------------------------------------------------------


def visibility(*visibility_rules: VisibilityRule) -> dict[str, str]:
    """How each text is shown on either hook, in short."""
    rules = PlanRules(visibility_rules=visibility_rules)
    return {
        text: " ".join(rules.visibility(text, hook).value for hook in ("order-select", "order-sign")) for text in TEXTS
    }


def test_a_text_without_a_switch_is_on() -> None:
    assert set(visibility().values()) == {"on on"}


def test_a_switch_for_a_text_holds_for_no_other() -> None:
    assert visibility(VisibilityRule("P.1@2024-01", Visibility.OFF, frozenset())) == {
        "P.1@2024-01": "off off",
        "P.1@2025-04": "on on",
        "P.2@2025-01": "on on",
    }


def test_a_switch_for_a_policy_holds_for_all_its_texts() -> None:
    assert visibility(VisibilityRule("P.1", Visibility.SHADOW, frozenset())) == {
        "P.1@2024-01": "shadow shadow",
        "P.1@2025-04": "shadow shadow",
        "P.2@2025-01": "on on",
    }


def test_a_switch_may_hold_for_one_hook() -> None:
    assert visibility(VisibilityRule("P.2", Visibility.OFF, frozenset({"order-select"})))["P.2@2025-01"] == "off on"


@pytest.mark.parametrize(
    ("first", "then", "stands"), [(Visibility.OFF, Visibility.ON, "on on"), (Visibility.ON, Visibility.OFF, "off off")]
)
def test_the_last_switch_that_fits_stands(first: Visibility, then: Visibility, stands: str) -> None:
    found = visibility(VisibilityRule("P.1", first, frozenset()), VisibilityRule("P.1@2025-04", then, frozenset()))
    assert found["P.1@2025-04"] == stands


# --- mapped codes ----------------------------------------------------------------------------------------------------

FUSION = Coding(CPT, "27279")
MAPPED = PlanRules(order_codes={("urn:local", "F"): (FUSION, Coding(CPT, "27280"))})


def test_a_mapped_code_is_followed_by_those_it_stands_for() -> None:
    sent = Coding("urn:local", "F", "Fusion")
    assert MAPPED.mapped([sent]) == (sent, FUSION, Coding(CPT, "27280"))


def test_a_code_of_another_system_is_not_mapped() -> None:
    assert MAPPED.mapped([Coding("urn:other", "F")]) == (Coding("urn:other", "F"),)


def test_a_code_that_came_and_is_mapped_to_as_well_stands_once() -> None:
    assert MAPPED.mapped([FUSION, Coding("urn:local", "F")]).count(FUSION) == 1


def test_what_a_code_stands_for_is_not_mapped_again() -> None:
    rules = PlanRules(order_codes={("s", "1"): (Coding("s", "2"),), ("s", "2"): (Coding("s", "3"),)})
    assert rules.mapped([Coding("s", "1")]) == (Coding("s", "1"), Coding("s", "2"))
