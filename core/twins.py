"""Finding names that are probably spellings of the same one, such as `HRD` and `HRDs`, among tens of thousands.

Only names that share a form are compared, and only a few of those that share one, so the time grows as n log n with the
number of names, whatever they are.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from functools import cache
from itertools import pairwise
from typing import Final, NamedTuple

from core.text import fold


class Likeness(StrEnum):
    """How two names differ."""

    ACCENTS = "accents"
    SPACING = "spacing"
    PLURAL = "plural"
    ORDER = "order"
    TYPO = "typo"


class Twins(NamedTuple):
    """Two names by their position, the first one before the second, with a score from 0 to 100."""

    first: int
    second: int
    score: int
    likeness: Likeness


_SCORES: Final = {Likeness.ACCENTS: 100, Likeness.SPACING: 97, Likeness.PLURAL: 93, Likeness.ORDER: 88}
# A match of longer texts is stronger evidence, up to the latter length.
_TYPO_SCORE: Final = 60
_CERTAIN_LENGTH: Final = 20
# In shorter words, one letter usually makes another word: Iran, Iraq.
_MIN_WORD: Final = 5
# In longer names, a word is left out instead of a letter.
_MAX_BY_LETTER: Final = 40
# The most earlier names with a shared form that a name is compared with.
_MAX_COMPARED: Final = 10
_HASH_BITS: Final = 64
_APOSTROPHES: Final = dict.fromkeys(map(ord, "'’‘`´ʼ"))
# Punctuation that distinguishes names, such as C and C#.
_MEANINGFUL: Final = "#@%&"
_LONG_PLURAL: Final = re.compile(r"(?:ss|sh|ch|x|z)es$")


def find_twins(names: Sequence[str]) -> list[Twins]:
    """Return pairs of likely twins among `names`, the likeliest first.

    The first names should be the most important ones: each other name is paired with the first one that has its form.
    """
    words = [_words(name) for name in names]
    singular = [[_singular(word) for word in each] for each in words]
    forms: dict[Likeness, Iterable[str]] = {
        Likeness.ACCENTS: [fold(name) for name in names],
        Likeness.SPACING: ["".join(each) for each in words],
        Likeness.PLURAL: ["".join(each) for each in singular],
        Likeness.ORDER: [" ".join(sorted(each)) for each in singular],
    }
    found: dict[tuple[int, int], Twins] = {}
    for likeness, values in forms.items():
        first_with: dict[str, int] = {}
        for index, form in enumerate(values):
            first = first_with.setdefault(form, index) if form else index
            if first != index:
                found.setdefault((first, index), Twins(first, index, _SCORES[likeness], likeness))
    # Of each group of twins found above, one name is enough.
    later = {second for _first, second in found}
    texts = ["" if index in later else " ".join(each) for index, each in enumerate(singular)]
    for first, second in _one_deletion_apart(texts):
        if score := typo_score(texts[first], texts[second]):
            found.setdefault((first, second), Twins(first, second, score, Likeness.TYPO))
    return sorted(found.values(), key=lambda twins: (-twins.score, twins.first, twins.second))


def typo_score(one: str, other: str) -> int:
    """Return how likely one text is the other with one letter wrong, missing or swapped, from 0 to 100."""
    if one == other:
        return 0
    start = _common_start(one, other)
    shorter = min(len(one), len(other)) - start
    end = min(shorter, _common_start(one[::-1], other[::-1]))
    parts = one[start : len(one) - end], other[start : len(other) - end]
    differing = "".join(parts)
    is_swapped = len(differing) == 4 and parts[0] == parts[1][::-1]
    if not (is_swapped or (max(map(len, parts)) == 1)) or not differing.isalpha():
        return 0
    word = re.split(" ", one[:start])[-1] + parts[0] + one[len(one) - end :].partition(" ")[0]
    # The first letter of a word is rarely wrong, and usually makes another word.
    if len(word) < _MIN_WORD or start == 0 or one[start - 1] == " ":
        return 0
    is_substitution = all(len(part) == 1 for part in parts)
    return _TYPO_SCORE + min(len(one), _CERTAIN_LENGTH) + (0 if is_substitution else 5)


def _common_start(one: str, other: str) -> int:
    """Return the number of letters at the start that are the same in both."""
    for place, (letter, counterpart) in enumerate(zip(one, other, strict=False)):
        if letter != counterpart:
            return place
    return min(len(one), len(other))


def _one_deletion_apart(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield pairs of texts that are equal without one letter (in long texts, one word) of one or both."""
    # Integers, because there are hundreds of thousands: a hash of what is left, and the position of the text.
    rests = sorted(
        ((hash(rest) & (2**_HASH_BITS - 1)) << 32) | index
        for index, text in enumerate(texts)
        if len(text) >= _MIN_WORD
        for rest in {*_deletions(text), text}
    )
    group: list[int] = []
    for before, rest in pairwise([-1, *rests]):
        if before >> 32 != rest >> 32:
            group = []
        index = rest & (2**32 - 1)
        yield from ((other, index) for other in group[:_MAX_COMPARED])
        group.append(index)


def _deletions(text: str) -> Iterator[str]:
    if len(text) <= _MAX_BY_LETTER:
        yield from (text[:place] + text[place + 1 :] for place in range(len(text)))
    else:
        words = text.split(" ")
        # The position of the word is marked, so that the words before and after it have to be the same.
        yield from (f"{' '.join(words[:place])}|{' '.join(words[place + 1 :])}" for place in range(len(words)))


@cache
def _separated(char: str) -> str:
    """Return the character, or a space if it separates words."""
    return " " if unicodedata.category(char)[0] in "PZ" and char not in _MEANINGFUL else char


def _words(name: str) -> list[str]:
    return "".join(map(_separated, fold(name.translate(_APOSTROPHES)))).split()


def _singular(word: str) -> str:
    """Return an English or French noun without its plural ending. Other words may lose their endings too."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    return word[:-2] if _LONG_PLURAL.search(word) else word[:-1]
