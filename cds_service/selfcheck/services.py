"""The services that a server offers, as far as its discovery document can be read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from cds_service.selfcheck.outcomes import FailedError, NotTriedError
from cds_service.selfcheck.session import Session
from cds_service.selfcheck.web import Answer

CRD_VERSION = "davinci-crd.version"
CRD_OPTIONS = "davinci-crd.configuration-options"
V2_2, V2_0 = "2.2", "2.0"
"""The versions of Da Vinci CRD that are checked."""
ORDER_SELECT, ORDER_SIGN = "order-select", "order-sign"
ORDER_DISPATCH, APPOINTMENT_BOOK = "order-dispatch", "appointment-book"


@dataclass(frozen=True, slots=True)
class OfferedService:
    """A service as discovery states it: its id, its hook, and everything else of it."""

    id: str
    hook: str
    stated: Mapping[str, Any] = field(repr=False)

    @property
    def extension(self) -> Mapping[str, Any]:
        """Return the extension of the service."""
        found = self.stated.get("extension")
        return found if isinstance(found, dict) else {}

    @property
    def crd_versions(self) -> tuple[str, ...]:
        """Return the versions of CRD that it states; ("2.0",) for one of CRD that states none, as before CRD 2.2."""
        stated = self.extension.get(CRD_VERSION)
        if isinstance(stated, list):
            return tuple(each for each in stated if isinstance(each, str))
        return (V2_0,) if CRD_OPTIONS in self.extension else ()

    @property
    def is_crd(self) -> bool:
        """Return whether it is a service of Da Vinci CRD."""
        return bool({CRD_VERSION, CRD_OPTIONS} & self.extension.keys())

    @property
    def options(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the configuration options that it lists, by code."""
        stated = self.extension.get(CRD_OPTIONS)
        listed = [each for each in stated if isinstance(each, dict)] if isinstance(stated, list) else []
        return {each["code"]: each for each in listed if isinstance(each.get("code"), str)}

    @property
    def prefetch(self) -> Mapping[str, str]:
        """Return the prefetch templates that are strings, by key."""
        stated = self.stated.get("prefetch")
        found = stated if isinstance(stated, dict) else {}
        return {key: template for key, template in found.items() if isinstance(template, str)}


def discovery(session: Session) -> Answer:
    """Return the answer of discovery. Raise FailedError, and NotTriedError after a first failure."""
    return session.once("discovery", lambda: session.get(session.address()))


def stated_services(session: Session) -> list[Any]:
    """Return the services of the discovery document as they are stated. Raise FailedError."""

    def read() -> list[Any]:
        found = discovery(session)
        if found.status != 200:
            raise FailedError(f"status {found.status}{_hint(session, found)}")
        services = found.object().get("services")
        if not isinstance(services, list):
            raise FailedError("an object without an array named services")
        return services

    return session.once("services", read)


def _hint(session: Session, answer: Answer) -> str:
    needs_token = answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
    return (
        "; give a key with --key if the server asks for tokens"
        if needs_token and not session.target.credentials
        else ""
    )


def services(session: Session) -> tuple[OfferedService, ...]:
    """Return the services that have an id and a hook. Raise NotTriedError if there are none."""
    found = tuple(
        OfferedService(each["id"], each["hook"], each)
        for each in stated_services(session)
        if isinstance(each, dict) and all(isinstance(each.get(name), str) and each[name] for name in ("id", "hook"))
    )
    if not found:
        raise NotTriedError("discovery lists no service with an id and a hook")
    return found


def crd_services(session: Session, version: str) -> tuple[OfferedService, ...]:
    """Return the services of a version of CRD."""
    return tuple(each for each in services(session) if version in each.crd_versions)


def services_of_hooks(session: Session, *hooks: str) -> tuple[OfferedService, ...]:
    """Return the services of these hooks, those of plain CDS Hooks first. Raise NotTriedError if there are none."""
    found = sorted((each for each in services(session) if each.hook in hooks), key=lambda each: each.is_crd)
    if not found:
        raise NotTriedError(f"discovery lists no service of {' or '.join(hooks)}")
    return tuple(found)


def a_service(session: Session) -> OfferedService:
    """Return one service of order-sign, or else of order-select, and rather a plain one than one of CRD."""
    found = services_of_hooks(session, ORDER_SIGN, ORDER_SELECT)
    return sorted(found, key=lambda each: (each.is_crd, each.hook != ORDER_SIGN))[0]
