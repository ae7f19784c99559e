"""Whose policy a card is about, and where to read it (CDS Hooks 2.0.1, Source and Link)."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from coverage_policies.judging.assessment import Assessment
from coverage_policies.judging.determination import Determination
from coverage_policies.judging.failures import failed_criteria

TOPIC_SYSTEM = "urn:cds-coverage-policies:policy"
_TOPIC_LENGTH = 100
"""Epic remembers an override by a topic of at most 100 letters and digits."""
_NOT_ALPHANUMERIC = re.compile(r"[^A-Za-z0-9]")
_LEGAL_FORM = re.compile(r",? (?:Corporation|Corp\.?|Incorporated|Inc\.?|Company|Co\.?|LLC|L\.L\.C\.|Ltd\.?)$")


@dataclass(frozen=True, slots=True)
class AppLink:
    """The questionnaire app: its launch address, and what a launch for a determination carries.

    `context` returns an opaque text, empty if a launch cannot carry what it needs.
    """

    address: str
    context: Callable[[Determination], str]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the service publishes what a card names: the canonicals of questionnaires, and the policy pages.

    An empty address is not named. `app` is None where the EHR of the call cannot launch it.
    """

    canonicals: str = ""
    policy_pages: str = ""
    app: AppLink | None = None


NO_ADDRESSES = Addresses()


def source(assessment: Assessment, addresses: Addresses) -> dict[str, object]:
    """Return the source of a card: the insurer as the patient knows it, and the policy."""
    first = assessment.determinations[0]
    found: dict[str, object] = {"label": assessment.payer or _LEGAL_FORM.sub("", first.owner)}
    if url := first.url or page(first, addresses.policy_pages):
        found["url"] = url
    code = _NOT_ALPHANUMERIC.sub("", first.policy)[:_TOPIC_LENGTH]
    found["topic"] = {"code": code, "system": TOPIC_SYSTEM, "display": first.title}
    return found


def links(assessment: Assessment, addresses: Addresses) -> list[dict[str, str]]:
    """Return links to where the open questions are answered, and to the policies of a card.

    A policy is linked where its owner publishes it, and to our page of each revision.
    """
    return [
        *(_app_links(assessment, addresses.app) if addresses.app else ()),
        *policy_links([(each, assessment) for each in assessment.determinations], addresses.policy_pages),
    ]


def _app_links(assessment: Assessment, app: AppLink) -> Iterator[dict[str, str]]:
    """Yield a link that launches the app, for each policy with open questions (CDS Hooks 2.0.1, Link)."""
    asking = [each for each in assessment.determinations if each.questions]
    for each in asking:
        if context := app.context(each):
            name = f" for {each.full_name}" if len(asking) > 1 else ""
            label = f"Answer the open questions{name}"
            yield {"label": label, "url": app.address, "type": "smart", "appContext": context}


def policy_links(judged: Iterable[tuple[Determination, Assessment]], policy_pages: str) -> list[dict[str, str]]:
    """Return the links to the policies of determinations, each with its assessment; each address once."""
    found = {url: label for each in judged for label, url in _places(*each, policy_pages)}
    return [{"label": label, "url": url, "type": "absolute"} for url, label in found.items()]


def _places(determination: Determination, assessment: Assessment, policy_pages: str) -> Iterator[tuple[str, str]]:
    """Yield the label and the address of each place to read a policy of an assessment: its owner's, and our page."""
    revisions = [each.revision for each in assessment.determinations if each.policy == determination.policy]
    name = determination.policy + (f" ({determination.revision})" if len(revisions) > 1 else "")
    if determination.url:
        yield f"{name}: {determination.title}", determination.url
    if address := page(determination, policy_pages):
        yield f"{name} in plain words", address + _anchor(determination)


def page(determination: Determination, policy_pages: str) -> str:
    """Return the address of our page of a revision, empty if there are no such pages."""
    return f"{policy_pages}/{quote(determination.full_name, safe='@')}" if policy_pages else ""


def _anchor(determination: Determination) -> str:
    """Return the fragment of the first criterion that fails, or of the section that decided."""
    failed = failed_criteria(determination)
    name = failed[0].id if failed else determination.section
    return f"#{quote(name)}" if name else ""
