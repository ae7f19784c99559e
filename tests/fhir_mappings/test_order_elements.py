"""An order without what payers have answered to it."""

from typing import Any

import pytest

from fhir_mappings.order_elements import COVERAGE_INFORMATION, without_coverage_information

ORDER: dict[str, Any] = {"resourceType": "ServiceRequest", "id": "o", "note": [{"text": "x"}]}
ANSWER = {"url": COVERAGE_INFORMATION, "extension": [{"url": "covered", "valueCode": "covered"}]}
OTHER = {"url": "urn:x", "valueString": "y"}


def test_answers_are_left_out_and_other_extensions_stay() -> None:
    assert without_coverage_information({**ORDER, "extension": [ANSWER, OTHER, ANSWER]}) == {
        **ORDER,
        "extension": [OTHER],
    }


def test_an_order_with_answers_only_has_no_extension_then() -> None:
    assert without_coverage_information({**ORDER, "extension": [ANSWER]}) == ORDER


@pytest.mark.parametrize("extension", [[OTHER], [], None, "x", [1, None]])
def test_an_order_without_answers_is_the_same(extension: Any) -> None:
    order = {**ORDER, "extension": extension}
    assert without_coverage_information(order) is order
