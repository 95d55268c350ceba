"""Other spellings of a name, so that its owner can choose among those that are on the site."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from operations.withdrawals.matching import LETTER, SEPARATOR, Name, after, before, flatten
from search.text import is_unspaced, words_of

# How many letters the endings of declined names have: `Annas`, `Анны`.
_MAX_ENDING: Final = 3
# Too many words start with a shorter one.
_MIN_WORD: Final = 3
MAX_SUGGESTIONS: Final = 20
# Replaces the name itself. It occurs in no name.
_HIDDEN: Final = "\0"


class Variants:
    """Other spellings that a name may have: reversed, shortened, declined, with another name in between."""

    def __init__(self, spellings: Iterable[str]) -> None:
        self._name = Name(spellings, _HIDDEN)
        made = dict.fromkeys(chain.from_iterable(map(_made_from, self._name.spellings)))
        self._made = {spelling: Name([spelling]) for spelling in made if not self._name.find(spelling)}
        self._open = [re.compile(pattern) for spelling in self._name.spellings for pattern in _open_patterns(spelling)]
        # Matches all of them.
        self.name = Name([*self._name.spellings, *self._made, *map(_longest_beginning, self._name.spellings)])

    def count(self, text: str) -> Counter[str]:
        """Count the other spellings in `text`, apart from the name itself."""
        if not self.name.may_be_in(text):
            return Counter()
        flat = flatten(self._name.replace(text))
        found: Counter[str] = Counter()
        for spelling, variant in self._made.items():
            found[spelling] += sum(1 for _match in variant.pattern.finditer(flat.text))
        for pattern in self._open:
            found.update(" ".join(match[0].split()) for match in pattern.finditer(flat.text))
        return +found


def _made_from(spelling: str) -> Iterator[str]:
    """Yield spellings that may be used instead of this one."""
    words = spelling.replace(",", " ").split()
    if len(words) < 2:
        return
    first, last = " ".join(words[:-1]), words[-1]
    yield f"{last}, {first}"
    yield f"{last} {first}"
    yield f"{words[0][0]}. {last}"
    yield f"{last}, {words[0][0]}."
    if len(words) > 2:
        yield f"{words[0]} {last}"
    yield "".join(words)
    yield from (word for word in words if len(word) >= _MIN_WORD)


def _open_patterns(spelling: str) -> Iterator[str]:
    """Yield the expressions for this spelling with an ending, and with an additional word in it."""
    words = words_of(spelling)
    if any(is_unspaced(word) for word in words):
        return
    gap = f"{SEPARATOR}{{1,6}}"
    start, whole = before(words[0][0]), gap.join(map(re.escape, words))
    if len(words[-1]) >= _MIN_WORD:
        yield f"{start}{whole}{LETTER}{{1,{_MAX_ENDING}}}{after('a')}"
    if len(words) > 1:
        first, rest = re.escape(words[0]), gap.join(map(re.escape, words[1:]))
        yield f"{start}{first}{gap}{LETTER}{{1,20}}{gap}{rest}{after(words[-1][-1])}"


def _longest_beginning(spelling: str) -> str:
    return max(words_of(spelling), key=len)
