"""The kinds of compact facts that case files may hold: one word for the kind, and what is known of it.

Every fact becomes FHIR R4 resources without id and subject. A resource type without a word of its own is written as
its name with its elements: `Immunization: {status: completed, vaccineCode: snomed 1119349007}`.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from coverage_policies.authoring.fact_words import (
    TERMINOLOGY,
    FactError,
    FactWords,
    body_site,
    coded,
    concept,
    decimal,
    moment,
    performed,
    present,
    quantity,
    reference,
    typed,
)
from fhir_mappings.code_systems import UCUM
from fhir_mappings.codings import HCPCS, LOINC, SNOMED, SYSTEMS
from fhir_mappings.fhir_json import Json

PRACTITIONER = "practitioner-1"
_ORAL = {"coding": [{"system": SNOMED, "code": "26643006", "display": "Oral route"}]}
_SCORE_BEFORE, _SCORE_AFTER, _SCORES_APART = timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1)
_PAIN_SCALE = "loinc 72514-3"
_CLAIM_ROLES = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBClaimCareTeamRole"
_PLACES = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
_LISTINGS = {
    "problem": "problem-list-item",
    "encounter diagnosis": "encounter-diagnosis",
    "health concern": "health-concern",
    "history": "medical-history",
}
"""The lists that a condition may stand on, and their codes."""
_BIRTH_SEX = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex"


def _condition(words: FactWords) -> list[dict[str, Any]]:
    ended = words.text("ended")
    status = words.text("status", "resolved" if ended else "active")
    verification = words.text("verification", "confirmed")
    listing, visit = words.text("as"), words.text("encounter")
    if listing and listing not in _LISTINGS:
        raise FactError(f"condition.as must be one of {', '.join(_LISTINGS)}")
    return [
        present(
            resourceType="Condition",
            clinicalStatus=None if status == "none" else coded(status, "condition-clinical"),
            verificationStatus=None if verification == "none" else coded(verification, "condition-ver-status"),
            category=[coded(_LISTINGS[listing], "condition-category")] if listing else None,
            encounter=reference("Encounter", visit) if visit else None,
            code=concept(words.texts("code")),
            bodySite=body_site(words.text("side")),
            onsetDateTime=moment(words.text("onset")),
            abatementDateTime=moment(ended),
            recordedDate=moment(words.text("recorded")),
        )
    ]


def _patient(words: FactWords) -> list[dict[str, Any]]:
    """Return the patient of the case; `birth_sex` is the extension of US Core, F, M, OTH, UNK, or ASKU."""
    birth_sex = words.text("birth_sex")
    return [
        present(
            resourceType="Patient",
            birthDate=words.text("born"),
            gender=words.text("sex"),
            extension=[{"url": _BIRTH_SEX, "valueCode": birth_sex}] if birth_sex else None,
        )
    ]


def _family_history(words: FactWords) -> list[dict[str, Any]]:
    """Return a disease of a relative, whose `relation` is a code of HL7 v3 RoleCode or text; `onset` in years."""
    code, relation, onset = words.texts("code"), words.needed("relation"), words.text("onset")
    coded_as = {"coding": [{"system": f"{TERMINOLOGY}v3-RoleCode", "code": relation}]}
    age = {"value": decimal(onset), "unit": "years", "system": UCUM, "code": "a"} if onset else None
    return [
        present(
            resourceType="FamilyMemberHistory",
            status=words.text("status", "completed"),
            date=words.text("recorded"),
            relationship=coded_as if relation.isupper() else {"text": relation},
            condition=[present(code=concept(code), onsetAge=age)] if code else None,
        )
    ]


def _procedure(words: FactWords) -> list[dict[str, Any]]:
    return [
        present(
            resourceType="Procedure",
            status=words.text("status", "completed"),
            code=concept(words.texts("code")),
            bodySite=body_site(words.text("side")),
            reasonCode=[{"text": purpose} for purpose in words.texts("purpose")]
            + [concept([reason]) for reason in words.texts("reason")],
            **performed(words, "performed"),
        )
    ]


def _injection(words: FactWords) -> list[dict[str, Any]]:
    """Return a procedure with pain scores: the first 15 minutes before it, the others from 30 minutes after it."""
    pain = words.take("pain")
    at = words.text("at")
    found = _procedure(FactWords("injection", words.rest() | {"at": at}, words.day))
    if pain is None:
        return found
    scores = FactWords("injection.pain", pain, words.day)
    scale = scores.texts("scale") or [_PAIN_SCALE]
    before, after = scores.texts("before"), scores.texts("after")
    scores.finish()
    timed = "T" in at
    start = datetime.fromisoformat(at)
    moments = [start - _SCORE_BEFORE] * len(before)
    moments += [start + _SCORE_AFTER + _SCORES_APART * i for i in range(len(after))]
    for value, taken in zip(before + after, moments, strict=True):
        when = taken.strftime("%Y-%m-%dT%H:%M") if timed else at
        found.append(_score(scale, value, "{score}", when))
    return found


def _observation(words: FactWords) -> list[dict[str, Any]]:
    """Return a measurement. What else was recorded with it are its `components`, or members of a `panel` around it.

    Both are written by code, as a number with its unit or as words: `loinc 3150-0: 21 %`. `unit: none` leaves it out.
    """
    unit, comparator, status = words.text("unit", "{score}"), words.text("comparator"), words.text("status", "final")
    found = _score(words.texts("code"), words.text("value"), "" if unit == "none" else unit, words.text("at"))
    if comparator and "valueQuantity" in found:
        found["valueQuantity"] |= {"comparator": comparator}
    site, method, note = words.texts("site"), words.texts("method"), words.text("note")
    found |= present(
        status=status,
        bodySite=concept(site) if site else None,
        method=concept([each if _is_coded(each) else f"text {each}" for each in method]) if method else None,
        note=[{"text": note}] if note else None,
        component=[_recorded(code, said) for code, said in words.pairs("components")],
    )
    members = [
        present(resourceType="Observation", status=status, effectiveDateTime=found.get("effectiveDateTime"))
        | _recorded(code, said)
        for code, said in words.pairs("panel")
    ]
    if not members:
        return [found]
    name = words.identity
    references = [
        reference("Observation", each) for each in (name, *(f"{name}-score-{i + 2}" for i in range(len(members))))
    ]
    panel = present(resourceType="Observation", status=status, code=_PANEL, hasMember=references)
    return [found, panel | present(effectiveDateTime=found.get("effectiveDateTime")), *members]


_PANEL = {"coding": [{"system": LOINC, "code": "85353-1", "display": "Vital signs panel"}]}


def _is_coded(written: str) -> bool:
    return written.partition(" ")[0] in (*SYSTEMS, "text")


def _recorded(code: str, said: str) -> dict[str, Any]:
    """Return the code and the value of what was recorded with a measurement: `21 %`, or words such as `at rest`."""
    number, _, unit = said.partition(" ")
    if re.fullmatch(r"\d+(\.\d+)?", number):
        return {"code": concept([code]), "valueQuantity": _amount(decimal(number), unit)}
    return {"code": concept([code]), "valueString": said}


def _score(code: list[str], value: str, unit: str, at: str) -> dict[str, Any]:
    return present(
        resourceType="Observation",
        status="final",
        code=concept(code),
        effectiveDateTime=moment(at),
        valueQuantity=_amount(decimal(value), unit) if value else None,
    )


def _amount(number: Decimal, unit: str) -> dict[str, Any]:
    return {"value": number} | ({"unit": unit, "system": UCUM, "code": unit} if unit else {})


def _finding(words: FactWords) -> list[dict[str, Any]]:
    codes, site = words.texts("code"), words.text("site")
    code = concept(codes) if codes else {"text": words.needed("name")}
    return [
        present(
            resourceType="Observation",
            status=words.text("status", "final"),
            category=[{"coding": [{"system": f"{TERMINOLOGY}observation-category", "code": "exam"}]}],
            code=code,
            effectiveDateTime=moment(words.text("at")),
            bodySite={"text": site} if site else next(iter(body_site(words.text("side")) or ()), None),
            valueString=words.text("result"),
        )
    ]


def _imaging(words: FactWords) -> list[dict[str, Any]]:
    kind, code, at = words.text("as", "report"), concept(words.texts("code")), moment(words.text("at"))
    if kind == "study":
        status = words.text("status", "available")
        found = present(resourceType="ImagingStudy", status=status, procedureCode=[code], started=at)
    elif kind == "procedure":
        status = words.text("status", "completed")
        found = present(resourceType="Procedure", status=status, code=code, performedDateTime=at)
    elif kind == "report":
        status, issued = words.text("status", "final"), moment(words.text("issued"))
        found = present(
            resourceType="DiagnosticReport",
            status=status,
            code=code,
            effectiveDateTime=at,
            issued=issued,
            conclusion=words.text("conclusion"),
            conclusionCode=[concept([each]) for each in words.texts("concludes")],
        )
    else:
        raise FactError("imaging.as must be report, study or procedure")
    return [found]


def _prescription(words: FactWords) -> list[dict[str, Any]]:
    """Return an order, of an oral drug if no `route` is written; `reason` is that of its status."""
    first, last = words.text("from"), words.text("to")
    dose, every, as_needed = words.text("dose"), words.text("every"), words.text("as_needed") == "yes"
    reason, changed, replaced = words.text("reason"), words.text("changed"), words.text("replaces")
    category = words.text("category")
    count, _, unit = every.partition(" ")
    text = words.text("text")
    repeat: dict[str, Any] = {"boundsPeriod": present(start=first, end=last)} if (dose or text) and first else {}
    if every == "once":
        repeat |= {"count": 1}
    elif every:
        if not unit:
            raise FactError("prescription.every is written like '6 hours' or 'once'")
        repeat |= {"frequency": 1, "period": decimal(count), "periodUnit": unit[0]}
    dosage = present(
        text=text,
        timing={"repeat": repeat} if repeat else None,
        route=_route(words.text("route")) if dose else None,
        doseAndRate=[{"doseQuantity": quantity(dose)}] if dose else None,
        asNeededBoolean=as_needed or None,
    )
    return [
        present(
            resourceType="MedicationRequest",
            meta={"lastUpdated": f"{changed}T12:00:00Z"} if changed else None,
            status=words.text("status", "completed" if last else "active"),
            statusReason={"text": reason} if reason else None,
            intent=words.text("intent", "order"),
            category=[coded(category, "medicationrequest-category")] if category else None,
            reportedBoolean=words.text("reported") == "yes" or None,
            medicationCodeableConcept=concept(words.texts("code")),
            authoredOn=moment(first),
            requester=_prescriber(words),
            priorPrescription=reference("MedicationRequest", replaced) if replaced else None,
            dosageInstruction=[dosage] if dosage else None,
            dispenseRequest=_dispensing(words) or None,
        )
    ]


def _route(written: str) -> dict[str, Any]:
    return {"text": written} if written else _ORAL


def _prescriber(words: FactWords) -> dict[str, str] | None:
    name = words.text("prescriber")
    return {"display": name} if name else None


def _dispensing(words: FactWords) -> dict[str, Any]:
    """Return how much of a prescription is to be dispensed: a number of tablets, and for how many days."""
    refills = words.text("refills")
    return present(
        quantity=_tablets(words.text("quantity")),
        expectedSupplyDuration=_days(words.text("days")),
        numberOfRepeatsAllowed=int(decimal(refills)) if refills else None,
    )


def _tablets(written: str) -> dict[str, Any] | None:
    return {"value": decimal(written), "unit": "tablet"} if written else None


def _days(written: str) -> dict[str, Any] | None:
    return {"value": decimal(written), "unit": "days", "system": UCUM, "code": "d"} if written else None


def _dispense(words: FactWords) -> list[dict[str, Any]]:
    """Return a dispense, of an oral drug if no `route` is written.

    `of` is the id of its order, `prescriber` who ordered it elsewhere.
    """
    order, elsewhere = words.text("of"), _prescriber(words)
    contained: dict[str, Any] = {
        "resourceType": "MedicationRequest",
        "id": "ordered",
        "status": "active",
        "intent": "order",
    }
    contained |= {"medicationCodeableConcept": {"text": "as dispensed"}, "subject": {"display": "the patient"}}
    return [
        present(
            resourceType="MedicationDispense",
            contained=[contained | {"requester": elsewhere}] if elsewhere else None,
            status=words.text("status", "completed"),
            medicationCodeableConcept=concept(words.texts("code")),
            authorizingPrescription=[reference("MedicationRequest", order)]
            if order
            else [{"reference": "#ordered"}]
            if elsewhere
            else None,
            whenHandedOver=moment(words.text("at")),
            quantity=_tablets(words.text("quantity")),
            daysSupply=_days(words.text("days")),
            dosageInstruction=[
                {"route": _route(words.text("route")), "asNeededBoolean": words.text("as_needed") == "yes"}
            ],
        )
    ]


def _allergy(words: FactWords) -> list[dict[str, Any]]:
    """Return an entry of the allergy list; `type: none` leaves out whether it is an allergy or an intolerance."""
    kind, reactions = words.text("type", "allergy"), words.texts("reaction")
    return [
        present(
            resourceType="AllergyIntolerance",
            clinicalStatus=coded(words.text("status", "active"), "allergyintolerance-clinical"),
            verificationStatus=coded(words.text("verification", "confirmed"), "allergyintolerance-verification"),
            type=kind if kind != "none" else None,
            criticality=words.text("criticality"),
            code=concept(words.texts("code")),
            recordedDate=moment(words.text("recorded")),
            reaction=[{"manifestation": [concept([each])]} for each in reactions] or None,
        )
    ]


def _device(words: FactWords) -> list[dict[str, Any]]:
    status = words.text("status", "active")
    return [{"resourceType": "Device", "status": status, "type": concept(words.texts("code"))}]


def _plan(words: FactWords) -> list[dict[str, Any]]:
    """Return a care plan or an order, written on the day of the case unless it says `at`, or `at: none`."""
    kind, code, status = words.text("as", "care plan"), concept(words.texts("code")), words.text("status", "active")
    at, until = words.text("at", words.day.isoformat()), words.text("to")
    written, reasons = "" if at == "none" else moment(at), [concept([reason]) for reason in words.texts("reason")]
    if kind == "order":
        order = present(authoredOn=written, occurrencePeriod=present(end=until), reasonCode=reasons)
        return [{"resourceType": "ServiceRequest", "status": status, "intent": "order", "code": code} | order]
    if kind != "care plan":
        raise FactError("plan.as must be 'care plan' or 'order'")
    activity = {"detail": present(status="in-progress", code=code, reasonCode=reasons)}
    plan = present(created=written, period=present(end=until))
    return [{"resourceType": "CarePlan", "status": status, "intent": "plan", "activity": [activity]} | plan]


ORDER_TYPES = ("ServiceRequest", "DeviceRequest", "MedicationRequest")
"""The types that the order of a case may have."""


def _answers(words: FactWords) -> list[dict[str, Any]]:
    """Answers by criterion: yes, no, don't know, or the name of a pathway.

    They are about the order of the case unless `based_on` names another, or is `none`.
    """
    based_on = words.texts("based_on") or [f"{kind}/order-1" for kind in ORDER_TYPES]
    author = words.text("author", f"Practitioner/{PRACTITIONER}")
    found = present(
        resourceType="QuestionnaireResponse",
        status=words.text("status", "completed"),
        author={"reference": author},
        authored=moment(words.text("authored", f"{words.day}T09:00")),
        questionnaire=words.text("questionnaire"),
        basedOn=[{"reference": each} for each in based_on if each != "none"] or None,
    )
    items = []
    for link, said in words.rest().items():
        if not isinstance(said, str):
            raise FactError(f"answers.{link} must be yes, no, don't know or the name of a pathway")
        answer = {"valueBoolean": said == "yes"} if said in ("yes", "no") else {"valueString": said}
        items.append({"linkId": link, "answer": [answer]})
    return [found | {"item": items}]


def _visit(words: FactWords) -> list[dict[str, Any]]:
    """Return an encounter (of the `class` AMB unless it says so), a charge, or a claim with its `place` of service.

    `by` is the specialty of the one who saw the patient.
    """
    kind, codes, at = words.text("as", "encounter"), words.texts("code"), moment(words.text("at"))
    code, specialty = concept(codes), concept(words.texts("by"))
    role = {"resourceType": "PractitionerRole", "id": "by", "specialty": [specialty]}
    seen_by = present(contained=[role] if specialty else None)
    if kind == "encounter":
        status = words.text("status", "finished")
        visit_class = {"system": f"{TERMINOLOGY}v3-ActCode", "code": words.text("class", "AMB")}
        period = present(start=at, end=at)
        took_part = [{"individual": {"reference": "#by"}}] if specialty else None
        found = present(resourceType="Encounter", status=status, type=[code] if codes else None, period=period)
        return [found | {"class": visit_class} | seen_by | present(participant=took_part)]
    if kind == "charge":
        status = words.text("status", "billed")
        performer = [{"actor": {"reference": "#by"}}] if specialty else None
        found = present(resourceType="ChargeItem", status=status, code=code, occurrenceDateTime=at, performer=performer)
        return [found | seen_by]
    if kind != "claim":
        raise FactError("visit.as must be encounter, charge, or claim")
    coding = f"{TERMINOLOGY}claim-type"
    place, modifiers = words.text("place"), words.texts("modifier")
    rendering = {"sequence": 1, "provider": {"display": "Clinician"}, "qualification": specialty}
    rendering |= {"role": {"coding": [{"system": _CLAIM_ROLES, "code": "rendering"}]}}
    return [
        present(
            resourceType="ExplanationOfBenefit",
            status=words.text("status", "active"),
            type={"coding": [{"system": coding, "code": "professional"}]},
            use=words.text("use", "claim"),
            created=at,
            insurer={"display": "Plan"},
            provider={"display": "Practice"},
            outcome="complete",
            insurance=[{"focal": True, "coverage": {"display": "Coverage"}}],
            careTeam=[rendering] if specialty else None,
            item=[
                present(
                    sequence=1,
                    careTeamSequence=[1] if specialty else None,
                    productOrService=code,
                    modifier=[{"coding": [{"system": HCPCS, "code": each}]} for each in modifiers],
                    servicedDate=at,
                    locationCodeableConcept={"coding": [{"system": _PLACES, "code": place}]} if place else None,
                )
            ],
        )
    ]


_WORDS: Mapping[str, Callable[[FactWords], list[dict[str, Any]]]] = {
    "allergy": _allergy,
    "answers": _answers,
    "condition": _condition,
    "device": _device,
    "dispense": _dispense,
    "family_history": _family_history,
    "finding": _finding,
    "imaging": _imaging,
    "injection": _injection,
    "observation": _observation,
    "patient": _patient,
    "plan": _plan,
    "prescription": _prescription,
    "procedure": _procedure,
    "visit": _visit,
}


def build(kind: str, words: FactWords) -> list[dict[str, Any]]:
    """Return the resources of one fact, without id and subject. Raises FactError for what cannot be built."""
    if kind in _WORDS:
        return _WORDS[kind](words)
    return [{"resourceType": kind, **{name: _element(value) for name, value in words.rest().items()}}]


KINDS = tuple(_WORDS)
"""The kinds that have a word of their own."""


def _element(written: Json) -> Json:
    """Return an element as FHIR has it; `snomed 24693007` is a CodeableConcept."""
    if isinstance(written, str) and written.partition(" ")[0] in SYSTEMS:
        return concept([written])
    if isinstance(written, list):
        return [_element(each) for each in written]
    return typed(written)
