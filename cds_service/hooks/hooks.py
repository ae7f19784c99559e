"""The one table of the CDS Services and the hooks that they answer."""

from dataclasses import dataclass

from cards.crd_versions import CrdVersion


@dataclass(frozen=True, slots=True)
class Service:
    """A CDS Service. `id` is the end of its address; `needs_selections` means that its context has selections.

    `version` is the version of Da Vinci CRD that it answers in, None for plain CDS Hooks.
    """

    id: str
    hook: str
    title: str
    description: str
    needs_selections: bool = False
    version: CrdVersion | None = None

    @property
    def crd_version(self) -> CrdVersion:
        """Return the version of CRD of a service that has one. Raise TypeError for a plain service."""
        if self.version is None:
            raise TypeError(f"{self.id} is not a service of CRD")
        return self.version


SERVICES = (
    Service(
        "coverage-order-select",
        "order-select",
        "Coverage policies, while ordering",
        "Evaluates the selected orders against the payers' medical-necessity policies that apply to them: criterion by "
        "criterion, what the chart proves, what it rules out, and what still has to be documented.",
        needs_selections=True,
    ),
    Service(
        "coverage-order-sign",
        "order-sign",
        "Coverage policies, before signing",
        "Evaluates every order about to be signed against the payers' medical-necessity policies that apply to it: "
        "criterion by criterion, what the chart proves, what it rules out, and what still has to be documented.",
    ),
)
SERVICE_OF_HOOK = {service.hook: service for service in SERVICES}
