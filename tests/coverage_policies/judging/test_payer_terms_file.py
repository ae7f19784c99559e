"""The payers of the plan rules file that this service answers for, and every mistake in what they state."""

from datetime import date
from pathlib import Path
from textwrap import dedent

import pytest

from coverage_policies.format.problems import DocumentError
from coverage_policies.judging.payer_terms import (
    Authorization,
    CodeTerms,
    Contact,
    Covered,
    GrantedAuthorization,
    PayerTerms,
    Standing,
)
from coverage_policies.judging.plan_rules import Payer, PlanRules
from coverage_policies.judging.plan_rules_file import files_of_plan_rules, load_plan_rules
from fhir_mappings.codings import CPT

TABLES = {
    "codes.csv": "system,code,prior_authorization,covered,expires,quantity,unit,from,to\ncpt,27279,no-auth,,,,,,\n",
    "authorizations.csv": "member_id,system,code,number,until\nM-1,cpt,27279,A-1,2026-06-30\n",
    "members.csv": "member_id,active_from,active_to,plan\nM-1,2026-01-01,,GOLD\n",
}
PAYER = "payers:\n  - name: n\n    owner: o\n    identifiers: [urn:a|1]\n"


def load(tmp_path: Path, written: str, **tables: str) -> PlanRules:
    (tmp_path / "rules.yaml").write_text(dedent(written), encoding="utf-8")
    for name, text in {**TABLES, **{f"{name}.csv": text for name, text in tables.items()}}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return load_plan_rules(tmp_path / "rules.yaml", (), ())


def mistakes(tmp_path: Path, written: str, **tables: str) -> list[str]:
    with pytest.raises(DocumentError) as error:
        load(tmp_path, written, **tables)
    return [str(problem).removeprefix(f"{tmp_path}/") for problem in error.value.problems]


def test_a_payer_without_crd_has_no_terms_and_is_not_answered_for(tmp_path: Path) -> None:
    rules = load(tmp_path, PAYER + "    crd: no\n")
    assert rules.payers == (Payer("n", ("o",), frozenset({"urn:a|1"})),)
    assert rules.answered_for == ()


def test_a_payer_that_states_nothing_settles_nothing(tmp_path: Path) -> None:
    (payer,) = load(tmp_path, PAYER + "    crd: yes\n").answered_for
    assert payer.terms == PayerTerms(Covered.CONDITIONAL, Covered.CONDITIONAL, Covered.CONDITIONAL)


def test_a_payer_may_follow_several_owners(tmp_path: Path) -> None:
    (payer,) = load(tmp_path, PAYER.replace("owner: o", "owners: [B, A]")).payers
    assert payer.owners == ("B", "A")


def test_everything_that_a_payer_states_is_read(tmp_path: Path) -> None:
    written = """
        payers:
          - name: Lakeshore
            owners: [A, B]
            identifiers: [urn:a|1]
            crd: yes
            if_supported: covered
            if_not_met: not-covered
            without_policy: covered
            codes: codes.csv
            authorizations: authorizations.csv
            members: members.csv
            contact: {name: Providers, phone: 555-0100, email: a@plan.example, url: "https://plan.example/pa"}
        """
    (payer,) = load(tmp_path, written).answered_for
    terms = payer.terms
    assert terms is not None
    assert (terms.if_supported, terms.if_not_met, terms.without_policy) == (
        Covered.COVERED,
        Covered.NOT_COVERED,
        Covered.COVERED,
    )
    assert terms.codes == {(CPT, "27279"): CodeTerms(Authorization.NO_AUTH)}
    assert terms.granted == {("M-1", CPT, "27279"): GrantedAuthorization("A-1", date(2026, 6, 30))}
    assert terms.contact == Contact("Providers", "555-0100", "a@plan.example", "https://plan.example/pa")
    assert terms.members is not None
    assert terms.members.standing(["M-1"], [], date(2026, 1, 1)) is Standing.ACTIVE


@pytest.mark.parametrize("answer", ["covered", "not-covered", "conditional"])
def test_an_order_without_a_policy_may_have_any_answer(tmp_path: Path, answer: str) -> None:
    (payer,) = load(tmp_path, PAYER + f"    crd: yes\n    without_policy: {answer}\n").answered_for
    assert payer.terms is not None
    assert payer.terms.without_policy.value == answer


EITHER = "a payer needs either owner (of the policies that it follows), or owners, a list of several"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (PAYER + "    owners: [p]\n", f"rules.yaml:5: {EITHER}"),
        (PAYER.replace("    owner: o\n", ""), f"rules.yaml:2: {EITHER}"),
        (PAYER.replace("owner: o", "owners: []"), "rules.yaml:3: payers.owners must be a list of the owners of"),
        (PAYER.replace("owner: o", "owners: o"), "rules.yaml:3: payers.owners must be a list of the owners of"),
        (PAYER + "    crd: true\n", "rules.yaml:5: payers.crd must be yes or no; yes if this service answers for"),
        (
            PAYER.replace("identifiers: [urn:a|1]", "names: [n]") + "    crd: yes\n",
            "rules.yaml:5: a payer with crd: yes needs identifiers, as Coverage.payor or its Organization states them",
        ),
        (
            PAYER + "    crd: yes\n    if_supported: not-covered\n",
            "rules.yaml:6: payers.if_supported must be covered if an order that its policy supports is covered, else",
        ),
        (
            PAYER + "    crd: yes\n    if_not_met: covered\n",
            "rules.yaml:6: payers.if_not_met must be not-covered if an order that fails its policy is not covered",
        ),
        (
            PAYER + "    crd: yes\n    without_policy: unknown\n",
            "rules.yaml:6: payers.without_policy must be covered, not-covered, or conditional: what holds for",
        ),
        (PAYER + "    crd: yes\n    contact: {}\n", "rules.yaml:6: payers.contact needs name, phone, email, or url"),
        (
            PAYER + "    crd: yes\n    contact: {fax: 1}\n",
            "rules.yaml:6: payers.contact has no key 'fax'; known keys: name, phone, email, url",
        ),
        (
            PAYER + "    crd: yes\n    contact: {email: plan.example}\n",
            "rules.yaml:6: payers.contact.email must be an email address",
        ),
        (
            PAYER + "    crd: yes\n    contact: {url: plan.example}\n",
            "rules.yaml:6: payers.contact.url must be an address such as https://plan.example/providers",
        ),
        (PAYER + "    crd: yes\n    codes: ''\n", "rules.yaml:6: payers.codes must be the name of a CSV file"),
        (
            PAYER + "    crd: yes\n    codes: nowhere.csv\n",
            "rules.yaml:6: nowhere.csv cannot be read; write the name of a CSV file, relative to this file",
        ),
        (
            PAYER + "    crd: yes\n    members: .\n",
            "rules.yaml:6: . cannot be read; write the name of a CSV file, relative to this file",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line_and_how_it_is_written_right(tmp_path: Path, written: str, told: str) -> None:
    (only,) = mistakes(tmp_path, written)
    assert only.startswith(told)


@pytest.mark.parametrize("crd", ["", "    crd: no\n"])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("if_supported", "conditional"),
        ("if_not_met", "conditional"),
        ("without_policy", "conditional"),
        ("codes", "codes.csv"),
        ("authorizations", "authorizations.csv"),
        ("members", "members.csv"),
        ("contact", "{phone: 1}"),
    ],
)
def test_terms_without_crd_are_a_mistake(tmp_path: Path, crd: str, key: str, value: str) -> None:
    line = 6 if crd else 5
    assert mistakes(tmp_path, f"{PAYER}{crd}    {key}: {value}\n") == [
        f"rules.yaml:{line}: payers.{key} needs crd: yes; add that, or leave {key} out"
    ]


@pytest.mark.parametrize(("key", "line"), [("codes", 2), ("authorizations", 2), ("members", 2)])
def test_a_mistake_in_a_table_follows_those_of_the_rules(tmp_path: Path, key: str, line: int) -> None:
    written = PAYER + f"    crd: yes\n    {key}: {key}.csv\n  - {{name: m, owner: o}}\n"
    header = TABLES[f"{key}.csv"].splitlines()[0]
    assert [each.split(":")[:2] for each in mistakes(tmp_path, written, **{key: f"{header}\nx\n"})] == [
        ["rules.yaml", "7"],
        [f"{key}.csv", str(line)],
    ]


@pytest.mark.parametrize(
    ("first", "second", "is_wrong"),
    [("yes", "yes", True), ("yes", "no", True), ("no", "yes", True), ("no", "no", False)],
)
def test_the_identifier_of_a_payer_with_crd_is_of_no_other(
    tmp_path: Path, first: str, second: str, is_wrong: bool
) -> None:
    written = PAYER + f"    crd: {first}\n" + PAYER.partition("\n")[2].replace("name: n", "name: m")
    written += f"    crd: {second}\n"
    if is_wrong:
        assert mistakes(tmp_path, written) == [
            "rules.yaml:8: n has this identifier as well; one of a payer with crd: yes has no other payer"
        ]
    else:
        assert len(load(tmp_path, written).payers) == 2


# --- the files that are watched --------------------------------------------------------------------------------------


def test_the_files_of_the_rules_are_those_that_they_name(tmp_path: Path) -> None:
    tables = "".join(f"    {name.partition('.')[0]}: {name}\n" for name in TABLES)
    load(tmp_path, PAYER + "    crd: yes\n" + tables)
    (tmp_path / "rules.yaml").write_text(PAYER + tables + "order_codes: order-codes.csv\n", encoding="utf-8")
    names = ["rules.yaml", "order-codes.csv", *TABLES]
    assert list(files_of_plan_rules(tmp_path / "rules.yaml")) == [tmp_path / name for name in names]


def test_rules_that_cannot_be_read_name_no_files(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    assert list(files_of_plan_rules(path)) == [path]
    path.write_text("payers: [", encoding="utf-8")
    assert list(files_of_plan_rules(path)) == [path]
