"""What a form is about travels sealed in it: for its client only, and not without the key of the service."""

import secrets
from dataclasses import replace

import pytest

from cds_service.dtr.form_context import FormContext, FormContexts
from tests.support.crd_calls import coverage, order

KEY = bytes(range(64))
CONTEXT = FormContext(
    client="lakeshore",
    policy="CP.MP.126@2025-04",
    edition=1,
    patient_id="p-1",
    order=("urn:uuid:1", order()),
    coverage=coverage(),
    call_id="call-7",
    assertion_id="assertion-3",
)


def test_a_context_comes_back_as_it_was_sealed() -> None:
    sealed = FormContexts(KEY).seal(CONTEXT)
    assert FormContexts(KEY).open(sealed, "lakeshore") == CONTEXT
    assert FormContexts(KEY).seal(CONTEXT) == sealed


def test_a_context_may_be_without_a_coverage() -> None:
    bare = replace(CONTEXT, coverage=None, order=("", order()))
    assert FormContexts(KEY).open(FormContexts(KEY).seal(bare), "lakeshore") == bare


def test_a_sealed_context_reveals_nothing() -> None:
    sealed = FormContexts(KEY).seal(CONTEXT)
    assert not any(each in sealed for each in ("p-1", "lakeshore", "call-7", "27279"))


@pytest.mark.parametrize("client", ["", "another", "lakeshore2"])
def test_a_context_is_for_its_own_client_only(client: str) -> None:
    assert FormContexts(KEY).open(FormContexts(KEY).seal(CONTEXT), client) is None


def test_a_context_opens_with_its_own_key_only() -> None:
    sealed = FormContexts(KEY).seal(CONTEXT)
    assert FormContexts(bytes(64)).open(sealed, "lakeshore") is None


@pytest.mark.parametrize("change", [lambda s: s[:-4], lambda s: "A" + s[1:], lambda s: s + "AAAA", lambda s: "é" + s])
def test_a_changed_context_is_none(change: object) -> None:
    sealed = FormContexts(KEY).seal(CONTEXT)
    assert callable(change)
    assert FormContexts(KEY).open(change(sealed), "lakeshore") is None


@pytest.mark.parametrize("text", ["", "not base64!", "AAAA", "A" * 70_000])
def test_what_this_service_did_not_seal_is_none(text: str) -> None:
    assert FormContexts(KEY).open(text, "lakeshore") is None


def test_the_narrative_of_an_order_does_not_travel_along() -> None:
    long = {**order(), "text": {"status": "generated", "div": "<div>" + "word " * 9_000 + "</div>"}}
    opened = FormContexts(KEY).open(FormContexts(KEY).seal(replace(CONTEXT, order=("", long))), "lakeshore")
    assert opened is not None
    assert opened.order == ("", order())


def test_a_context_that_would_be_too_long_is_not_sealed() -> None:
    huge = {**order(), "note": [{"text": secrets.token_hex(60_000)}]}
    assert FormContexts(KEY).seal(replace(CONTEXT, order=("", huge))) == ""
