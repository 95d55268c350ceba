"""Merging two texts that were made from the same one: a three-way merge by paragraphs, and by words within them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from blog.revisions.comparing import matches, paragraphs, words

# How many characters before an overlap are shown.
_CONTEXT: Final = 80


@dataclass(frozen=True, slots=True)
class Overlap:
    """What both changed: a passage of `mine`, and of `theirs` in its place. `before` is what leads up to it."""

    before: str
    mine: str
    theirs: str


@dataclass(slots=True)
class MergedText:
    """A text with the changes of both. In its `overlaps`, it has mine."""

    text: str = ""
    overlaps: list[Overlap] = field(default_factory=list)


def merge(base: str, mine: str, theirs: str) -> MergedText:
    """Merge the changes from `base` to `mine` with those from `base` to `theirs`."""
    merged = MergedText()
    for old, my_part, their_part in _parts(base, mine, theirs, paragraphs):
        if _take(merged, old, my_part, their_part):
            continue
        # Both changed these paragraphs, but maybe not the same words.
        for old_words, my_words, their_words in _parts(old, my_part, their_part, words):
            if not _take(merged, old_words, my_words, their_words):
                merged.overlaps.append(Overlap(merged.text[-_CONTEXT:], my_words, their_words))
                merged.text += my_words
    return merged


def _take(merged: MergedText, old: str, mine: str, theirs: str) -> bool:
    """Add the part that was changed, unless both changed it, and differently."""
    if mine != theirs and old not in (mine, theirs):
        return False
    merged.text += theirs if mine == old else mine
    return True


def _parts(base: str, mine: str, theirs: str, divide: Callable[[str], Sequence[str]]) -> Iterator[tuple[str, str, str]]:
    """Yield what was made of each part of `base`. What both left as it was stands between the parts."""
    old, my_items, their_items = divide(base), divide(mine), divide(theirs)
    in_mine, in_theirs = dict(matches(old, my_items)), dict(matches(old, their_items))
    i = a = b = 0
    for index in [index for index in range(len(old)) if index in in_mine and index in in_theirs] + [len(old)]:
        next_a, next_b = in_mine.get(index, len(my_items)), in_theirs.get(index, len(their_items))
        yield "".join(old[i:index]), "".join(my_items[a:next_a]), "".join(their_items[b:next_b])
        if index < len(old):
            yield old[index], old[index], old[index]
        i, a, b = index + 1, next_a + 1, next_b + 1
