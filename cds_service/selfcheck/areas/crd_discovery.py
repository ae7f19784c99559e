"""What a CRD service says of itself in discovery."""

import re
from collections.abc import Iterator
from typing import Any

from cds_service.selfcheck.checks import Area
from cds_service.selfcheck.json_shape import is_text, objects
from cds_service.selfcheck.outcomes import Level, NotTriedError, expect
from cds_service.selfcheck.services import (
    APPOINTMENT_BOOK,
    CRD_OPTIONS,
    CRD_VERSION,
    ORDER_DISPATCH,
    ORDER_SELECT,
    ORDER_SIGN,
    V2_2,
    OfferedService,
    crd_services,
    services,
)
from cds_service.selfcheck.session import Session

_VERSION = re.compile(r"[1-9]\d*\.\d+")
_PRIMARY = (ORDER_SIGN, ORDER_DISPATCH, APPOINTMENT_BOOK)
_ORDER = "context.draftOrders.entry.resource"
_PEOPLE = ("sender", "recipient", "requester", "performer", "orderer", "prescriber")


def _of_type(kind: str, *paths: str) -> set[str]:
    return {f"{_ORDER}.{path}.resolve().ofType({kind}).id" for path in paths}


_STANDARD: dict[str, tuple[str, set[str]]] = {
    "Patient": ("Patient/", {"context.patientId"}),
    "Encounter": ("Encounter/", {"context.encounterId"}),
    "Device": ("Device?_id=", {f"{_ORDER}.ofType(DeviceRequest).code.resolve().id"}),
    "Medication": ("Medication?_id=", {f"{_ORDER}.ofType(MedicationRequest).medication.resolve().id"}),
    "PractitionerRole": (
        "PractitionerRole?_id=",
        {"%encounter.participant.individual.resolve().ofType(PractitionerRole).id"}
        | _of_type("PractitionerRole", *_PEOPLE),
    ),
    "Practitioner": (
        "Practitioner?_id=",
        {
            "%practitionerRoles.entry.resource.practitioner.resolve().id",
            "%encounter.participant.individual.resolve().ofType(Practitioner).id",
        }
        | _of_type("Practitioner", *_PEOPLE),
    ),
    "Organization": (
        "Organization?_id=",
        {
            "%practitionerRoles.entry.resource.organization.resolve().id",
            "%encounter.serviceProvider.resolve().ofType(Organization).id",
            f"{_ORDER}.dispenseRequest.performer.resolve().id",
        }
        | _of_type("Organization", "sender", "recipient", "performer"),
    ),
    "Location": (
        "Location?_id=",
        {
            "%practitionerRoles.entry.resource.location.resolve().id",
            "%encounter.location.location.resolve().id",
            f"{_ORDER}.locationReference.resolve().id",
        },
    ),
}
"""The standard prefetch of order-select and order-sign: how a template begins, and what may stand in its token."""
_COVERAGE = "Coverage?patient={{context.patientId}}&status=active"


def _is_standard(template: str) -> bool:
    """Return whether a template is the guide's, or a part of it (CRD 2.2.1 found-25, found-29); true of other types."""
    text = re.sub(r"\s", "", template)
    kind = re.split(r"[/?]", text)[0]
    if kind == "Coverage":
        return text == _COVERAGE
    if kind not in _STANDARD:
        return True
    begin, known = _STANDARD[kind]
    found = re.fullmatch(rf"{re.escape(begin)}\{{\{{(.+)\}}\}}", text)
    return found is not None and set(found[1].split("|")) <= known


def add_checks(area: Area, version: str) -> None:
    """Add the checks of a version of CRD."""

    def offered(session: Session) -> tuple[OfferedService, ...]:
        return crd_services(session, version)

    def options(session: Session) -> Iterator[tuple[OfferedService, dict[str, Any]]]:
        for service in offered(session):
            for option in objects(service.extension.get(CRD_OPTIONS)):
                yield service, option

    @area.check(
        "hooks",
        Level.SHOULD,
        "hook-4 (SHALL, unless a hook is of no use for the coverage)",
        "There are services of order-sign, order-dispatch, and appointment-book.",
    )
    def _hooks(session: Session) -> str:
        found = {each.hook for each in offered(session)}
        missing = [hook for hook in _PRIMARY if hook not in found]
        expect(not missing, f"no service of {', '.join(missing)}")
        return ", ".join(sorted(found))

    if version == V2_2:

        @area.check(
            "version",
            Level.SHALL,
            "dev-1, dev-2",
            "Every service of CRD names its versions in davinci-crd.version, as major.minor.",
        )
        def _version(session: Session) -> str:
            for service in (each for each in services(session) if each.is_crd):
                stated = service.extension.get(CRD_VERSION)
                expect(isinstance(stated, list) and bool(stated), f"{service.id} names no version")
                right = all(isinstance(each, str) and _VERSION.fullmatch(each) for each in stated or ())
                expect(right, f"{service.id} names a version in another form")
            return f"{len(offered(session))} services"

        @area.check(
            "prefetch-words",
            Level.SHALL,
            "found-25, found-29",
            "Data of the guide's standard prefetch are asked for in its words, or in a part of them.",
        )
        def _prefetch_words(session: Session) -> str:
            found = [each for each in offered(session) if each.hook in (ORDER_SELECT, ORDER_SIGN)]
            for service in found:
                for key, template in service.prefetch.items():
                    expect(_is_standard(template), f"prefetch.{key} of {service.id} is worded in another way")
            return f"{sum(len(each.prefetch) for each in found)} templates"

    @area.check(
        "options",
        Level.SHALL,
        "dev-4",
        "A configuration option has a code, a name, a description, a default, and the type boolean or integer.",
    )
    def _options(session: Session) -> str:
        counted = 0
        for service, option in options(session):
            for name in ("code", "name", "description"):
                expect(is_text(option.get(name)), f"an option of {service.id} has no {name}")
            expect(option.get("type") in ("boolean", "integer"), f"an option of {service.id} has another type")
            expect("default" in option, f"an option of {service.id} has no default")
            counted += 1
        if not counted:
            raise NotTriedError("no service lists an option")
        return f"{counted} options"

    @area.check("option-defaults", Level.SHALL, "dev-4", "The default of an option has the type of the option.")
    def _option_defaults(session: Session) -> str:
        types = {"boolean": bool, "integer": int}
        found = [each for each in options(session) if "default" in each[1] and each[1].get("type") in types]
        for service, option in found:
            right = type(option["default"]) is types[option["type"]]
            expect(right, f"the default of an option of {service.id} has another type")
        if not found:
            raise NotTriedError("no service lists an option with a default")
        return f"{len(found)} options"

    @area.check(
        "option-names", Level.SHALL, "dev-8", "No two options of a service share a code, a name, or a description."
    )
    def _option_names(session: Session) -> str:
        for service in offered(session):
            stated = objects(service.extension.get(CRD_OPTIONS))
            for name in ("code", "name", "description"):
                said = [str(each[name]) for each in stated if name in each]
                expect(len(set(said)) == len(said), f"two options of {service.id} share a {name}")
        return "distinct"

    @area.check(
        "coverage-info-option",
        Level.SHALL if version == V2_2 else Level.SHOULD,
        "dev-5",
        "Each service of a primary hook has the option coverage-info, which switches coverage information off.",
    )
    def _coverage_info_option(session: Session) -> str:
        found = [each for each in offered(session) if each.hook in _PRIMARY]
        for service in found:
            right = service.options.get("coverage-info", {}).get("type") == "boolean"
            expect(right, f"{service.id} has no boolean option coverage-info")
        return f"{len(found)} services"
