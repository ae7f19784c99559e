"""Which codes the texts answer."""

from dataclasses import replace
from pathlib import Path

import pytest

from coverage_policies.authoring.code_coverage import code_coverage, load_codes, parse_codes
from coverage_policies.format.library import Library
from coverage_policies.format.problems import DocumentError
from fhir_mappings.codings import CPT, HCPCS, ICD10CM, Coding
from tests.support.policy_fakes import ENTRY, SETS, policy

LEAF = "I: {says: s, ask: q}\nII: {says: t, ask: q}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("27279\n", [Coding(CPT, "27279")]),
        ("0775T\n0775t\n", [Coding(CPT, "0775T")]),
        ("G0260", [Coding(HCPCS, "G0260")]),
        ("# ours\n\n27279\n", [Coding(CPT, "27279")]),
        ("icd10cm,M53.3\n", [Coding(ICD10CM, "M53.3")]),
        ("http://x.org/s, a \n", [Coding("http://x.org/s", "a")]),
        ("system,code\ncpt,27279\n,G0260\n", [Coding(CPT, "27279"), Coding(HCPCS, "G0260")]),
        ("Code,description\n27279,Fusion\n", [Coding(CPT, "27279")]),
        ("27279\nicd10cm,M53.3\n", [Coding(CPT, "27279"), Coding(ICD10CM, "M53.3")]),
        ("", []),
    ],
)
def test_codes_are_read_however_they_are_listed(text: str, found: list[Coding]) -> None:
    assert list(parse_codes(text, "codes.csv")) == found


def test_every_line_that_cannot_be_read_is_told() -> None:
    with pytest.raises(DocumentError) as raised:
        parse_codes("27279\nM53.3\n27279,Fusion\ncpt,\n", "codes.csv")
    assert [problem.line for problem in raised.value.problems] == [2, 3, 4]
    assert str(raised.value.problems[0]) == (
        "codes.csv:2: this is no CPT or HCPCS code alone on its line, nor a system and a code, as in icd10cm,M53.3"
    )


def test_a_file_in_another_encoding_is_told_and_a_mark_before_it_is_none(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_bytes("ä".encode("latin-1"))
    with pytest.raises(DocumentError, match="save it as UTF-8"):
        load_codes(path)
    path.write_text("27279", encoding="utf-8-sig")
    assert load_codes(path) == (Coding(CPT, "27279"),)


def test_each_code_is_told_with_its_texts_and_sections() -> None:
    entries = f"{ENTRY}\n- {{codes: the-order, sections: [II, I]}}\n- {{codes: another-order, sections: []}}"
    older = policy(LEAF, orders=entries)
    newer = replace(policy(LEAF), revision="2026-01")
    codes = [Coding(CPT, code) for code in ("10001", "10002", "10003")]
    answers = code_coverage(codes, Library({older.full_name: older, newer.full_name: newer}, SETS))
    told = [[(each.policy.full_name, each.sections, each.label) for each in answer.policies] for answer in answers]
    assert told == [
        [("CP.TEST@2025-01", ("I", "II"), "Label of 10001"), ("CP.TEST@2026-01", ("I",), "Label of 10001")],
        [("CP.TEST@2025-01", (), "Label of 10002")],
        [],
    ]
    assert [answer.is_answered for answer in answers] == [True, False, False]
