"""Write and read the coverage-information extension, by version of Da Vinci CRD."""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

from cards.coverage_parts import CoverageInformation, Detail, Reason
from cards.coverage_rules import RULES, TEMPORARY_CODES, Part, Parts, Rules
from cards.crd_versions import CrdVersion
from coverage_policies.judging.payer_terms import Contact
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.order_elements import COVERAGE_INFORMATION

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_SPACE = re.compile(r"\s")


def extension(information: CoverageInformation, version: CrdVersion) -> Resource:
    """Return the extension in the form of a version.

    What a version has no part for is left out: in CRD 2.0.1 the expiry date, the category of a detail, and the name of
    a contact.
    """
    rules = RULES[version]
    return {"url": COVERAGE_INFORMATION, "extension": list(_written(information, rules))}


def _written(information: CoverageInformation, rules: Rules) -> Iterator[Json]:
    yield _part("coverage", "valueReference", {"reference": information.coverage})
    for name, codes in (
        ("covered", (information.covered,)),
        ("pa-needed", (information.pa_needed,) if information.pa_needed else ()),
        ("doc-needed", information.doc_needed),
        ("doc-purpose", information.doc_purpose),
        ("info-needed", information.info_needed),
    ):
        for code in codes:
            yield _part(name, "valueCode", code)
    for coding in information.billing_codes:
        yield _part("billingCode", "valueCoding", {"system": coding.system, "code": coding.code})
    for reason in information.reasons:
        yield _part("reason", "valueCodeableConcept", _concept(reason))
    for detail in information.details:
        yield {"url": "detail", "extension": list(_detail(detail, rules))}
    for dependency in information.dependencies:
        yield _part("dependency", "valueReference", {"reference": dependency})
    for questionnaire in information.questionnaires:
        yield _part("questionnaire", "valueCanonical", questionnaire)
    yield _part("date", "valueDate", information.day.isoformat())
    yield _part("coverage-assertion-id", "valueString", information.assertion_id)
    if information.satisfied_pa_id:
        yield _part("satisfied-pa-id", "valueString", information.satisfied_pa_id)
    if information.contact is not None:
        yield from _contacts(information.contact, rules)
    if information.expires is not None and "expiry-date" in rules.parts:
        yield _part("expiry-date", "valueDate", information.expires.isoformat())


def _part(url: str, name: str, value: Json) -> Json:
    return {"url": url, name: value}


def _concept(reason: Reason) -> Json:
    coding: Json = {"coding": [{"system": TEMPORARY_CODES, "code": reason.code}]} if reason.code else {}
    return coding | {"text": reason.text}


def _detail(detail: Detail, rules: Rules) -> Iterator[Json]:
    if "category" in rules.parts["detail"].parts:
        yield _part("category", "valueCode", detail.category)
    yield _part("code", "valueCodeableConcept", {"coding": [{"system": rules.detail_system, "code": detail.code}]})
    yield _part("value", *detail.value)
    if detail.qualification:
        yield _part("qualification", "valueString", detail.qualification)


def _contacts(contact: Contact, rules: Rules) -> Iterator[Json]:
    """Yield a contact with all that it can be reached by, or in CRD 2.0.1 each of these."""
    stated = {"phone": contact.phone, "email": contact.email, "url": contact.url}
    points = [{"system": system, "value": value} for system, value in stated.items() if value]
    if rules.contact == "valueContactPoint":
        yield from (_part("contact", rules.contact, point) for point in points)
    elif points or contact.name:
        name = {"name": contact.name} if contact.name else {}
        yield _part("contact", rules.contact, name | ({"telecom": points} if points else {}))


def faults(found: Json, version: CrdVersion, *, is_signing: bool = True) -> tuple[str, ...]:
    """Return which rules of a version the extension breaks: cardinalities, codes, types, and invariants.

    Without `is_signing` it may not ask for clinical or administrative documents (CRD 2.2.1 hook-19). Each fault names
    the part or the rule, and quotes no value.
    """
    rules = RULES[version]
    if not isinstance(found, Mapping) or found.get("url") != COVERAGE_INFORMATION or set(found) != {"url", "extension"}:
        return ("the extension must have its url and its parts, and nothing else",)
    broken = list(_faults_of_parts(found["extension"], rules.parts, rules, ""))
    if broken:  # invariants are about parts that are in order
        return tuple(broken)
    parts = _parts(found["extension"])
    broken = [f"{each.key}: {each.says}" for each in rules.invariants if not each.is_kept(parts)]
    if not is_signing and {"clinical", "admin", "both"} & set(parts.get("doc-needed", ())):
        broken.append("hook-19: clinical or administrative documents are asked for before signing")
    return tuple(broken)


def _parts(extensions: Sequence[Json]) -> Parts:
    """Return the values of parts by their url."""
    found: dict[str, list[Json]] = {}
    for each in extensions:
        found.setdefault(each["url"], []).append(next(value for name, value in each.items() if name != "url"))
    return found


def _faults_of_parts(extensions: Json, expected: Mapping[str, Part], rules: Rules, within: str) -> Iterator[str]:
    if not isinstance(extensions, list) or not all(isinstance(each, Mapping) for each in extensions):
        yield f"{within or 'the extension: '}its parts must be a list of objects"
        return
    count = Counter(each["url"] for each in extensions if isinstance(each.get("url"), str))
    if count.total() < len(extensions) or not count.keys() <= expected.keys():
        yield f"{within}a part that the version does not have"
    for name, part in expected.items():
        if count[name] < part.least:
            yield f"{within}{name}: missing"
        if part.most is not None and count[name] > part.most:
            yield f"{within}{name}: more than {part.most}"
    for each in extensions:
        name = each.get("url")
        if isinstance(name, str) and name in expected:
            yield from _faults_of_part(each, expected[name], rules, f"{within}{name}: ")


def _faults_of_part(found: Resource, part: Part, rules: Rules, where: str) -> Iterator[str]:
    if part.parts:
        if set(found) != {"url", "extension"}:
            yield f"{where}it must have parts, and nothing else"
            return
        inner = list(_faults_of_parts(found["extension"], part.parts, rules, where))
        yield from inner or _faults_of_detail(_parts(found["extension"]), found["extension"], rules, where)
        return
    names = set(found) - {"url"}
    if len(names) != 1 or not names <= set(part.types):
        yield f"{where}its value must be {' or '.join(part.types)}"
        return
    name = names.pop()
    value = found[name]
    if not _WELL_FORMED[name](value):
        yield f"{where}{name} is not well-formed"
    elif part.codes and value not in part.codes:
        yield f"{where}a code that the version does not have"
    elif where == "reason: ":
        yield from _faults_of_reason(value, rules, where)


def _faults_of_reason(concept: Resource, rules: Rules, where: str) -> Iterator[str]:
    """Yield what is wrong with a reason: a code that the version does not have, or none and no words (crd-ci-q7)."""
    ours = [each for each in concept.get("coding", ()) if each.get("system") == TEMPORARY_CODES]
    if any(each.get("code") not in rules.reasons for each in ours):
        yield f"{where}a code that the version does not have"
    elif not ours and not concept.get("text"):
        yield f"crd-ci-q7: {where}without a code of the guide it needs words"


def _faults_of_detail(parts: Parts, extensions: Sequence[Json], rules: Rules, where: str) -> Iterator[str]:
    """Yield what is wrong with a detail: its code, or a value of another type than its code has."""
    (concept,) = parts["code"]
    codes = [each.get("code") for each in concept.get("coding", ()) if each.get("system") == rules.detail_system]
    if any(code not in rules.details for code in codes):
        yield f"{where}a code that the version does not have"
        return
    if not codes and not concept.get("text"):
        yield f"{where}without a code of the guide it needs words"
    value = next(each for each in extensions if each["url"] == "value")
    if any(rules.details[code] not in value for code in codes):
        yield f"{where}a value of another type than its code has"


def _is_text(value: Json) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_word(value: Json) -> bool:
    """Return whether a value is a text without spaces: a code, a URL, or a canonical."""
    return _is_text(value) and not _SPACE.search(value)


def _is_date(value: Json) -> bool:
    if not isinstance(value, str) or not _DATE.match(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_reference(value: Json) -> bool:
    return isinstance(value, Mapping) and _is_word(value.get("reference"))


def _is_coding(value: Json) -> bool:
    return isinstance(value, Mapping) and _is_word(value.get("system")) and _is_text(value.get("code"))


def _is_concept(value: Json) -> bool:
    if not isinstance(value, Mapping) or not value:
        return False
    codings = value.get("coding", [])
    return isinstance(codings, list) and all(map(_is_coding, codings)) and _is_text(value.get("text", "none"))


def _is_quantity(value: Json) -> bool:
    """Return whether it is a SimpleQuantity, which has no comparator."""
    if not isinstance(value, Mapping) or "comparator" in value:
        return False
    number = value.get("value")
    return isinstance(number, int | Decimal) and not isinstance(number, bool)


def _is_period(value: Json) -> bool:
    if not isinstance(value, Mapping) or not value or not value.keys() <= {"start", "end"}:
        return False
    return all(map(_is_date, value.values())) and value.get("start", "") <= value.get("end", "9999-12-31")


def _is_contact_point(value: Json) -> bool:
    return isinstance(value, Mapping) and _is_word(value.get("system")) and _is_text(value.get("value"))


def _is_contact_detail(value: Json) -> bool:
    if not isinstance(value, Mapping) or not value or not _is_text(value.get("name", "none")):
        return False
    points = value.get("telecom", [])
    return isinstance(points, list) and all(map(_is_contact_point, points))


_WELL_FORMED: Mapping[str, Callable[[Json], bool]] = {
    "valueBoolean": lambda value: isinstance(value, bool),
    "valueCanonical": _is_word,
    "valueCode": _is_word,
    "valueCodeableConcept": _is_concept,
    "valueCoding": _is_coding,
    "valueContactDetail": _is_contact_detail,
    "valueContactPoint": _is_contact_point,
    "valueDate": _is_date,
    "valuePeriod": _is_period,
    "valueQuantity": _is_quantity,
    "valueReference": _is_reference,
    "valueString": _is_text,
    "valueUrl": _is_word,
}


def same_meaning(one: Json, other: Json) -> bool:
    """Return whether two extensions say the same.

    Their dates and the order of their parts make no difference, nor do the ids of elements; numbers are compared by
    value (CRD 2.2.1 resp-35).
    """
    return _meaning(_undated(one)) == _meaning(_undated(other))


def _undated(found: Json) -> Json:
    if not isinstance(found, Mapping) or not isinstance(found.get("extension"), list):
        return found
    kept = [each for each in found["extension"] if not (isinstance(each, Mapping) and each.get("url") == "date")]
    return {**found, "extension": kept}


def _meaning(value: Json) -> Hashable:
    """Return a value that is equal for all that mean the same: lists without an order, numbers without digits."""
    if isinstance(value, Mapping):
        return frozenset((name, _meaning(member)) for name, member in value.items() if name != "id")
    if isinstance(value, list):
        return "list", frozenset(Counter(map(_meaning, value)).items())
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return "number", Decimal(value)
    return type(value).__name__, value
