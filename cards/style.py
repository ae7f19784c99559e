"""How a CDS Client wants its cards: what it can show, and which forms of suggestions it can apply."""

from dataclasses import dataclass
from typing import Literal

SelectionBehavior = Literal["at-most-one", "any"]
"""How many suggestions of a card a clinician may accept (CDS Hooks 2.0.1, selectionBehavior)."""
ActionForm = Literal["update", "delete-create"]
"""How a suggestion replaces an order: by one action, or by two for clients that cannot update."""


@dataclass(frozen=True, slots=True)
class CardStyle:
    """What a CDS Client can show and apply. The defaults are what CDS Hooks 2.0.1 expects of every client.

    `tables` is whether it renders the tables of GitHub-flavored Markdown.
    """

    tables: bool = False
    selection_behavior: SelectionBehavior = "at-most-one"
    actions: ActionForm = "update"
