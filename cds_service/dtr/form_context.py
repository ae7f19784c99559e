"""What a form is about, sealed into the form itself, so that any replica can go on with it and nothing is stored."""

from dataclasses import dataclass, field

from cds_service.encryption import TextSealer
from fhir_mappings.bundle import Entry
from fhir_mappings.fhir_json import Resource

_MOST_CHARACTERS = 64_000
_NARRATIVE = ("text", "meta")
_MEMBERS = 8


@dataclass(frozen=True, slots=True)
class FormContext:
    """The order, the Coverage, and the revision of a form, and the call of CRD that led to it.

    `client` is the name of the client that the form was made for. `order` has its `fullUrl`, which may be empty, and
    `policy` is the full name of the revision in its `edition`. `call_id` is the CRD call whose chart judges the form,
    `assertion_id` the coverage assertion that it issued for the order; both are empty if CRD was not called before.
    `coverage` is None if it is that of the CRD call.
    """

    client: str
    policy: str
    edition: int
    patient_id: str = field(repr=False)
    order: Entry = field(repr=False)
    coverage: Resource | None = field(repr=False)
    call_id: str = ""
    assertion_id: str = ""


class FormContexts:
    """Seals contexts. `key` has 64 bytes, the same in all processes of a service."""

    def __init__(self, key: bytes) -> None:
        self._texts = TextSealer(key, _MOST_CHARACTERS)

    def seal(self, context: FormContext) -> str:
        """Return the text for the contained form; empty if it would be longer than a client can be expected to keep."""
        url, order = context.order
        return self._texts.seal(
            [
                *(context.client, context.policy, context.edition, context.call_id, context.assertion_id),
                context.patient_id,
                [url, _without_narrative(order)],
                _without_narrative(context.coverage) if context.coverage else None,
            ]
        )

    def open(self, sealed: str, client: str) -> FormContext | None:
        """Return the context that this service sealed for this client; None for anything else."""
        said = self._texts.open(sealed)
        if not isinstance(said, list) or len(said) != _MEMBERS or said[0] != client:
            return None
        _, policy, edition, call_id, assertion_id, patient_id, (url, order), coverage = said
        return FormContext(client, policy, edition, patient_id, (url, order), coverage, call_id, assertion_id)


def _without_narrative(resource: Resource) -> Resource:
    return {name: value for name, value in resource.items() if name not in _NARRATIVE}
