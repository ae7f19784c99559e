import pytest

from fhir_mappings.opioids.endings import (
    Ending,
    are_to_stop,
    ending_of,
    instructions_in_words,
    may_not_have_been_taken,
    replaced_in_words,
)

HL7 = "http://terminology.hl7.org/CodeSystem/medicationrequest-status-reason"


def ended(reason=None, status="stopped", **members):
    return {"status": status, **({"statusReason": reason} if reason else {}), **members}


def said(words):
    return ending_of(ended({"text": words}))


@pytest.mark.parametrize("status", ["active", "on-hold", "draft", "unknown", None, 7])
def test_what_has_not_ended_says_nothing_about_an_end(status):
    assert ending_of(ended({"text": "Pain resolved"}, status=status)) is Ending.NONE


@pytest.mark.parametrize("status", ["completed", "stopped", "cancelled"])
def test_a_status_without_a_reason_ends_that_record_only(status):
    assert ending_of(ended(status=status)) is Ending.RECORD


def test_a_completed_order_is_no_stop_whatever_the_reason():
    assert ending_of(ended({"text": "Pain resolved"}, status="completed")) is Ending.RECORD


@pytest.mark.parametrize(
    "words",
    [
        "Pain resolved",
        "Side effects",
        "Ineffective",
        "Patient preference",
        "Discontinued by another clinician",
        "Patient has not taken in last 30 days",
        "No longer needed",
        "Stop taking at discharge",
        "Weaned off",
        "Taper completed",
        "Therapy completed",
        "Overdose",
    ],
)
def test_a_reason_is_a_stop(words):
    assert said(words) is Ending.STOPPED


@pytest.mark.parametrize(
    "words",
    [
        "Reorder",
        "Re-ordered",
        "REORDERED FROM ORDER: 123",
        "Renewal",
        "Cancel automatically with renewal",
        "Refill",
        "Represcribed",
        "Dose adjustment",
        "Dose decreased",
        "Change in dose",
        "Change sig",
        "Order modified",
        "Wrong pharmacy",
        "Sent to the wrong pharmacy in error",
        "Wrong dose",
        "Dose error",
        "Error in sig",
        "New prescription written",
        "Tapering",
        "Decreased",
    ],
)
def test_a_reorder_goes_on_as_another_order(words):
    assert said(words) is Ending.REORDERED


@pytest.mark.parametrize(
    "words",
    [
        "Therapeutic substitution",
        "Formulary change",
        "No longer on formulary",
        "Alternate therapy",
        "Change in therapy",
        "Medication changed",
        "Switched to morphine",
        "Replaced by other drug",
        "Opioid rotation",
    ],
)
def test_a_switch_goes_on_as_another_drug(words):
    assert said(words) is Ending.SWITCHED


@pytest.mark.parametrize(
    "words",
    [
        "Entered in error",
        "Error",
        "Entry error",
        "Prescribed in error",
        "Ordered in error",
        "Ordered by mistake",
        "Other\nEntered in error",
        "Wrong patient",
        "Incorrect chart",
        "Wrong medication, changed to morphine",
    ],
)
@pytest.mark.parametrize("status", ["stopped", "cancelled", "completed"])
def test_an_order_may_be_a_mistake(words, status):
    assert ending_of(ended({"text": words}, status=status)) is Ending.MISTAKE
    assert ending_of(ended({"coding": [{"code": "17", "display": words}]}, status=status)) is Ending.MISTAKE


def test_a_duplicate_that_was_entered_in_error_is_a_duplicate():
    assert said("Duplicate order entered in error") is Ending.DUPLICATE


@pytest.mark.parametrize("words", ["Duplicate", "Duplicate order", "Therapy duplication", "DUP"])
def test_a_duplicate_is_no_stop(words):
    assert said(words) is Ending.DUPLICATE


@pytest.mark.parametrize(
    "words",
    [
        "Transfer",
        "Patient transfer",
        "Patient discharged",
        "End of encounter",
        "Admitted to hospital",
        "Expired",
        "Automatic stop",
        "Held for surgery",
        "Pharmacy out of stock",
        "Data migration",
        "Now prescribed by outside provider",
        "Other",
        "Unknown",
        "N/A",
        "none",
        "See comments",
        "Discontinued",
        "Order completed",
        "-",
        "17",
    ],
)
def test_what_tells_only_of_the_record_is_no_stop(words):
    assert said(words) in (Ending.RECORD, Ending.REORDERED)


@pytest.mark.parametrize(
    ("code", "ending"),
    [
        ("sdupther", Ending.DUPLICATE),
        ("hospadm", Ending.RECORD),
        ("clarif", Ending.RECORD),
        ("surg", Ending.RECORD),
        ("sintol", Ending.STOPPED),
        ("salg", Ending.STOPPED),
        ("not-a-code", Ending.RECORD),
    ],
)
def test_the_codes_of_hl7_need_no_words(code, ending):
    assert ending_of(ended({"coding": [{"system": HL7, "code": code}]})) is ending


def test_the_display_of_a_code_that_puts_off_is_no_stop():
    coding = {"system": HL7, "code": "altchoice", "display": "Try another treatment first"}
    assert ending_of(ended({"coding": [coding]})) is Ending.RECORD


def test_a_local_code_in_letters_is_read_as_words_but_proves_no_stop():
    assert ending_of(ended({"coding": [{"system": "urn:x", "code": "RX_REORDER"}]})) is Ending.REORDERED
    assert ending_of(ended({"coding": [{"system": "urn:x", "code": "RESOLVED"}]})) is Ending.RECORD


def test_the_reason_of_a_statement_may_be_several_concepts():
    assert ending_of(ended([{"text": "Other"}, {"text": "Side effects"}])) is Ending.STOPPED


@pytest.mark.parametrize(
    "text", ["Stopped in favor of morphine.", "Replaced with morphine ER", "Converted to methadone"]
)
def test_a_note_may_name_what_an_order_gave_way_to(text):
    assert ending_of(ended(note=[{"text": text}])) is Ending.SWITCHED
    assert ending_of(ended({"text": "Side effects"}, note=[{"text": text}])) is Ending.STOPPED


@pytest.mark.parametrize("reason", ["Reorder", [["Reorder"]], {"text": 7}, {"coding": "x"}, 7, [None]])
def test_a_malformed_reason_is_none(reason):
    assert ending_of({"status": "stopped", "statusReason": reason, "note": "x"}) is Ending.RECORD


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Replaces oxycodone 20 mg", True),
        ("replacement for oxycodone", True),
        ("Take 1 tablet instead of oxycodone", True),
        ("Switched from oxycodone", True),
        ("Rotating patient from Oxycodone to this", True),
        ("Not replacing oxycodone", False),
        ("Do not change from oxycodone", False),
        ("Take with oxycodone", False),
        ("Replaces tramadol. Take with oxycodone", False),
    ],
)
def test_words_name_what_an_order_replaces(text, names):
    for resource in ({"note": [{"text": text}]}, {"dosageInstruction": [{"patientInstruction": text}]}):
        assert ("oxycodone" in replaced_in_words(resource, instructions_in_words(resource))) is names


@pytest.mark.parametrize(
    ("text", "is_stop"),
    [
        ("1 tablet daily for 7 days, then stop", True),
        ("then discontinue", True),
        ("then D/C", True),
        ("1 tablet daily, then 2 tablets", False),
        ("then stop by the office", False),
        ("stop if drowsy", False),
    ],
)
def test_an_instruction_may_end_the_treatment(text, is_stop):
    assert are_to_stop(instructions_in_words({"dosageInstruction": [{"text": text}]})) is is_stop


@pytest.mark.parametrize(
    ("words", "is_said"),
    [
        ("Patient never took it", True),
        ("Patient did not take this medication", True),
        ("Patient didn't fill it", True),
        ("Never picked up", True),
        ("Patient not taking", True),
        ("Has not been filled", True),
        ("Returned to stock", True),
        ("Do not take with alcohol", False),
        ("Taken daily, did not help", False),
        ("Patient returned to work", False),
        ("Course completed", False),
    ],
)
def test_a_note_or_a_reason_may_say_that_nothing_was_taken(words, is_said):
    assert may_not_have_been_taken({"status": "completed", "note": [{"text": words}]}) is is_said
    assert may_not_have_been_taken(ended({"text": words}, status="completed")) is is_said


def test_nothing_may_have_been_taken_of_a_mistake():
    assert may_not_have_been_taken(ended({"text": "Entered in error"}, status="completed"))
    assert not may_not_have_been_taken(ended(status="completed"))
