"""The calls of Da Vinci CRD services, and the coverage information in their answers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cds_service.selfcheck.cases import Case
from cds_service.selfcheck.coverage_information import Parts, information_in, parts
from cds_service.selfcheck.hook_requests import (
    NO_MEMBERS,
    HookCall,
    cases_of,
    hook_body,
    post_call,
    sample_calls,
    searchset,
    with_extension,
)
from cds_service.selfcheck.json_shape import objects
from cds_service.selfcheck.outcomes import FailedError, NotTriedError
from cds_service.selfcheck.services import ORDER_SIGN, OfferedService, crd_services
from cds_service.selfcheck.session import Session
from cds_service.selfcheck.web import Answer
from fhir_mappings.fhir_json import Resource


@dataclass(frozen=True, slots=True)
class Information:
    """One repetition of coverage information, and the answer that has it."""

    call: HookCall
    extension: Mapping[str, Any]

    @property
    def parts(self) -> Parts:
        """Return the values of its parts."""
        return parts(self.extension)


class CrdCalls:
    """The calls of the CRD services of one version."""

    def __init__(self, session: Session, version: str) -> None:
        self._session = session
        self._version = version

    def service(self, hook: str = ORDER_SIGN) -> OfferedService:
        """Return a service of a hook. Raise NotTriedError if there is none."""
        for each in crd_services(self._session, self._version):
            if each.hook == hook:
                return each
        raise NotTriedError(f"no service of {hook} is one of CRD {self._version}")

    def body(self, hook: str = ORDER_SIGN, order: Resource | None = None) -> dict[str, Any]:
        """Return the body of a call about the first order with a Coverage, or about `order` in its place.

        Raise NotTriedError if the service refuses all sample orders.
        """
        service = self.service(hook)
        return self._for_version(service, hook_body(self._session, service, self._case(), order))

    def _for_version(self, service: OfferedService, body: dict[str, Any]) -> dict[str, Any]:
        return with_extension(body, version=self._version) if len(service.crd_versions) > 1 else body

    def _case(self) -> Case:
        return self._cases()[0]

    def _cases(self) -> tuple[Case, ...]:
        """Return the orders with a Coverage that the services are asked about. Raise NotTriedError without any."""
        found = cases_of(self._session, crd_services(self._session, self._version)[0])
        if not found:
            raise NotTriedError(NO_MEMBERS)
        if covered := tuple(each for each in found if each.coverage is not None):
            return covered
        raise NotTriedError("no patient has an active Coverage, which calls of CRD need")

    def post(self, body: Any, hook: str = ORDER_SIGN) -> Answer:
        """Return the answer to a call."""
        return post_call(self._session, self.service(hook), body)

    def with_coverages(self, body: dict[str, Any], *coverages: Resource) -> dict[str, Any]:
        """Return a call with other Coverages in its prefetch."""
        service = self.service(str(body["hook"]))
        key = next((key for key, each in service.prefetch.items() if each.startswith("Coverage?")), "coverage")
        return {**body, "prefetch": {**body.get("prefetch", {}), key: searchset(*coverages)}}

    @property
    def coverage(self) -> Resource:
        """Return the Coverage of the calls."""
        found = self._case().coverage
        if found is None:
            raise NotTriedError("the patient has no active Coverage")
        return found

    def of_hook(self, hook: str) -> tuple[HookCall, ...]:
        """Return a call of a hook about every order with a Coverage, made once. Raise NotTriedError."""
        service = self.service(hook)
        cases = self._cases()
        made = [each for each in self._samples() if each.service == service and each.case in cases]
        if made and len(service.crd_versions) == 1:
            return tuple(made)

        def make() -> tuple[HookCall, ...]:
            return tuple(self._call(service, case) for case in cases)

        return self._session.once((self._version, hook), make)

    def _samples(self) -> tuple[HookCall, ...]:
        try:
            return sample_calls(self._session)
        except (NotTriedError, FailedError):
            return ()

    def _call(self, service: OfferedService, case: Any) -> HookCall:
        body = self._for_version(service, hook_body(self._session, service, case))
        return HookCall(service, case, body, post_call(self._session, service, body))

    def good(self, *hooks: str) -> Iterator[HookCall]:
        """Yield the calls of hooks that were answered with cards; skip hooks that are not offered."""
        for hook in hooks:
            try:
                calls = self.of_hook(hook)
            except (NotTriedError, FailedError):
                continue
            yield from (each for each in calls if each.has_cards)

    def information(self, *hooks: str) -> tuple[Information, ...]:
        """Return all coverage information of the calls of hooks. Raise NotTriedError if there is none."""
        found = tuple(
            Information(call, extension)
            for call in self.good(*hooks)
            for action in system_actions(call.answer)
            for extension in information_in(action.get("resource"))
        )
        if not found:
            raise NotTriedError("no answer has coverage information")
        return found


def system_actions(answer: Answer) -> list[dict[str, Any]]:
    """Return the system actions of an answer. Raise FailedError if it is no JSON object."""
    return objects(answer.object().get("systemActions"))
