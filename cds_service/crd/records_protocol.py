"""The interface of the records of CRD calls: every exchange (CRD 2.2.1 found-37), and every assertion (found-11)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cds_service.fhir_client.kept_chart import Kept
from cds_service.observability.call_log import Call
from coverage_policies.judging.determination import Determination
from fhir_mappings.fhir_json import Json, Resource


@dataclass(frozen=True, slots=True)
class Exchange:
    """A call of a CRD service or of a DTR operation and its response, errors included.

    `request` and `response` are the bodies as received and sent, empty if they are not to be stored. `metrics` is the
    CRDMetricData of a CRD call, and the figures of a DTR call. `issuer` is the issuer of the client's token, empty if
    the service asks for none. `chart` is what the FHIR server answered to a CRD call that names a form, and
    `chart_read_at` when it was read; None for any other call.
    """

    status: int
    request: bytes = field(repr=False)
    response: bytes = field(repr=False)
    metrics: Mapping[str, Json]
    issuer: str = ""
    chart: Kept | None = field(default=None, repr=False)
    chart_read_at: datetime | None = None


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
    """A coverage assertion that was issued before, in the call `call_id` of a client to `path`.

    `chart_call_id` is the newest call with this assertion whose chart is stored: `call_id`, one before it, or empty if
    there is none; `CrdRecords.context` has that chart. `policies` have the policy, revision, edition, content hash, and
    outcome of each determination, and `codes` the codes of each repetition of the coverage information. `content` is
    None if it was stored without an encryption key.
    """

    assertion_id: str
    call_id: str
    chart_call_id: str
    path: str
    issued_at: datetime
    client: str
    policies: tuple[Mapping[str, Json], ...]
    codes: tuple[Mapping[str, Json], ...]
    content: AssertionContent | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class CallContext:
    """What a CRD call judged by, for the forms that it names: its request, and what the FHIR server answered.

    `at` is when the chart was read. The access token in `request` is replaced by `not stored`; its prefetch is not in
    `chart`.
    """

    call_id: str
    path: str
    at: datetime
    client: str
    request: bytes = field(repr=False)
    chart: Kept = field(repr=False)


class CrdRecords(Protocol):
    """Stores CRD and DTR calls, with the assertions issued in them.

    Thread-safe; shared by all processes of a service.
    """

    def store(self, call: Call, path: str, exchange: Exchange, assertions: Sequence[IssuedAssertion]) -> None:
        """Store all of a call in one transaction; it is on disk when this returns.

        `path` is the path of the request. Raise UnavailableError if it could not be stored.
        """

    def find(self, assertion_id: str) -> StoredAssertion | None:
        """Return an assertion as it was issued last; None if there is none, or if it has expired.

        Raise UnavailableError if the database fails, and UnsealableError if the content cannot be decrypted.
        """

    def newest(self, order: str, coverage: str, client: str) -> StoredAssertion | None:
        """Return the newest assertion of a client for an order and a Coverage whose call has a chart.

        `order` and `coverage` are references as the call had them. None if there is none, or if it has expired. Raise
        as `find` does.
        """

    def context(self, call_id: str) -> CallContext | None:
        """Return what a CRD call judged by; None if its chart is not stored, is too old to judge by, or has expired.

        Raise as `find` does.
        """


class NullCrdRecords:
    """Stores nothing."""

    def store(self, call: Call, path: str, exchange: Exchange, assertions: Sequence[IssuedAssertion]) -> None:
        pass

    def find(self, assertion_id: str) -> StoredAssertion | None:  # noqa: ARG002
        return None

    def newest(self, order: str, coverage: str, client: str) -> StoredAssertion | None:  # noqa: ARG002
        return None

    def context(self, call_id: str) -> CallContext | None:  # noqa: ARG002
        return None
