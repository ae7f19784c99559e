"""Why a chart could not be read, in words for whoever chose the FHIR server: what happened, and what to do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from cds_service.fhir_client.server_answers import Failure
from coverage_policies.format.searches import PATIENT


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and what to do about it. `status` is the HTTP status of a page that can show nothing else."""

    title: str
    says: str
    status: int


class ReadingProblem(Enum):
    """Everything that may be wrong with a FHIR server, a token, or a patient id."""

    NO_SAMPLE = Problem(
        "There is no sample patient with this id",
        "Choose one from the list, or enter the patient of another FHIR server.",
        404,
    )
    NOT_ALLOWED = Problem(
        "This FHIR server is not allowed",
        "The sandbox reads only the servers that CDS_FHIR_SERVERS lists. Choose one of those, or ask the operator of "
        "the service to add this one.",
        403,
    )
    NOT_AN_ADDRESS = Problem(
        "This is not the address of a FHIR server",
        "Write it like https://ehr.example.org/fhir, without a question mark and without the name of a resource.",
        400,
    )
    NOT_A_PATIENT_ID = Problem(
        "This is not the id of a patient",
        "A FHIR id has up to 64 letters, digits, hyphens, and dots. Copy it from the address of the Patient resource, "
        "after Patient/.",
        400,
    )
    NOT_A_TOKEN = Problem(
        "This is not an access token",
        "A token has no spaces and only plain characters. Copy it again, without the word Bearer.",
        400,
    )
    DOWN = Problem(
        "The FHIR server cannot be reached",
        "No connection was possible. Check the address for typing errors, and whether the server is running and has "
        "a valid certificate. Then try again.",
        502,
    )
    PAUSED = Problem(
        "The FHIR server failed several times",
        "The service does not ask it for a short while, so that it can recover. Try again in a minute.",
        503,
    )
    SLOW = Problem(
        "The FHIR server did not answer in time",
        "The service waits as long as CDS_CALL_TIMEOUT_SECONDS says. Try again; if it stays slow, hook calls to this "
        "server will lack data, too.",
        504,
    )
    WRONG_TOKEN = Problem(
        "The FHIR server refused the access token",
        "The token may be missing, mistyped, or expired, or it may not cover this patient. Get a new one, and enter it "
        "without the word Bearer.",
        403,
    )
    NO_PATIENT = Problem(
        "The FHIR server has no patient with this id",
        "Check the id, and whether the patient is on this server. Upper and lower case matter.",
        404,
    )
    NO_FHIR = Problem(
        "There is no FHIR server at this address",
        "Something answered, but not with FHIR. The address often ends with /fhir or /r4; add /metadata to it in the "
        "browser to check.",
        502,
    )
    FAULTY = Problem(
        "The FHIR server answered with an error",
        "It answers, but could not return this patient. Look into its log, or try again later.",
        502,
    )


_OF_ANSWER = {
    **dict.fromkeys((Failure.TIMEOUT.value, Failure.NOT_SENT.value), ReadingProblem.SLOW),
    **dict.fromkeys(
        (Failure.NO_CONNECTION.value, Failure.UNKNOWN_HOST.value, Failure.TLS.value, Failure.CONNECTION_LOST.value),
        ReadingProblem.DOWN,
    ),
    Failure.ADDRESS_REFUSED.value: ReadingProblem.NOT_ALLOWED,
    Failure.UNREADABLE.value: ReadingProblem.NO_FHIR,
    "401": ReadingProblem.WRONG_TOKEN,
    "403": ReadingProblem.WRONG_TOKEN,
    "410": ReadingProblem.NO_PATIENT,
}
"""By the first word of an answer that is a status, or by the whole of any other."""


def problem_of(answers: Mapping[str, Iterable[str]]) -> ReadingProblem:
    """Return why a patient was not read, from the answers of the server by the key of the search.

    404 means that there is no such patient only if the server speaks FHIR, so that it does not answer 404 to
    everything. Without an answer in time, it is slow.
    """
    of_patient = list(answers.get(PATIENT.key, ()))
    if not of_patient:
        return ReadingProblem.SLOW
    last = of_patient[-1]
    if last == Failure.NOT_ALLOWED.value:
        return ReadingProblem.PAUSED
    status = last.partition(" ")[0]
    if status == "404":
        speaks_fhir = any(not each.startswith("404") for some in answers.values() for each in some)
        return ReadingProblem.NO_PATIENT if speaks_fhir else ReadingProblem.NO_FHIR
    if status == "200" or (status.startswith("3") and status.isdecimal()):
        return ReadingProblem.NO_FHIR
    return _OF_ANSWER.get(last) or _OF_ANSWER.get(status) or ReadingProblem.FAULTY


def section_problem(answers: Iterable[str]) -> str:
    """Return in words why a part of a chart was not read completely, from the answers to its searches."""
    found = [each for each in answers if each != "200"]
    if not found:
        return "the server did not answer in time"
    status = found[-1].partition(" ")[0]
    if status in ("401", "403"):
        return "the token does not cover it"
    return f"the server answered {status}" if status.isdecimal() else found[-1]
