"""The words of orders as files: what they state, where they are read, and every mistake with its place."""

from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from coverage_policies.format.library import BUILT_IN, load_names
from coverage_policies.format.loader import parse_policy
from coverage_policies.format.order_terms import COLUMNS, load_order_terms
from coverage_policies.format.problems import DocumentError
from coverage_policies.format.value_sets import ValueSets
from fhir_mappings.order_terms import OrderTerms
from fhir_mappings.order_text import read_phrase
from fhir_mappings.orders import Order, read_order
from tests.support.policy_fakes import SETS, clause, draft, text
from tests.support.terms import TERMS

HEADER = ",".join(COLUMNS)
READ = "*,read,code,,,,,"


def terms(folder: Path, *lines: str, name: str = "lead") -> OrderTerms:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.csv").write_text("\n".join([HEADER, *lines, ""]), encoding="utf-8")
    return load_order_terms([folder])


def said(found: OrderTerms, phrase: str) -> set[tuple[str, bool]]:
    return {(each.value, each.is_stated) for each in read_phrase(phrase, found)}


def order(found: OrderTerms, **members: Any) -> Order:
    return read_order(draft() | members, zone=UTC, terms=found)


# --- what rows mean --------------------------------------------------------------------------------------------------


def test_words_state_a_value_and_others_only_hint(tmp_path: Path) -> None:
    found = terms(tmp_path, r"paddle,states,\bpaddle\b,,,,,", r"paddle,hints,\blaminectomy\b,,,,,")
    assert said(found, "Paddle lead") == {("paddle", True)}
    assert said(found, "paddle lead by laminectomy") == {("paddle", True)}
    assert said(found, "by laminectomy") == {("paddle", False)}
    assert said(found, "no paddle") == {("paddle", False)}


def test_of_two_values_that_overlap_the_first_one_counts(tmp_path: Path) -> None:
    rows = r"long,states,\blong lead\b,,,,,", r"any,states,\blead\b,,,,,"
    assert said(terms(tmp_path, *rows), "a long lead") == {("long", True)}


def test_words_that_conflict_make_a_value_doubtful(tmp_path: Path) -> None:
    found = terms(tmp_path, r"paddle,states,\bpaddle\b,,,,,", r"paddle,conflicts,\bcylind\w*,,,,,")
    assert said(found, "paddle, not seen") == {("paddle", False)}
    assert said(found, "paddle or cylinder") == {("paddle", False)}
    assert said(found, "paddle / cylinder") == {("paddle", False)}
    assert said(found, "paddle / plate") == {("paddle", True)}


@pytest.mark.parametrize(
    ("phrase", "is_said"),
    [
        ("trial of a pump", True),
        ("trial" + " " * 45 + "pump", True),
        ("trial" + " " * 51 + "pump", False),
        ("trial; pump", False),
        ("trial of an oral pump", False),
        ("oral drugs. trial of a pump", True),
        ("trial", False),
    ],
)
def test_words_that_must_stand_near_are_sought_in_the_clause(tmp_path: Path, phrase: str, is_said: bool) -> None:
    found = terms(tmp_path, r"trial,states,\btrial\b,\bpumps?\b,,\boral\b,,")
    assert bool(said(found, phrase)) is is_said


@pytest.mark.parametrize(
    ("phrase", "is_said"),
    [
        ("diagnostic injection", True),
        ("diagnostic MRI", False),
        ("MRI, then diagnostic injection", True),
        ("injection, diagnostic", True),
        ("for diagnostic purposes", True),
        ("for diagnostic purposes of many kinds", False),
    ],
)
def test_words_count_next_to_a_noun_of_theirs(tmp_path: Path, phrase: str, is_said: bool) -> None:
    found = terms(tmp_path, r"diagnostic,states,\bdiagnostic\b,,\binjection\b,\bMRI\b,,")
    assert bool(said(found, phrase)) is is_said


def test_words_that_make_it_something_else_are_sought_in_all_names_of_a_device(tmp_path: Path) -> None:
    found = terms(tmp_path, "*,read,device,,,,,", r"rod,states,\blinq\b,,,\bcardiac\b,,")
    device = {"resourceType": "Device", "id": "d", "deviceName": [{"name": "LINQ"}, {"name": "Cardiac monitor"}]}
    reference = {"supportingInfo": [{"reference": "#d"}]}
    assert order(found, contained=[device], **reference).stated == {}
    device = device | {"deviceName": [{"name": "LINQ"}]}
    assert order(found, contained=[device], **reference).stated == {"lead": {"rod"}}


def test_a_part_stands_for_its_pattern(tmp_path: Path) -> None:
    found = terms(tmp_path, "kind,part,paddle|plate,,,,,", r"paddle,states,\b{kind} lead\b,,,,,")
    assert said(found, "plate lead") == {("paddle", True)}
    assert said(found, "plate") == set()


def test_a_code_and_a_modifier_state_a_value(tmp_path: Path) -> None:
    rows = "rent,modifier,RR,,,,,", "rent,code,http://example.org|RENT,,,,,", "rent,code,http://example.org|L*,,,,,"
    found = terms(tmp_path, READ, *rows)
    for system, code in (
        ("http://www.ama-assn.org/go/cpt", "10001-RR"),
        ("http://example.org", "RENT"),
        ("http://example.org", "L12"),
    ):
        coded = {"coding": [{"system": system, "code": code}]}
        assert order(found, code=coded).stated == {"lead": {"rent"}}, code
        assert order(found, orderDetail=[coded]).stated == {"lead": {"rent"}}, code
    for other in ("RENTED", "10001-NU", "XL1"):
        assert order(found, code={"coding": [{"system": "http://example.org", "code": other}]}).stated == {}, other


@pytest.mark.parametrize(
    ("place", "members"),
    [
        ("code", {"code": {"text": "paddle"}}),
        ("reason", {"reasonCode": [{"text": "paddle"}]}),
        ("site", {"bodySite": [{"text": "paddle"}]}),
        ("performer", {"performerType": {"text": "paddle"}}),
    ],
)
def test_an_attribute_is_read_where_its_file_says_and_in_the_details(
    tmp_path: Path, place: str, members: dict[str, Any]
) -> None:
    row = r"paddle,states,\bpaddle\b,,,,,"
    assert order(terms(tmp_path / "a", row), **members).stated == {}
    assert order(terms(tmp_path / "b", f"*,read,{place},,,,,", row), **members).stated == {"lead": {"paddle"}}
    assert order(terms(tmp_path / "c", row), orderDetail=[{"text": "paddle"}]).stated == {"lead": {"paddle"}}


def test_what_tells_a_result_does_not_state_an_attribute_of_an_event(tmp_path: Path) -> None:
    row = r"first,states,\bfirst\b,,,,,"
    assert said(terms(tmp_path / "a", row), "first, with relief") == {("first", True)}
    assert said(terms(tmp_path / "b", "*,read,event,,,,,", row), "first, with relief") == {("first", False)}


def test_own_folders_add_attributes_values_and_words(tmp_path: Path) -> None:
    own = tmp_path / "order_terms"
    terms(own, r"paddle,states,\bpaddle\b,,,,,")
    terms(own, r"direct-anterior,states,\bdirect\s+anterior\b,,,,,", name="approach")
    found = load_names([BUILT_IN, tmp_path]).order_terms
    assert said(found, "Paddle lead, direct anterior") == {("paddle", True), ("direct-anterior", True)}
    assert said(found, "Posterior approach") == {("posterior", True)}
    assert set(found.names) == {*TERMS.names, "lead"}


def test_a_class_of_drugs_is_named_by_words_of_its_file(tmp_path: Path) -> None:
    rows = "biologic,code,http://snomed.info/sct|1,,,,,", r"biologic,states,\bbiologics?\b,,,,,"
    found = terms(tmp_path, *rows, name="drug")
    assert found.names == ()
    assert [each.code for each in order(found, orderDetail=[{"text": "a biologic"}]).drugs] == ["1"]


def test_readings_by_one_set_of_words_are_not_those_of_another(tmp_path: Path) -> None:
    one = terms(tmp_path / "a", r"paddle,states,\blead\b,,,,,")
    other = terms(tmp_path / "b", r"plate,states,\blead\b,,,,,")
    assert [said(one, "lead"), said(other, "lead")] == [{("paddle", True)}, {("plate", True)}]


def test_the_digest_follows_the_words_and_not_their_source(tmp_path: Path) -> None:
    one = terms(tmp_path / "a", r"paddle,states,\blead\b,,,,,here")
    assert one.digest == terms(tmp_path / "b", r"paddle,states,\blead\b,,,,,there").digest
    assert one.digest != terms(tmp_path / "c", r"paddle,states,\bleads\b,,,,,here").digest
    assert one.digest != terms(tmp_path / "d", r"paddle,states,\blead\b,,,,,here", name="other").digest


# --- what is wrong ---------------------------------------------------------------------------------------------------

WRONG = (
    ("paddle,states,x", 1, "3 columns instead of 8"),
    (r"paddle,state,\bx\b,,,,,", 8, "there is no kind 'state'; write states, hints, "),
    (r"*,states,\bx\b,,,,,", 1, "a row of the kind 'states' is about a value, such as 'posterior'"),
    ("paddle,read,code,,,,,", 1, "a row of the kind 'read' is about '*', the whole attribute"),
    ("*,read,codes,,,,,", 8, "nothing is read 'codes'; write one or more of code, reason, device, site, performer, "),
    (r"Paddle!,states,\bx\b,,,,,", 1, "'Paddle!' is no name of a value"),
    (r"paddle,states,\b[x,,,,,", 17, "this is no regular expression: "),
    (r"paddle,states,\b(?:x+)+y,,,,,", 15, "repeat a group at most 5 times"),
    (r"paddle,states,\bx,(,,,,", 19, "this is no regular expression: "),
    (r"paddle,states,\bx,\ba,\bb,,,", 19, "give either `near` or `of`"),
    (r"paddle,conflicts,\bx,\ba,,,,", 22, "only words of a value have `near`, `of`, and `unless`, not 'conflicts'"),
    (r"paddle,states,\b{kind}\b,,,,,", 17, "there is no part {kind} above this row"),
    (r"paddle,hints,\bx,,,,Paddle,", 21, "only a row of the kind 'states' has a wording"),
    ("paddle,modifier,R,,,,,", 17, "'R' is no modifier of a billing code; write it like 'RR'"),
    ("paddle,code,RENT,,,,,", 13, "'RENT' is no code; write it like 'http://snomed.info/sct|7771000'"),
    ('paddle,states,"x', 1, "a quotation mark is not closed or has no partner"),
)


@pytest.mark.parametrize(("row", "column", "says"), WRONG)
def test_a_mistake_is_told_with_its_file_line_and_column(tmp_path: Path, row: str, column: int, says: str) -> None:
    with pytest.raises(DocumentError) as raised:
        terms(tmp_path, READ, row)
    (problem,) = raised.value.problems
    assert (problem.file, problem.line, problem.column) == (str(tmp_path / "lead.csv"), 3, column)
    assert problem.what.startswith(says)


def test_a_header_that_is_not_the_format_is_told(tmp_path: Path) -> None:
    (tmp_path / "lead.csv").write_text("value,pattern\n", encoding="utf-8")
    with pytest.raises(DocumentError, match="the header must be value,kind,pattern"):
        load_order_terms([tmp_path])


def test_a_file_that_is_no_attribute_is_told(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="'Lead x' is no name of an attribute"):
        terms(tmp_path, READ, name="Lead x")


def test_a_side_other_than_the_three_is_told(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="'upper' is no side; write bilateral, left, right"):
        terms(tmp_path, r"upper,states,\bupper\b,,,,,", name="side")


def test_a_wording_that_does_not_state_its_value_is_told(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="the wording 'Plate' does not state 'paddle'"):
        terms(tmp_path, r"paddle,states,\bpaddle\b,,,,Plate,")


# --- documents -------------------------------------------------------------------------------------------------------


def told(section: str) -> list[str]:
    with pytest.raises(DocumentError) as raised:
        parse_policy(text(f"I: {{says: s, ask: q, {section}}}"), "t", ValueSets(SETS, TERMS))
    return [each.what for each in raised.value.problems]


def test_an_attribute_that_no_file_defines_is_told_with_the_closest_one() -> None:
    (what,) = told("met_when: {order: {aapproach: posterior}}")
    assert what.startswith("I: order: order has no key 'aapproach' (did you mean 'approach'?); known keys: code, ")
    assert "guidance" in what


def test_a_value_that_no_file_defines_is_told_with_the_closest_one() -> None:
    assert told("met_when: {order: {approach: posteriorly}}") == [
        "I: order: approach has no value 'posteriorly' (did you mean 'posterior'?); "
        "known values: posterior-oblique, lateral-transarticular, posterior, not-stated"
    ]


def test_not_stated_is_a_value_of_every_attribute() -> None:
    assert clause("order", guidance="not-stated")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("lead: paddle", "suggest has no key 'lead'; known keys: says, code, product, quantity, acquisition, approach"),
        ("approach: posteror", "approach has no value 'posteror' (did you mean 'posterior'?)"),
        ("performer: physician", "performer physician has no wording in order_terms/performer.csv"),
        ("code: E1392", "'E1392' is no code; write it like 'hcpcs E1392'"),
        ("code: hcpcs E1392", "no value set has hcpcs E1392"),
        ("product: snomed alpha", "'snomed alpha' is no drug product"),
        ("quantity: many", "'many' is no quantity; write it like '4'"),
        ("quantity: 0", "'0' is no quantity; write it like '4'"),
    ],
)
def test_a_suggestion_that_cannot_be_made_is_told(change: str, says: str) -> None:
    (what,) = told(f"suggest: {{says: change it, {change}}}")
    assert what.startswith(says)
