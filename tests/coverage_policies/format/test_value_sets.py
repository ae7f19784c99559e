"""Sets of codes: which row knows a code, on which day, and what a file may hold."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from coverage_policies.format.library import load_library
from coverage_policies.format.operator import as_list
from coverage_policies.format.problems import DocumentError
from coverage_policies.format.value_sets import UNLESS, Row, ValueSet, ValueSets, load_value_sets
from fhir_mappings.amounts import Amount, Interval
from fhir_mappings.code_systems import NDC
from fhir_mappings.codings import CPT, ICD10CM, LOINC, RXNORM, SNOMED, Coding, Course, Match
from fhir_mappings.drug_ingredients import INGREDIENT
from tests.support.policy_fakes import row

HEADER = "system,code,label,source,from,to,use\n"
ZERO_TO_TEN = Decimal(0), Decimal(10)


def icd(code: str, display: str = "") -> Coding:
    return Coding(ICD10CM, code, display)


def found(sets: ValueSet, *codings: Coding, on: date | None = None) -> Match | None:
    return sets.match(codings, on)


# --- which row -------------------------------------------------------------------------------------------------------


def test_an_exact_code_is_found_in_its_system_only() -> None:
    alpha = ValueSet("alpha", [row(SNOMED, "123")])
    assert found(alpha, Coding(SNOMED, "123")) == Match("Label of 123", True)
    assert found(alpha, Coding(LOINC, "123")) is None
    assert found(alpha, Coding(SNOMED, "1234")) is None


def test_a_prefix_knows_what_begins_with_it_and_itself() -> None:
    lumbar = ValueSet("lumbar", [row(ICD10CM, "M54.5*")])
    assert [bool(found(lumbar, icd(code))) for code in ("M54.50", "M54.5", "M54.6")] == [True, True, False]


def test_a_prefix_is_one_of_its_system_only() -> None:
    assert found(ValueSet("a", [row(ICD10CM, "M54.5*")]), Coding(SNOMED, "M54.50")) is None


@pytest.mark.parametrize("reverse", [False, True])
def test_the_longest_prefix_wins(reverse: bool) -> None:
    rows = [row(ICD10CM, "C79*", asks=True), row(ICD10CM, "C79.5*"), row(ICD10CM, "C79.51*", asks=True)]
    bones = ValueSet("bones", reversed(rows) if reverse else rows)
    codes = ("C79.9", "C79.52", "C79.511")
    assert [match.decides for code in codes if (match := found(bones, icd(code)))] == [False, True, False]


def test_an_exact_code_wins_over_a_prefix() -> None:
    bones = ValueSet("bones", [row(ICD10CM, "C79.5*"), row(ICD10CM, "C79.51", asks=True)])
    assert found(bones, icd("C79.51")) == Match("Label of C79.51", False)


def test_asking_beats_deciding_within_one_concept() -> None:
    mixed = ValueSet("mixed", [row(SNOMED, "1"), row(SNOMED, "2", asks=True)])
    for codings in ([Coding(SNOMED, "1"), Coding(SNOMED, "2")], [Coding(SNOMED, "2"), Coding(SNOMED, "1")]):
        assert found(mixed, *codings) == Match("Label of 2", False)


def test_a_code_that_is_not_known_beside_one_that_is_changes_nothing() -> None:
    assert found(ValueSet("a", [row(SNOMED, "1")]), Coding(SNOMED, "9"), Coding(SNOMED, "1")) == Match(
        "Label of 1", True
    )


def test_no_code_is_in_no_set() -> None:
    assert found(ValueSet("a", [row(SNOMED, "1")])) is None


def test_a_diagnosis_of_three_characters_has_no_dot() -> None:
    known = ValueSet("flu", [row(ICD10CM, "J11"), row(ICD10CM, "C50*")])
    assert found(known, icd("J11"))
    assert found(known, icd("C50911"))


def test_only_diagnoses_are_given_a_dot() -> None:
    assert found(ValueSet("a", [row(SNOMED, "123.45")]), Coding(SNOMED, "12345")) is None


# --- days ------------------------------------------------------------------------------------------------------------

BOUNDED = ValueSet("bounded", [row(CPT, "27279", since=date(2024, 1, 1), until=date(2025, 12, 31))])


@pytest.mark.parametrize(
    ("day", "stands"),
    [
        (date(2023, 12, 31), False),
        (date(2024, 1, 1), True),
        (date(2025, 12, 31), True),
        (date(2026, 1, 1), False),
    ],
)
def test_a_code_stands_from_its_first_to_its_last_service_date(day: date, stands: bool) -> None:
    assert (found(BOUNDED, Coding(CPT, "27279"), on=day) is not None) is stands


def test_without_a_service_date_every_code_stands() -> None:
    assert found(BOUNDED, Coding(CPT, "27279")) is not None


def test_a_code_bounded_on_one_side_is_open_on_the_other() -> None:
    begun = ValueSet("begun", [row(CPT, "1", since=date(2024, 1, 1))])
    ended = ValueSet("ended", [row(CPT, "1", until=date(2024, 1, 1))])
    early, late = date(1990, 1, 1), date(2090, 1, 1)
    code = Coding(CPT, "1")
    assert [found(begun, code, on=early) is None, found(begun, code, on=late) is None] == [True, False]
    assert [found(ended, code, on=early) is None, found(ended, code, on=late) is None] == [False, True]


def test_a_code_may_change_what_it_says_from_one_day_to_the_next() -> None:
    changed = ValueSet(
        "changed",
        [row(CPT, "27279", until=date(2025, 12, 31)), row(CPT, "27279", asks=True, since=date(2026, 1, 1))],
    )
    code = Coding(CPT, "27279")
    assert found(changed, code, on=date(2025, 12, 31)) == Match("Label of 27279", True)
    assert found(changed, code, on=date(2026, 1, 1)) == Match("Label of 27279", False)


def test_a_prefix_stands_on_its_service_dates_only() -> None:
    bounded = ValueSet("bounded", [row(ICD10CM, "M54*", until=date(2021, 9, 30))])
    assert found(bounded, icd("M54.5"), on=date(2021, 9, 30))
    assert found(bounded, icd("M54.5"), on=date(2021, 10, 1)) is None


# --- words -----------------------------------------------------------------------------------------------------------

WORDS = ValueSet(
    "cancer", [row(ICD10CM, "C*"), row("text", "carcinom*", asks=True), row("text", "lymphoma", asks=True)]
)


@pytest.mark.parametrize(
    ("label", "is_asked"),
    [
        ("Renal cell Carcinoma", True),
        ("Hodgkin lymphoma", True),
        ("Lymphomatoid papulosis", False),
        ("Paracarcinoma", False),
        ("Back pain", False),
    ],
)
def test_words_find_a_concept_by_its_label_and_only_ask(label: str, is_asked: bool) -> None:
    match = found(WORDS, Coding(SNOMED, "42", label))
    assert (match is not None and not match.decides) is is_asked


def test_words_are_not_looked_at_where_a_diagnosis_code_tells_better() -> None:
    assert found(WORDS, icd("Z80.0", "Family history of carcinoma")) is None


def test_words_are_not_looked_at_where_a_row_knows_the_code() -> None:
    assert found(WORDS, icd("C50.911", "Carcinoma")) == Match("Label of C*", True)


def test_words_stand_on_their_service_dates_only() -> None:
    begun = ValueSet("begun", [row("text", "carcinom*", asks=True, since=date(2025, 1, 1))])
    cancer = Coding(SNOMED, "42", "Carcinoma")
    assert [found(begun, cancer, on=day) is None for day in (date(2024, 12, 31), date(2025, 1, 1))] == [True, False]


# --- unions, what is known, and searches ------------------------------------------------------------------------------


def test_a_union_is_made_once_and_one_set_stays_itself() -> None:
    sets = ValueSets({name: ValueSet(name, [row(SNOMED, name)]) for name in ("a", "b")})
    assert sets.union(["a", "b"]) is sets.union(["a", "b"])
    assert sets.union(["a"]) is sets["a"]


@pytest.mark.parametrize(
    ("system", "code", "known"),
    [(SNOMED, "1", True), (SNOMED, "2", False), (LOINC, "1", False), (ICD10CM, "M54.5", True), (ICD10CM, "M5", False)],
)
def test_a_code_is_known_if_some_set_has_it_or_a_prefix_of_it(system: str, code: str, known: bool) -> None:
    sets = ValueSets({"a": ValueSet("a", [row(SNOMED, "1")]), "b": ValueSet("b", [row(ICD10CM, "M54.*")])})
    assert sets.know(Coding(system, code)) is known


def test_a_union_knows_what_each_of_its_sets_knows() -> None:
    both = ValueSets({"a": ValueSet("a", [row(SNOMED, "1")]), "b": ValueSet("b", [row(SNOMED, "2")])}).union(["a", "b"])
    assert both.name == "a or b"
    assert [found(both, Coding(SNOMED, code)) is not None for code in "123"] == [True, True, False]


def test_the_codes_of_a_search_are_those_of_one_system_sorted_and_without_prefixes() -> None:
    scale = ValueSet("s", [row(LOINC, "9-2"), row(LOINC, "10*"), row(LOINC, "1-8"), row(SNOMED, "5")])
    assert scale.codes(LOINC) == ("http://loinc.org|1-8", "http://loinc.org|9-2")


# --- files -----------------------------------------------------------------------------------------------------------


def write(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def test_a_file_is_read_into_a_set_of_its_name(tmp_path: Path) -> None:
    rows = f'{ICD10CM},M79.7,Fibromyalgia,ICD-10-CM,2015-10-01,,decides\n{SNOMED},1,"One, two",IPS,,2030-01-01,asks\n'
    write(tmp_path, "fibromyalgia.csv", HEADER + rows)
    read = load_value_sets([tmp_path])["fibromyalgia"]
    assert read.name == "fibromyalgia"
    first, second = read.rows
    assert (first.system, first.code, first.label, first.source) == (ICD10CM, "M79.7", "Fibromyalgia", "ICD-10-CM")
    assert (first.valid_from, first.valid_to, first.decides) == (date(2015, 10, 1), None, True)
    assert (second.label, second.valid_to, second.decides) == ("One, two", date(2030, 1, 1), False)


def test_only_csv_files_are_value_sets(tmp_path: Path) -> None:
    write(tmp_path, "README.md", "no value set")
    assert load_value_sets([tmp_path]) == {}


INGREDIENTS = HEADER + f"{RXNORM},6809,Metformin,RxNorm,2020-01-01,,asks\n"
PRODUCTS = "system,code,label,ingredient,source\n"


def test_the_products_of_a_set_count_like_their_ingredient(tmp_path: Path) -> None:
    write(tmp_path, "metformin.csv", INGREDIENTS)
    products = write(tmp_path, "metformin.products.csv", f"{PRODUCTS}{NDC},0093-1048,Own metformin,6809,own\n")
    sets = load_value_sets([tmp_path])
    assert list(sets) == ["metformin"]
    product = sets["metformin"].rows[1]
    assert (product.system, product.code, product.label) == (NDC, "0093-1048", "Own metformin")
    assert (product.valid_from, product.decides, product.file, product.line) == (
        date(2020, 1, 1),
        False,
        str(products),
        2,
    )
    assert found(sets["metformin"], Coding(NDC, "0093-1048")) is not None


@pytest.mark.parametrize(
    ("name", "content", "line", "says"),
    [
        ("metformin", f"{PRODUCTS}{NDC},1,Own,6810,own\n", 2, "the ingredient '6810' is no code of the value set"),
        ("metformin", f"{PRODUCTS}{NDC},,Own,6809,own\n", 2, "must not be empty"),
        ("metformin", f"{PRODUCTS}{NDC},1,Own,6809\n", 2, "4 columns instead of 5"),
        ("metformin", HEADER, 1, "the header must be system,code,label,ingredient,source"),
        ("statins", PRODUCTS, 1, "there is no statins.csv beside it"),
    ],
)
def test_products_that_cannot_be_read_are_reported(
    tmp_path: Path, name: str, content: str, line: int, says: str
) -> None:
    write(tmp_path, "metformin.csv", INGREDIENTS)
    file = write(tmp_path, f"{name}.products.csv", content)
    with pytest.raises(DocumentError) as error:
        load_value_sets([tmp_path])
    (problem,) = error.value.problems
    assert (problem.file, problem.line) == (str(file), line)
    assert says in problem.what


def test_an_ingredient_is_found_by_its_name(tmp_path: Path) -> None:
    write(tmp_path, "metformin.csv", INGREDIENTS)
    assert found(load_value_sets([tmp_path])["metformin"], Coding(INGREDIENT, "metformin")) is not None


def test_sets_of_several_folders_are_read_together(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write(tmp_path / name, f"{name}.csv", HEADER)
    assert sorted(load_value_sets([tmp_path / "a", tmp_path / "b"])) == ["a", "b"]


def test_a_name_used_twice_is_told_with_the_second_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write(tmp_path / name, "same.csv", HEADER)
    with pytest.raises(DocumentError) as raised:
        load_value_sets([tmp_path / "a", tmp_path / "b"])
    second = tmp_path / "b" / "same.csv"
    assert str(raised.value) == f"{second}:1: a value set named same already exists; choose another name"


# --- words that contradict a code -------------------------------------------------------------------------------------

SACRAL = ValueSet("sacral", [row(ICD10CM, "M53.3"), Row(UNLESS, "coccy*", "Coccyx", "", None, None, False)])


@pytest.mark.parametrize("words", ["Coccydynia", "Pain of the coccyx", "COCCYGODYNIA"])
def test_words_that_contradict_a_code_make_it_ask(words: str) -> None:
    assert found(SACRAL, icd("M53.3", words)) == Match("Coccyx", False)
    assert found(SACRAL, icd("M53.3"), Coding("", "", words)) == Match("Coccyx", False)


def test_other_words_leave_a_code_as_it_is() -> None:
    assert found(SACRAL, icd("M53.3", "Sacroiliac pain")) == Match("Label of M53.3", True)


def test_words_that_contradict_a_code_find_nothing_by_themselves() -> None:
    assert found(SACRAL, Coding("", "", "Coccydynia")) is None
    assert found(SACRAL, icd("M54.5", "Coccydynia")) is None


def test_words_that_contradict_a_code_do_not_change_its_course() -> None:
    lasting = ValueSet("a", [replace(row(ICD10CM, "M53.3"), course=Course.PERMANENT), SACRAL.rows[1]])
    match = found(lasting, icd("M53.3", "Coccyx"))
    assert match is not None
    assert match.course is Course.PERMANENT


# --- course -----------------------------------------------------------------------------------------------------------


def of_course(code: str, course: Course | None, *, asks: bool = False) -> Row:
    return replace(row(SNOMED, code, asks=asks), course=course)


@pytest.mark.parametrize("course", list(Course))
def test_a_match_has_the_course_of_its_row(course: Course) -> None:
    match = found(ValueSet("a", [of_course("1", course)]), Coding(SNOMED, "1"))
    assert match is not None
    assert match.course is course


def test_a_row_without_a_course_is_chronic() -> None:
    match = found(ValueSet("a", [of_course("1", None)]), Coding(SNOMED, "1"))
    assert match is not None
    assert match.course is Course.CHRONIC


@pytest.mark.parametrize(
    ("courses", "expected"),
    [
        ([Course.PERMANENT, Course.CHRONIC], Course.CHRONIC),
        ([Course.ACUTE, Course.PERMANENT], Course.ACUTE),
        ([None, Course.ACUTE], Course.ACUTE),
        ([Course.PERMANENT, None], Course.CHRONIC),
    ],
)
def test_of_two_codes_of_a_concept_the_shorter_course_counts(courses: list[Course | None], expected: Course) -> None:
    sets = ValueSet("a", [of_course(str(i), course) for i, course in enumerate(courses)])
    match = found(sets, Coding(SNOMED, "0"), Coding(SNOMED, "1"))
    assert match is not None
    assert match.course is expected


def test_a_file_may_state_courses_and_leave_some_out(tmp_path: Path) -> None:
    lines = [f"{SNOMED},1,One,test,,,decides,acute\n", f"{SNOMED},2,Two,test,,,asks,\n"]
    write(tmp_path, "alpha.csv", WITH_COURSE + "".join(lines))
    assert [each.course for each in load_value_sets([tmp_path])["alpha"].rows] == [Course.ACUTE, None]


def test_a_file_without_the_column_states_no_course(tmp_path: Path) -> None:
    write(tmp_path, "alpha.csv", HEADER + GOOD)
    assert [each.course for each in load_value_sets([tmp_path])["alpha"].rows] == [None]


def test_a_file_may_state_the_range_of_its_scores(tmp_path: Path) -> None:
    rows = f"{SNOMED},1,One,test,,,decides,0 to 10\n{SNOMED},2,Two,test,,,decides,\n"
    write(tmp_path, "alpha.csv", HEADER.replace("use", "use,scale") + rows)
    alpha = load_value_sets([tmp_path])["alpha"]
    assert [each.scale for each in alpha.rows] == [ZERO_TO_TEN, None]
    match = alpha.match([Coding(SNOMED, "1")])
    assert match is not None
    assert match.scale == ZERO_TO_TEN


def test_a_state_of_a_measurement_may_need_a_number_under_its_code(tmp_path: Path) -> None:
    rows = f"{LOINC},3150-0,Oxygen,test,,,decides,exactly 21 %\ntext,room air,Room air,test,,,decides,\n"
    write(tmp_path, "alpha.csv", HEADER.replace("use", "use,value") + rows)
    alpha = load_value_sets([tmp_path])["alpha"]
    limit = Amount(Interval(Fraction(21), Fraction(21)), "%")
    assert [each.value for each in alpha.rows] == [limit, None]
    match = alpha.match([Coding(LOINC, "3150-0")])
    assert match is not None
    assert match.value == limit


def test_a_number_under_a_code_that_is_no_limit_is_told(tmp_path: Path) -> None:
    write(tmp_path, "alpha.csv", HEADER.replace("use", "use,value") + f"{LOINC},1,One,test,,,decides,21 %\n")
    with pytest.raises(DocumentError, match="write it like 'at most 88 %'"):
        load_value_sets([tmp_path])


@pytest.mark.parametrize("scale", ["10", "0-10", "10 to 0", "5 to 5", "0 to x", "0 to 10 points"])
def test_a_range_that_is_none_is_told(tmp_path: Path, scale: str) -> None:
    write(tmp_path, "alpha.csv", HEADER.replace("use", "use,scale") + f"{SNOMED},1,One,test,,,decides,{scale}\n")
    with pytest.raises(DocumentError, match="a scale is written like 0 to 10"):
        load_value_sets([tmp_path])


def test_every_deciding_code_of_a_condition_in_the_documents_has_a_course() -> None:
    library = load_library()
    clauses = [
        clause
        for policy in library.policies.values()
        for criterion in policy.index.values()
        for clause in (*criterion.met_when, *criterion.not_met_when, *criterion.show)
        if clause.operator == "condition"
    ]
    names = {name for clause in clauses for name in as_list(clause.arguments["in"])}
    assert {"dementia", "radiculopathy", "sepsis-systemic-infection"} <= names
    assert [
        f"{name}: {row.code}"
        for name in sorted(names)
        for row in library.value_sets[name].rows
        if row.decides and row.course is None
    ] == []


# --- files that are wrong ---------------------------------------------------------------------------------------------

GOOD = f"{SNOMED},1,One,test,,,decides\n"
HEADER_WANTED = (
    "the header must be system,code,label,source,from,to,use, with course for conditions, scale for scores, "
    "or value for states of a measurement at its end"
)
WITH_COURSE = "system,code,label,source,from,to,use,course\n"
WRONG = [
    ("", 1, HEADER_WANTED),
    ("code,system,label,source,from,to,use\n", 1, HEADER_WANTED),
    (HEADER + GOOD + f"{SNOMED},1,One,test,,decides\n", 3, "6 columns instead of 7"),
    (HEADER + f"{SNOMED},1,One,test,,,decides,\n", 2, "8 columns instead of 7"),
    (HEADER + "\n", 2, "0 columns instead of 7"),
    (HEADER + ",1,One,test,,,decides\n", 2, "system, code, and label must not be empty"),
    (HEADER + f"{SNOMED},,One,test,,,decides\n", 2, "system, code, and label must not be empty"),
    (HEADER + f"{SNOMED},*,One,test,,,decides\n", 2, "system, code, and label must not be empty"),
    (HEADER + f"{SNOMED},1,,test,,,decides\n", 2, "system, code, and label must not be empty"),
    (HEADER + GOOD + GOOD + f"{SNOMED},1,One,test,,,maybe\n", 4, "use must be 'decides' or 'asks'"),
    (HEADER + f"{SNOMED},1,One,test,,,\n", 2, "use must be 'decides' or 'asks'"),
    (HEADER + f"{SNOMED},1,One,test,2024,,decides\n", 2, "a date is written like 2024-01-01"),
    (HEADER + f"{SNOMED},1,One,test,,31.12.2024,decides\n", 2, "a date is written like 2024-01-01"),
    ("course," + HEADER, 1, HEADER_WANTED),
    (HEADER + "unless,coccy*,One,test,,,decides\n", 2, "words that contradict a code never decide; use must be 'asks'"),
    (WITH_COURSE + GOOD, 2, "7 columns instead of 8"),
    (
        WITH_COURSE + f"{SNOMED},1,One,test,,,decides,lifelong\n",
        2,
        "course must be permanent, chronic, acute, or empty",
    ),
]


@pytest.mark.parametrize(("content", "line", "what"), WRONG)
def test_a_malformed_file_is_told_with_its_line_and_how_it_is_written_right(
    tmp_path: Path, content: str, line: int, what: str
) -> None:
    path = write(tmp_path, "alpha.csv", content)
    with pytest.raises(DocumentError) as raised:
        load_value_sets([tmp_path])
    assert str(raised.value) == f"{path}:{line}: {what}"


def test_a_quotation_mark_that_is_not_closed_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, "alpha.csv", HEADER + f'{SNOMED},1,"One,test,,,decides\n' + GOOD)
    with pytest.raises(DocumentError) as raised:
        load_value_sets([tmp_path])
    assert str(raised.value) == f"{path}:3: a quotation mark is not closed or has no partner"


def test_a_file_in_another_encoding_is_told(tmp_path: Path) -> None:
    path = tmp_path / "alpha.csv"
    path.write_bytes((HEADER + f"{SNOMED},1,Späte Schmerzen,test,,,decides\n").encode("latin-1"))
    with pytest.raises(DocumentError) as raised:
        load_value_sets([tmp_path])
    assert str(raised.value) == f"{path}:1: the file is not UTF-8; save it as UTF-8"


def test_a_file_from_a_spreadsheet_is_read(tmp_path: Path) -> None:
    """With a byte order mark, and lines that end as on Windows."""
    content = "\ufeff" + HEADER + f"{SNOMED},1,Späte Schmerzen,test,,,decides\n"
    (tmp_path / "alpha.csv").write_bytes(content.replace("\n", "\r\n").encode())
    assert [each.label for each in load_value_sets([tmp_path])["alpha"].rows] == ["Späte Schmerzen"]


@pytest.mark.parametrize("code", ["123", "12*"])
@pytest.mark.parametrize("reverse", [False, True])
def test_of_two_rows_alike_in_sets_put_together_the_one_that_asks_wins(code: str, reverse: bool) -> None:
    sets = [ValueSet("alpha", [row(SNOMED, code)]), ValueSet("beta", [row(SNOMED, code, asks=True)])]
    both = ValueSets({each.name: each for each in sets}).union(["beta", "alpha"] if reverse else ["alpha", "beta"])
    assert found(both, Coding(SNOMED, "123")) == Match(f"Label of {code}", False)
