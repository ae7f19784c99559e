"""The rules of the coverage-information extension by version of Da Vinci CRD: parts, codes, and invariants.

Sources: the StructureDefinition `ext-coverage-information` and its value sets, CRD 2.2.1 and CRD 2.0.1.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cards.crd_versions import CrdVersion
from fhir_mappings.fhir_json import Json

TEMPORARY_CODES = "http://hl7.org/fhir/us/davinci-crd/CodeSystem/temp"
DETAIL_CODES = "http://terminology.hl7.org/CodeSystem/crd-coverage-detail"

Parts = Mapping[str, Sequence[Json]]
"""The values of the parts of an extension by their url; of a part with parts, the list of those."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the extension: how often it may stand, its types, and its codes, if they are limited.

    `most` is None if it may repeat. `types` are members such as `valueCode`; a part without types has `parts`.
    """

    least: int
    most: int | None
    types: tuple[str, ...] = ()
    codes: frozenset[str] = frozenset()
    parts: Mapping[str, "Part"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule that several parts keep together, by its key in the guide, and whether an extension keeps it."""

    key: str
    says: str
    is_kept: Callable[[Parts], bool]


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one version. `reasons` are the codes of its reasons, all in the system `TEMPORARY_CODES`.

    `details` are those of its details, in the system `detail_system`.
    """

    parts: Mapping[str, Part]
    invariants: tuple[Invariant, ...]
    reasons: frozenset[str]
    details: Mapping[str, str]
    detail_system: str
    contact: str


_PURPOSES = frozenset({"withpa", "withclaim", "withorder", "retain-doc", "OTH"})
_AUTHORIZATIONS_2_0 = frozenset({"no-auth", "auth-needed", "satisfied", "performpa", "conditional"})
_COVERED_2_0 = frozenset({"covered", "not-covered", "conditional"})
_INFO_2_0 = frozenset({"performer", "location", "timeframe", "contract-window", "OTH"})
_INDETERMINATE = frozenset({"indeterminate"})
_REQUIRED, _OPTIONAL, _ANY = (1, 1), (0, 1), (0, None)
_CONCEPT = ("valueCodeableConcept",)
_TEXT = ("valueString",)

_DETAILS_2_0 = {
    "allowed-quantity": "valueQuantity",
    "allowed-period": "valuePeriod",
    "in-network-copay": "valueQuantity",
    "out-network-copay": "valueQuantity",
    "auth-out-network-only": "valueBoolean",
    "concurrent-review": "valueBoolean",
    "appropriate-use-needed": "valueBoolean",
}
"""The type of the value of each detail, by its code."""
_DETAILS_2_2 = {code: value for code, value in _DETAILS_2_0.items() if code != "auth-out-network-only"} | {
    "policy-link": "valueUrl",
    "instructions": "valueString",
}

_DETAIL_PARTS_2_0 = {
    "code": Part(*_REQUIRED, _CONCEPT),
    "value": Part(*_REQUIRED, ("valueBoolean", "valueString", "valuePeriod", "valueQuantity")),
    "qualification": Part(*_OPTIONAL, _TEXT),
}
_DETAIL_PARTS_2_2 = _DETAIL_PARTS_2_0 | {
    "category": Part(*_REQUIRED, ("valueCode",), frozenset({"cat-limitation", "cat-decisional", "cat-other"})),
    "value": Part(*_REQUIRED, ("valueBoolean", "valueString", "valueUrl", "valuePeriod", "valueQuantity")),
}

_PARTS_2_0: Mapping[str, Part] = {
    "coverage": Part(*_REQUIRED, ("valueReference",)),
    "covered": Part(*_REQUIRED, ("valueCode",), _COVERED_2_0),
    "pa-needed": Part(*_OPTIONAL, ("valueCode",), _AUTHORIZATIONS_2_0),
    "doc-needed": Part(*_OPTIONAL, ("valueCode",), frozenset({"clinical", "admin", "both", "conditional"})),
    "doc-purpose": Part(*_ANY, ("valueCode",), _PURPOSES),
    "info-needed": Part(*_ANY, ("valueCode",), _INFO_2_0),
    "billingCode": Part(*_ANY, ("valueCoding",)),
    "reason": Part(*_ANY, _CONCEPT),
    "detail": Part(*_ANY, parts=_DETAIL_PARTS_2_0),
    "dependency": Part(*_ANY, ("valueReference",)),
    "questionnaire": Part(*_ANY, ("valueCanonical",)),
    "response": Part(*_ANY, ("valueReference",)),
    "date": Part(*_REQUIRED, ("valueDate",)),
    "coverage-assertion-id": Part(*_REQUIRED, _TEXT),
    "satisfied-pa-id": Part(*_OPTIONAL, _TEXT),
    "contact": Part(*_ANY, ("valueContactPoint",)),
}
_PARTS_2_2: Mapping[str, Part] = {name: part for name, part in _PARTS_2_0.items() if name != "response"} | {
    "covered": Part(*_REQUIRED, ("valueCode",), _COVERED_2_0 | _INDETERMINATE),
    "pa-needed": Part(*_OPTIONAL, ("valueCode",), _AUTHORIZATIONS_2_0 | _INDETERMINATE),
    "doc-needed": Part(
        *_ANY, ("valueCode",), frozenset({"clinical", "admin", "patient", "conditional"}) | _INDETERMINATE
    ),
    "info-needed": Part(*_ANY, ("valueCode",), _INFO_2_0 | {"detail-code"}),
    "detail": Part(*_ANY, parts=_DETAIL_PARTS_2_2),
    "contact": Part(*_ANY, ("valueContactDetail",)),
    "expiry-date": Part(*_OPTIONAL, ("valueDate",)),
}

_SETTLING = ("covered", "pa-needed", "doc-needed")


def _says(parts: Parts, name: str, *codes: str) -> bool:
    return any(value in codes for value in parts.get(name, ()))


def _has_conditional(parts: Parts) -> bool:
    return any(_says(parts, name, "conditional") for name in _SETTLING)


_Q1 = Invariant(
    "crd-ci-q1",
    "a questionnaire or a response needs doc-needed",
    lambda parts: "doc-needed" in parts or not ("questionnaire" in parts or "response" in parts),
)
_Q2 = Invariant(
    "crd-ci-q2",
    "not-covered goes without pa-needed",
    lambda parts: not (_says(parts, "covered", "not-covered") and "pa-needed" in parts),
)
_Q2_ALWAYS = Invariant(
    "crd-ci-q2",
    "pa-needed must stand unless the answer is not-covered",
    lambda parts: _says(parts, "covered", "not-covered") or "pa-needed" in parts,
)
_Q3 = Invariant(
    "crd-ci-q3",
    "info-needed stands if and only if something is conditional",
    lambda parts: _has_conditional(parts) == ("info-needed" in parts),
)
_Q4 = Invariant(
    "crd-ci-q4",
    "the purpose withpa needs a prior authorization that is still to be asked for",
    lambda parts: (
        not (
            _says(parts, "doc-purpose", "withpa")
            and (_says(parts, "pa-needed", "satisfied", "no-auth") or _says(parts, "covered", "not-covered"))
        )
    ),
)
_Q5 = Invariant(
    "crd-ci-q5",
    "satisfied-pa-id stands if and only if pa-needed is satisfied",
    lambda parts: _says(parts, "pa-needed", "satisfied") == ("satisfied-pa-id" in parts),
)
_Q6 = Invariant(
    "crd-ci-q6",
    "the need for other information (OTH) needs a reason",
    lambda parts: not _says(parts, "info-needed", "OTH") or "reason" in parts,
)
_Q8 = Invariant(
    "crd-ci-q8", "doc-purpose needs a reason", lambda parts: "doc-purpose" not in parts or "reason" in parts
)
_Q9 = Invariant(
    "crd-ci-q9",
    "indeterminate needs a reason",
    lambda parts: "reason" in parts or not any(_says(parts, name, "indeterminate") for name in _SETTLING),
)
_TECHNICAL = Invariant(
    "resp-43",
    "indeterminate needs the reason technical, with words, before any other",
    lambda parts: (
        not any(_says(parts, name, "indeterminate") for name in _SETTLING)
        or any(_is_technical(each) for each in list(parts.get("reason", ()))[:1])
    ),
)


def _is_technical(reason: Json) -> bool:
    return bool(reason.get("text")) and any(each.get("code") == "technical" for each in reason.get("coding", ()))


_SHARED = (_Q1, _Q2, _Q3, _Q4, _Q5, _Q6)

RULES: Mapping[CrdVersion, Rules] = {
    CrdVersion.V2_2: Rules(
        _PARTS_2_2,
        (*_SHARED, _Q8, _Q9, _TECHNICAL),
        frozenset(
            {
                "gold-card",
                "no-member-found",
                "no-active-coverage",
                "coverage-not-found",
                "auth-out-network",
                "technical",
            }
        ),
        _DETAILS_2_2,
        DETAIL_CODES,
        "valueContactDetail",
    ),
    CrdVersion.V2_0: Rules(
        _PARTS_2_0,
        (*_SHARED, _Q2_ALWAYS),
        frozenset({"gold-card", "detail-code"}),
        _DETAILS_2_0,
        TEMPORARY_CODES,
        "valueContactPoint",
    ),
}
"""The rules by version.

`crd-ci-q3` and `crd-ci-q4` are taken as the text of CRD 2.2.1 has them, which is stricter than either expression. What
CRD 2.2.1 asks of `OTH` holds for both, since an answer that only needs "other information" tells a reader nothing.
"""
