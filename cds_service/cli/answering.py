"""`cds-service demo --answer`: the whole loop by itself, from a card that asks to one that has nothing left to ask."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import click
import requests
from rich.console import Console
from rich.markup import escape

from cards.build import DETERMINATION
from cds_service.sample_ehr.form_client import FormClient, Page
from cds_service.sample_ehr.smart.server import SAMPLE_USER, SmartServer
from cds_service.web.form_input import DONT_KNOW
from coverage_policies.format.terms import Outcome
from fhir_mappings.fhir_json import loads

PATIENT = "cpap-mild-apnea"
"""The sample patient whose order is answered for: nothing in the chart speaks against a favorable answer."""
_USER = "Practitioner/sample-pulmonologist"
_PATHWAY = {"pathway": "first-weeks"}
"""The answer that decides which questions follow; a card says of no answer to it that it favors the order."""
_CHANGED = "B.initial.events"
"""The question whose answer is changed at the end: whether enough sleep, or enough events, were recorded."""
_FIELD = "answer:"
_OPPOSITE = {"yes": "no", "no": "yes"}

Card = Mapping[str, Any]
Hook = Literal["order-select", "order-sign"]


def outcome_of(card: Card) -> str:
    """Return the outcome of the first determination of a card."""
    return str(card["extension"][DETERMINATION]["outcome"])


def smart_link(card: Card) -> Mapping[str, str] | None:
    """Return the link of a card that launches the app, if it has one."""
    return next((each for each in card.get("links", ()) if each["type"] == "smart"), None)


def launch_path(smart: SmartServer, patient: str, card: Card, user: str = SAMPLE_USER) -> str:
    """Return the path on the sample EHR that launches the app from a card; empty if the card has no link to it."""
    link = smart_link(card)
    return smart.launch(patient, app_url=link["url"], app_context=link["appContext"], user=user) if link else ""


def run_loop(console: Console, *, sign: Callable[[Hook], Card], ehr: str, smart: SmartServer, token: str) -> None:
    """Answer the open questions of a sample order, sign it, change one answer, and sign it again.

    `sign` calls a hook for the order and returns its card. Raise ClickException if an outcome is not the expected one.
    """
    first = sign("order-select")
    _expect(first, Outcome.DOCUMENTATION_NEEDED)
    client = FormClient()
    page = _opened(client, ehr + launch_path(smart, PATIENT, first, _USER))
    console.print("\n[bold]The form asks, and the clinician answers:[/]")
    for asked, said in _answered(client, page, _favorable(first)):
        _say_answer(console, asked, said)
    _say_stored(console, ehr, token)
    supported = sign("order-sign")
    _expect(supported, Outcome.SUPPORTED)
    page = _opened(client, ehr + launch_path(smart, PATIENT, first, _USER))
    page = client.submit(page, {"do": f"change:{_CHANGED}"})
    (name,) = page.questions
    changed = _OPPOSITE[_favorable(first)[_CHANGED]]
    console.print("\n[bold]One answer is changed:[/]")
    _say_answer(console, page.questions[name], changed)
    page = client.submit(page, {name: changed, "do": "next"})
    client.submit(page, {"do": "finish"})
    _say_stored(console, ehr, token)
    _expect(sign("order-sign"), Outcome.CRITERIA_NOT_MET)


def _opened(client: FormClient, url: str) -> Page:
    """Launch the app, and let the user continue at the sign-in page of the EHR."""
    page = client.open(url)
    return client.submit(page, {"decision": "continue"}) if "continue" in page.buttons else page


def _answered(client: FormClient, page: Page, favorable: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Answer screen after screen, save the response, and yield each question with its answer."""
    while page.questions:
        said = {name: favorable.get(name.removeprefix(_FIELD)) or DONT_KNOW for name in page.questions}
        yield from ((page.questions[name], value) for name, value in said.items())
        page = client.submit(page, {**said, "do": "next"})
    client.submit(page, {"do": "finish"})


def _favorable(card: Card) -> dict[str, str]:
    """Return the answer that favors the order to each question of a card."""
    questions = card["extension"][DETERMINATION]["questions"]
    return {each["linkId"]: each.get("met_by", "") for each in questions} | _PATHWAY


def _say_stored(console: Console, ehr: str, token: str) -> None:
    """Print the newest response in the chart."""
    answer = requests.get(
        f"{ehr}/fhir/QuestionnaireResponse",
        params={"patient": PATIENT},
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )
    answer.raise_for_status()
    resources = [each["resource"] for each in loads(answer.content)["entry"]]
    newest = max(resources, key=lambda each: str(each.get("meta", {}).get("lastUpdated", "")))
    stored = f"QuestionnaireResponse/{newest['id']}, {newest['status']}, by {newest['author']['reference']}"
    console.print(f"\n[bold]In the chart:[/] {stored}", soft_wrap=True, highlight=False)


def _say_answer(console: Console, question: str, answer: str) -> None:
    console.print(f"  {escape(question)} [bold]{answer}[/]", soft_wrap=True, highlight=False)


def _expect(card: Card, wanted: Outcome) -> None:
    outcome = outcome_of(card)
    if outcome != wanted.value:
        raise click.ClickException(f"The order is {outcome}, and {wanted.value} was expected.")
