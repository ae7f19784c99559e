"""The client of a DTR call: whose coverage assertions it may use, and which forms it takes."""

from dataclasses import dataclass

from cds_service.clients.registry import Client


@dataclass(frozen=True, slots=True)
class FormClient:
    """A client that asks for forms. `reads` are the names of the clients whose coverage assertions it may use.

    Its own name is empty where the service asks nobody for a token. `is_adaptive` is whether it takes adaptive forms.
    """

    name: str
    reads: tuple[str, ...]
    is_adaptive: bool = True

    @classmethod
    def of(cls, client: Client | None) -> "FormClient":
        """Return what the registry says of a client; None stands for everybody."""
        if client is None:
            return cls("", ("",))
        registered = client.backend_services
        if registered is None:
            return cls(client.name, (client.name,))
        return cls(client.name, (client.name, *registered.contexts_of), registered.forms == "adaptive")
