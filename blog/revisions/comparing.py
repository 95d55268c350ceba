"""Comparing texts word by word, in time that grows with n log n for any texts."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Final, Literal

# Paragraphs, and the line ends between them.
_PARAGRAPHS: Final = re.compile(r"[^\n]+|\n+")
# Numbers and dates such as 1,250 and 2024-05-03, because half of one and half of another is a third one. Words with
# everything attached to them, except ASCII punctuation. Characters of Chinese and Japanese, which have no spaces, count
# as words.
_WORDS: Final = re.compile(r"\s+|\d+(?:[.,:/-]\d+)+|[぀-ヿ㐀-鿿]|(?:(?![぀-ヿ㐀-鿿])[^\s!-/:-@\[-`{-~])+|.", re.DOTALL)
_TAG: Final = re.compile("<[^<>]*>")
_LETTER: Final = re.compile(r"\w")

# Between anchors, two short runs are compared item by item. Each item is in at most one such run.
_MAX_CELLS: Final = 2_500
# How often a run is divided at anchors. Each level takes n log n.
_MAX_DEPTH: Final = 16
# In words. A change of no more than this is a correction, of which readers need not be notified.
_CORRECTION: Final = 3
# How many characters of unchanged text are shown before and after a change.
_CONTEXT: Final = 160


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a comparison: text that stayed the `same`, was `added` or `removed`, or a `gap` for omitted text."""

    kind: Literal["same", "added", "removed", "gap"]
    text: str


def paragraphs(text: str) -> list[str]:
    """Divide `text` into paragraphs and the line ends between them. Joined, they are the text."""
    return _PARAGRAPHS.findall(text)


def words(text: str) -> list[str]:
    """Divide `text` into words, spaces and punctuation. Joined, they are the text."""
    return _WORDS.findall(text)


def says_something_else(before: str, after: str) -> bool:
    """Return whether two texts, in sanitised HTML, differ by more words than a correction changes.

    The order of the words is ignored, so that this takes linear time.
    """
    if before == after:
        return False
    old, new = (Counter(filter(_LETTER.search, words(unescape(_TAG.sub(" ", html))))) for html in (before, after))
    return max((old - new).total(), (new - old).total()) > _CORRECTION


def compare(before: str, after: str) -> list[Piece]:
    """Return how `before` became `after`: paragraph by paragraph, and word by word within those that changed."""
    parts = [part for part in _parts(before, after) if part.text]
    # Each text is joined once: adding one part after another would copy the text each time.
    return [Piece(kind, "".join(part.text for part in run)) for kind, run in groupby(parts, attrgetter("kind"))]


def shorten(pieces: Sequence[Piece]) -> list[Piece]:
    """Return `pieces` with unchanged text cut down to the whole words next to a change."""
    short: list[Piece] = []
    for index, piece in enumerate(pieces):
        if piece.kind != "same" or len(piece.text) <= 2 * _CONTEXT:
            short.append(piece)
            continue
        if index > 0:
            short.append(Piece("same", "".join(words(piece.text[:_CONTEXT])[:-1])))
        short.append(Piece("gap", "…"))
        if index < len(pieces) - 1:
            short.append(Piece("same", "".join(words(piece.text[-_CONTEXT:])[1:])))
    return short


def _parts(before: str, after: str) -> Iterator[Piece]:
    """Yield the parts of a comparison. Some may be empty, or of the same kind as the one before."""
    for same, removed, added in _runs(paragraphs(before), paragraphs(after)):
        yield Piece("same", same)
        if not (removed and added):
            yield from (Piece("removed", removed), Piece("added", added))
            continue
        for same_words, removed_words, added_words in _runs(words(removed), words(added)):
            yield from (Piece("same", same_words), Piece("removed", removed_words), Piece("added", added_words))


def _runs(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Yield unchanged text with the text that was removed and added after it, until the end of both."""
    for (i, j), (next_i, next_j) in pairwise([(-1, -1), *matches(old, new), (len(old), len(new))]):
        yield ("".join(old[i : i + 1]) if i >= 0 else "", "".join(old[i + 1 : next_i]), "".join(new[j + 1 : next_j]))


def matches(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Return the positions of items that are the same in both, in order: a patience diff.

    Items that occur once in both are anchors, and the items between them are compared in the same way.
    """
    found: list[tuple[int, int]] = []
    pending = [(0, len(old), 0, len(new), 0)]
    while pending:
        i, i_end, j, j_end, depth = pending.pop()
        while i < i_end and j < j_end and old[i] == new[j]:
            found.append((i, j))
            i, j = i + 1, j + 1
        while i < i_end and j < j_end and old[i_end - 1] == new[j_end - 1]:
            i_end, j_end = i_end - 1, j_end - 1
            found.append((i_end, j_end))
        if i == i_end or j == j_end:
            continue
        anchors = _anchors(old, new, (i, i_end, j, j_end)) if depth < _MAX_DEPTH else []
        if anchors:
            found += anchors
            for (a, b), (next_a, next_b) in pairwise([(i - 1, j - 1), *anchors, (i_end, j_end)]):
                pending.append((a + 1, next_a, b + 1, next_b, depth + 1))
        elif (i_end - i) * (j_end - j) <= _MAX_CELLS:
            found += [(i + a, j + b) for a, b in _longest_common(old[i:i_end], new[j:j_end])]
    return sorted(found)


def _anchors(old: Sequence[str], new: Sequence[str], bounds: tuple[int, int, int, int]) -> list[tuple[int, int]]:
    """Return the longest sequence of items in the same order that occur exactly once on both sides."""
    i, i_end, j, j_end = bounds
    old_counts, new_counts = Counter(old[i:i_end]), Counter(new[j:j_end])
    place_in_new = {new[b]: b for b in range(j, j_end) if new_counts[new[b]] == 1}
    pairs = [(a, place_in_new[old[a]]) for a in range(i, i_end) if old_counts[old[a]] == 1 and old[a] in place_in_new]
    # The longest increasing subsequence of the second positions.
    lowest_ends: list[int] = []
    last_pair: list[int] = []
    previous: list[int] = []
    for index, (_a, b) in enumerate(pairs):
        length = bisect_left(lowest_ends, b)
        lowest_ends[length : length + 1] = [b]
        last_pair[length : length + 1] = [index]
        previous.append(last_pair[length - 1] if length else -1)
    chain = []
    index = last_pair[-1] if last_pair else -1
    while index >= 0:
        chain.append(pairs[index])
        index = previous[index]
    return chain[::-1]


def _longest_common(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the positions of a longest common subsequence."""
    lengths = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in range(len(old) - 1, -1, -1):
        for j in range(len(new) - 1, -1, -1):
            same = old[i] == new[j]
            lengths[i][j] = lengths[i + 1][j + 1] + 1 if same else max(lengths[i + 1][j], lengths[i][j + 1])
    i = j = 0
    while i < len(old) and j < len(new):
        if old[i] == new[j]:
            yield i, j
            i, j = i + 1, j + 1
        elif lengths[i + 1][j] >= lengths[i][j + 1]:
            i += 1
        else:
            j += 1
