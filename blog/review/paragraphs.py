"""Finding the paragraph that a note is about, after the text has been edited."""

from collections import Counter, defaultdict
from functools import cached_property
from typing import Final

from core.text import unify_line_ends

# The length of the stored beginning of a paragraph, in characters.
MAX_QUOTE_LENGTH: Final = 1_000
# Two paragraphs count as versions of the same one if they have at least this share of their words in common.
_SIMILAR: Final = 0.5
# The most similar paragraph is searched for among those with one of the quote's rarest words, so that the time does not
# depend on the length of the text.
_RARE_WORDS: Final = 12
_MAX_CANDIDATES: Final = 40


def split_paragraphs(source: str) -> list[str]:
    """Split a source into paragraphs at blank lines, whatever its markup."""
    paragraphs: list[list[str]] = [[]]
    for line in unify_line_ends(source).split("\n"):
        if line.strip():
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    return ["\n".join(lines).strip() for lines in paragraphs if lines]


def quote_of(paragraph: str) -> str:
    """Return the part of a paragraph that its notes store."""
    return paragraph.strip()[:MAX_QUOTE_LENGTH]


class Paragraphs:
    """The paragraphs of a text (`texts`), among which those of notes are found."""

    def __init__(self, source: str) -> None:
        self.texts = split_paragraphs(source)
        self._index_by_key: dict[str, int] = {}
        for index, text in enumerate(self.texts):
            self._index_by_key.setdefault(_key(text), index)

    def is_unchanged(self, quote: str) -> bool:
        return _key(quote) in self._index_by_key

    def find(self, quote: str) -> int | None:
        """Return the index of the paragraph with this beginning, or of the most similar one; None if it is gone."""
        exact = self._index_by_key.get(_key(quote))
        if exact is not None:
            return exact
        words = _words(quote)
        known = sorted((word for word in words if word in self._by_word), key=lambda word: len(self._by_word[word]))
        candidates = {index for word in known[:_RARE_WORDS] for index in self._by_word[word][:_MAX_CANDIDATES]}
        best = max(candidates, key=lambda index: (_similarity(words, self._bags[index]), -index), default=None)
        return best if best is not None and _similarity(words, self._bags[best]) >= _SIMILAR else None

    @cached_property
    def _bags(self) -> list[Counter[str]]:
        return [_words(text) for text in self.texts]

    @cached_property
    def _by_word(self) -> dict[str, list[int]]:
        """The indexes of the paragraphs that contain each word."""
        indexes: defaultdict[str, list[int]] = defaultdict(list)
        for index, bag in enumerate(self._bags):
            for word in bag:
                indexes[word].append(index)
        return dict(indexes)


def _key(paragraph: str) -> str:
    """Return a key that identifies a paragraph, in which line breaks and spaces make no difference."""
    return " ".join(quote_of(paragraph).split())


def _words(text: str) -> Counter[str]:
    return Counter(quote_of(text).casefold().split())


def _similarity(one: Counter[str], other: Counter[str]) -> float:
    """Return the share of words that both have in common: 1 if all are the same (Sørensen–Dice coefficient)."""
    return 2 * (one & other).total() / max(1, one.total() + other.total())
