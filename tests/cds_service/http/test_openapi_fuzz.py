"""The service answers whatever its OpenAPI document allows without a failure (schemathesis)."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.crd_calls import CrdService
from tests.support.fuzzing import EXAMPLES, whole_service

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
described = schemathesis.openapi.from_wsgi("/openapi.json", whole_service().app)
of_payers = schemathesis.openapi.from_wsgi("/openapi.json", CrdService().client.application)
bounded = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES < 100, suppress_health_check=list(HealthCheck)
)


@pytest.mark.slow
@pytest.mark.requirement("7.113", "7.115", "7.116")
@described.parametrize()
@bounded
def test_no_generated_request_is_a_server_error(case: Any) -> None:
    case.validate_response(case.call(), checks=CHECKS)


@pytest.mark.slow
@pytest.mark.requirement("7.113", "7.115", "7.116")
@of_payers.include(path_regex="^/cds-services/crd-[^/]*$").parametrize()
@bounded
def test_no_generated_call_of_a_crd_service_is_a_server_error(case: Any) -> None:
    case.validate_response(case.call(), checks=CHECKS)
