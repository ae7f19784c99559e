"""`cds-service demo --crd`: one order as a payer answers it, before and after its form is filled in."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import click
import requests
from rich.console import Console
from rich.markup import escape

from cds_service.cli.output.coverage import print_coverage
from cds_service.crd.assertions import coverage_information_of, part_value
from cds_service.sample_ehr.charts import Charts
from cds_service.sample_ehr.dtr_client import filled_form
from cds_service.sample_ehr.hook_client import crd_call
from coverage_policies.judging.payer_terms import Covered
from fhir_mappings.fhir_json import Resource, dumps, loads

PATIENT = "cpap-mild-apnea"
"""The sample patient whose order is answered for."""
_PRACTITIONER = "Practitioner/sample-pulmonologist"
_RESPONSE = "crd-form"
FAVORABLE: Mapping[str, bool | str] = {
    "pathway": "first-weeks",
    "B.initial.diagnosis.evaluation": True,
    "B.initial.diagnosis.test": True,
    "B.initial.diagnosis.ordered": True,
    "B.initial.events": True,
    "B.initial.education": True,
}
"""What the clinician answers to the form of the order."""
_CHANGED = "B.initial.events"
Hook = Literal["order-select", "order-sign"]


@dataclass(frozen=True, slots=True)
class CrdLoop:
    """What the loop needs of the service and of the EHR: addresses, the charts, and the token for them."""

    service: str
    ehr: str
    charts: Charts
    token: str
    new_id: Callable[[], str]
    clock: Callable[[], datetime]

    def call(self, hook: Hook, order: Resource) -> tuple[Resource, list[Resource]]:
        """Call the CRD service of a hook; return the order as it updates it, and the coverage information in it.

        Without an update, return the order as it is, and none.
        """
        coverage = self.charts.read("Coverage", f"{PATIENT}-coverage")
        body = crd_call(
            PATIENT, hook, order, coverage or {}, fhir_server=f"{self.ehr}/fhir", token=self.token, new_id=self.new_id
        )
        headers = {"Content-Type": "application/json"}
        address = f"{self.service}/cds-services/crd-{hook}"
        response = requests.post(address, dumps(body).encode(), headers=headers, timeout=30)
        response.raise_for_status()
        for action in loads(response.content).get("systemActions", ()):
            updated: Resource = action["resource"]
            return updated, list(coverage_information_of(updated))
        return order, []

    def form(self, canonical: str) -> Resource:
        """Return the form that a canonical names."""
        url, _, version = canonical.partition("|")
        found = requests.get(f"{self.service}/fhir/Questionnaire", params={"url": url, "version": version}, timeout=30)
        found.raise_for_status()
        (entry,) = loads(found.content)["entry"]
        form: Resource = entry["resource"]
        return form

    def keep_response(self, form: Resource, answers: Mapping[str, bool | str], order: Resource) -> None:
        """Store the filled in form in the chart, in place of the one before."""
        moment = self.clock()
        response = filled_form(
            form,
            answers,
            response_id=_RESPONSE,
            patient=f"Patient/{PATIENT}",
            practitioner=_PRACTITIONER,
            order=f"{order['resourceType']}/{order['id']}",
            coverage=f"Coverage/{PATIENT}-coverage",
            authored=moment,
        )
        self.charts.write(f"{self.ehr}/fhir", response, updated=moment.isoformat(timespec="milliseconds"))


def run_crd_loop(console: Console, loop: CrdLoop, order: Resource) -> None:
    """Select an order, sign it, fill in its form, sign it again, and once more with one answer changed.

    Raise ClickException if the coverage information is not the expected one.
    """
    order, selected = loop.call("order-select", order)
    print_coverage(console, f"order-select for {PATIENT}: what the payer says while ordering", selected)
    _expect(selected, Covered.CONDITIONAL)
    order, signed = loop.call("order-sign", order)
    print_coverage(console, f"order-sign for {PATIENT}: the payer asks for documentation", signed)
    _expect(signed, Covered.CONDITIONAL)
    canonical = part_value(signed[0], "questionnaire")
    form = loop.form(canonical)
    _say_answers(console, f"The DTR client of the EHR fills in {canonical}:", form, FAVORABLE)
    loop.keep_response(form, FAVORABLE, order)
    order, supported = loop.call("order-sign", order)
    print_coverage(console, f"order-sign for {PATIENT}: with the form filled in", supported)
    _expect(supported, Covered.COVERED)
    changed = {**FAVORABLE, _CHANGED: not FAVORABLE[_CHANGED]}
    _say_answers(console, "One answer is changed:", form, {_CHANGED: changed[_CHANGED]})
    loop.keep_response(form, changed, order)
    order, failed = loop.call("order-sign", order)
    print_coverage(console, f"order-sign for {PATIENT}: with the changed answer", failed)
    _expect(failed, Covered.NOT_COVERED)
    ids = {part_value(each, "coverage-assertion-id") for each in (*selected, *signed, *supported, *failed)}
    if len(ids) != 1:
        raise click.ClickException("The order did not keep its assertion id.")
    _, again = loop.call("order-sign", order)
    print_coverage(console, f"order-sign for {PATIENT}: signed again, nothing changed", again)
    if again:
        raise click.ClickException("The service repeated coverage information that the order carries already.")


def _expect(extensions: list[Resource], wanted: Covered) -> None:
    said = [part_value(each, "covered") for each in extensions]
    if said != [wanted.value]:
        raise click.ClickException(f"The order is {' and '.join(said) or 'not answered'}; expected: {wanted.value}.")


def _say_answers(console: Console, title: str, form: Resource, answers: Mapping[str, bool | str]) -> None:
    console.print(f"\n[bold]{escape(title)}[/]", soft_wrap=True, highlight=False)
    texts = dict(_texts(form["item"]))
    for link, answer in answers.items():
        said = answer if isinstance(answer, str) else "yes" if answer else "no"
        console.print(f"  {escape(texts[link])} [bold]{escape(said)}[/]", soft_wrap=True, highlight=False)


def _texts(asked: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield the text of every item of a form, by `linkId`."""
    for item in asked:
        yield item["linkId"], item.get("text", "")
        yield from _texts(item.get("item", ()))
