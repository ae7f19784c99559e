"""What the buttons beside the answer of the service do: accept, override, answer, take back, switch the services."""

from collections.abc import Mapping
from dataclasses import replace

from cards.override_reasons import SYSTEM
from cds_service.web.sandbox import feedback, suggestions
from cds_service.web.sandbox.answers import QuestionKey, answered, answers_in, taken_back
from cds_service.web.sandbox.case import Case, CaseError, Mode
from cds_service.web.sandbox.composer import Step, Workspace
from cds_service.web.sandbox.hook_calls import SELECT, SIGN, Reply
from cds_service.web.sandbox.shown_cards import card_named


def with_mode(case: Case, fields: Mapping[str, str]) -> Case:
    """Return the case with the services that the page chose; unchanged if it names none."""
    chosen = fields.get("mode", "")
    return replace(case, mode=Mode(chosen)) if chosen in set(Mode) else case


def switch(workspace: Workspace) -> Step:
    """Call the services that the page chose for the hook that was called last."""
    hook = SIGN if workspace.fields.get("hook") == SIGN else SELECT
    return Step(workspace.case, hook, workspace.selected)


def accept(workspace: Workspace) -> Step:
    """Apply a suggestion, and tell the service; the argument is the uuid of the card and the place of the suggestion.

    Raise CaseError if the page has no such suggestion.
    """
    uuid, _, number = workspace.argument.rpartition(":")
    card = card_named(uuid, workspace.fields)
    numbers = {str(each): each for each in range(len(card.suggestions))}
    if number not in numbers:
        raise CaseError("The card has no such suggestion. Sign the orders again.")
    index = numbers[number]
    reply = feedback.accept(card, index)
    changed = suggestions.apply(workspace.case, {"suggestions": card.suggestions}, index)
    step = Step(changed, SELECT, workspace.selected)
    return _told(step, "The suggestion is applied to the draft", reply, "Sign to see what changes.")


def override(workspace: Workspace) -> Step:
    """Tell the service that the user overrode a card, the one whose uuid is the argument. Raise CaseError."""
    uuid, fields = workspace.argument, workspace.fields
    card = card_named(uuid, fields)
    reply = feedback.override(card, fields.get(f"reason:{uuid}", ""), SYSTEM, fields.get(f"comment:{uuid}", ""))
    return _told(Step(workspace.case, card.hook, workspace.selected), "The card is overridden", reply)


def _told(step: Step, what: str, reply: Reply, more: str = "") -> Step:
    if reply.status == 200:
        return replace(step, said=" ".join(filter(None, (f"{what}. Feedback stored.", more))))
    return replace(step, problems=(f"{what}, but the service did not store the feedback ({reply.status}).",))


def answer(workspace: Workspace) -> Step:
    """Take over every answer that is chosen on the page, and sign."""
    case = workspace.case
    for key, value in answers_in(workspace.fields):
        case = answered(case, key, value)
    step = Step(case, SIGN, workspace.selected, shows_criteria=True)
    if case == workspace.case:
        return replace(step, problems=("No answer is chosen. Choose one, then answer.",))
    return replace(step, said="Answered, and signed again.")


def take_back(workspace: Workspace) -> Step:
    """Take an answer back, and sign; the argument is the key of the question."""
    key = QuestionKey.parse(workspace.argument)
    left = taken_back(workspace.case, key) if key else workspace.case
    says = "The answer is taken back, and the orders are signed again."
    return Step(left, SIGN, workspace.selected, said=says, shows_criteria=True)
