"""“Did you mean …?”: words of the index that differ from the typed words in a single letter."""

import re
from collections.abc import Iterator
from typing import Final

from core.models import SiteSettings
from search import labels
from search.finding import find_entries
from search.indexes import entry_index
from search.queries import Query, parse
from search.text import is_unspaced, normalise

_MIN_LENGTH: Final = 4
_MAX_LENGTH: Final = 20
# How many words of a query are corrected.
_MAX_CORRECTED: Final = 3
_ALPHABETS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "абвгдежзийклмнопрстуфхцчшщъыьэюяіїєґ",
    "ءابتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "αβγδεζηθικλμνξοπρσςτυφχψω",
    "אבגדהוזחטיכךלמםנןסעפףצץקרשת",
)
_WORD: Final = re.compile(r"[^\W_]+")


def correct(query: Query, site: SiteSettings) -> str:
    """Return the query with unknown words replaced by words of public texts; empty if that finds nothing.

    The work is limited: a few words are corrected, and a few hundred words looked up for each.
    """
    words = [word.tokens[0] for word in query.words if len(word.tokens) == 1 and not is_unspaced(word.tokens[0])]
    # A number with another digit is another number, and not a correction.
    candidates = [word for word in words if _MIN_LENGTH <= len(word) <= _MAX_LENGTH and not word.isdecimal()]
    known = entry_index().frequencies(candidates, [labels.PUBLIC]) if candidates else {}
    corrected = {}
    for word in [word for word in candidates if word not in known][:_MAX_CORRECTED]:
        # The wrong letter is not after the first letter with which no word continues. Words of hidden texts don't
        # count, or the time that this takes would reveal them.
        beginning = entry_index().first_known([word[:length] for length in range(len(word), 0, -1)], labels.PUBLIC)
        similar = entry_index().frequencies(list(_one_letter_off(word, len(beginning))), [labels.PUBLIC])
        if similar:
            corrected[word] = max(similar, key=lambda found: (similar[found], found))
    text = _WORD.sub(lambda match: corrected.get(normalise(match[0]), match[0]), query.text)
    if not corrected or text == query.text:
        return ""
    hits = find_entries(parse(text), site)
    return text if hits.pks and not hits.any_word else ""


def _one_letter_off(word: str, last: int) -> Iterator[str]:
    """Yield the words with a letter added, removed or replaced up to this index, or with two letters swapped."""
    alphabet = next((letters for letters in _ALPHABETS if word[0] in letters), "")
    for index in range(last + 1):
        before, after = word[:index], word[index:]
        yield from (before + letter + after for letter in alphabet)
        if after:
            yield before + after[1:]
            yield from (before + letter + after[1:] for letter in alphabet)
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
