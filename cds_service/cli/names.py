"""Names that users mistype."""

from collections.abc import Iterable
from difflib import get_close_matches

import click

_LIKENESS = 0.85


def no_such(kind: str, name: str, known: Iterable[str]) -> click.ClickException:
    """Return the error for a name that does not exist: it names the closest one that does, or else all of them."""
    names = list(known)
    by_folded = {each.casefold(): each for each in names}
    close = get_close_matches(name.casefold(), by_folded, n=1, cutoff=_LIKENESS)
    hint = f" Did you mean {by_folded[close[0]]}?" if close else f" There are {', '.join(names)}." if names else ""
    return click.ClickException(f"There is no {kind} {name}.{hint}")
