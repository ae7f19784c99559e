"""What the service answers to a call, for the page: cards, what is not shown and why, and the exchange itself."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass

from cards.summary import headline
from cds_service.http.services import services
from cds_service.web.form_view import badge_of
from cds_service.web.sandbox import order_diff
from cds_service.web.sandbox.card_view import CardView, Launch, card_view
from cds_service.web.sandbox.case import Case
from cds_service.web.sandbox.criteria_tree import Tree, criteria_tree
from cds_service.web.sandbox.exchange_view import ExchangeView, Trouble, exchange_view, trouble
from cds_service.web.sandbox.hook_calls import SELECT, Exchange
from cds_service.web.sandbox.order_diff import ActionView
from cds_service.web.sandbox.shown_cards import ShownCard, cards_of
from cds_service.web.site import operator_site
from coverage_policies.format.terms import Outcome
from coverage_policies.judging.assessment import Assessment
from coverage_policies.judging.determination import Determination
from coverage_policies.judging.plan_rules import Visibility

MOST_TREES = 3
"""How many determinations are shown criterion by criterion: each has up to 15 kB, and a page is to stay light."""


@dataclass(frozen=True, slots=True)
class CardAndTrees:
    """A card, what the form carries of it, and the determinations behind it."""

    view: CardView
    carried: ShownCard
    trees: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class NotShown:
    """What the service found and the response has no card for: a headline, why, and the determinations."""

    says: str
    why: str
    trees: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class AnswerView:
    """Everything that the page shows of one exchange. `alone` are the orders that no policy judges.

    `trees_left_out` counts the determinations beyond `MOST_TREES`.
    """

    exchange: Exchange
    cards: tuple[CardAndTrees, ...]
    suppressed: tuple[NotShown, ...]
    silent: tuple[NotShown, ...]
    alone: tuple[str, ...]
    actions: tuple[ActionView, ...]
    trouble: Trouble | None
    text: ExchangeView
    suppressed_days: int
    trees_left_out: int

    @property
    def trees(self) -> tuple[tuple[Tree, ...], ...]:
        """Return the trees behind each card, and behind what has no card."""
        not_shown = (*self.suppressed, *self.silent)
        found = (*(each.trees for each in self.cards), *(each.trees for each in not_shown))
        return tuple(filter(None, found))

    @property
    def has_text(self) -> bool:
        """Return whether there is anything to show but the exchange itself."""
        return bool(self.cards or self.suppressed or self.silent or self.alone or self.actions or self.trouble)


def answer_view(case: Case, exchange: Exchange, drawn: Set[str] = frozenset()) -> AnswerView:
    """Return the view of an exchange about a case. `drawn` is that of `criteria_tree`."""
    return _Answer(case, exchange, drawn).view()


class _Answer:
    def __init__(self, case: Case, exchange: Exchange, drawn: Set[str]) -> None:
        self._case = case
        self._exchange = exchange
        self._drawn = drawn
        self._answered = exchange.reply.answered
        self._seen: set[int] = set()

    def view(self) -> AnswerView:
        exchange = self._exchange
        cards, suppressed, silent = tuple(self._cards()), tuple(self._suppressed()), tuple(self._silent())
        return AnswerView(
            exchange=exchange,
            cards=cards,
            suppressed=suppressed,
            silent=silent,
            alone=tuple(self._alone()),
            actions=order_diff.views(self._case, exchange.system_actions),
            trouble=trouble(exchange),
            text=exchange_view(exchange),
            suppressed_days=services().settings.suppress_overridden_days,
            trees_left_out=max(0, len(self._seen) - MOST_TREES),
        )

    def _cards(self) -> Iterator[CardAndTrees]:
        launch = _launch(self._case)
        shown = self._answered.shown if self._answered else ()
        for made, carried in zip(shown, cards_of(self._exchange), strict=True):
            yield CardAndTrees(card_view(made.card, launch), carried, self._trees(made.assessment))

    def _suppressed(self) -> Iterator[NotShown]:
        for made in self._answered.suppressed if self._answered else ():
            yield NotShown(made.card["summary"], "", self._trees(made.assessment))

    def _silent(self) -> Iterator[NotShown]:
        for each in self._answered.response.not_shown if self._answered else ():
            first = each.determinations[0]
            found = badge_of(first).words if each.outcome is Outcome.NOT_APPLICABLE else headline(first)
            yield NotShown(
                f"{first.order_label or first.order}: {found}",
                _why_silent(each, self._exchange.hook),
                self._trees(each),
            )

    def _alone(self) -> Iterator[str]:
        """Yield the orders of an answered call that no policy judges; order-select judges the selected ones only."""
        if self._answered is None:
            return
        judged = {each.order for each in self._answered.response.review.determinations}
        context = self._exchange.request["context"]
        yield from (each for each in context.get("selections", self._exchange.orders) if each not in judged)

    def _trees(self, assessment: Assessment) -> tuple[Tree, ...]:
        """Return the trees of an assessment; none if the page has them already, beside another card about it."""
        return tuple(self._new_trees(assessment.all_determinations))

    def _new_trees(self, determinations: Iterable[Determination]) -> Iterator[Tree]:
        policies = services().assessor.library.policies
        for each in determinations:
            policy = policies.get(each.full_name)
            if policy is not None and id(each) not in self._seen:  # None: a reload has just removed the revision
                self._seen.add(id(each))
                if len(self._seen) <= MOST_TREES:
                    yield criteria_tree(each, policy, self._case, self._drawn)


def _why_silent(assessment: Assessment, hook: str) -> str:
    rules = services().assessor.rules
    if any(rules.visibility(each.full_name, hook) is Visibility.SHADOW for each in assessment.determinations):
        return "The operator tries this policy without showing its cards (shadow mode)."
    if assessment.outcome is Outcome.NOT_APPLICABLE:
        return "So there is no card."
    if hook == SELECT:
        return "There is no card while ordering; one comes when the order is signed."
    return "The response has no card about it."


def _launch(case: Case) -> Launch | None:
    """Return how the sample EHR launches an app for the patient of a case; None for any other EHR."""
    samples = operator_site().samples
    if samples is None or samples.launch is None or case.fhir_server != samples.address:
        return None
    launch = samples.launch
    return lambda app, context: launch(case.patient, app, context)
