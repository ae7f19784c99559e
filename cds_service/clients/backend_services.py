"""How a client is registered for the FHIR base by SMART Backend Services."""

from dataclasses import dataclass
from typing import Literal

from cds_service.clients.scopes import USUAL_SCOPES

Forms = Literal["adaptive", "standard"]
"""How a client gets forms: question by question, or whole."""

ASSERTION_ALGORITHMS = ("ES384", "RS384")
"""The algorithms that may sign client assertions (SMART App Launch 2.2, asymmetric client authentication)."""


@dataclass(frozen=True, slots=True)
class BackendServices:
    """The registration of a client for the FHIR base.

    `client_id` is the `iss` and `sub` of its client assertions, `scopes` are the most that it may be granted. It may
    use the coverage assertions of its own CRD calls, and those of the clients that `contexts_of` names.
    """

    client_id: str
    scopes: tuple[str, ...] = USUAL_SCOPES
    forms: Forms = "adaptive"
    contexts_of: tuple[str, ...] = ()
