"""A case as a file, to keep it or to share it with others.

A file is the JSON of a case with two differences. A case about the sample EHR names it `sample-ehr` instead of an
address, so it opens on any machine that runs one. And the file says on which day it was saved: since the charts of the
sample EHR move with the day, the dates of its orders and answers move by as many days when the file is opened. A case
about any other FHIR server keeps its dates, as the chart there does.
"""

import re
from datetime import date
from typing import Any
from urllib.parse import quote

from cds_service.web.sandbox.case import Answers, Case, CaseError
from cds_service.web.site import SampleServer
from fhir_mappings.fhir_json import Json, dumps, parse_json
from fhir_mappings.shifting import shifted_date, shifted_resource

SAMPLE_EHR = "sample-ehr"
"""Stands for the address of the sample EHR, wherever it runs."""
_SAVED, _SERVER = "saved", "fhirServer"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def saved_case(case: Case, samples: SampleServer | None, today: date) -> str:
    """Return the file of a case, the same for the same case on the same day."""
    told: dict[str, Any] = parse_json(case.dump().encode("utf-8", "backslashreplace"))
    if samples is not None and case.fhir_server == samples.address:
        told[_SERVER] = SAMPLE_EHR
    return dumps({_SAVED: today.isoformat(), **told}, indent=2) + "\n"


def download_link(text: str, media_type: str) -> str:
    """Return a data URL of a text, which a browser downloads without asking the service again.

    A lone surrogate, which UTF-8 cannot encode, is escaped as in JSON.
    """
    return f"data:{media_type};charset=utf-8,{quote(text.encode('utf-8', 'backslashreplace'))}"


def opened_case(text: str, samples: SampleServer | None, today: date) -> Case:
    """Return the case of a file, with the dates of a sample patient moved to `today`. Raise CaseError."""
    try:
        told: Json = parse_json(text.encode("utf-8", "replace"))
    except ValueError:
        raise CaseError("The file is not JSON.") from None
    if not isinstance(told, dict):
        raise CaseError("The file is not a case of the sandbox.")
    saved = told.pop(_SAVED, None)
    is_sample = told.get(_SERVER) == SAMPLE_EHR
    if is_sample:
        if samples is None:
            raise CaseError("The case is about a patient of the sample EHR, and none runs here. Start the demo.")
        told[_SERVER] = samples.address
    case = Case.parse(dumps(told))
    return _moved(case, (today - _day(saved)).days) if is_sample else case


def _day(saved: Json) -> date:
    try:
        return date.fromisoformat(saved)
    except (TypeError, ValueError):
        raise CaseError("The case has no day on which it was saved; write it like 2026-03-02.") from None


def _moved(case: Case, days: int) -> Case:
    orders = (shifted_resource(order, days) for order in case.orders)
    answers: Answers = {
        order: {
            policy: {link: shifted_date(said, days) if _DAY.fullmatch(said) else said for link, said in given.items()}
            for policy, given in by_policy.items()
        }
        for order, by_policy in case.answers.items()
    }
    return Case(case.fhir_server, case.patient, case.user, case.mode, tuple(orders), answers)
