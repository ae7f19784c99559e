"""The context of a launch: opaque, the same for the same call, and only for this service."""

import pytest

from cds_service.smart.launch_context import ContextKey, LaunchContext

ORDER = {"resourceType": "ServiceRequest", "id": "o1", "status": "draft", "note": [{"text": "left"}]}
CONTEXT = LaunchContext("acme", "pat-1", "enc-1", (("urn:o1", ORDER),), "ServiceRequest/o1", "CP.MP.126@2025-04")
KEY = ContextKey(bytes(range(64)))


def test_a_context_opens_as_it_was_sealed() -> None:
    assert KEY.open(KEY.seal(CONTEXT)) == CONTEXT


def test_equal_contexts_are_sealed_alike_so_that_equal_calls_get_equal_cards() -> None:
    assert KEY.seal(CONTEXT) == KEY.seal(CONTEXT)


def test_a_sealed_context_shows_nothing_of_the_patient() -> None:
    sealed = KEY.seal(CONTEXT)
    assert not any(word in sealed for word in ("pat-1", "acme", "ServiceRequest"))


def test_the_narrative_of_an_order_is_left_out() -> None:
    narrated = {**ORDER, "text": {"status": "generated", "div": "<div/>"}, "meta": {"versionId": "3"}}
    sealed = KEY.seal(LaunchContext("acme", "pat-1", "", (("", narrated),), "ServiceRequest/o1", "CP.MP.126@2025-04"))
    opened = KEY.open(sealed)
    assert opened is not None
    assert opened.orders == (("", ORDER),)


def test_an_order_with_what_utf_8_cannot_encode_is_sealed() -> None:
    odd = LaunchContext(
        "acme", "pat-1", "", (("", {**ORDER, "note": [{"text": "\ud800"}]}),), "ServiceRequest/o1", "P@1"
    )
    assert KEY.open(KEY.seal(odd)) == odd


def test_a_context_of_another_key_is_not_opened() -> None:
    assert ContextKey(bytes(64)).open(KEY.seal(CONTEXT)) is None


@pytest.mark.parametrize("sent", ["", "x", "é", "AAAA", "a" * 20_000, "{}"])
def test_what_the_service_did_not_seal_is_not_opened(sent: str) -> None:
    assert KEY.open(sent) is None


def test_a_changed_context_is_not_opened() -> None:
    sealed = KEY.seal(CONTEXT)
    changed = sealed[:-10] + ("A" if sealed[-10] != "A" else "B") + sealed[-9:]
    assert KEY.open(changed) is None


def test_a_context_too_long_for_an_ehr_is_not_sealed() -> None:
    words = " ".join(str(n * 7919 % 1_000_003) for n in range(20_000))
    long = {**ORDER, "note": [{"text": words}]}
    assert KEY.seal(LaunchContext("acme", "pat-1", "", (("", long),), "ServiceRequest/o1", "CP.MP.126@2025-04")) == ""
