"""Whether a regular expression that an author wrote takes linear time on any text, so that no order can stall a call.

The checks are stricter than they need be: each forbids a form that may take quadratic time or more, and names another
way to write it. What remains is still a regular expression of Python's `re`.
"""

import re
from collections.abc import Iterable
from re import _constants as codes
from re import _parser as parser
from typing import Any, TypeAlias

LONGEST = 2_000
"""How many characters a pattern has at most."""
_MOST_WORDS = 5
"""How often a group, or a character in a limited repeat, is repeated at most; a higher number counts as unlimited."""
_MOST_WAYS = 20_000
"""In how many ways the alternatives, options, and limited repeats of a pattern may be combined."""

Characters: TypeAlias = frozenset[str]
_ALL: Characters = frozenset([*map(chr, range(128)), "\u00a0", "\u00e9"])
"""The characters by which sets are compared: all of ASCII, a space, and a letter from beyond it."""
_CATEGORIES = {
    category: frozenset(each for each in _ALL if re.match(pattern, each))
    for category, pattern in (
        (codes.CATEGORY_WORD, r"\w"),
        (codes.CATEGORY_NOT_WORD, r"\W"),
        (codes.CATEGORY_SPACE, r"\s"),
        (codes.CATEGORY_NOT_SPACE, r"\S"),
        (codes.CATEGORY_DIGIT, r"\d"),
        (codes.CATEGORY_NOT_DIGIT, r"\D"),
    )
}
_SINGLE = (codes.LITERAL, codes.NOT_LITERAL, codes.ANY, codes.IN)


class PatternError(ValueError):
    """A pattern that cannot be used; `position` is where in it, from 0, as far as that is known."""

    def __init__(self, what: str, position: int = 0) -> None:
        super().__init__(what)
        self.position = position


def check_pattern(pattern: str) -> None:
    """Raise PatternError unless the pattern is valid, short, and matched in linear time."""
    parsed = _parsed(pattern)
    if parsed.getwidth()[0] == 0:
        raise PatternError("this matches where nothing is written; say what must be there")
    _Walk().sequence(parsed, _State())
    if _ways(parsed) > _MOST_WAYS:
        raise PatternError("too many ways to match; repeat less, or give alternatives rows of their own")


def check_part(pattern: str) -> None:
    """Raise PatternError unless a part of patterns is valid and short; its time depends on the whole pattern."""
    _parsed(pattern)


def _parsed(pattern: str) -> Any:
    if len(pattern) > LONGEST:
        raise PatternError(f"the pattern has {len(pattern)} characters; {LONGEST} at most, in several rows if need be")
    try:
        parsed = parser.parse(pattern, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        position = getattr(error, "pos", None) or 0
        raise PatternError(f"this is no regular expression: {getattr(error, 'msg', error)}", position) from None
    if parsed.state.groupdict or parsed.state.flags != re.IGNORECASE | re.UNICODE:
        raise PatternError("names of groups and flags are not needed; leave them out")
    return parsed


class _State:
    """What may lie before a place: the repeats of unlimited length that may still go on, and how it was reached.

    `before` are the characters that the one before must be of, None if that is not known. `is_anchored` is whether a
    word boundary or the beginning of the text came before.
    """

    def __init__(
        self, going: Iterable[Characters] = (), before: Characters | None = None, *, is_anchored: bool = False
    ) -> None:
        self.going = frozenset(going)
        self.before = before
        self.is_anchored = is_anchored

    def after(self, found: Characters) -> "_State":
        """Return the state after one character of a set; a repeat that cannot match it has ended."""
        return _State((each for each in self.going if each & found), found, is_anchored=self.is_anchored)

    def anchored(self) -> "_State":
        """Return the state at a word boundary."""
        return _State(self.going, self.before, is_anchored=True)

    def joined(self, others: Iterable["_State"]) -> "_State":
        """Return what holds after any of several ways."""
        others = list(others)
        going = frozenset().union(*(each.going for each in others)) if others else frozenset()
        before = others[0].before if len({each.before for each in others}) == 1 else None
        return _State(going, before, is_anchored=all(each.is_anchored for each in others))


class _Walk:
    """Walks over a parsed pattern. Raises PatternError for a form that may take more than linear time."""

    def sequence(self, parsed: Iterable[tuple[Any, Any]], state: _State) -> _State:
        """Return the state after a sequence of items."""
        for kind, given in parsed:
            state = self._item(kind, given, state)
        return state

    def _item(self, kind: Any, given: Any, state: _State) -> _State:
        if kind in _SINGLE:
            return state.after(_characters(kind, given))
        if kind is codes.AT:
            return state.anchored() if given in (codes.AT_BEGINNING, codes.AT_BOUNDARY) else state
        if kind is codes.SUBPATTERN:
            _, added, removed, inside = given
            if added or removed:
                raise PatternError("flags are not needed; leave them out")
            return self.sequence(inside, state)
        if kind is codes.BRANCH:
            return state.joined(self.sequence(each, state) for each in given[1])
        if kind in (codes.ASSERT, codes.ASSERT_NOT):
            self.sequence(given[1], _State(is_anchored=True))
            return state
        if kind in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            least, most, repeated = given
            return self._repeat(least, most, repeated, state)
        raise PatternError("only characters, sets, groups, repeats, and looking ahead or behind are possible")

    def _repeat(self, least: int, most: int, repeated: Any, state: _State) -> _State:
        if _is_unlimited(least, most):
            return self._unlimited(least, repeated, state)
        once = self.sequence(repeated, state)
        last = self.sequence(repeated, once) if most > 1 else once
        return state.joined([once, last] if least else [state, once, last])

    def _unlimited(self, least: int, repeated: Any, state: _State) -> _State:
        if len(repeated) != 1 or repeated[0][0] not in _SINGLE:
            raise PatternError("repeat a group at most 5 times, such as (?:\\w+\\s+){0,3}")
        found = _characters(*repeated[0])
        if any(found & each for each in state.going):
            raise PatternError("two + or * may match the same text; put something between that neither of them matches")
        if not state.is_anchored and (state.before is None or found & state.before):
            raise PatternError("begin with \\b, so that + or * does not try again at every letter of a word")
        going = [found] if least else [found, *state.going]
        return _State(going, found if least else None, is_anchored=state.is_anchored)


def _is_unlimited(least: int, most: int) -> bool:
    """Return whether a repeat counts as one of unlimited length; a fixed number of times does not."""
    return most == codes.MAXREPEAT or (most > _MOST_WORDS and least != most)


def _ways(parsed: Iterable[tuple[Any, Any]], *, is_repeated: bool = False) -> int:
    """Return in how many ways a sequence may match at one place, about; a repeat of unlimited length counts once.

    Of alternatives one fits, but in a repeat each may fit another time.
    """
    ways = 1
    for kind, given in parsed:
        if kind is codes.SUBPATTERN:
            ways *= _ways(given[3], is_repeated=is_repeated)
        elif kind is codes.BRANCH:
            ways *= (sum if is_repeated else max)([_ways(each, is_repeated=is_repeated) for each in given[1]])
        elif kind in (codes.ASSERT, codes.ASSERT_NOT):
            ways *= _ways(given[1], is_repeated=is_repeated)
        elif kind in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            least, most, repeated = given
            if not _is_unlimited(least, most):
                once = _ways(repeated, is_repeated=is_repeated or most > 1)
                ways *= sum(once**times for times in range(least, min(most, LONGEST) + 1))
        if ways > _MOST_WAYS:
            break
    return ways


def _characters(kind: Any, given: Any) -> Characters:
    if kind is codes.ANY:
        return _ALL - {"\n"}
    if kind is codes.LITERAL:
        return frozenset((chr(given).lower(), chr(given).upper()))
    if kind is codes.NOT_LITERAL:
        return _ALL - {chr(given).lower(), chr(given).upper()}
    found: set[str] = set()
    for part, value in given:
        if part is codes.LITERAL:
            found |= {chr(value).lower(), chr(value).upper()}
        elif part is codes.RANGE:
            found |= {each for each in _ALL if value[0] <= ord(each) <= value[1]}
        elif part is codes.CATEGORY:
            found |= _CATEGORIES[value]
    found |= {each.swapcase() for each in found}
    return frozenset(_ALL - found if given[0][0] is codes.NEGATE else found)
