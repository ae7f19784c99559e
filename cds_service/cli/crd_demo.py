"""`cds-service demo --crd`: one order as a payer answers it, before and after its form is filled in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import click
import requests
from rich.console import Console
from rich.markup import escape

from cds_service.cli.output.coverage import print_coverage
from cds_service.crd.assertions import coverage_information_of, part_value
from cds_service.sample_ehr.charts import Charts
from cds_service.sample_ehr.dtr_client import DtrClient, Package, Step
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
        body = crd_call(
            PATIENT, hook, order, self._coverage, fhir_server=f"{self.ehr}/fhir", token=self.token, new_id=self.new_id
        )
        headers = {"Content-Type": "application/json"}
        address = f"{self.service}/cds-services/crd-{hook}"
        response = requests.post(address, dumps(body).encode(), headers=headers, timeout=30)
        response.raise_for_status()
        for action in loads(response.content).get("systemActions", ()):
            updated: Resource = action["resource"]
            return updated, list(coverage_information_of(updated))
        return order, []

    @property
    def client(self) -> DtrClient:
        """Return the DTR client of the EHR, for the clinician who fills in the form."""
        return DtrClient(f"{self.service}/fhir", _PRACTITIONER, self.clock)

    def package(self, order: Resource, told: Resource) -> Package:
        """Return the form of an order that coverage information names. Raise ClickException if the payer has none."""
        context, form = part_value(told, "coverage-assertion-id"), part_value(told, "questionnaire")
        for found in self.client.packages(self._coverage, orders=[order], context=context, questionnaires=[form]):
            return found
        raise click.ClickException("The payer returned no form.")

    def keep_response(self, response: Resource) -> None:
        """Store a completed response in the chart, in place of the one before."""
        updated = self.clock().isoformat(timespec="milliseconds")
        self.charts.write(f"{self.ehr}/fhir", {**response, "id": _RESPONSE}, updated=updated)

    @property
    def _coverage(self) -> Resource:
        return self.charts.read("Coverage", f"{PATIENT}-coverage") or {}


def run_crd_loop(console: Console, loop: CrdLoop, order: Resource) -> None:
    """Select an order, sign it, fill in its form, sign it again, and once more with a form that has another answer.

    Raise ClickException if the coverage information is not the expected one.
    """
    order, selected = loop.call("order-select", order)
    print_coverage(console, f"order-select for {PATIENT}: what the payer says while ordering", selected)
    _expect(selected, Covered.CONDITIONAL)
    order, signed = loop.call("order-sign", order)
    print_coverage(console, f"order-sign for {PATIENT}: the payer asks for documentation", signed)
    _expect(signed, Covered.CONDITIONAL)
    first = _fill_in(console, loop, order, signed[0], FAVORABLE)
    _expect(first, Covered.COVERED)
    order, supported = loop.call("order-sign", order)
    print_coverage(console, f"order-sign for {PATIENT}: with the form filled in", supported)
    _expect(supported, Covered.COVERED)
    changed = {**FAVORABLE, _CHANGED: not FAVORABLE[_CHANGED]}
    second = _fill_in(console, loop, order, signed[0], changed, how=" again, with one answer changed")
    _expect(second, Covered.NOT_COVERED)
    order, failed = loop.call("order-sign", order)
    print_coverage(console, f"order-sign for {PATIENT}: with the changed answer", failed)
    _expect(failed, Covered.NOT_COVERED)
    ids = {
        part_value(each, "coverage-assertion-id") for each in (*selected, *signed, *first, *supported, *second, *failed)
    }
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


def _fill_in(
    console: Console,
    loop: CrdLoop,
    order: Resource,
    signed: Resource,
    answers: Mapping[str, bool | str],
    *,
    how: str = "",
) -> list[Resource]:
    """Fill in the form of an order, store it, and return the coverage information that came with its end."""
    package = loop.package(order, signed)
    _say(console, f"\n[bold]The DTR client of the EHR fills in {escape(package.canonical)}{how}:[/]")
    response = package.draft
    for number, step in enumerate(loop.client.steps(package, answers), start=1):
        _say_step(console, number, step)
        response = step.response
    loop.keep_response(response)
    information = list(coverage_information_of(response))
    print_coverage(console, f"$next-question for {PATIENT}: the form is complete", information)
    return information


def _say_step(console: Console, number: int, step: Step) -> None:
    _say(console, f"  $next-question {number}{'' if step.said else ': begin'}")
    for text, answer in step.said:
        _say(console, f"    {escape(text)} [bold]{escape(answer)}[/]")


def _say(console: Console, line: str) -> None:
    console.print(line, soft_wrap=True, highlight=False)
