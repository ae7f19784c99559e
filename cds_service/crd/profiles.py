"""Strict checks of the orders and Bundles of a CRD call: first FHIR R4, then the profiles of CRD.

CRD 2.2.1 (hook-13) answers what breaks FHIR by 400, and FHIR that breaks a constraint of CRD by 422. CRD 2.0.1 (page
CDS Hooks) answers by 400 only what is no JSON; what does not conform to FHIR or to a profile is 422 alike. Plain CDS
Hooks checks none of this.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from cards.crd_versions import CrdVersion
from cds_service.crd.order_profiles import ORDER_PROFILES, WANTED
from cds_service.hooks.errors import MOST_ISSUES, Issue, RefusedError
from fhir_mappings.codings import items
from fhir_mappings.defined_elements import only_defined
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.references import address_of
from fhir_mappings.validity import Fault, codes_of, faults, is_resource_type

INVALID_STATUS: Mapping[CrdVersion, int] = {CrdVersion.V2_2: 400, CrdVersion.V2_0: 422}
"""The HTTP status for JSON that is no valid CDS Hooks request or not FHIR R4."""
_BROKEN_PROFILE_STATUS = 422
_REQUIRED_CODES = ("intent", "priority", "status")
"""Elements that FHIR R4 binds to its own codes; the models do not check codes."""


def check_bundle(bundle: Json, path: str, version: CrdVersion) -> None:
    """Refuse a Bundle of orders or appointments that is invalid, itself or by an order in it.

    `path` is its place in the request, such as context.draftOrders. Resources that are not orders are not checked
    beyond their type: clients send along what the orders reference, and no profile applies to them here.
    Raise RefusedError with the path of every fault and what to send there, never a value.
    """
    _refuse(INVALID_STATUS[version], _invalid_bundle(bundle, path))
    _refuse(_BROKEN_PROFILE_STATUS, _against_bundle_profile(bundle, path, version))


def check_order(resource: Json, path: str, version: CrdVersion) -> None:
    """Refuse one order, sent or read, that is invalid; `path` is its place in the request.

    Raise RefusedError as `check_bundle`.
    """
    _refuse(INVALID_STATUS[version], _invalid_resource(resource, path))
    _refuse(_BROKEN_PROFILE_STATUS, _against_order_profile(resource, path))


def _refuse(status: int, issues: Iterable[Issue]) -> None:
    found = dict.fromkeys(islice(issues, MOST_ISSUES))
    if found:
        raise RefusedError(status, *found)


def _issue(code: str, where: str, what: str) -> Issue:
    return Issue(code, f"{where} {what}", where)


# --- FHIR R4 ---------------------------------------------------------------------------------------------------------


def _invalid_bundle(bundle: Json, path: str) -> Iterator[Issue]:
    """Yield what breaks FHIR R4 in a Bundle and its orders."""
    if not isinstance(bundle, Mapping) or bundle.get("resourceType") != "Bundle":
        yield _issue("structure", path, "is not a Bundle. Send a FHIR R4 Bundle with the orders.")
        return
    kind, sent = bundle.get("type"), bundle.get("entry")
    if kind is None:
        yield _issue("required", f"{path}.type", "is required by FHIR R4. Send collection.")
    elif not isinstance(kind, str) or kind not in codes_of("Bundle", "type"):
        yield _issue("value", f"{path}.type", "is not a type of Bundle in FHIR R4. Send collection.")
    if sent is not None and not isinstance(sent, list):
        yield _issue("structure", f"{path}.entry", "is not an array. Send an array of Bundle entries.")
        return
    seen: set[tuple[str, str]] = set()
    for number, entry in enumerate(sent or ()):
        yield from _invalid_entry(entry, f"{path}.entry[{number}]", seen)


def _invalid_entry(entry: Json, where: str, seen: set[tuple[str, str]]) -> Iterator[Issue]:
    """Yield what breaks FHIR R4 in an entry and its order. `seen` are the URLs and versions of the entries before it.

    Source: constraints bdl-5 (an entry has a resource) and bdl-7 (the URL of each resource and version is unique).
    """
    if not isinstance(entry, Mapping):
        yield _issue("structure", where, "is not an object. Send a Bundle entry.")
        return
    url, resource = entry.get("fullUrl"), entry.get("resource")
    if url is not None and not (isinstance(url, str) and url.strip()):
        yield _issue("value", f"{where}.fullUrl", "is not a URL. Send one that identifies the order.")
    elif url is not None:
        identity = url, _version_id(resource)
        if identity in seen:
            yield _issue("duplicate", f"{where}.fullUrl", "is that of an entry before it. Send each order once.")
        seen.add(identity)
    if resource is None:
        yield _issue("required", f"{where}.resource", "is required by FHIR R4. Send an order.")
    elif not _is_resource(resource) or resource["resourceType"] in ORDER_PROFILES:
        yield from _invalid_resource(resource, f"{where}.resource")


def _version_id(resource: Json) -> str:
    meta = resource.get("meta") if isinstance(resource, Mapping) else None
    version = meta.get("versionId") if isinstance(meta, Mapping) else None
    return version if isinstance(version, str) else ""


def _is_resource(resource: Json) -> bool:
    return isinstance(resource, Mapping) and is_resource_type(resource.get("resourceType"))


def _invalid_resource(resource: Json, path: str) -> Iterator[Issue]:
    """Yield what breaks FHIR R4 in a resource, leaving out what FHIR does not define (found-33)."""
    if not _is_resource(resource):
        yield _issue("structure", path, "is not a FHIR R4 resource. Send an object with its resourceType.")
        return
    for fault in faults(only_defined(resource)):
        if not _follows_from_another(fault, resource):
            yield _issue_of(fault, path)
    kind = resource["resourceType"]
    for element in _REQUIRED_CODES:
        codes, value = codes_of(kind, element), resource.get(element)
        if codes and isinstance(value, str) and value not in codes:
            wanted = f"Send one of {', '.join(sorted(codes))}."
            yield _issue("code-invalid", f"{path}.{element}", f"is no code of FHIR R4. {wanted}")


def _follows_from_another(fault: Fault, resource: Resource) -> bool:
    """Return whether an element is reported as missing only because its fault was found before and removed it."""
    is_whole_element = fault.path.count(".") == 1
    return fault.what == "missing" and is_whole_element and resource.get(fault.element) is not None


def _issue_of(fault: Fault, path: str) -> Issue:
    kind, *parts = fault.path.split(".")
    where = path + "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in parts)
    if fault.what.endswith("missing"):
        return _issue("required", where, f"is required by FHIR R4. Send it as {kind} defines it.")
    what = f"does not follow FHIR R4 ({fault.what})."
    if not parts:
        advice = "Of an element with a choice of types, such as code[x], send exactly one."
        return _issue("structure", where, f"{what} {advice}")
    return _issue("value", where, f"{what} Send it as {kind} defines it.")


# --- the profiles of CRD ---------------------------------------------------------------------------------------------


def _against_bundle_profile(bundle: Resource, path: str, version: CrdVersion) -> Iterator[Issue]:
    """Yield what breaks profile-bundle-request and profile-bundle-appointment of CRD 2.2.1, and the order profiles.

    CRD 2.0.1 has no profile of a Bundle.
    """
    has_profile = version is CrdVersion.V2_2
    seen: dict[tuple[str, str], Json] = {}
    if has_profile and bundle["type"] != "collection":
        yield _issue("value", f"{path}.type", "is not collection. Send collection.")
    if has_profile and not bundle.get("entry"):
        yield _issue("required", f"{path}.entry", "is required by the CRD profile of a Bundle. Send the orders.")
    for number, entry in enumerate(items(bundle.get("entry"))):
        where = f"{path}.entry[{number}]"
        if has_profile and entry.get("fullUrl") is None:
            wanted = "Send the URL of the order on the FHIR server, or a UUID URN."
            yield _issue("required", f"{where}.fullUrl", f"is required by the CRD profile of a Bundle. {wanted}")
        yield from _unnamed(entry, seen, where)
        yield from _against_order_profile(entry["resource"], f"{where}.resource")


def _unnamed(entry: Mapping[str, Json], seen: dict[tuple[str, str], Json], where: str) -> Iterator[Issue]:
    """Yield that an order cannot be told from the others: an answer names it by its type and id, or by its URL.

    `seen` are the full URLs of the orders before it, or the orders themselves without one, by type and id.
    """
    resource, url = entry["resource"], entry.get("fullUrl")
    kind, own_id = resource["resourceType"], resource.get("id")
    if kind not in ORDER_PROFILES:
        return
    if not own_id:
        if url is None:
            yield _issue("required", f"{where}.resource.id", "is required to update the order. Send its id.")
    elif seen.setdefault((kind, own_id), identity := resource if url is None else url) != identity:
        yield _issue("duplicate", f"{where}.resource.id", "is that of another order before it. Send each id once.")


def _against_order_profile(resource: Resource, path: str) -> Iterator[Issue]:
    kind = resource["resourceType"]
    profile = ORDER_PROFILES.get(kind)
    if profile is None:
        return
    for element in profile.required:
        if not _has(resource, element):
            wanted = f"is required by the CRD profile of {kind}. {WANTED[element]}"
            yield _issue("required", f"{path}.{element}", wanted)
    if profile.patient and _references_another_type(resource.get(profile.patient)):
        yield _issue("value", f"{path}.{profile.patient}", f"does not reference a Patient. {WANTED[profile.patient]}")


def _has(resource: Resource, element: str) -> bool:
    """Return whether an element has a value, or an extension that says why it has none."""
    return bool(resource.get(element)) or bool(resource.get(f"_{element}"))


def _references_another_type(reference: Json) -> bool:
    """Return whether a reference names the type of its target, and that is not Patient."""
    if not isinstance(reference, Mapping):
        return False
    kind, slash, _ = address_of(reference.get("reference") or "").name.partition("/")
    stated = kind if slash and is_resource_type(kind) else reference.get("type") or "Patient"
    return stated.rpartition("/")[2] != "Patient"
