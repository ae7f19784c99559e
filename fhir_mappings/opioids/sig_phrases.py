"""The phrase at a position of directions for use: an amount, a frequency, a time of day, a maximum, a route."""

from fractions import Fraction

from fhir_mappings.opioids.sig_amounts import amount_at, bare_at, measured_at, range_at, token_at, word_at
from fhir_mappings.opioids.sig_items import Found, Mark, Maximum, Route
from fhir_mappings.opioids.sig_times import lasting_at, moment_at, often_at, times_at, weekdays_at
from fhir_mappings.opioids.sig_vocabulary import Tokens, is_at, phrase_at


def read_phrase(tokens: Tokens, at: int) -> Found:
    """Read the phrase at a position; None if it is not understood."""
    for reader in _READERS:
        if (found := reader(tokens, at)) is not None:
            return found
    return None


def _at_most(tokens: Tokens, at: int) -> Found:
    """Read `max 8/day`, `not to exceed 4 a day`, `MDD 3`, `max daily dose: 15 tablets`, `no more than twice a day`."""
    read = phrase_at("at most", tokens, at)
    after = at + 1 if read is None else read[1]
    stated = read is None and word_at(tokens, at) == "mdd"
    if read is None and not stated:
        return None
    if word_at(tokens, after) == "daily" and word_at(tokens, after + 1) in ("dose", "amount"):
        after, stated = after + 2, True
    while word_at(tokens, after) in (":", "#", "of", "=", "is"):
        after += 1
    often = often_at(tokens, after)
    if often is not None and not often[0].plain:
        return Maximum(None, often[0].per_day), often[1]
    amount = measured_at(tokens, after) or bare_at(tokens, after)
    if amount is None:
        return None
    period = phrase_at("daily", tokens, amount[1]) or phrase_at("per day", tokens, amount[1])
    return (
        (Maximum(amount[0]), period[1] if period is not None else amount[1]) if period is not None or stated else None
    )


def _aside(tokens: Tokens, at: int) -> Found:
    """Read what is no dose: the T of `T 1 T PO`, `#60`, `# 60 tabs`, `0 refills`, `pain (4-6)`, `pain scale 4-6`."""
    word = word_at(tokens, at)
    if isinstance(token_at(tokens, at), Fraction) and word_at(tokens, at + 1) in ("refill", "refills"):
        return Mark.SKIPPED, at + 2
    if at == 0 and (word == "=" or (word == "t" and isinstance(token_at(tokens, 1), Fraction))):
        return Mark.SKIPPED, 1
    read = range_at(tokens, at + 1)
    if read is None:
        return None
    if word == "#":
        return Mark.SKIPPED, read[1] + is_at("each", tokens, read[1])
    if word in ("scale", "score", "level", "rating"):
        return Mark.SKIPPED, read[1]
    if word == "(" and is_at("complaint", tokens, at - 1) and word_at(tokens, read[1]) == ")":
        return Mark.SKIPPED, read[1] + 1
    return None


def _route(tokens: Tokens, at: int) -> Found:
    read = phrase_at("route", tokens, at)
    return (Route(read[0]), read[1]) if read is not None else None


def _mark(tokens: Tokens, at: int) -> Found:
    for kind, mark in _MARKS:
        if (read := phrase_at(kind, tokens, at)) is not None:
            return mark, read[1]
    word = word_at(tokens, at)
    if word == "then":
        return Mark.THEN, at + 1
    # "for pain", "chronic/acute pain", "pain in back" name what it is for.
    is_followed = is_at("complaint", tokens, at + 1) or word_at(tokens, at + 1) in ("breakthrough", "btp")
    if is_followed and (word == "for" or (word in ("/", "or", "in") and is_at("complaint", tokens, at - 1))):
        return Mark.SKIPPED, at + 1
    return None


_MARKS = (("as needed", Mark.AS_NEEDED), ("skipped", Mark.SKIPPED), ("complaint", Mark.SKIPPED))
_READERS = (_aside, lasting_at, times_at, weekdays_at, moment_at, _at_most, amount_at, _route, _mark)
"""The order matters: "2 times daily" is no amount, and "2 pm" no number of tablets."""
