"""The check of a response by its form: each rule, at its place, without the values that were sent."""

import copy
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from coverage_policies.questionnaires.adaptive import contained_questionnaire
from coverage_policies.questionnaires.checking import Fault, faults_of, given_answers
from coverage_policies.questionnaires.items import form_items
from tests.support.adaptive_forms import NEXT
from tests.support.forms import BASE, every_revision, structured

ORIGIN = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/information-origin"
UCUM = "http://unitsofmeasure.org"
STANDARD = form_items(structured())
ASKED = ("pathway", "I.A", "I.B.one", "I.B.two", "I.H")
STEP: list[dict[str, Any]] = contained_questionnaire(structured(), BASE, NEXT, ASKED, is_last=True)["item"]
NAME = "Jane Q. Public"
"""What a client might send where it does not belong."""


def origin(source: str = "manual", *authors: str) -> dict[str, Any]:
    named = [
        {"url": "author", "extension": [{"url": "practitioner", "valueReference": {"reference": each}}]}
        for each in authors
    ]
    return {"url": ORIGIN, "extension": [{"url": "source", "valueCode": source}, *named]}


BY_DOCTOR = origin("manual", "Practitioner/dr")


def answer(said: Any = True, *extensions: dict[str, Any], member: str = "valueBoolean") -> dict[str, Any]:
    return {"extension": list(extensions or [BY_DOCTOR]), member: said}


def item(link: str, *answers: Any, **more: Any) -> dict[str, Any]:
    return {"linkId": link, **({"answer": list(answers)} if answers else {}), **more}


def cancer(**changed: Any) -> dict[str, Any]:
    coding = {"system": "urn:cds-coverage-policies:CP.TEST:pathway", "code": "cancer", "display": "Cancer pain"}
    return answer({**coding, **changed}, member="valueCoding")


def response(*found: Any, **more: Any) -> dict[str, Any]:
    return {"resourceType": "QuestionnaireResponse", "status": "in-progress", "item": list(found), **more}


def places(*found: Any, form: Any = STEP, **more: Any) -> list[str]:
    return [each.expression.removeprefix("QuestionnaireResponse") for each in faults(*found, form=form, **more)]


def faults(*found: Any, form: Any = STEP, **more: Any) -> list[Fault]:
    return list(faults_of(form, response(*found, **more)))


RIGHT = (
    item("pathway", cancer()),
    item("I.A", answer()),
    item("I.B/parts", item=[item("I.B.one", answer()), item("I.B.two", answer(False))]),
    item("I.H"),
    item("end"),
)


@pytest.mark.requirement("dtr:conf-10")
@pytest.mark.parametrize("status", ["in-progress", "completed", "amended"])
def test_a_response_that_follows_its_form_has_no_fault(status: str) -> None:
    assert faults(*RIGHT, status=status) == []


@pytest.mark.requirement("dtr:conf-12")
def test_a_response_without_items_has_no_fault() -> None:
    assert list(faults_of(STEP, {"resourceType": "QuestionnaireResponse"})) == []


@pytest.mark.requirement("dtr:spec-147")
@pytest.mark.parametrize(
    ("found", "place", "says"),
    [
        ([item("I.Z", answer())], ".item[0]", "Leave this item out: the form has none with its linkId."),
        ([item("I.C.1", answer())], ".item[0]", "Leave this item out: the form has none with its linkId."),
        ([item("I.B.one", answer())], ".item[0]", "Send this item within the item I.B/parts."),
        ([item("I.B/parts", item=[item("I.A", answer())])], ".item[0].item[0]", "Send this item at the top of the r"),
        ([item("I.A", answer()), item("I.A", answer())], ".item[1]", "Send this item once, with all its answers."),
        ([item("I.A"), item("I.A")], ".item[1]", "Send this item once, with all its answers."),
        ([{"answer": [answer()]}], ".item[0]", "Send an item with a linkId of the form."),
        ([5], ".item[0]", "Send an item with a linkId of the form."),
        ([item("I.B/parts", answer())], ".item[0].answer", "Send no answer: this item is no question."),
        ([item("end", answer())], ".item[0].answer", "Send no answer: this item is no question."),
        ([item("I.A", answer(), answer())], ".item[0].answer", "Send one answer."),
        ([item("I.A", answer="yes")], ".item[0].answer", "Send an array of answers, or no answer."),
        ([item("I.A", answer=[])], ".item[0].answer", "Send an array of answers, or no answer."),
        ([item("I.A", "yes")], ".item[0].answer[0]", "Send an answer with a value."),
        ([item("I.B/parts", item={})], ".item[0].item", "Send an array of items."),
        (
            [item("I.A", answer("yes", member="valueString"))],
            ".item[0].answer[0]",
            "Send valueBoolean, and no other value.",
        ),
        (
            [item("I.A", {**answer(), "valueString": "yes"})],
            ".item[0].answer[0]",
            "Send valueBoolean, and no other value.",
        ),
        ([item("I.A", {"extension": [BY_DOCTOR]})], ".item[0].answer[0]", "Send valueBoolean, and no other value."),
        ([item("I.A", answer("true"))], ".item[0].answer[0].value", "Send true or false."),
        ([item("I.A", answer(1))], ".item[0].answer[0].value", "Send true or false."),
        ([item("pathway", answer())], ".item[0].answer[0]", "Send valueCoding, and no other value."),
        ([item("pathway", cancer(code="tumor"))], ".item[0].answer[0].value", "Send an option of the question"),
        ([item("pathway", cancer(system="urn:other"))], ".item[0].answer[0].value", "Send an option of the question"),
        ([item("pathway", cancer(system=None))], ".item[0].answer[0].value", "Send an option of the question"),
        (
            [item("pathway", answer("cancer", member="valueCoding"))],
            ".item[0].answer[0].value",
            "Send an option of the question",
        ),
    ],
)
def test_each_fault_is_at_its_place_and_says_what_to_send(found: list[Any], place: str, says: str) -> None:
    (fault,) = faults(*found)
    assert fault.expression == f"QuestionnaireResponse{place}"
    assert fault.says.startswith(says)


def test_each_fault_is_reported() -> None:
    assert places(item("I.Z"), item("I.A", answer("x")), item("I.A")) == [
        ".item[0]",
        ".item[2]",
        ".item[1].answer[0].value",
    ]


NO_AUTHOR: dict[str, Any] = {}
DOCTOR = {"author": {"reference": "Practitioner/dr"}}
CONTAINED_DOCTOR = {"author": {"reference": "#dr"}, "contained": [{"resourceType": "Practitioner", "id": "dr"}]}
TWICE = {"url": ORIGIN, "extension": [*origin()["extension"], *origin()["extension"]]}


@pytest.mark.parametrize(
    ("extensions", "head", "says"),
    [
        ([BY_DOCTOR], NO_AUTHOR, None),
        ([origin("override", "Practitioner/dr")], NO_AUTHOR, None),
        ([origin("auto-server")], NO_AUTHOR, None),
        ([origin("auto-client")], NO_AUTHOR, None),
        ([origin("auto-server")], DOCTOR, None),
        ([origin("manual")], DOCTOR, None),
        ([origin("override")], {"author": {"reference": "https://ehr.example.org/PractitionerRole/7"}}, None),
        (
            [origin("manual")],
            {"author": {"reference": "#dr"}, "contained": [{"resourceType": "Practitioner", "id": "dr"}]},
            None,
        ),
        ([origin("manual")], {"author": {"type": "Practitioner", "identifier": {"value": "7"}}}, None),
        ([{"url": "urn:other"}, BY_DOCTOR], NO_AUTHOR, None),
        ([{"url": "urn:other"}], NO_AUTHOR, "Send the extension information-origin once."),
        ([BY_DOCTOR, BY_DOCTOR], NO_AUTHOR, "Send the extension information-origin once."),
        ([origin("manual")], NO_AUTHOR, "Send one author in information-origin, or a practitioner"),
        ([origin("override")], {"author": {"reference": "Patient/p"}}, "Send one author in information-origin, or"),
        ([origin("manual")], {"author": {"reference": "#dr"}}, "Send one author in information-origin, or"),
        ([origin("manual", "Practitioner/a", "Practitioner/b")], DOCTOR, "Send one author in information-origin, or"),
        ([origin("auto-server", "Practitioner/dr")], NO_AUTHOR, "Send an author in information-origin only if"),
        ([origin("auto-client", "Practitioner/dr")], DOCTOR, "Send an author in information-origin only if"),
        ([origin(NAME)], DOCTOR, "Send one source in information-origin: auto-client, auto-server, manual, override."),
        ([{"url": ORIGIN}], DOCTOR, "Send one source in information-origin"),
        (
            [{"url": ORIGIN, "extension": [*origin()["extension"], *origin()["extension"]]}],
            DOCTOR,
            "Send one source in",
        ),
        ([{"url": ORIGIN, "extension": [{"url": "source", "valueCode": ["manual"]}]}], DOCTOR, "Send one source in"),
    ],
)
def test_an_answer_says_once_where_it_comes_from(extensions: list[Any], head: dict[str, Any], says: str | None) -> None:
    found = faults(item("I.A", answer(True, *extensions)), **head)
    assert [each.expression for each in found] == ["QuestionnaireResponse.item[0].answer[0]"] * (says is not None)
    assert all(each.says.startswith(says or "") for each in found)


@pytest.mark.parametrize(
    ("said", "is_moot"),
    [(answer(True), True), (answer(False), False), (None, False)],
)
def test_an_answer_that_another_one_makes_moot_is_a_fault_of_a_standard_form(said: Any, is_moot: bool) -> None:
    """I.C.1 alone meets its group, so that the other ways are not asked."""
    ways = [*([item("I.C.1", said)] if said else []), item("I.C.2", answer())]
    section = item("I", item=[item("I.C", item=ways)])
    expected = [f".item[0].item[0].item[{len(ways) - 1}]"] if is_moot else []
    assert places(section, form=STANDARD) == expected


def test_an_item_without_an_answer_may_stand_where_another_answer_makes_it_moot() -> None:
    section = item("I", item=[item("I.C", item=[item("I.C.1", answer()), item("I.C.2")])])
    assert places(section, form=STANDARD) == []


REQUIRED = [{**each, "required": True} if each["linkId"] == "I.A" else each for each in STEP]


@pytest.mark.parametrize(
    ("status", "is_fault"), [("completed", True), ("amended", True), ("in-progress", False), (["completed"], False)]
)
def test_a_required_item_is_answered_before_the_response_is_complete(status: Any, is_fault: bool) -> None:
    assert places(item("I.A"), form=REQUIRED, status=status) == [""] * is_fault
    assert places(form=REQUIRED, status=status) == [""] * is_fault
    assert places(item("I.A", answer()), form=REQUIRED, status=status) == []


def test_a_required_item_that_is_moot_needs_no_answer() -> None:
    form = [
        {"linkId": "a", "type": "boolean", "text": "A"},
        {
            "linkId": "b",
            "type": "boolean",
            "text": "B",
            "required": True,
            "enableWhen": [{"question": "a", "operator": "!=", "answerBoolean": True}],
        },
    ]
    assert places(item("a", answer(True)), form=form, status="completed") == []
    assert places(item("a", answer(False)), form=form, status="completed") == [""]


def typed(kind: str) -> list[dict[str, Any]]:
    unit = {"url": "http://hl7.org/fhir/StructureDefinition/questionnaire-unitOption"}
    options = [{**unit, "valueCoding": {"system": UCUM, "code": code}} for code in ("%", "mm[Hg]")]
    return [{"linkId": "v", "type": kind, "text": "V", "repeats": True, "extension": options}]


def quantity(value: Any = Decimal("88.0"), **changed: Any) -> dict[str, Any]:
    return {"value": value, "system": UCUM, "code": "%", **changed}


@pytest.mark.parametrize(
    ("kind", "member", "value", "is_right"),
    [
        ("quantity", "valueQuantity", quantity(), True),
        ("quantity", "valueQuantity", quantity(code="mm[Hg]"), True),
        ("quantity", "valueQuantity", quantity(88), True),
        ("quantity", "valueQuantity", quantity(code="kg"), False),
        ("quantity", "valueQuantity", quantity(code=None, unit="%"), False),
        ("quantity", "valueQuantity", quantity(system="urn:other"), False),
        ("quantity", "valueQuantity", quantity("88"), False),
        ("quantity", "valueQuantity", quantity(True), False),
        ("quantity", "valueQuantity", 88, False),
        ("integer", "valueInteger", 3, True),
        ("integer", "valueInteger", Decimal("3.5"), False),
        ("integer", "valueInteger", True, False),
        ("decimal", "valueDecimal", Decimal("3.5"), True),
        ("decimal", "valueDecimal", 3, True),
        ("decimal", "valueDecimal", "3.5", False),
        ("date", "valueDate", "2026-03-02", True),
        ("date", "valueDate", "2026", True),
        ("date", "valueDate", "03/02/2026", False),
        ("date", "valueDate", "2026-03-02T10:00:00Z", False),
        ("date", "valueDate", 2026, False),
    ],
)
def test_a_value_is_of_the_type_and_unit_of_its_item(kind: str, member: str, value: Any, is_right: bool) -> None:
    found = places(item("v", answer(value, member=member)), form=typed(kind))
    assert found == ([] if is_right else [".item[0].answer[0].value"])


def test_an_item_that_repeats_takes_several_answers() -> None:
    values = [answer(quantity(each), member="valueQuantity") for each in (87, 88)]
    assert places(item("v", *values), form=typed("quantity")) == []


@pytest.mark.requirement("dtr:conf-12")
def test_texts_of_items_and_displays_of_options_are_not_needed() -> None:
    coding = {"system": "urn:cds-coverage-policies:CP.TEST:pathway", "code": "cancer"}
    assert faults(item("pathway", answer(coding, member="valueCoding"))) == []


# --- junk ------------------------------------------------------------------------------------------------------------

JUNK: tuple[Any, ...] = (
    None,
    0,
    -1.5,
    True,
    NAME,
    "",
    [],
    {},
    [[]],
    [{}],
    [None],
    {"item": [{}]},
    [{"linkId": ["x"]}],
    {"a": {"b": []}},
)


def every_place(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(each for key, child in inside for each in every_place(child, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], junk: Any) -> Any:
    changed = copy.deepcopy(value)
    parent = changed
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = junk
    return changed


WHOLE = response(*RIGHT, **CONTAINED_DOCTOR)


def test_junk_anywhere_raises_nothing_and_is_never_repeated() -> None:
    for path in every_place(WHOLE)[1:]:
        for junk in JUNK:
            sent = replaced(WHOLE, path, junk)
            for form in (STEP, STANDARD):
                assert not any(NAME in f"{each.expression} {each.says}" for each in faults_of(form, sent))
                given_answers(form, sent)


def nested(depth: int) -> dict[str, Any]:
    found = item("I.B/parts")
    for _ in range(depth):
        found = item("I.B/parts", item=[found], answer=[{"item": [found]}])
    return found


def test_what_is_nested_deeper_than_the_form_is_not_read() -> None:
    """Each level stands in the level above twice: 2 to the power of 400 items, read one by one."""
    found = faults(nested(400))
    assert [each.expression for each in found] == [
        "QuestionnaireResponse.item[0].item[0]",
        "QuestionnaireResponse.item[0].answer[0].item[0]",
        "QuestionnaireResponse.item[0].answer",
    ]


@pytest.mark.parametrize(
    "many",
    [
        lambda count: [item(f"I.{number}", answer()) for number in range(count)],
        lambda count: [item("I.A", answer()) for _ in range(count)],
        lambda count: [item("I.A", *[answer() for _ in range(count)])],
        lambda count: [item("I.B/parts", item=[item("I.B.one", answer()) for _ in range(count)])],
    ],
)
def test_ten_thousand_items_take_little_time(many: Callable[[int], list[Any]]) -> None:
    sent = many(10_000)
    begun = time.process_time()
    faults(*sent)
    assert time.process_time() - begun < 2


def test_the_form_of_every_revision_checks_a_response_of_nothing() -> None:
    for by in every_revision().values():
        assert list(faults_of(form_items(by), response())) == []


# --- the answers for the next screen ---------------------------------------------------------------------------------


def given(*found: Any, form: Any = STEP, **more: Any) -> dict[str, str]:
    return given_answers(form, response(*found, **more))


def test_answers_are_by_link_id_and_what_has_none_is_not_known() -> None:
    assert given(*RIGHT) == {"pathway": "cancer", "I.A": "yes", "I.B.one": "yes", "I.B.two": "no", "I.H": ""}


def test_a_question_that_is_left_out_of_the_response_is_not_known() -> None:
    assert given() == {"pathway": "", "I.A": "", "I.B.one": "", "I.B.two": "", "I.H": ""}


def test_an_answer_that_the_service_took_from_the_chart_is_left_to_the_chart() -> None:
    assert "I.A" not in given(item("I.A", answer(True, origin("auto-server"))))


def test_an_answer_that_a_practitioner_signed_counts_wherever_it_came_from() -> None:
    assert given(item("I.A", answer(True, origin("auto-server"))), **DOCTOR)["I.A"] == "yes"


@pytest.mark.parametrize("source", ["auto-client", "manual"])
def test_an_answer_that_no_practitioner_gave_is_not_known(source: str) -> None:
    assert given(item("I.A", answer(True, origin(source))), author={"reference": "Patient/p"})["I.A"] == ""


def test_a_value_of_the_chart_is_no_answer() -> None:
    form = [*STEP, *typed("quantity")]
    assert "v" not in given(item("v", answer(quantity(), member="valueQuantity")), form=form)
