"""The compact facts of case files as FHIR R4 resources.

A fact is a mapping with one word for its kind and what is known of it: `condition: {code: icd10cm M79.7}`. Whatever is
built follows FHIR; a case that needs a crooked resource writes it out under `fhir`. Everything written is text.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from coverage_policies.format.schema_errors import missing, unknown
from fhir_mappings.codings import CPT, HCPCS, SNOMED, SYSTEMS
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.record import Availability, PatientRecord
from fhir_mappings.validity import faults

PATIENT = "patient-1"
"""The patient every case is about."""
PRACTITIONER = "practitioner-1"
OTHER_PATIENT = "patient-2"

READ_TYPES = (
    "AllergyIntolerance",
    "CarePlan",
    "Condition",
    "Device",
    "DiagnosticReport",
    "ImagingStudy",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Procedure",
    "QuestionnaireResponse",
    "ServiceRequest",
)
"""The resource types whose search succeeded, unless a case says otherwise."""

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
_UCUM = "http://unitsofmeasure.org"
_ORAL = {"coding": [{"system": SNOMED, "code": "26643006", "display": "Oral route"}]}
_SIDES = {"left": "7771000", "right": "24028007", "bilateral": "51440002"}
_SCORE_BEFORE, _SCORE_AFTER, _SCORES_APART = timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1)
_PAIN_SCALE = "loinc 72514-3"


class FactError(ValueError):
    """A fact that cannot be built; the message says how it is written right."""


class _Words:
    """What is written of one fact. Every word must be asked for; `finish` refuses the rest."""

    def __init__(self, of: str, written: Json, day: date) -> None:
        if not isinstance(written, Mapping):
            raise FactError(f"{of} must be a mapping such as {{code: …}}")
        self.of = of
        self.day = day
        self._written = dict(written)
        self._known: list[str] = []

    def take(self, name: str) -> Json:
        """What stands under a word, None where it does not occur."""
        self._known.append(name)
        return self._written.pop(name, None)

    def text(self, name: str, default: str = "") -> str:
        """The text under a word."""
        found = self.take(name)
        if found is None:
            return default
        if not isinstance(found, str):
            raise FactError(f"{self.of}.{name} must be text")
        return found

    def needed(self, name: str) -> str:
        """The text under a word that must occur."""
        found = self.text(name)
        if not found:
            raise FactError(missing(self.of, {name: ""}))
        return found

    def texts(self, name: str) -> list[str]:
        """One text or several."""
        found = self.take(name)
        return [] if found is None else [found] if isinstance(found, str) else list(found)

    def rest(self) -> dict[str, Json]:
        """All that was not asked for yet."""
        found, self._written = self._written, {}
        return found

    def finish(self) -> None:
        """Refuse words that nobody asked for."""
        if self._written:
            raise FactError(unknown(self.of, self._written, sorted(set(self._known))))


# --- values ----------------------------------------------------------------------------------------------------------


def concept(written: Iterable[str]) -> dict[str, Any]:
    """A CodeableConcept of `icd10cm M79.7`, of a bare billing code, or of `text Low back pain`."""
    coding, text = [], ""
    for one in written:
        system, _, code = one.partition(" ")
        if system == "text":
            text = code
        elif system in SYSTEMS and code:
            coding.append({"system": SYSTEMS[system], "code": code})
        elif re.fullmatch(r"\d{4}[\dT]", one):
            coding.append({"system": CPT, "code": one})
        elif re.fullmatch(r"[A-Z]\d{4}", one):
            coding.append({"system": HCPCS, "code": one})
        else:
            raise FactError(f"{one!r} is no code; write it like 'icd10cm M79.7', with one of {', '.join(SYSTEMS)}")
    return ({"coding": coding} if coding else {}) | ({"text": text} if text else {})


def _coded(code: str, system: str) -> dict[str, Any]:
    return {"coding": [{"system": _TERMINOLOGY + system, "code": code}]}


def _moment(written: str) -> str:
    """A FHIR dateTime: a day, month or year as it stands, a time of day in UTC."""
    return f"{written}:00Z" if re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}", written) else written


def _number(written: str) -> Decimal:
    try:
        return Decimal(written)
    except InvalidOperation:
        raise FactError(f"{written!r} is no number") from None


def _quantity(written: str) -> dict[str, Any]:
    """`20 mg`, or a bare number, which counts tablets."""
    value, _, unit = written.partition(" ")
    code = unit or "{tbl}"
    return {"value": _number(value), "unit": unit or "tablet", "system": _UCUM, "code": code}


def _reference(kind: str, identity: str) -> dict[str, str]:
    return {"reference": f"{kind}/{identity}"}


def _present(**members: Any) -> dict[str, Any]:
    """The members that hold something."""
    return {name: value for name, value in members.items() if value not in (None, "", [], {})}


def _performed(words: _Words, stem: str) -> dict[str, Any]:
    at, first, last = words.text("at"), words.text("from"), words.text("to")
    if at:
        return {f"{stem}DateTime": _moment(at)}
    period = _present(start=_moment(first), end=_moment(last))
    return {f"{stem}Period": period} if period else {}


# --- kinds of facts --------------------------------------------------------------------------------------------------


def _condition(words: _Words) -> list[dict[str, Any]]:
    ended = words.text("ended")
    status = words.text("status", "resolved" if ended else "active")
    verification = words.text("verification", "confirmed")
    return [
        _present(
            resourceType="Condition",
            clinicalStatus=None if status == "none" else _coded(status, "condition-clinical"),
            verificationStatus=None if verification == "none" else _coded(verification, "condition-ver-status"),
            code=concept(words.texts("code")),
            bodySite=_body_site(words.text("side")),
            onsetDateTime=_moment(words.text("onset")),
            abatementDateTime=_moment(ended),
            recordedDate=_moment(words.text("recorded")),
        )
    ]


def _procedure(words: _Words) -> list[dict[str, Any]]:
    return [
        _present(
            resourceType="Procedure",
            status=words.text("status", "completed"),
            code=concept(words.texts("code")),
            bodySite=_body_site(words.text("side")),
            reasonCode=[{"text": purpose} for purpose in words.texts("purpose")],
            **_performed(words, "performed"),
        )
    ]


def _injection(words: _Words) -> list[dict[str, Any]]:
    """A procedure with pain scores: the first 15 minutes before it, the others from half an hour after it on."""
    pain = words.take("pain")
    at = words.text("at")
    found = _procedure(_Words("injection", words.rest() | {"at": at}, words.day))
    if pain is None:
        return found
    scores = _Words("injection.pain", pain, words.day)
    scale = scores.texts("scale") or [_PAIN_SCALE]
    before, after = scores.texts("before"), scores.texts("after")
    scores.finish()
    timed = "T" in at
    start = datetime.fromisoformat(at)
    moments = [start - _SCORE_BEFORE] * len(before)
    moments += [start + _SCORE_AFTER + _SCORES_APART * i for i in range(len(after))]
    for value, moment in zip(before + after, moments, strict=True):
        when = moment.strftime("%Y-%m-%dT%H:%M") if timed else at
        found.append(_score(scale, value, "{score}", when))
    return found


def _observation(words: _Words) -> list[dict[str, Any]]:
    found = _score(words.texts("code"), words.text("value"), words.text("unit", "{score}"), words.text("at"))
    return [found | {"status": words.text("status", "final")}]


def _score(code: list[str], value: str, unit: str, at: str) -> dict[str, Any]:
    return _present(
        resourceType="Observation",
        status="final",
        code=concept(code),
        effectiveDateTime=_moment(at),
        valueQuantity={"value": _number(value), "unit": unit, "system": _UCUM, "code": unit} if value else None,
    )


def _imaging(words: _Words) -> list[dict[str, Any]]:
    kind, code, at = words.text("as", "report"), concept(words.texts("code")), _moment(words.text("at"))
    if kind == "study":
        status = words.text("status", "available")
        found = _present(resourceType="ImagingStudy", status=status, procedureCode=[code], started=at)
    elif kind == "procedure":
        status = words.text("status", "completed")
        found = _present(resourceType="Procedure", status=status, code=code, performedDateTime=at)
    elif kind == "report":
        status, issued = words.text("status", "final"), _moment(words.text("issued"))
        found = _present(resourceType="DiagnosticReport", status=status, code=code, effectiveDateTime=at, issued=issued)
    else:
        raise FactError("imaging.as must be report, study or procedure")
    return [found]


def _prescription(words: _Words) -> list[dict[str, Any]]:
    first, last = words.text("from"), words.text("to")
    dose, every, as_needed = words.text("dose"), words.text("every"), words.text("as_needed") == "yes"
    count, _, unit = every.partition(" ")
    repeat: dict[str, Any] = {"boundsPeriod": _present(start=first, end=last)} if dose and first else {}
    if every:
        if not unit:
            raise FactError("prescription.every is written like '6 hours'")
        repeat |= {"frequency": 1, "period": _number(count), "periodUnit": unit[0]}
    dosage = _present(
        timing={"repeat": repeat} if repeat else None,
        route=_ORAL if dose else None,
        doseAndRate=[{"doseQuantity": _quantity(dose)}] if dose else None,
        asNeededBoolean=as_needed or None,
    )
    return [
        _present(
            resourceType="MedicationRequest",
            status=words.text("status", "completed" if last else "active"),
            intent="order",
            medicationCodeableConcept=concept(words.texts("code")),
            authoredOn=_moment(first),
            dosageInstruction=[dosage] if dosage else None,
        )
    ]


def _dispense(words: _Words) -> list[dict[str, Any]]:
    """A drug handed out to be taken by mouth."""
    days = words.text("days")
    return [
        _present(
            resourceType="MedicationDispense",
            status=words.text("status", "completed"),
            medicationCodeableConcept=concept(words.texts("code")),
            whenHandedOver=_moment(words.text("at")),
            daysSupply={"value": _number(days), "unit": "days", "system": _UCUM, "code": "d"} if days else None,
            dosageInstruction=[{"route": _ORAL, "asNeededBoolean": words.text("as_needed") == "yes"}],
        )
    ]


def _allergy(words: _Words) -> list[dict[str, Any]]:
    return [
        _present(
            resourceType="AllergyIntolerance",
            clinicalStatus=_coded(words.text("status", "active"), "allergyintolerance-clinical"),
            verificationStatus=_coded(words.text("verification", "confirmed"), "allergyintolerance-verification"),
            type=words.text("type", "allergy"),
            code=concept(words.texts("code")),
            recordedDate=_moment(words.text("recorded")),
        )
    ]


def _device(words: _Words) -> list[dict[str, Any]]:
    status = words.text("status", "active")
    return [{"resourceType": "Device", "status": status, "type": concept(words.texts("code"))}]


def _plan(words: _Words) -> list[dict[str, Any]]:
    kind, code, status = words.text("as", "care plan"), concept(words.texts("code")), words.text("status", "active")
    if kind == "order":
        return [{"resourceType": "ServiceRequest", "status": status, "intent": "order", "code": code}]
    if kind != "care plan":
        raise FactError("plan.as must be 'care plan' or 'order'")
    activity = {"detail": {"status": "in-progress", "code": code}}
    return [{"resourceType": "CarePlan", "status": status, "intent": "plan", "activity": [activity]}]


def _answers(words: _Words) -> list[dict[str, Any]]:
    """Answers by criterion: yes, no, don't know, or the name of a pathway."""
    author = words.text("author", f"Practitioner/{PRACTITIONER}")
    found = _present(
        resourceType="QuestionnaireResponse",
        status=words.text("status", "completed"),
        author={"reference": author},
        authored=_moment(words.text("authored", f"{words.day}T09:00")),
        questionnaire=words.text("questionnaire"),
        basedOn=[{"reference": based_on}] if (based_on := words.text("based_on")) else None,
    )
    items = []
    for link, said in words.rest().items():
        if not isinstance(said, str):
            raise FactError(f"answers.{link} must be yes, no, don't know or the name of a pathway")
        answer = {"valueBoolean": said == "yes"} if said in ("yes", "no") else {"valueString": said}
        items.append({"linkId": link, "answer": [answer]})
    return [found | {"item": items}]


_KINDS: Mapping[str, Callable[[_Words], list[dict[str, Any]]]] = {
    "allergy": _allergy,
    "answers": _answers,
    "condition": _condition,
    "device": _device,
    "dispense": _dispense,
    "imaging": _imaging,
    "injection": _injection,
    "observation": _observation,
    "plan": _plan,
    "prescription": _prescription,
    "procedure": _procedure,
}


def resources(fact: Json, number: int, day: date) -> tuple[Resource, ...]:
    """The resources of one fact, named after its kind and `number`. Raises FactError for what cannot be built.

    `day` is the day of the case, on which answers are given unless they say when. Any fact may say
    `patient: other` and give its own `id`.
    """
    if not isinstance(fact, Mapping) or len(fact) != 1:
        raise FactError("a fact is one word for its kind with what is known of it")
    ((kind, written),) = fact.items()
    if kind not in _KINDS:
        raise FactError(f"there is no fact {kind!r}; known are {', '.join(sorted(_KINDS))}")
    words = _Words(kind, written, day)
    identity = words.text("id", f"{kind}-{number}")
    patient = {"": PATIENT, "other": OTHER_PATIENT}.get(words.text("patient"))
    if patient is None:
        raise FactError(f"{kind}.patient must be 'other'")
    found = _KINDS[kind](words)
    words.finish()
    built = []
    for i, resource in enumerate(found):
        subject = "patient" if resource["resourceType"] in ("AllergyIntolerance", "Device") else "subject"
        name = identity if i == 0 else f"{identity}-score-{i}"
        built.append(_checked(resource | {"id": name, subject: _reference("Patient", patient)}))
    return tuple(built)


# --- orders and charts -----------------------------------------------------------------------------------------------


def order(written: Json, number: int, day: date) -> Resource:
    """A draft order, planned for `day` unless it says otherwise. Raises FactError for what cannot be built.

    `detail`, `drug`, `implant`, `side`, `reason`, `performer` and `note` are where an order states such things in FHIR;
    `planned: none` leaves the day of service open.
    """
    words = _Words("order", written, day)
    kind = words.text("as", "ServiceRequest")
    code, planned = concept(words.texts("code")), words.text("planned", day.isoformat())
    planned = "" if planned == "none" else _moment(planned)
    details = [{"text": text} for text in words.texts("detail")] + [concept([drug]) for drug in words.texts("drug")]
    performer = words.texts("performer")
    implant, note = words.text("implant"), words.text("note")
    found = _present(
        resourceType=kind,
        id=words.text("id", f"order-{number}"),
        status=words.text("status", "draft"),
        intent=words.text("intent", "order"),
        doNotPerform=words.text("do_not_perform") == "yes" or None,
        subject=_reference("Patient", PATIENT),
        authoredOn=_moment(words.text("authored")),
        reasonCode=[concept([reason]) for reason in words.texts("reason")],
        note=[{"text": note}] if note else None,
    )
    side = _body_site(words.text("side"))
    if kind == "MedicationRequest":
        found |= {"medicationCodeableConcept": code, "authoredOn": found.get("authoredOn", planned)}
    elif kind == "DeviceRequest":
        found |= _present(codeCodeableConcept=code, occurrenceDateTime=planned)
    else:
        found |= _present(code=code, occurrenceDateTime=planned, orderDetail=details, bodySite=side)
        found |= _present(performerType=concept(performer))
    if implant:
        device = {
            "resourceType": "Device",
            "id": "implant",
            "deviceName": [{"name": implant, "type": "user-friendly-name"}],
        }
        found |= {"contained": [device], "supportingInfo": [{"reference": "#implant"}]}
    words.finish()
    return _checked(found)


def chart(
    facts: Iterable[Resource],
    today: date,
    *,
    unavailable: Iterable[str] = (),
    not_offered: Iterable[str] = (),
) -> PatientRecord:
    """The patient's record, read at noon of `today` (UTC): every search succeeded but for those named."""
    availability = dict.fromkeys(READ_TYPES, Availability.COMPLETE)
    availability |= dict.fromkeys(unavailable, Availability.UNAVAILABLE)
    availability |= dict.fromkeys(not_offered, Availability.NOT_OFFERED)
    return PatientRecord(
        PATIENT,
        [("", resource) for resource in facts],
        read_at=datetime.combine(today, time(12), UTC),
        zone=UTC,
        availability=availability,
    )


def _body_site(side: str) -> list[dict[str, Any]] | None:
    if not side:
        return None
    if side not in _SIDES:
        raise FactError(f"side must be one of {', '.join(_SIDES)}")
    return [{"coding": [{"system": SNOMED, "code": _SIDES[side], "display": side.capitalize()}]}]


def _checked(resource: dict[str, Any]) -> Resource:
    wrong = faults(resource)
    if wrong:
        what = "; ".join(f"{fault.path} ({fault.what})" for fault in wrong)
        raise FactError(f"this makes no FHIR R4 resource: {what}")
    return resource
