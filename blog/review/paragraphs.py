"""Finding again the paragraph that a note is about, after the text has been edited."""

from collections import Counter, defaultdict
from functools import cached_property
from typing import Final

from core.text import unify_line_ends

# The length of the stored beginning of a paragraph, in characters.
MAX_QUOTE_LENGTH: Final = 1_000
# Two paragraphs are versions of the same if they share at least this part of their words.
_SIMILAR: Final = 0.5
# The closest paragraph is looked for among those with one of the quote's rarest words, so that the time does not depend
# on the length of the text.
_RARE_WORDS: Final = 12
_MAX_HOLDERS: Final = 40


def split_paragraphs(source: str) -> list[str]:
    """Return the paragraphs of a source, which blank lines separate, whatever its markup."""
    paragraphs: list[list[str]] = [[]]
    for line in unify_line_ends(source).split("\n"):
        if line.strip():
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    return ["\n".join(lines).strip() for lines in paragraphs if lines]


def quote_of(paragraph: str) -> str:
    """Return what a note stores of its paragraph."""
    return paragraph.strip()[:MAX_QUOTE_LENGTH]


class Paragraphs:
    """The paragraphs of a text, `texts`, in which those of notes are found."""

    def __init__(self, source: str) -> None:
        self.texts = split_paragraphs(source)
        self._places: dict[str, int] = {}
        for place, text in enumerate(self.texts):
            self._places.setdefault(_key(text), place)

    def is_unchanged(self, quote: str) -> bool:
        return _key(quote) in self._places

    def find(self, quote: str) -> int | None:
        """Return the place of the paragraph with this beginning, or of the most similar one; None if it is gone."""
        exact = self._places.get(_key(quote))
        if exact is not None:
            return exact
        words = _words(quote)
        known = sorted((word for word in words if word in self._holders), key=lambda word: len(self._holders[word]))
        candidates = {place for word in known[:_RARE_WORDS] for place in self._holders[word][:_MAX_HOLDERS]}
        best = max(candidates, key=lambda place: (_similarity(words, self._bags[place]), -place), default=None)
        return best if best is not None and _similarity(words, self._bags[best]) >= _SIMILAR else None

    @cached_property
    def _bags(self) -> list[Counter[str]]:
        return [_words(text) for text in self.texts]

    @cached_property
    def _holders(self) -> dict[str, list[int]]:
        """The places of the paragraphs with each word."""
        holders: defaultdict[str, list[int]] = defaultdict(list)
        for place, bag in enumerate(self._bags):
            for word in bag:
                holders[word].append(place)
        return dict(holders)


def _key(paragraph: str) -> str:
    """Return what identifies a paragraph: line breaks and spaces make no difference."""
    return " ".join(quote_of(paragraph).split())


def _words(text: str) -> Counter[str]:
    return Counter(quote_of(text).casefold().split())


def _similarity(one: Counter[str], other: Counter[str]) -> float:
    """Return the part of their words that both share: 1 if all are the same (Sørensen–Dice coefficient)."""
    return 2 * (one & other).total() / max(1, one.total() + other.total())
