"""The DTR client of the sample EHR: it fetches the forms of a payer and fills them in (Da Vinci DTR 2.2.0)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import requests

from cds_service.sample_ehr.form_answers import Answers, answered, given, only_answered, questions, words
from fhir_mappings.fhir_json import Json, Resource, dumps, loads

Post = Callable[[str, Json], Resource]
"""Sends a resource to an address, and returns the one that comes back."""
_ADAPTIVE = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-questionnaireAdaptive"
_NEXT_QUESTION = "$next-question"
_MOST_CALLS = 100
_SECONDS = 30


class DtrError(Exception):
    """What a payer answered cannot be used; the text says what was wrong."""


def posting(token: str = "") -> Post:
    """Return what sends a resource over HTTP, with an access token if one is given. It raises requests.HTTPError."""
    headers = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"

    def post(url: str, body: Json) -> Resource:
        response = requests.post(url, dumps(body).encode(), headers=headers, timeout=_SECONDS)
        response.raise_for_status()
        found: Resource = loads(response.content)
        return found

    return post


@dataclass(frozen=True, slots=True)
class Package:
    """A form as the payer returned it: the Questionnaire, and the draft of its response."""

    questionnaire: Resource
    draft: Resource

    @property
    def canonical(self) -> str:
        """Return the canonical of the form with its version."""
        return f"{self.questionnaire['url']}|{self.questionnaire['version']}"

    @property
    def next_question(self) -> str:
        """Return the address of `$next-question`; empty for a form that is not adaptive."""
        for each in self.questionnaire.get("extension", ()):
            if each["url"] == _ADAPTIVE and "valueUrl" in each:
                url = each["valueUrl"].rstrip("/")
                return url if url.endswith(_NEXT_QUESTION) else f"{url}/Questionnaire/{_NEXT_QUESTION}"
        return ""


@dataclass(frozen=True, slots=True)
class Step:
    """One screen of a form: each question on it with the words of its answer, and the response after it."""

    said: Sequence[tuple[str, str]]
    response: Resource

    @property
    def is_complete(self) -> bool:
        """Return whether nothing more is asked."""
        return bool(self.response["status"] == "completed")


@dataclass(frozen=True, slots=True)
class DtrClient:
    """A practitioner, given as a reference, who answers the forms of the payer at a FHIR base.

    `post` raises whatever shows that an address cannot be reached, or that it refused the call.
    """

    base: str
    practitioner: str
    clock: Callable[[], datetime]
    post: Post = field(default_factory=posting, repr=False)

    def packages(
        self,
        coverage: Resource,
        *,
        orders: Iterable[Resource] = (),
        context: str = "",
        questionnaires: Iterable[str] = (),
    ) -> list[Package]:
        """Return the forms for orders, for the coverage assertion whose id is the context, or by their canonicals."""
        parameters: list[dict[str, Any]] = [{"name": "coverage", "resource": coverage}]
        parameters += [{"name": "order", "resource": each} for each in orders]
        if context:
            parameters.append({"name": "context", "valueString": context})
        parameters += [{"name": "questionnaire", "valueCanonical": each} for each in questionnaires]
        body = {"resourceType": "Parameters", "parameter": parameters}
        answer = self.post(f"{self.base}/Questionnaire/$questionnaire-package", body)
        bundles = [each["resource"] for each in answer.get("parameter", ()) if each["name"] == "packagebundle"]
        return [Package(*(entry["resource"] for entry in bundle["entry"][:2])) for bundle in bundles]

    def steps(self, package: Package, answers: Answers) -> Iterator[Step]:
        """Yield each screen of a form as it is answered, until the response is complete.

        What these do not answer and the draft does not either is answered "don't know". Raise DtrError if the form does
        not come to an end.
        """
        response, url = package.draft, package.next_question
        if not url:
            items = package.questionnaire["item"]
            step = self._filled_in(response, items, answers, status="completed")
            yield Step(step.said, {**step.response, "item": list(only_answered(step.response["item"]))})
            return
        for _ in range(_MOST_CALLS):
            (form,) = response["contained"]
            step = self._filled_in(response, form.get("item", ()), answers, status=response["status"])
            response = self.post(url, step.response)
            yield Step(step.said, response)
            if response["status"] == "completed":
                return
        raise DtrError(f"{package.canonical} was not complete after {_MOST_CALLS} calls.")

    def _filled_in(
        self, response: Resource, items: Sequence[Mapping[str, Any]], answers: Answers, *, status: str
    ) -> Step:
        before = dict(given(response.get("item", ())))
        found = answered(items, response.get("item", ()), answers, self.practitioner)
        now = dict(given(found))
        asked = (each for each in questions(items) if each["linkId"] not in before)
        filled: dict[str, Any] = {
            **response,
            "status": status,
            "authored": self.clock().isoformat(timespec="seconds"),
            "author": {"reference": self.practitioner},
            "item": found,
        }
        return Step(
            [(each["text"], words(now[each["linkId"]])) for each in asked if each["type"] != "quantity"],
            {name: value for name, value in filled.items() if value},
        )
