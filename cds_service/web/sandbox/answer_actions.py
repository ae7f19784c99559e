"""What the buttons beside the answer of the service do: accept, override, answer, take back, switch the services."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from cards.override_reasons import SYSTEM
from cds_service.web.sandbox import feedback, suggestions
from cds_service.web.sandbox.answers import QuestionKey, answered, answers_in, taken_back
from cds_service.web.sandbox.case import Case, CaseError, Mode
from cds_service.web.sandbox.hook_calls import SELECT, SIGN, Reply
from cds_service.web.sandbox.shown_cards import card_named

Form = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Done:
    """The case after a button, the hook to call next, and what happened, in words. `went_well` is whether it did.

    `shows_criteria` is whether the criteria stay unfolded.
    """

    case: Case
    hook: str
    says: str = ""
    went_well: bool = True
    shows_criteria: bool = False


def with_mode(case: Case, form: Form) -> Case:
    """Return the case with the services that the page chose; unchanged if it names none."""
    chosen = form.get("mode", "")
    return replace(case, mode=Mode(chosen)) if chosen in set(Mode) else case


def _switch(case: Case, _argument: str, form: Form) -> Done:
    hook = SIGN if form.get("hook") == SIGN else SELECT
    return Done(case, hook)


def _suggest(case: Case, argument: str, form: Form) -> Done:
    uuid, _, number = argument.rpartition(":")
    card = card_named(uuid, form)
    if not number.isdecimal() or int(number) >= len(card.suggestions):
        raise CaseError("The card has no such suggestion. Sign the orders again.")
    index = int(number)
    reply = feedback.accept(card, index)
    changed = suggestions.apply(case, {"suggestions": card.suggestions}, index)
    what = "The suggestion is applied to the draft"
    return _after_feedback(changed, SELECT, what, "Sign to see what changes.", reply)


def _override(case: Case, argument: str, form: Form) -> Done:
    card = card_named(argument, form)
    reply = feedback.override(card, form.get(f"reason:{argument}", ""), SYSTEM, form.get(f"comment:{argument}", ""))
    return _after_feedback(case, card.hook, "The card is overridden", "", reply)


def _after_feedback(case: Case, hook: str, what: str, more: str, reply: Reply) -> Done:
    if reply.status == 200:
        return Done(case, hook, " ".join(filter(None, (f"{what}. Feedback stored.", more))))
    return Done(case, hook, f"{what}, but the service did not store the feedback ({reply.status}).", went_well=False)


def _answer(case: Case, _argument: str, form: Form) -> Done:
    before = case
    for key, value in answers_in(form):
        case = answered(case, key, value)
    if case == before:
        return Done(case, SIGN, "No answer is chosen. Choose one, then answer.", went_well=False, shows_criteria=True)
    return Done(case, SIGN, "Answered, and signed again.", shows_criteria=True)


def _take_back(case: Case, argument: str, _form: Form) -> Done:
    key = QuestionKey.parse(argument)
    left = taken_back(case, key) if key else case
    return Done(left, SIGN, "The answer is taken back, and the orders are signed again.", shows_criteria=True)


ACTIONS: Mapping[str, Callable[[Case, str, Form], Done]] = MappingProxyType(
    {"mode": _switch, "suggest": _suggest, "override": _override, "answer": _answer, "take-back": _take_back}
)
"""What to do for the part of the value of a button before its first colon; the rest is the argument."""
