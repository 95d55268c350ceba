"""Excerpts for results: the part of a text with most of the search terms, which are marked."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import islice
from typing import Final, NamedTuple

from django.conf import settings
from django.utils.safestring import SafeString

from core.text import CharacterTable
from search.arabic import irregular_forms
from search.queries import Word
from search.text import (
    UNSPACED,
    WITHIN_WORD,
    compounds_of,
    is_unspaced,
    normalise,
    stem_of,
    tokens_of,
    with_prepositions,
)

# In a longer text, only the beginning is searched for words to mark.
MAX_SEARCHED: Final = 60_000
_LENGTH: Final = 280
# How many characters come before the first marked word.
_BEFORE: Final = 60
# How many occurrences of each word are marked.
_MAX_MATCHES: Final = 10
# ASCII and typographic characters, none of which is a part of a word.
_PLAIN: Final = re.compile("[\x00-\x7f\u00a0\u2010-\u2026\u2030-\u205e«»¡¿°§€£]*")
# Where words are not separated, those in another script end: “国際NGO団体”.
_SPACED: Final = f"(?:(?![{UNSPACED}]){WITHIN_WORD})"
_WITHIN_WORD: Final = re.compile(_SPACED)
_REST_OF_WORD: Final = re.compile(f"{_SPACED}*")
_BETWEEN_WORDS: Final = rf"(?:(?!{WITHIN_WORD})[\W_])+"
# How many letters all forms of a word have in common, at most.
_MAX_LITERAL: Final = 3
# How many letters may be attached to the beginning of an Arabic word.
_MAX_PREFIX: Final = 4
_ARABIC: Final = re.compile("[\u0620-\u06ff]")


class _Match(NamedTuple):
    """The place of a match, and the index of the search term."""

    start: int
    end: int
    number: int


class Marker:
    """Finds search terms in texts in `language`, in all their forms in this language and that of the site."""

    def __init__(self, words: Sequence[Word], language: str) -> None:
        languages = [settings.LANGUAGE_CODE, language]
        self._words = [_SearchTerm(word, languages) for word in words]

    def excerpt(self, text: str) -> SafeString | None:
        """Return a part of `text` as HTML, or None if it contains no search term."""
        text = " ".join(text[:MAX_SEARCHED].split())
        matches = self._matches(text)
        if not matches:
            return None
        first = _beginning_of_best(matches)
        start = max(first.start - _BEFORE, 0)
        if start:
            # Only whole words, where there are spaces.
            start = text.find(" ", start, first.start) + 1 or start
        stop = min(start + _LENGTH, len(text))
        if stop < len(text):
            stop = max(text.rfind(" ", first.end, stop), first.end) if " " in text[first.end : stop] else stop
        marked = _marked(text, max(stop, first.end), start, matches)
        return SafeString(f"{'…' if start else ''}{marked}{'…' if stop < len(text) else ''}")

    def finds(self, text: str) -> bool:
        """Whether `text` contains a search term."""
        return bool(self._matches(text))

    def marked(self, text: str) -> SafeString:
        """Return all of `text` as HTML."""
        return _marked(text, len(text), 0, self._matches(text))

    def _matches(self, text: str) -> list[_Match]:
        folded, places = _fold(text)
        compounds = list(compounds_of(text))
        found: set[_Match] = set()
        for number, word in enumerate(self._words):
            found |= {
                _Match(places[start], _end_of(text, places[end - 1]), number) if places else _Match(start, end, number)
                for start, end in word.find(folded)
            }
            found |= {_Match(start, end, number) for start, end in word.find_compounds(compounds)}
        return sorted(found)


class _SearchTerm:
    """A word or phrase to find in folded texts."""

    def __init__(self, word: Word, languages: Sequence[str]) -> None:
        self._word = word
        self._languages = languages
        first = word.tokens[0]
        self._is_phrase = len(word.tokens) > 1 and not is_unspaced(first)
        words = [first, word.compound] if word.compound else [first]
        self._forms = frozenset([*words, *(stem_of(each, language) for each in words for language in languages)])
        if is_unspaced(first):
            # Pairs of characters overlap.
            self._literals = {first[0] + "".join(token[1:] for token in word.tokens)}
        elif word.is_exact:
            self._literals = {first}
        else:
            # Other spellings begin alike: “organise”, “labour”, “journaux”, “women”. Some Arabic plurals don't.
            irregular = {form[:_MAX_LITERAL] for stem in self._forms for form in irregular_forms(stem)}
            self._literals = irregular or {_common_beginning(self._forms)[:_MAX_LITERAL]}
            self._forms |= {form for stem in self._forms for form in with_prepositions(stem)}
        phrase = f"{_BETWEEN_WORDS.join(word.tokens)}(?!{_SPACED})"
        self._rest = re.compile(phrase) if self._is_phrase else None
        # Whether words that were found are forms of this one. Most texts repeat a few forms.
        self._known: dict[str, bool] = {}

    def find(self, folded: str) -> Iterator[tuple[int, int]]:
        """Yield the start and end of occurrences, up to _MAX_MATCHES of each literal."""
        for literal in self._literals:
            yield from islice(self._occurrences(folded, literal), _MAX_MATCHES)

    def find_compounds(self, compounds: Iterable[tuple[str, tuple[int, int]]]) -> Iterator[tuple[int, int]]:
        """Yield the start and end of up to _MAX_MATCHES compounds that are this word."""
        if not self._is_phrase and not is_unspaced(self._word.tokens[0]):
            places = (place for compound, place in compounds if self._is_form(compound))
            yield from islice(places, _MAX_MATCHES)

    def _occurrences(self, folded: str, literal: str) -> Iterator[tuple[int, int]]:
        at = -1
        while (at := folded.find(literal, at + 1)) >= 0:
            if place := self._place(folded, at, literal):
                yield place
                at = place[1] - 1

    def _place(self, folded: str, at: int, literal: str) -> tuple[int, int] | None:
        """Return the place of the word in which `literal` was found, if that is a match."""
        if is_unspaced(literal):
            return at, at + len(literal)
        start = at
        while start and _WITHIN_WORD.match(folded[start - 1]):
            start -= 1
            if at - start > (_MAX_PREFIX if _ARABIC.match(literal) else 0):
                return None
        if self._rest:
            phrase = self._rest.match(folded, at) if start == at else None
            return phrase.span() if phrase else None
        rest = _REST_OF_WORD.match(folded, at)
        end = rest.end() if rest else at + len(literal)
        return (start, end) if self._is_form(folded[start:end]) else None

    def _is_form(self, found: str) -> bool:
        if found not in self._known:
            self._known[found] = self._has_same_stem(found)
        return self._known[found]

    def _has_same_stem(self, found: str) -> bool:
        token = (tokens_of(found) or [""])[0]
        if self._word.is_exact:
            return token == self._word.tokens[0]
        if self._word.is_prefix and token.startswith(self._word.tokens[0]):
            return True
        return not self._forms.isdisjoint([token, *(stem_of(token, language) for language in self._languages)])


def _common_beginning(forms: Iterable[str]) -> str:
    """Return the common beginning of all forms, or the shortest form if they begin differently."""
    shortest, longest = min(forms, key=len), max(forms)
    for length in range(len(shortest), 0, -1):
        if all(form.startswith(longest[:length]) for form in forms):
            return longest[:length]
    return shortest


def _fold(text: str) -> tuple[str, list[int] | None]:
    """Return `text` with normalised letters, and the place in `text` of each of them, or None if nothing moves."""
    if _PLAIN.fullmatch(text):
        return text.lower(), None
    folded = text.translate(_folded)
    lengths = {char: len(_folded[ord(char)]) for char in set(text)}
    if set(lengths.values()) == {1}:
        return folded, None
    return folded, [place for place, char in enumerate(text) for _letter in range(lengths[char])]


def _end_of(text: str, place: int) -> int:
    """Return the end of the letter at this place, after its accents and vowel signs."""
    end = place + 1
    while end < len(text) and unicodedata.combining(text[end]):
        end += 1
    return end


def _fold_letter(char: str) -> str:
    """Return `char` as it is indexed: as one letter, several or none."""
    folded = normalise(char)
    # Of those that become several characters, only ligatures are letters.
    return folded if len(folded) < 2 or folded.isalnum() else char


_folded: Final = CharacterTable(_fold_letter)


def _beginning_of_best(matches: Sequence[_Match]) -> _Match:
    """Return the match with which an excerpt begins that contains the most different search terms."""

    def count(index: int) -> int:
        limit = matches[index].start + _LENGTH - _BEFORE
        return len({match.number for match in matches[index : index + _MAX_MATCHES] if match.end <= limit})

    return matches[max(range(len(matches)), key=count)]


def _marked(text: str, stop: int, start: int, matches: Iterable[_Match]) -> SafeString:
    parts, at = [], start
    for match in matches:
        if at <= match.start and match.end <= stop:
            parts += [escape(text[at : match.start]), "<mark>", escape(text[match.start : match.end]), "</mark>"]
            at = match.end
    # Every part of the text is escaped.
    return SafeString("".join([*parts, escape(text[at:stop])]))
