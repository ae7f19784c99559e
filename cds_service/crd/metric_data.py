"""The metric data of a CRD call (CRD 2.2.1 metric-1, logical model CRDMetricData), without anything of a patient.

The model is that of CRD 2.2.1, which lists the orders, for calls of both versions. It has a place for the number of a
prior authorization, which identifies its member, so that is left out.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cds_service.crd.stated_codes import stated_codes
from cds_service.fhir_client.server_answers import Failure
from cds_service.hooks.chart_reader import Origin
from cds_service.hooks.errors import Issue
from cds_service.hooks.request import HookRequest
from cds_service.hooks.review import Review
from cds_service.observability.call_log import Call
from coverage_policies.judging.plan_rules import Payer
from fhir_mappings.bundle import Entry, entries
from fhir_mappings.code_systems import CPT, HCPCS, LOINC, NDC, NPI, RXNORM, SNOMED
from fhir_mappings.codings import Coding, items
from fhir_mappings.fhir_json import Json
from fhir_mappings.orders import Order
from fhir_mappings.references import ReferenceIndex

_NPI = re.compile(r"\d{10}\Z")
_CODES = {
    CPT: re.compile(r"\d{4}[0-9A-Z]\Z"),
    HCPCS: re.compile(r"[A-Z]\d{4}\Z"),
    LOINC: re.compile(r"\d{1,7}-\d\Z"),
    NDC: re.compile(r"(\d{10,11}|\d{4,5}-\d{3,4}-\d{1,2})\Z"),
    RXNORM: re.compile(r"\d{1,8}\Z"),
    SNOMED: re.compile(r"\d{6,18}\Z"),
}
"""The form of a code of each system: clients write anything into a code, and what has another form may be a name."""
_CALLERS = ("Encounter", "Organization", "Practitioner", "PractitionerRole")
_NOT_SENT = frozenset(each.value for each in (Failure.NOT_SENT, Failure.NOT_ALLOWED, Failure.ADDRESS_REFUSED))
_PREFETCHED = {Origin.PREFETCH: True, Origin.QUERY: False, Origin.BOTH: None}


@dataclass(frozen=True, slots=True)
class Returned:
    """What a call returned for one order.

    `extensions` are the coverage information in its system action, and `cards` the types of the cards about it.
    """

    order: Order
    extensions: tuple[Mapping[str, Json], ...] = ()
    cards: tuple[str, ...] = ()


def metric_data(
    call: Call,
    *,
    status: int,
    received: datetime,
    answered: datetime,
    payer: Payer | None = None,
    request: HookRequest | None = None,
    review: Review | None = None,
    returned: Sequence[Returned] = (),
    issues: Sequence[Issue] = (),
) -> dict[str, Json]:
    """Return the CRDMetricData of a call, without empty members.

    `status` is that of the HTTP response, and `issues` are those of its OperationOutcome. `received` and `answered` are
    with their zones. `payer`, `request`, and `review` are None if the call was refused before they were known.
    """
    provider, group = _npis(request) if request else ("", "")
    found = {
        "source": "payer-src",
        "hookInstance": call.hook_instance,
        "hookType": call.hook,
        "providerId": _identifier(NPI, provider),
        "groupId": _identifier(NPI, group),
        "payerId": _payer_id(payer),
        "requestTime": received.isoformat(timespec="milliseconds"),
        "responseTime": answered.isoformat(timespec="milliseconds"),
        "httpResponse": status,
        "issue": [{"code": issue.code} for issue in issues],
        "tokenUse": _token_use(request, review),
        "resources": list(_resources(review)) if review else [],
        "request": [_request(each, payer) for each in returned],
    }
    return _filled(found)


def _request(returned: Returned, payer: Payer | None) -> dict[str, Json]:
    kind = returned.order.resource.get("resourceType")
    responses: list[dict[str, Json]] = []
    if returned.extensions:
        told = [_coverage_info(each, payer) for each in returned.extensions]
        responses.append({"type": "coverage-info", "focus": [kind], "coverageInfo": told})
    responses += [{"type": card, "focus": [kind]} for card in returned.cards]
    codes = [{"system": each.system, "code": each.code} for each in returned.order.codes if _is_code(each)]
    return _filled({"type": kind, "orderDetail": [{"coding": codes}] if codes else [], "response": responses})


def _is_code(coding: Coding) -> bool:
    form = _CODES.get(coding.system)
    return form is not None and bool(form.match(coding.code))


def _coverage_info(extension: Mapping[str, Json], payer: Payer | None) -> dict[str, Json]:
    codes = stated_codes(extension)
    forms = codes.get("questionnaire", [])
    found = {
        "covered": next(iter(codes.get("covered", ())), ""),
        "paNeeded": next(iter(codes.get("pa-needed", ())), ""),
        "docNeeded": codes.get("doc-needed"),
        "infoNeeded": codes.get("info-needed"),
        "questionnaire": [{"reference": each, "adaptive": False, "response": False} for each in forms],
        "assertionId": next(iter(codes.get("coverage-assertion-id", ())), ""),
        "businessLine": {"text": payer.line.value} if payer and payer.line else None,
    }
    return _filled(found)


def _resources(review: Review) -> Iterator[dict[str, Json]]:
    """Yield how many resources of each type were read, apart for those that came in the prefetch."""
    counts: Counter[tuple[str, Origin]] = Counter()
    for report in review.searches:
        counts[report.search.resource_type, report.origin] += report.found
    for (kind, origin), count in counts.items():
        if count:
            prefetched = _PREFETCHED.get(origin)
            yield {"type": kind, "count": count} | ({} if prefetched is None else {"prefetch": prefetched})


def _token_use(request: HookRequest | None, review: Review | None) -> str:
    """Return whether the access token of the call was used to read anything, and whether all of that failed."""
    if request is None or review is None or request.fhir is None or not request.fhir.token:
        return "not-used"
    answers = [answer for of_key in review.answers.values() for answer in of_key if answer not in _NOT_SENT]
    if any(answer.startswith("2") for answer in answers):
        return "used"
    return "rejected" if answers else "not-used"


def _payer_id(payer: Payer | None) -> dict[str, str] | None:
    """Return the first of the identifiers that the operator states for the payer."""
    system, _, value = min(payer.identifiers, default="").partition("|") if payer else ("", "", "")
    return _identifier(system, value)


def _npis(request: HookRequest) -> tuple[str, str]:
    """Return the NPI of the user and that of the user's organization, as far as the call itself says.

    The requesters of the orders stand for a user that the prefetch lacks.
    """
    sent = list(_prefetched(request))
    index: ReferenceIndex[Entry] = ReferenceIndex.of(sent)
    named: list[Json] = [{"reference": request.user_id}]
    named += [each for _, order in request.orders.judged for each in items(order.get("requester"))]
    providers, groups = [], []
    for reference in named:
        holder = _target(reference, index)
        if _kind(holder, reference) == "PractitionerRole":
            providers += [each for one in items(holder.get("practitioner")) for each in _npis_of(one, index)]
            groups += [each for one in items(holder.get("organization")) for each in _npis_of(one, index)]
        elif _kind(holder, reference) == "Organization":
            groups += _npis_of(reference, index)
        else:
            providers += _npis_of(reference, index)
    if request.encounter_id:
        encounter = _target({"reference": f"Encounter/{request.encounter_id}"}, index)
        groups += [each for one in items(encounter.get("serviceProvider")) for each in _npis_of(one, index)]
    return next(iter(providers), ""), next(iter(groups), "")


def _prefetched(request: HookRequest) -> Iterator[Entry]:
    """Yield the resources in the prefetch that may tell who called, and for whom."""
    for value in request.prefetch.values():
        for entry in entries({"entry": [{"resource": value}]}):
            if entry[1].get("resourceType") in _CALLERS:
                yield entry


def _target(reference: Mapping[str, Json], index: ReferenceIndex[Entry]) -> Mapping[str, Json]:
    """Return the resource that a reference names, if it was sent; else an empty one."""
    named = reference.get("reference")
    found = index.find(named) if isinstance(named, str) and named else None
    return found[1] if found else {}


def _kind(target: Mapping[str, Json], reference: Mapping[str, Json]) -> Json:
    return target.get("resourceType") or reference.get("type")


def _npis_of(reference: Mapping[str, Json], index: ReferenceIndex[Entry]) -> list[str]:
    """Return the NPIs beside a reference, and in the resource that it names."""
    stated = (*items(reference.get("identifier")), *items(_target(reference, index).get("identifier")))
    values = (each.get("value") for each in stated if each.get("system") == NPI)
    return [value for value in values if isinstance(value, str) and _NPI.match(value)]


def _identifier(system: str, value: str) -> dict[str, str] | None:
    return {"system": system, "value": value} if value else None


def _filled(found: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in found.items() if value not in (None, "", [])}
