"""Which FHIR servers the sandbox may read, and which it offers."""

import re

from cds_service.fhir_client.allowlist import ServerTrust, trust_of
from cds_service.http.services import services
from cds_service.web.sandbox.reading_problems import ReadingProblem
from cds_service.web.site import site

_TOKEN = re.compile(r"[\x21-\x7e]{0,16384}")
_PROBLEMS = {
    ServerTrust.NOT_REGISTERED: ReadingProblem.NOT_ALLOWED,
    ServerTrust.UNPROTECTED: ReadingProblem.UNPROTECTED,
}


def refusal_of(address: str, token: str) -> ReadingProblem | None:
    """Return why a server may not be read with this token; None if it may.

    Allowed are the sample EHR and what CDS_FHIR_SERVERS lists. Where samples are shown, which is on the machine of
    whoever tries the service, a setting without servers means any public one, as it does for calls.
    """
    if not _TOKEN.fullmatch(token):
        return ReadingProblem.NOT_A_TOKEN
    found = site()
    samples = found.samples if found else None
    if samples is not None and address == samples.address:
        return None
    registered = services().settings.fhir_servers
    return _PROBLEMS.get(trust_of(address, token, registered or (() if samples is None else None)))


def offered_servers() -> tuple[str, ...]:
    """Return the addresses to offer: the sample EHR, and the allowed servers without those of a pattern."""
    found = site()
    samples = (found.samples.address,) if found and found.samples else ()
    return (*samples, *(each for each in services().settings.fhir_servers if "*" not in each))
