"""docs/crd.md: its example is the one in docs/examples/crd, and its commands do what the page says."""

import re
import shutil
from datetime import date
from pathlib import Path

import pytest

from cds_service.hooks.hooks import SERVICE_OF_HOOK
from coverage_policies.format.library import Library, load_library
from coverage_policies.judging.payer_terms import PayerTerms, Standing
from coverage_policies.judging.plan_rules_file import load_plan_rules
from fhir_mappings.codings import CPT, HCPCS
from tests.support.printed_steps import DOCS, run

PAGE = (DOCS / "crd.md").read_text(encoding="utf-8")
EXAMPLE = DOCS / "examples" / "crd"
MEMBERS_LINE = "    members: members.csv\n"


@pytest.fixture(name="library", scope="module")
def _library() -> Library:
    return load_library()


def terms_in(folder: Path, library: Library) -> PayerTerms:
    (payer,) = load_plan_rules(folder / "plan-rules.yaml", library.policies, SERVICE_OF_HOOK).answered_for
    assert set(payer.owners) == {policy.owner for policy in library.policies.values()}
    assert payer.terms is not None
    return payer.terms


def test_the_page_shows_the_plan_rules_of_the_example() -> None:
    (shown,) = re.findall(r"```yaml\n(payers:.*?)```", PAGE, re.DOTALL)
    assert shown == (EXAMPLE / "plan-rules.yaml").read_text(encoding="utf-8")


def test_the_example_states_terms_of_codes_with_and_without_a_policy(library: Library) -> None:
    terms = terms_in(EXAMPLE, library)
    concerned = {
        (row.system, row.code)
        for policy in library.policies.values()
        for entry in policy.orders
        for row in entry.codes.rows
    }
    assert set(terms.codes) & concerned == {
        (CPT, "27279"),
        (CPT, "62350"),
        (CPT, "43644"),
        (HCPCS, "E0431"),
        (HCPCS, "E0601"),
    }
    assert set(terms.codes) - concerned == {(CPT, "70553"), (CPT, "97110"), (HCPCS, "S9970")}
    assert {key[1:] for key in terms.granted} <= set(terms.codes)


@pytest.mark.parametrize(
    ("member", "plans", "expected"),
    [
        ("LHP100001", [], Standing.ACTIVE),
        ("LHP100002", [], Standing.NOT_ACTIVE),
        ("LHP100004", [], Standing.AMBIGUOUS),
        ("LHP100004", ["DUAL-PLUS"], Standing.ACTIVE),
        ("LHP999999", [], Standing.NO_MEMBER),
    ],
)
def test_the_example_has_a_member_of_every_standing(
    library: Library, member: str, plans: list[str], expected: Standing
) -> None:
    members = terms_in(EXAMPLE, library).members
    assert members is not None
    assert members.standing([member], plans, date(2026, 3, 2)) is expected


def test_the_example_works_without_its_members(library: Library, tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLE, tmp_path / "crd")
    rules = folder / "plan-rules.yaml"
    written = rules.read_text(encoding="utf-8")
    assert MEMBERS_LINE in written
    rules.write_text(written.replace(MEMBERS_LINE, ""), encoding="utf-8")
    (folder / "members.csv").unlink()
    assert terms_in(folder, library).members is None


@pytest.mark.process
@pytest.mark.slow
def test_the_commands_that_set_up_a_payer_work_as_printed(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "docs" / "examples" / "crd")
    (section,) = re.findall(r"^## Set up a payer\n(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)
    commands = re.findall(r"^```(?:sh|text)\n.*?^```$", section, re.MULTILINE | re.DOTALL)
    assert any("cds-service serve" in each for each in commands)
    run("\n".join(commands), tmp_path)
