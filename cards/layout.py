"""Fit a card's detail on one screen: the lines that matter most, within a number of words and lines."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

WORDS = 120
LINES = 12
"""The most words and lines of a detail; empty lines between paragraphs do not count."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of Markdown, and what may follow it.

    What has the lowest rank is kept first: the `text` by `rank`, and `more` by `more_rank`, if the text was. `end`
    follows either.
    """

    text: str
    rank: int = 0
    more: str = ""
    more_rank: int = 0
    end: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that stand together below a header, which is shown if at least one of them is. It may be empty."""

    header: str
    lines: tuple[Line, ...]


def fitted(blocks: Iterable[Block]) -> str:
    """Return the blocks as Markdown paragraphs, without what there is no room for. Lines of rank 0 are kept anyhow."""
    found = tuple(blocks)
    steps = sorted(
        step for b, block in enumerate(found) for i, line in enumerate(block.lines) for step in _steps(b, i, line)
    )
    kept: dict[tuple[int, int], str] = {}
    headed: set[int] = set()
    words = lines = 0
    for rank, b, i, is_more in steps:
        line, header = found[b].lines[i], "" if b in headed else found[b].header
        if is_more:
            if (b, i) in kept and words + _words(line.more) <= WORDS:
                kept[b, i] = line.text + line.more
                words += _words(line.more)
            continue
        cost = _words(f"{header} {line.text} {line.end}")
        height = len(list(filter(None, header.splitlines()))) + 1
        if rank and (words + cost > WORDS or lines + height > LINES):
            continue
        kept[b, i] = line.text
        words, lines = words + cost, lines + height
        headed.add(b)
    return "\n\n".join(_paragraph(b, found[b], kept) for b in sorted(headed))


def _steps(b: int, i: int, line: Line) -> Iterator[tuple[int, int, int, bool]]:
    """Yield the rank and the place of a line, and of what may follow it."""
    yield line.rank, b, i, False
    if line.more:
        yield line.more_rank, b, i, True


def _paragraph(b: int, block: Block, kept: Mapping[tuple[int, int], str]) -> str:
    lines = [kept[b, i] + line.end for i, line in enumerate(block.lines) if (b, i) in kept]
    return "\n".join([block.header, *lines] if block.header else lines)


def _words(text: str) -> int:
    return len(text.split())
