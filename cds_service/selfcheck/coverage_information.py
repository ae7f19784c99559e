"""What coverage information of Da Vinci CRD has to be, stated anew for the self-check, for CRD 2.2.1 and 2.0.1."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from cds_service.selfcheck.json_shape import is_text, objects
from cds_service.selfcheck.services import V2_0, V2_2

URL = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"
_REASONS = "http://hl7.org/fhir/us/davinci-crd/CodeSystem/temp"
TECHNICAL = "technical"
_VERDICTS = ("covered", "pa-needed", "doc-needed")
_MANY = 1_000_000

Parts = Mapping[str, list[Any]]
"""The values of the parts of an extension by the url of the part; of a part with parts, those."""


def information_in(resource: Any) -> list[dict[str, Any]]:
    """Return the coverage-information extensions of a resource."""
    found = resource.get("extension") if isinstance(resource, dict) else None
    return [each for each in objects(found) if each.get("url") == URL]


def without_information(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resource without coverage information."""
    kept = [each for each in resource.get("extension", ()) if not (isinstance(each, dict) and each.get("url") == URL)]
    found = {name: value for name, value in resource.items() if name != "extension"}
    return found | ({"extension": kept} if kept else {})


def parts(extension: Mapping[str, Any]) -> Parts:
    """Return the values of the parts of an extension."""
    found: dict[str, list[Any]] = {}
    for part in objects(extension.get("extension")):
        value = next((part[name] for name in part if name.startswith("value")), part.get("extension"))
        found.setdefault(str(part.get("url")), []).append(value)
    return found


@dataclass(frozen=True, slots=True)
class Part:
    """How often a part may occur in each version, under which names its value stands, and its codes."""

    most: Mapping[str, int]
    values: Mapping[str, tuple[str, ...]]
    codes: Mapping[str, frozenset[str]] | None = None


def _both(value: Any) -> dict[str, Any]:
    return {V2_2: value, V2_0: value}


def _coded(most: Mapping[str, int], common: str, only_2_2: str = "", only_2_0: str = "") -> Part:
    codes = {V2_2: frozenset(f"{common} {only_2_2}".split()), V2_0: frozenset(f"{common} {only_2_0}".split())}
    return Part(most, _both(("valueCode",)), codes)


PARTS: Mapping[str, Part] = {
    "coverage": Part(_both(1), _both(("valueReference",))),
    "covered": _coded(_both(1), "covered not-covered conditional", "indeterminate"),
    "pa-needed": _coded(_both(1), "no-auth auth-needed satisfied performpa conditional", "indeterminate"),
    "doc-needed": _coded({V2_2: _MANY, V2_0: 1}, "clinical admin conditional", "patient indeterminate", "both"),
    "doc-purpose": _coded(_both(_MANY), "withpa withclaim withorder retain-doc OTH"),
    "info-needed": _coded(_both(_MANY), "performer location timeframe contract-window OTH", "detail-code"),
    "billingCode": Part(_both(_MANY), _both(("valueCoding",))),
    "reason": Part(_both(_MANY), _both(("valueCodeableConcept",))),
    "detail": Part(_both(_MANY), _both(())),
    "dependency": Part(_both(_MANY), _both(("valueReference",))),
    "questionnaire": Part(_both(_MANY), _both(("valueCanonical",))),
    "response": Part({V2_2: 0, V2_0: _MANY}, _both(("valueReference",))),
    "date": Part(_both(1), _both(("valueDate",))),
    "coverage-assertion-id": Part(_both(1), _both(("valueString",))),
    "satisfied-pa-id": Part(_both(1), _both(("valueString",))),
    "contact": Part(_both(_MANY), {V2_2: ("valueContactDetail",), V2_0: ("valueContactPoint",)}),
    "expiry-date": Part({V2_2: 1, V2_0: 0}, _both(("valueDate",))),
}
"""The parts of the extension (ext-coverage-information of CRD 2.2.1 and 2.0.1)."""

_LISTED_REASONS = {
    V2_2: frozenset(
        {"gold-card", "no-member-found", "no-active-coverage", "coverage-not-found", "auth-out-network", TECHNICAL}
    ),
    V2_0: frozenset({"gold-card", "detail-code"}),
}
_DETAIL_VALUES = {
    V2_2: ("valueBoolean", "valueString", "valueUrl", "valuePeriod", "valueQuantity"),
    V2_0: ("valueBoolean", "valueString", "valuePeriod", "valueQuantity"),
}
_CATEGORIES = ("cat-limitation", "cat-decisional", "cat-other")


def fault_of_parts(extension: Mapping[str, Any], version: str) -> str:
    """Return what is wrong with the names, the number, and the types of parts; empty if nothing is."""
    stated = objects(extension.get("extension"))
    for part in stated:
        name = str(part.get("url"))
        known = PARTS.get(name)
        if known is None or not known.most[version]:
            return f"the part {name} does not exist in CRD {version}"
        wanted = known.values[version]
        if wanted and not any(each in part for each in wanted):
            return f"the part {name} lacks {' or '.join(wanted)}"
    counted = {name: sum(part.get("url") == name for part in stated) for name in PARTS}
    over = [name for name, count in counted.items() if count > PARTS[name].most[version]]
    return f"the part {over[0]} occurs {counted[over[0]]} times" if over else ""


def fault_of_codes(found: Parts, version: str) -> str:
    """Return which part has a code of no value set of the version; empty if none has."""
    for name, part in PARTS.items():
        if part.codes is not None and any(each not in part.codes[version] for each in found.get(name, ())):
            return f"{name} has a code that CRD {version} does not have there"
    return ""


def is_day(value: Any) -> bool:
    """Return whether a value is a day of the calendar."""
    try:
        return isinstance(value, str) and len(value) == 10 and bool(date.fromisoformat(value))
    except ValueError:
        return False


def has_reason(found: Parts, code: str) -> bool:
    """Return whether a reason with a code is given, with a text beside it."""
    return any(
        is_text(reason.get("text")) and any(each.get("code") == code for each in objects(reason.get("coding")))
        for reason in found.get("reason", ())
    )


def _says(found: Parts, value: str) -> bool:
    return any(value in found.get(name, ()) for name in _VERDICTS)


def _unlisted_reasons(found: Parts, version: str) -> Iterator[Mapping[str, Any]]:
    for reason in objects(found.get("reason")):
        codings = objects(reason.get("coding"))
        listed = (c.get("system") == _REASONS and c.get("code") in _LISTED_REASONS[version] for c in codings)
        if not any(listed):
            yield reason


def _details_hold(found: Parts, version: str) -> bool:
    for detail in found.get("detail", ()):
        named = {str(each.get("url")): each for each in objects(detail)}
        if not {"code", "value"} <= named.keys() or not named.keys() <= {"category", "code", "value", "qualification"}:
            return False
        if not any(each in named["value"] for each in _DETAIL_VALUES[version]):
            return False
        category = named.get("category", {}).get("valueCode")
        if category not in _CATEGORIES if version == V2_2 else "category" in named:
            return False
    return True


@dataclass(frozen=True, slots=True)
class Rule:
    """An invariant of the extension: its key, what it says, and whether parts in a version keep it."""

    key: str
    source: str
    right: str
    holds: Callable[[Parts, str], bool]
    versions: tuple[str, ...] = (V2_2, V2_0)


RULES = (
    Rule(
        "questionnaire-needs-doc",
        "crd-ci-q1",
        "A questionnaire comes only where doc-needed says that documentation is needed.",
        lambda found, _: not (found.get("questionnaire") or found.get("response")) or bool(found.get("doc-needed")),
    ),
    Rule(
        "not-covered-no-pa",
        "crd-ci-q2",
        "What is not covered has no word on prior authorization.",
        lambda found, _: "not-covered" not in found.get("covered", ()) or not found.get("pa-needed"),
        (V2_2,),
    ),
    Rule(
        "conditional-needs-info",
        "crd-ci-q3",
        "What is conditional says by info-needed which information decides.",
        lambda found, _: not _says(found, "conditional") or bool(found.get("info-needed")),
        (V2_2,),
    ),
    Rule(
        "info-needs-conditional",
        "crd-ci-q3",
        "info-needed comes only where something is conditional.",
        lambda found, _: not found.get("info-needed") or _says(found, "conditional"),
    ),
    Rule(
        "no-doc-for-pa",
        "crd-ci-q4",
        "Where prior authorization is satisfied or not needed, no documentation is asked for it.",
        lambda found, _: (
            "withpa" not in found.get("doc-purpose", ())
            or not {"satisfied", "no-auth"} & set(found.get("pa-needed", ()))
        ),
        (V2_2,),
    ),
    Rule(
        "satisfied-pa-id",
        "crd-ci-q5",
        "satisfied-pa-id is there if and only if prior authorization is satisfied.",
        lambda found, _: ("satisfied" in found.get("pa-needed", ())) == bool(found.get("satisfied-pa-id")),
    ),
    Rule(
        "other-needs-reason",
        "crd-ci-q6",
        "info-needed OTH comes with a reason.",
        lambda found, _: "OTH" not in found.get("info-needed", ()) or bool(found.get("reason")),
        (V2_2,),
    ),
    Rule(
        "reason-text",
        "crd-ci-q7",
        "A reason without a code of the guide has a text.",
        lambda found, version: all(is_text(each.get("text")) for each in _unlisted_reasons(found, version)),
        (V2_2,),
    ),
    Rule(
        "purpose-needs-reason",
        "crd-ci-q8",
        "doc-purpose comes with a reason.",
        lambda found, _: not found.get("doc-purpose") or bool(found.get("reason")),
        (V2_2,),
    ),
    Rule(
        "indeterminate-needs-reason",
        "crd-ci-q9",
        "What is indeterminate comes with a reason.",
        lambda found, _: not _says(found, "indeterminate") or bool(found.get("reason")),
        (V2_2,),
    ),
    Rule(
        "details",
        "ext-coverage-information, detail",
        "Each detail has a code and a value of a type that it may have, and in CRD 2.2 a category.",
        _details_hold,
    ),
)
"""The invariants of the extension by their keys in the guide.

CRD 2.0.1 lacks some, and says others in words that its own expressions contradict; those are not checked there.
"""
