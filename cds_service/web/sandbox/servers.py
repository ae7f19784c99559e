"""Which FHIR servers the sandbox may read: no other gets a request or a token."""

import re

from cds_service.web.sandbox.case import Case, CaseError
from cds_service.web.sandbox.reading_problems import ReadingProblem
from cds_service.web.site import operator_site

_TOKEN = re.compile(r"[\x21-\x7e]{0,16384}")


def refusal_of(address: str, token: str) -> ReadingProblem | None:
    """Return why a server may not be read with this token; None if it may."""
    if not _TOKEN.fullmatch(token):
        return ReadingProblem.NOT_A_TOKEN
    return None if operator_site().allows(address) else ReadingProblem.NOT_ALLOWED


def check_server(case: Case, token: str) -> None:
    """Raise CaseError unless the sandbox may read the FHIR server of a case with this token."""
    refusal = refusal_of(case.fhir_server, token)
    if refusal is ReadingProblem.NOT_ALLOWED:
        raise CaseError(
            "The sandbox may not read this FHIR server. It reads the sample EHR, the servers of CDS_FHIR_SERVERS, and "
            "those that a client has registered."
        )
    if refusal is not None:
        raise CaseError(f"{refusal.value.title}. {refusal.value.says}")
