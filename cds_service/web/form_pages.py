"""The pages of the questionnaire app: one screen of questions, the outcome, the orders to choose from, and messages."""

from collections.abc import Iterable, Mapping, Sequence

from flask import Response

from cards.summary import headline
from cds_service.smart.forms import Choice
from cds_service.web import form_view
from cds_service.web.form_input import DONT_KNOW, asked_in, field_of
from cds_service.web.form_view import Banner
from cds_service.web.pages import patient_page
from coverage_policies.format.model import Policy
from coverage_policies.judging.determination import Determination
from coverage_policies.judging.next_screen import Screen
from fhir_mappings.orders import Order


def screen_page(
    policy: Policy,
    order: Order,
    screen: Screen,
    answers: Mapping[str, str],
    *,
    token: str,
    banner: Banner | None = None,
    frame_ancestors: Sequence[str] = (),
    errors: Mapping[str, str] | None = None,
    posted: Mapping[str, str] | None = None,
) -> Response:
    """Return the page of the next screen; with `errors` by `linkId`, it keeps what was `posted`, and has status 422.

    `answers` are those given so far, by `linkId`, and `token` is that of the session.
    """
    question, errors = screen.question, errors or {}
    chosen = _posted_answers(screen, posted) if posted is not None else answers
    return patient_page(
        "answer.html",
        422 if errors else 200,
        frame_ancestors,
        token=token,
        banner=banner,
        order=order,
        policy=policy,
        badge=form_view.badge_of(screen.determination),
        headline=headline(screen.determination),
        questions=form_view.asked(question, order.reference, chosen, errors) if question else (),
        group=question.text if question and question.parts else "",
        given=form_view.given(policy, answers),
        left=form_view.progress_words(screen),
        most_left=screen.items_left[1],
        settled=form_view.settled_words(screen),
        without_effect=form_view.without_effect(screen, order.reference),
    )


def outcome_page(
    policy: Policy,
    order: Order,
    determination: Determination,
    *,
    is_written: bool,
    is_complete: bool,
    why_not: str,
    token: str,
    banner: Banner | None = None,
    frame_ancestors: Sequence[str] = (),
) -> Response:
    """Return the page with the outcome, and what became of the response; `why_not` says why it was not written."""
    return patient_page(
        "outcome.html",
        200,
        frame_ancestors,
        token=token,
        banner=banner,
        order=order,
        policy=policy,
        badge=form_view.badge_of(determination),
        headline=headline(determination),
        lines=form_view.lines(determination),
        is_written=is_written,
        is_complete=is_complete,
        why_not=why_not,
    )


def choose_order_page(choices: Iterable[Choice], *, token: str, frame_ancestors: Sequence[str] = ()) -> Response:
    """Return the page on which the user chooses an order, for a launch without a card."""
    return patient_page("choose_order.html", 200, frame_ancestors, token=token, choices=tuple(choices))


def message_page(status: int, title: str, says: str, to_do: str) -> Response:
    """Return a page with one message: what happened, and what to do."""
    return patient_page("message.html", status, (), heading=title, says=says, to_do=to_do)


def _posted_answers(screen: Screen, posted: Mapping[str, str]) -> dict[str, str]:
    """Return what was chosen on a page with an error, by `linkId`."""
    asked = asked_in(screen.question) if screen.question else ()
    chosen = {each.id: posted[field_of(each)] for each in asked if field_of(each) in posted}
    return {link: "" if value == DONT_KNOW else value for link, value in chosen.items()}
