"""What every DTR operation shares: its record among the exchanges, its line in the log, and its metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flask import Response, g, request

from cds_service.crd.records_protocol import Exchange, IssuedAssertion
from cds_service.http.authentication import client_of_request
from cds_service.http.services import services
from cds_service.observability.call_log import Call
from cds_service.observability.metrics import outcome_of
from fhir_mappings.fhir_json import Json


@dataclass(slots=True)
class OperationCall:
    """What the record of an operation says; filled as the call goes on.

    `figures` tell nothing of a patient: canonicals of our forms, counts, and the id of a coverage assertion. `body` is
    the body of the request if it is to be stored, encrypted; only reports of errors are.
    """

    operation: str
    figures: dict[str, Json] = field(default_factory=dict)
    issued: Sequence[IssuedAssertion] = ()
    body: bytes = field(default=b"", repr=False)


def begin_operation(name: str) -> OperationCall:
    """Return the record of the operation that the current request calls."""
    g.operation = OperationCall(name)
    found: OperationCall = g.operation
    return found


def store_operation(response: Response) -> None:
    """Store the operation of the current request with its status, errors included, and log and count it.

    Nothing is kept of what was sent and answered but its figures (Da Vinci DTR 2.2.0 sec-9, sec-10), except for a
    report of errors and for coverage information that is given. Raise UnavailableError if that fails.
    """
    found, record = services(), g.operation
    call: Call = g.call
    client = client_of_request()
    seconds = found.monotonic() - call.started
    found.metrics.count_call(record.operation, outcome_of(response.status_code, 0), seconds)
    figures: Mapping[str, Json] = {"operation": record.operation, **record.figures}
    found.log.info(
        "operation",
        request_id=call.id,
        client=call.client,
        status=response.status_code,
        ms=round(seconds * 1000),
        **figures,
    )
    exchange = Exchange(
        status=response.status_code,
        request=record.body,
        response=b"",
        metrics=figures,
        issuer=client.issuer if client else "",
    )
    issued = record.issued if response.status_code < 400 else ()
    found.crd_records.store(call, request.path, exchange, issued)
