"""Merging two texts that were made from the same one: a three-way merge by paragraphs, and by words within them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from blog.revisions.comparing import matches, paragraphs, words

# How many characters before an overlap are shown.
_CONTEXT: Final = 80


@dataclass(frozen=True, slots=True)
class Overlap:
    """A passage that both changed, in `mine` and in `theirs`. `before` is the text before it."""

    before: str
    mine: str
    theirs: str


@dataclass(frozen=True, slots=True)
class MergedText:
    """A text with the changes of both. Where these overlap (`overlaps`), it has mine."""

    text: str
    overlaps: list[Overlap]


def merge(base: str, mine: str, theirs: str) -> MergedText:
    """Merge the changes from `base` to `mine` with those from `base` to `theirs`."""
    # Joined once: adding one part after another would copy the text each time.
    merged: list[str] = []
    overlaps: list[Overlap] = []
    for old, my_part, their_part in _parts(base, mine, theirs, paragraphs):
        if (part := _merged(old, my_part, their_part)) is not None:
            merged.append(part)
            continue
        # Both changed these paragraphs, but maybe not the same words.
        by_words = list(_parts(old, my_part, their_part, words))
        kept = sum(len(each) for each, mine_here, theirs_here in by_words if each == mine_here == theirs_here)
        # Paragraphs that were rewritten are not merged by words: a mixture would say what neither person wrote.
        for old_words, my_words, their_words in by_words if 2 * kept >= len(old) else [(old, my_part, their_part)]:
            if (part := _merged(old_words, my_words, their_words)) is None:
                part = my_words
                # At least every other part is not empty.
                before = "".join(merged[-2 * _CONTEXT :])[-_CONTEXT:]
                overlaps.append(Overlap(before, my_words, their_words))
            merged.append(part)
    return MergedText("".join(merged), overlaps)


def _merged(old: str, mine: str, theirs: str) -> str | None:
    """Return a part with the changes of both; None if both changed it differently."""
    if mine == old:
        return theirs
    return mine if theirs in (old, mine) else None


def _parts(base: str, mine: str, theirs: str, divide: Callable[[str], Sequence[str]]) -> Iterator[tuple[str, str, str]]:
    """Yield each part of `base` with both versions of it. An item that both left unchanged is a part of its own."""
    old, my_items, their_items = divide(base), divide(mine), divide(theirs)
    in_mine, in_theirs = dict(matches(old, my_items)), dict(matches(old, their_items))
    i = a = b = 0
    for index in [index for index in range(len(old)) if index in in_mine and index in in_theirs] + [len(old)]:
        next_a, next_b = in_mine.get(index, len(my_items)), in_theirs.get(index, len(their_items))
        yield "".join(old[i:index]), "".join(my_items[a:next_a]), "".join(their_items[b:next_b])
        if index < len(old):
            yield old[index], old[index], old[index]
        i, a, b = index + 1, next_a + 1, next_b + 1
