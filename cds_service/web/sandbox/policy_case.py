"""A case of the sandbox as cases for the authors of policies, ready for `<revision>.cases.yaml`.

There is one for each order and each policy revision that judges it. It has the chart as the service read it, written
out as FHIR without names, narrative, and identifiers, the orders, the answers, and what the policy determined. Each is
run before it is shown, so it passes `cds-service policies test` as it stands.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

import yaml

from cards.build import DETERMINATION
from cds_service.hooks.review import Review
from cds_service.web.sandbox.case import Case
from cds_service.web.sandbox.case_file import download_link
from coverage_policies.authoring.cases import NONE, judged, parse_cases, run_case
from coverage_policies.authoring.fact_builder import PATIENT
from coverage_policies.authoring.fact_words import typed
from coverage_policies.format.model import Policy
from coverage_policies.format.problems import DocumentError
from coverage_policies.format.registry import resource_types
from coverage_policies.format.terms import Reason
from coverage_policies.judging.determination import Determination
from fhir_mappings.bundle import reference_of
from fhir_mappings.codings import items
from fhir_mappings.demographics import SEX_EXTENSIONS
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.order_elements import without_coverage_information

_OF_PATIENT = (
    *("resourceType", "birthDate", "gender", "deceasedBoolean", "deceasedDateTime"),
    *("implicitRules", "modifierExtension"),
)
"""The elements of a Patient that a case has, beside the extensions that policies read."""
_OF_A_PERSON = ("name", "telecom", "address", "photo")
"""The elements of a contained resource that say who it is."""
_LEFT_OUT = ("text", "meta", "language", "subscriberId")
_PERSONS = (
    *("subject", "patient", "beneficiary", "subscriber", "policyHolder", "requester", "performer", "recorder"),
    *("author", "authorReference", "asserter", "individual", "actor", "informationSource", "source", "enterer"),
    "provider",
)
"""The elements whose value references a person, so that its `display` is a name."""
_PEOPLE = ("Patient/", "Practitioner/", "PractitionerRole/", "RelatedPerson/", "Organization/")
_WIDTH = 120


@dataclass(frozen=True, slots=True)
class PolicyCase:
    """One case for the file of a revision. `text` is empty if it could not be made.

    `left_out` names what of the sandbox's case it does not have, and `differs` what it determines otherwise.
    """

    policy: str
    file: str
    order: str
    text: str
    left_out: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()

    @property
    def link(self) -> str:
        """Return the address under which a browser downloads the text."""
        return download_link(self.text, "application/yaml")


Said: TypeAlias = Mapping[str, str]
"""What was determined: the outcome under `outcome`, and the status of each criterion under its id."""


def said_in(response: Json) -> Mapping[tuple[str, str], Said]:
    """Return what the cards of a response say, by the reference of the order and the full name of the revision."""
    found: dict[tuple[str, str], Said] = {}
    for card in items(response.get("cards") if isinstance(response, Mapping) else None):
        extension = card.get("extension")
        told = extension.get(DETERMINATION) if isinstance(extension, Mapping) else None
        for each in items(told):
            criteria = {one["id"]: one["status"] for one in items(each.get("criteria"))}
            name = f"{each.get('policy')}@{each.get('revision')}"
            found[str(each.get("order")), name] = {"outcome": each["outcome"], **criteria}
    return found


def policy_cases(
    case: Case, found: Review, policies: Mapping[str, Policy], answered: Mapping[tuple[str, str], Said]
) -> tuple[PolicyCase, ...]:
    """Return a case for each order of a review and each revision that judged it.

    `answered` is what the service answered to the orders; the review itself knows no answers of the case.
    """
    made = []
    of_others = {reference_of(order) for _, order in found.orders.for_others}
    for each in found.determinations:
        policy = policies.get(each.full_name)
        order = next((one for one in case.orders if reference_of(one) == each.order), None)
        if policy is not None and order is not None and each.order not in of_others:
            knows_answers = not case.answers.get(each.order)
            said = answered.get((each.order, each.full_name), _said(each) if knows_answers else {})
            made.append(_made(case, found, policy, order, each, said))
    return tuple(made)


def _made(
    case: Case, found: Review, policy: Policy, order: Resource, judged_as: Determination, answered: Said
) -> PolicyCase:
    file = f"documents/{policy.name}/{policy.revision}.cases.yaml"
    plain = _Plain(case.patient, case.fhir_server)
    left_out: list[str] = []
    day = judged_as.anchor_date
    written: dict[str, Any] = {
        "name": f"{judged_as.order_label}, as tried in the sandbox on {found.record.today}",
        "anchor": day.isoformat(),
        "today": found.record.today.isoformat(),
        "order": {"fhir": next(plain.carried([without_coverage_information(order)], left_out), {})},
    }
    others = [without_coverage_information(each) for each in case.orders if each is not order]
    written["other_orders"] = [{"fhir": each} for each in plain.carried(others, left_out)]
    written["fhir"] = list(plain.carried(_chart(found, policy), left_out))
    answers = case.answers.get(judged_as.order, {}).get(policy.full_name, {})
    if answers:
        written["facts"] = [{"answers": {"based_on": judged_as.order, **answers}}]
    written["unavailable"] = [kind for kind in found.record.failed() if kind in resource_types()]
    written["not_offered"] = [kind for kind in found.record.not_offered() if kind in resource_types()]
    written = {name: value for name, value in written.items() if value not in ([], {})}
    if "order" not in written or not written["order"].get("fhir"):
        return PolicyCase(policy.full_name, file, judged_as.order, "", tuple(left_out))
    try:
        (trial,) = parse_cases(_yaml({**written, "expect": {}}), file, policy)
        said = judged(trial, policy)
        text = _yaml({**written, "expect": dict(_expected(said))})
        (made,) = parse_cases(text, file, policy)
    except DocumentError as error:
        problems = tuple(each.what for each in error.problems)
        return PolicyCase(policy.full_name, file, judged_as.order, "", (*left_out, *problems))
    differs = [*_differences(answered, _said(said)), *map(str, run_case(made, policy))]
    return PolicyCase(policy.full_name, file, judged_as.order, text, tuple(left_out), tuple(differs))


def _chart(found: Review, policy: Policy) -> Iterator[Resource]:
    """Yield the resources of the types that the revision reads, and the patient."""
    read = policy.kinds | {"Patient"}
    return (each for each in found.record.resources if each.get("resourceType") in read)


def _expected(said: Determination) -> Iterator[tuple[str, str]]:
    yield "outcome", said.outcome.value
    yield "section", said.section or NONE
    for result in said.criteria:
        yield result.id, _status(result.status.value, result.reason)


def _status(status: str, reason: Reason | None) -> str:
    return f"{status} {reason.value}" if reason is not None else status


def _said(found: Determination) -> Said:
    return {"outcome": found.outcome.value, **{each.id: each.status.value for each in found.criteria}}


def _differences(answered: Said, now: Said) -> Iterator[str]:
    """Yield where a policy determines another thing of the case than the service answered."""
    for name, status in answered.items():
        if now.get(name, status) != status:
            yield f"{name}: {now[name]}, while the service answered {status}"


class _Plain:
    """Writes resources as a case has them: about the patient of cases, and without what tells who anybody is."""

    def __init__(self, patient: str, server: str) -> None:
        self._patient = f"Patient/{patient}"
        self._server = f"{server.rstrip('/')}/"
        self._identifiers: dict[str, str] = {}

    def carried(self, resources: Iterable[Resource], left_out: list[str]) -> Iterator[Any]:
        """Yield resources as text that reads back as itself; the others are named in `left_out`."""
        for resource in resources:
            plain = self._resource(resource)
            written = _as_text(plain)
            if typed(written) == plain:
                yield written
            else:
                left_out.append(f"{reference_of(resource)}: it has a value that a case file cannot write")

    def _resource(self, resource: Resource) -> Any:
        if resource.get("resourceType") != "Patient":
            return self._members(resource)
        stated = [each for each in items(resource.get("extension")) if each.get("url") in SEX_EXTENSIONS]
        known = {name: resource[name] for name in _OF_PATIENT if name in resource}
        return self._members(known | ({"extension": stated} if stated else {})) | {"id": PATIENT}

    def _members(self, held: Mapping[str, Json]) -> dict[str, Any]:
        return {name: self._value(name, value) for name, value in held.items() if name not in _LEFT_OUT}

    def _value(self, name: str, value: Json) -> Any:
        if isinstance(value, list):
            return [self._value(name, each) for each in value]
        if isinstance(value, Mapping):
            return self._object(name, value)
        return self._reference(value) if name == "reference" and isinstance(value, str) else value

    def _object(self, name: str, value: Mapping[str, Json]) -> Any:
        target = value.get("reference")
        plain = {each: self._value(each, held) for each, held in value.items() if each != "authorString"}
        is_person = isinstance(target, str) and any(kind in target for kind in _PEOPLE)
        if is_person or name in _PERSONS:
            plain.pop("display", None)
        if name in ("identifier", "groupIdentifier", "placerOrderNumber") and isinstance(value.get("value"), str):
            number = len(self._identifiers) + 1
            plain["value"] = self._identifiers.setdefault(value["value"], f"id-{number}")
        if name == "contained":
            plain = {each: held for each, held in plain.items() if each not in (*_LEFT_OUT, *_OF_A_PERSON)}
        return plain

    def _reference(self, target: str) -> str:
        local = target.removeprefix(self._server)
        return f"Patient/{PATIENT}" if local == self._patient else local


def _as_text(value: Json) -> Any:
    """Return a JSON value with every scalar as text, as case files have it."""
    if isinstance(value, Mapping):
        return {name: _as_text(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_as_text(each) for each in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _yaml(written: Mapping[str, Any]) -> str:
    """Return one case as an item of a case file."""
    return yaml.safe_dump([written], sort_keys=False, allow_unicode=True, width=_WIDTH)
