"""The interface of the records of CRD calls: every exchange (CRD 2.2.1 found-37), and every assertion (found-11)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cds_service.observability.call_log import Call
from coverage_policies.judging.determination import Determination
from fhir_mappings.fhir_json import Json, Resource


@dataclass(frozen=True, slots=True)
class Exchange:
    """A call of a CRD service and its response, errors included.

    `request` and `response` are the bodies as received and sent; `metrics` is the CRDMetricData of the call. `issuer`
    is the issuer of the client's token, empty if the service asks for none.
    """

    status: int
    request: bytes = field(repr=False)
    response: bytes = field(repr=False)
    metrics: Mapping[str, Json]
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class IssuedAssertion:
    """A coverage assertion as it was issued for one order and one Coverage.

    `order` and `coverage` are references on the client's server. `determinations` are those that it rests on, and
    `extensions` the repetitions of its coverage information. `order_resource` is the order as received.
    """

    assertion_id: str
    order: str = field(repr=False)
    coverage: str = field(repr=False)
    patient_id: str = field(repr=False)
    determinations: tuple[Determination, ...] = field(repr=False)
    order_resource: Resource = field(repr=False)
    extensions: tuple[Resource, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class AssertionContent:
    """What a stored assertion was about; `determinations` are those that it rests on, with their evidence, as JSON."""

    order: str
    coverage: str
    patient_id: str
    determinations: Json
    order_resource: Resource
    extensions: Json


@dataclass(frozen=True, slots=True)
class StoredAssertion:
    """A coverage assertion that was issued before, in the call `call_id` of a client.

    `policies` have the policy, revision, edition, content hash, and outcome of each determination, and `codes` the
    codes of each repetition of the coverage information. `content` is None if it was stored without an encryption key.
    """

    assertion_id: str
    call_id: str
    issued_at: datetime
    client: str
    policies: tuple[Mapping[str, Json], ...]
    codes: tuple[Mapping[str, Json], ...]
    content: AssertionContent | None = field(repr=False)


class CrdRecords(Protocol):
    """Stores CRD calls with the assertions issued in them. Thread-safe; shared by all processes of a service."""

    def store(self, call: Call, path: str, exchange: Exchange, assertions: Sequence[IssuedAssertion]) -> None:
        """Store all of a call in one transaction; it is on disk when this returns.

        `path` is the path of the request. Raise UnavailableError if it could not be stored.
        """

    def find(self, assertion_id: str) -> StoredAssertion | None:
        """Return an assertion as it was issued last; None if there is none, or if it has expired.

        Raise UnavailableError if the database fails, and UnsealableError if the content cannot be decrypted.
        """


class NullCrdRecords:
    """Stores nothing."""

    def store(self, call: Call, path: str, exchange: Exchange, assertions: Sequence[IssuedAssertion]) -> None:
        pass

    def find(self, assertion_id: str) -> StoredAssertion | None:  # noqa: ARG002
        return None
