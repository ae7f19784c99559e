"""Compose the draft orders of a case: add, change, copy, and remove them.

Every action takes a `Workspace`, which is the case with the form that was sent, and returns a `Step`: the case after
it, and which hook is called for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from cds_service.web.sandbox.case import Case, CaseError, checked_order, free_id
from cds_service.web.sandbox.code_search import LONGEST_QUERY, code_written
from cds_service.web.sandbox.hook_calls import SELECT, SIGN
from cds_service.web.sandbox.order_editing import EditError, Editor
from fhir_mappings.bundle import reference_of
from fhir_mappings.codings import Coding
from fhir_mappings.fhir_json import Json, Resource, parse_json
from fhir_mappings.order_elements import CODE_ELEMENTS
from fhir_mappings.order_statements import concept_of, details_element, with_planned_day, without_item

QUERY = "q"
"""The field in which codes are searched."""
_PLANNED_AFTER = timedelta(days=14)
"""How long after today a new order is planned, unless another draft has a day."""
_SHARED = ("requester", "insurance", "encounter")
"""What a new order takes over from another draft of the patient."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A case with what was sent: `argument` is what follows the colon in `do`, `fields` are those of the form.

    `selected` are the references of the ticked orders, `samples` the sample orders of the patient, if it has some.
    """

    case: Case
    argument: str
    fields: Mapping[str, str]
    selected: tuple[str, ...]
    editor: Editor
    today: date
    samples: tuple[Resource, ...] = ()

    def place(self) -> int:
        """Return the position of the order that the argument names. Raise EditError."""
        name = self.argument.split(":")[0]
        for i, order in enumerate(self.case.orders):
            if reference_of(order) == name:
                return i
        raise EditError("That order is no longer in the case.")

    def item(self) -> int:
        """Return the position in a list that the argument ends with; -1 if it names none."""
        number = self.argument.rpartition(":")[2]
        return int(number) if number.isascii() and number.isdigit() and len(number) <= 4 else -1


@dataclass(frozen=True, slots=True)
class Step:
    """The case after an action. `hook` is called for the orders in `selections`, all of them if empty.

    `problems` are what could not be done, in words, and `said` is what was. `taken` is the name of the field that was
    taken over and is to be emptied, `focus` the id of the element to go on from where the pressed button is gone, and
    `is_exported` whether the page shows the case as cases for the authors of policies. `shows_criteria` is whether
    the criteria stay unfolded.
    """

    case: Case
    hook: str = SELECT
    selections: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    taken: str = ""
    focus: str = ""
    is_exported: bool = False
    said: str = ""
    shows_criteria: bool = False


def update(workspace: Workspace) -> Step:
    """Take over the changed fields, as every action does, and select the order that the argument names, if any."""
    named = (workspace.argument,) if workspace.argument else workspace.selected
    return Step(workspace.case, selections=named)


def unknown(workspace: Workspace) -> Step:
    """Say that there is no such action."""
    return Step(workspace.case, selections=workspace.selected, problems=("There is no such action.",))


def export(workspace: Workspace) -> Step:
    """Sign the orders, and show the case as cases for the authors of policies."""
    return Step(workspace.case, hook=SIGN, selections=workspace.selected, is_exported=True)


def sign(workspace: Workspace) -> Step:
    """Sign the orders."""
    return Step(workspace.case, hook=SIGN, selections=workspace.selected)


def add(workspace: Workspace) -> Step:
    """Add an order of a code that a policy knows, such as `cpt 27279`."""
    found = code_written(workspace.editor.library, workspace.argument)
    if found is None:
        raise EditError("No installed policy knows this code. Search again, or edit an order as JSON.")
    return _with_new(workspace, _draft(workspace, found.kind, found.coding))


def add_in_words(workspace: Workspace) -> Step:
    """Add an order that has the words of the query and no code."""
    words = " ".join(workspace.fields.get(QUERY, "")[:LONGEST_QUERY].split())
    if not words:
        raise EditError("Write what to order, then add it.")
    return _with_new(workspace, _draft(workspace, "ServiceRequest", Coding("", "", words)))


def add_sample(workspace: Workspace) -> Step:
    """Add one of the sample orders of the patient."""
    found = next((each for each in workspace.samples if reference_of(each) == workspace.argument), None)
    if found is None:
        raise EditError("The patient has no such sample order.")
    is_there = any(reference_of(each) == workspace.argument for each in workspace.case.orders)
    return _with_new(workspace, _renamed(workspace.case, found) if is_there else found)


def copy(workspace: Workspace) -> Step:
    """Add a copy of an order."""
    return _with_new(workspace, _renamed(workspace.case, workspace.case.orders[workspace.place()]))


def remove(workspace: Workspace) -> Step:
    """Remove an order, and the answers about it."""
    place = workspace.place()
    case = workspace.case
    name = reference_of(case.orders[place])
    left = [order for i, order in enumerate(case.orders) if i != place]
    selections = tuple(each for each in workspace.selected if each != name)
    return Step(case.with_orders(*left), selections=selections, focus="h-orders")


def add_reason(workspace: Workspace) -> Step:
    """Add a reason to an order."""
    place = workspace.place()
    taken = f"o{place}.reason"
    order = workspace.editor.because(workspace.case.orders[place], workspace.fields.get(taken, ""))
    return replace(_with_changed(workspace, place, order), taken=taken)


def add_detail(workspace: Workspace) -> Step:
    """Add a detail in words to an order."""
    place = workspace.place()
    taken = f"o{place}.detail"
    order = workspace.editor.detailed(workspace.case.orders[place], workspace.fields.get(taken, ""))
    return replace(_with_changed(workspace, place, order), taken=taken)


def remove_reason(workspace: Workspace) -> Step:
    """Remove a reason from an order."""
    place = workspace.place()
    order = without_item(workspace.case.orders[place], "reasonCode", workspace.item())
    return replace(_with_changed(workspace, place, order), focus=f"o{place}-reason")


def remove_detail(workspace: Workspace) -> Step:
    """Remove a detail from an order."""
    place = workspace.place()
    order = workspace.case.orders[place]
    order = without_item(order, details_element(order), workspace.item())
    return replace(_with_changed(workspace, place, order), focus=f"o{place}-detail")


def set_json(workspace: Workspace) -> Step:
    """Replace an order by JSON that somebody wrote."""
    place = workspace.place()
    try:
        order = checked_order(parse_json(workspace.fields.get(f"o{place}.json", "").encode("utf-8", "replace")))
    except CaseError as error:
        raise EditError(str(error)) from None
    except ValueError:
        raise EditError("This is not JSON. Check commas, quotation marks, and braces.") from None
    if any(reference_of(each) == reference_of(order) for i, each in enumerate(workspace.case.orders) if i != place):
        raise EditError("Another order has this resourceType and id.")
    return _with_changed(workspace, place, order)


def _draft(workspace: Workspace, kind: str, coding: Coding) -> Resource:
    """Return a new draft for the patient, by whoever signs, under the coverage of the other drafts, two weeks ahead."""
    case = workspace.case
    known = [*case.orders, *workspace.samples]
    order: dict[str, Any] = {
        "resourceType": kind,
        "id": free_id(case.orders),
        "status": "draft",
        "intent": "order",
        CODE_ELEMENTS[kind]: concept_of(coding),
        "subject": {"reference": f"Patient/{case.patient}"},
        "authoredOn": workspace.today.isoformat(),
        "requester": {"reference": case.user},
    }
    for name in _SHARED:
        order |= next(({name: each[name]} for each in known if name in each and not _is_local(each[name])), {})
    return with_planned_day(order, _day_of_others(workspace) or workspace.today + _PLANNED_AFTER)


def _is_local(value: Json) -> bool:
    """Return whether an element references a resource that the order itself contains."""
    given = value if isinstance(value, list) else [value]
    return any(isinstance(each, Mapping) and str(each.get("reference", "")).startswith("#") for each in given)


def _day_of_others(workspace: Workspace) -> date | None:
    for order in map(workspace.editor.read, workspace.case.orders):
        if order.planned is not None and order.planned.earliest == order.planned.latest:
            return order.planned.latest
    return None


def _renamed(case: Case, order: Resource) -> Resource:
    return {**order, "id": free_id(case.orders)}


def _with_new(workspace: Workspace, order: Resource) -> Step:
    case = workspace.case
    name = reference_of(order)
    focus = f"o{len(case.orders)}-title"
    return Step(case.with_orders(*case.orders, order), selections=(name,), taken=QUERY, focus=focus)


def _with_changed(workspace: Workspace, place: int, order: Resource) -> Step:
    orders: Sequence[Resource] = workspace.case.orders
    changed = workspace.case.with_orders(*orders[:place], order, *orders[place + 1 :])
    return Step(changed, selections=(reference_of(order),))


def entered(before: Case, fields: Mapping[str, str], step: Step, action: str) -> Mapping[str, str]:
    """Return what stands in the fields that no action took over, by their names, for the page to show again.

    JSON that cannot be used is shown again only after the action that tried to, since the order may change otherwise.
    """
    found = {QUERY: fields.get(QUERY, "")[:LONGEST_QUERY]}
    for i, (old, new) in enumerate(zip(before.orders, step.case.orders, strict=False)):
        if reference_of(old) == reference_of(new):
            found |= {name: fields.get(name, "") for name in (f"o{i}.reason", f"o{i}.detail")}
            if step.problems and action == f"json:{reference_of(old)}":
                found |= {f"o{i}.json": fields.get(f"o{i}.json", "")}
    return {name: text for name, text in found.items() if text and name != step.taken}
