"""Seal what the records of CRD calls hold of a patient: the bodies, the chart, and what an assertion is about."""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from cds_service.crd.records_protocol import AssertionContent, Exchange, IssuedAssertion
from cds_service.fhir_client.kept_chart import Kept
from cds_service.packing import pack, unpack
from cds_service.records.sealing import Sealer, UnsealableError
from cds_service.records.tables import CRD_ASSERTIONS, CRD_EXCHANGES

_LEVEL = 1
"""The level of zlib: a body of JSON gets hardly smaller at higher ones, which take several times as long."""
_LENGTH_BYTES = 8
_ACCESS_TOKEN = re.compile(rb'("access_token"\s*:\s*)"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_NO_KEYS = "It was sealed, and CDS_ENCRYPTION_KEYS is empty. Set the keys of the service."
_CHART = "chart"


@dataclass(frozen=True, slots=True)
class StoredChart:
    """What a FHIR server answered to a call, and when."""

    read_at: datetime
    kept: Kept = field(repr=False)


def sealed_bodies(sealer: Sealer | None, call_id: str, exchange: Exchange) -> bytes | None:
    """Return the bodies for the row of an exchange, without the access token; None without sealer or without bodies."""
    if sealer is None or not (exchange.request or exchange.response):
        return None
    request = _ACCESS_TOKEN.sub(rb'\1"not stored"', exchange.request)
    framed = len(request).to_bytes(_LENGTH_BYTES) + request + exchange.response
    return sealer.seal(zlib.compress(framed, _LEVEL), *_bodies_of(call_id))


def opened_bodies(row: Mapping[str, Any], sealer: Sealer | None) -> tuple[bytes, bytes] | None:
    """Return the bodies of request and response in a row of an exchange; None if they were not stored.

    The access token of the request is replaced by `not stored`. Raise UnsealableError.
    """
    if row["sealed"] is None:
        return None
    framed = zlib.decompress(_opened(row["sealed"], sealer, *_bodies_of(row["exchange"])))
    length, bodies = int.from_bytes(framed[:_LENGTH_BYTES]), framed[_LENGTH_BYTES:]
    return bodies[:length], bodies[length:]


def sealed_chart(sealer: Sealer | None, call_id: str, exchange: Exchange) -> bytes | None:
    """Return the chart for the row of an exchange; None without a sealer, or if there is none to store."""
    if sealer is None or exchange.chart is None or exchange.chart_read_at is None:
        return None
    content = {"at": exchange.chart_read_at.isoformat(), "chart": exchange.chart}
    return sealer.seal(pack(content, _LEVEL), *_chart_of(call_id))


def opened_chart(row: Mapping[str, Any], sealer: Sealer | None) -> StoredChart | None:
    """Return the chart in a row of an exchange; None if there is none. Raise UnsealableError."""
    if row["sealed_chart"] is None:
        return None
    content = unpack(_opened(row["sealed_chart"], sealer, *_chart_of(row["exchange"])))
    return StoredChart(datetime.fromisoformat(content["at"]), content["chart"])


def sealed_content(sealer: Sealer | None, call_id: str, position: int, issued: IssuedAssertion) -> bytes | None:
    """Return what an assertion is about, for its row; None without a sealer."""
    if sealer is None:
        return None
    content = AssertionContent(
        order=issued.order,
        coverage=issued.coverage,
        patient_id=issued.patient_id,
        determinations=[each.as_json() for each in issued.determinations],
        order_resource=issued.order_resource,
        extensions=list(issued.extensions),
    )
    members = {each.name: getattr(content, each.name) for each in fields(content)}
    return sealer.seal(pack(members, _LEVEL), *_assertion_of(call_id, position, issued.assertion_id))


def opened_content(row: Mapping[str, Any], sealer: Sealer | None) -> AssertionContent | None:
    """Return what is sealed in a row of an assertion; None if nothing is. Raise UnsealableError."""
    if row["sealed"] is None:
        return None
    opened = _opened(row["sealed"], sealer, *_assertion_of(row["exchange"], row["position"], row["assertion"]))
    return AssertionContent(**unpack(opened))


def _opened(sealed: bytes, sealer: Sealer | None, *row: str) -> bytes:
    if sealer is None:
        raise UnsealableError(_NO_KEYS)
    return sealer.open(bytes(sealed), *row)


def _bodies_of(call_id: str) -> tuple[str, ...]:
    return CRD_EXCHANGES.name, call_id


def _chart_of(call_id: str) -> tuple[str, ...]:
    return CRD_EXCHANGES.name, call_id, _CHART


def _assertion_of(call_id: str, position: int, assertion_id: str) -> tuple[str, ...]:
    return CRD_ASSERTIONS.name, call_id, str(position), assertion_id
