"""What a client gets of the scopes it asks for, and what a call needs."""

import pytest

from cds_service.clients.scopes import KNOWN_SCOPES, USUAL_SCOPES, allows, granted, is_operation, needed_scope

FORMS, SETS = "system/Questionnaire.rs", "system/ValueSet.rs"


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (FORMS, (FORMS,)),
        (f"{SETS} {FORMS}", (FORMS, SETS)),
        ("system/Questionnaire.r", ("system/Questionnaire.r",)),
        ("system/Questionnaire.r system/Questionnaire.s", (FORMS,)),
        ("system/Questionnaire.cruds", (FORMS,)),
        ("system/Questionnaire.cud", ()),
        ("system/Questionnaire.read", (FORMS,)),
        ("system/Questionnaire.write", ()),
        ("system/Questionnaire.*", (FORMS,)),
        ("system/*.rs", (FORMS, SETS)),
        ("system/*.read", (FORMS, SETS)),
        ("system/*.*", (FORMS, SETS)),
        ("system/*.s", ("system/Questionnaire.s", "system/ValueSet.s")),
        (f"system/Patient.rs openid offline_access {SETS}", (SETS,)),
        ("system/Patient.rs", ()),
        ("system/questionnaire.rs system/valueset.rs system/library.rs", (FORMS, SETS)),  # as DTR 2.2.0 writes them
        ("system/Questionnaire.sr", ()),
        ("system/Questionnaire.", ()),
        ("system/Questionnaire", ()),
        ("user/Questionnaire.rs", ()),
        ("patient/*.read", ()),
        ("*", ()),
        ("", ()),
        ("system/Questionnaire.rs?url=https://a.example.org", ()),
        ("system/Questionnaire.rs\n", ()),
    ],
)
def test_a_client_gets_what_it_asks_for_and_may_have(asked: str, given: tuple[str, ...]) -> None:
    assert granted(asked.split(" "), USUAL_SCOPES) == given


@pytest.mark.parametrize(
    ("registered", "given"),
    [
        (("system/Questionnaire.r",), ("system/Questionnaire.r",)),
        (("system/ValueSet.s",), ("system/ValueSet.s",)),
        (("system/Questionnaire.s", "system/Questionnaire.r"), (FORMS,)),
    ],
)
def test_a_wildcard_gets_no_more_than_is_registered(registered: tuple[str, ...], given: tuple[str, ...]) -> None:
    for asked in ("system/*.rs", "system/*.read", "system/*.*", "system/*.cruds"):
        assert granted([asked], registered) == given


@pytest.mark.parametrize("scope", KNOWN_SCOPES)
def test_a_scope_that_can_be_registered_can_be_granted_as_it_is(scope: str) -> None:
    assert granted([scope], [scope]) == (scope,)


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("GET", "/fhir/Questionnaire", "system/Questionnaire.s"),
        ("HEAD", "/fhir/Questionnaire/", "system/Questionnaire.s"),
        ("GET", "/fhir/Questionnaire/CP.MP.126", "system/Questionnaire.r"),
        ("POST", "/fhir/Questionnaire/$questionnaire-package", "system/Questionnaire.r"),
        ("POST", "/fhir/ValueSet/$expand", "system/ValueSet.r"),
        ("GET", "/fhir/ValueSet/a/$expand", "system/ValueSet.r"),
        ("GET", "/fhir/Patient", "system/Patient.s"),
        ("POST", "/fhir/$convert", "system/*.r"),
        ("GET", "/fhir/", "system/*.s"),
        ("GET", "/fhir/é", "system/*.s"),
    ],
)
def test_a_read_and_an_operation_need_r_and_a_search_needs_s(method: str, path: str, needed: str) -> None:
    assert needed_scope(method, path) == needed


@pytest.mark.parametrize(
    ("scopes", "needed", "is_allowed"),
    [
        ((FORMS,), "system/Questionnaire.r", True),
        ((FORMS,), "system/Questionnaire.s", True),
        (("system/Questionnaire.s",), "system/Questionnaire.r", False),
        (("system/Questionnaire.r",), "system/Questionnaire.s", False),
        (("system/Questionnaire.r",), "system/Questionnaire.rs", False),
        ((SETS,), "system/Questionnaire.r", False),
        ((FORMS, SETS), "system/Patient.r", False),
        ((FORMS, SETS), "system/*.r", False),
        ((), "system/Questionnaire.r", False),
    ],
)
def test_a_scope_allows_its_letters_for_its_type(scopes: tuple[str, ...], needed: str, is_allowed: bool) -> None:
    assert allows(scopes, needed) is is_allowed


def test_an_operation_is_told_by_its_dollar_sign() -> None:
    assert is_operation("/fhir/Questionnaire/$next-question")
    assert is_operation("/fhir/ValueSet/a/$expand")
    assert not is_operation("/fhir/Questionnaire/CP.MP.126")
