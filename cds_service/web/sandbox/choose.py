"""Choose a patient: one of the samples, or any of an allowed FHIR server."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import Response

from cds_service.settings import FHIR_SERVER
from cds_service.web.pages import operator_page
from cds_service.web.sandbox.case import Case
from cds_service.web.sandbox.reading_problems import ReadingProblem
from cds_service.web.sandbox.servers import refusal_of
from cds_service.web.site import SamplePatient, SampleServer, operator_site

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody typed: an address without a slash at its end, an id, and a token without the word Bearer."""

    server: str = ""
    patient: str = ""
    token: str = field(default="", repr=False)

    @classmethod
    def of(cls, form: Mapping[str, str]) -> "Choice":
        """Return the choice in a form, without what people copy along with it."""
        token = form.get("token", "").strip()
        return cls(
            form.get("server", "")[:_LONGEST].strip().rstrip("/"),
            form.get("patient", "")[:_LONGEST].strip().removeprefix("Patient/"),
            token[len("Bearer ") :].strip() if token.lower().startswith("bearer ") else token,
        )

    @property
    def problem(self) -> ReadingProblem | None:
        """Return what is wrong with it before anybody is asked; None if nothing is."""
        if not FHIR_SERVER.match(self.server) or "*" in self.server:
            return ReadingProblem.NOT_AN_ADDRESS
        if not _ID.fullmatch(self.patient):
            return ReadingProblem.NOT_A_PATIENT_ID
        return refusal_of(self.server, self.token)

    @property
    def case(self) -> Case:
        """Return the case to begin with."""
        return Case(self.server, self.patient)


@dataclass(frozen=True, slots=True)
class Group:
    """Sample patients about one topic."""

    topic: str
    patients: tuple[SamplePatient, ...]

    @property
    def size(self) -> int:
        """Return how many patients there are."""
        return len(self.patients)


def groups(samples: SampleServer | None, words: str = "") -> tuple[Group, ...]:
    """Return the sample patients of which the id, the sentence, or the topic has all these words, by topic."""
    sought = words.casefold().split()
    found: dict[str, list[SamplePatient]] = {}
    for each in samples.patients if samples else ():
        text = f"{each.id} {each.shows} {each.topic}".casefold()
        if all(word in text for word in sought):
            found.setdefault(each.topic, []).append(each)
    return tuple(Group(topic, tuple(patients)) for topic, patients in found.items())


def choose_page(
    choice: Choice | None = None, *, words: str = "", problem: ReadingProblem | None = None, is_unknown: bool = False
) -> Response:
    """Return the page to choose a patient, with the form as it was filled in, and what is wrong with it.

    `is_unknown` is whether an address named a sample patient that there is not.
    """
    pages = operator_site()
    if is_unknown:
        problem = ReadingProblem.NO_SAMPLE
    return operator_page(
        "sandbox/choose.html",
        problem.value.status if problem else 200,
        samples=pages.samples,
        groups=groups(pages.samples, words),
        words=words,
        choice=choice or Choice(),
        servers=pages.offered_servers,
        problem=problem.value if problem else None,
    )
