"""Search queries as readers type them: words, "phrases", -words and filters such as `tag:courts`.

No query is an error: anything that isn't a filter is a word.
"""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from search import labels
from search.indexes.queries import Group, Phrase
from search.text import (
    COMPOUND,
    MAX_TOKEN_LENGTH,
    STEM,
    compound_token,
    is_unspaced,
    normalise,
    runs_of,
    stem_of,
    stemmer_of,
    tokens_of,
    with_prepositions,
    words_of,
)
from search.tiers import Tier

# These limit the cost of a search.
MAX_CHARACTERS: Final = 200
MAX_WORDS: Final = 12
# A shorter last word is not completed, because too many words begin with it.
_MIN_PREFIX: Final = 3

_PART: Final = re.compile(
    # Also the minus sign and the colon of Chinese and Japanese keyboards, and capitals as phones begin a text with.
    r"(?P<minus>[-－]?)(?:(?P<filter>(?i:tag|category|author|before|after))[:：])?"
    r'(?:"(?P<quoted>[^"]*)"?|(?P<word>\S+))'
)
# Single letters before an apostrophe, and the English genitive: texts have “avocate” and “defender” without them.
_ATTACHED: Final = re.compile(r"(?<!\w)\w['’ʼ](?=\w\w)|(?<=\w\w)['’]s(?!\w)", re.IGNORECASE)
# Numbers with spaces between groups of three digits.
_SPACED_NUMBER: Final = re.compile(r"(?<![\w:,.-])\d{1,3}(?: \d{3})+(?!\w)")
_DATE: Final = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?")


class Word(NamedTuple):
    """A word that documents must contain in some form, or a phrase that they must contain exactly.

    There are several `tokens` for a phrase, and for words that are indexed in pairs of characters. Instead of a part of
    a compound, such as “e” or “mail”, documents may have the `compound` as one word, “email”.
    """

    tokens: tuple[str, ...]
    is_exact: bool = False
    is_prefix: bool = False
    compound: str = ""


class Filter(NamedTuple):
    """`name` is `tag`, `category` or `author`; `is_excluded` if it begins with a minus sign."""

    name: str
    value: str
    is_excluded: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query. Entries must be from the days `first` to `last`, inclusive."""

    text: str
    words: tuple[Word, ...] = ()
    excluded: tuple[Word, ...] = ()
    filters: tuple[Filter, ...] = ()
    first: dt.date | None = None
    last: dt.date | None = None
    # Whether more was typed, which is not searched for.
    is_cut: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.words or self.excluded or self.filters or self.first or self.last)


def parse(typed: str) -> Query:
    """Return the query that was typed, cut off if it is too long. If there are several limits of days, all apply."""
    text = " ".join(typed.replace("\0", " ").split())
    is_cut = len(text) > MAX_CHARACTERS
    if is_cut:
        # Only whole words, because no text may contain a part of one.
        text = text[: MAX_CHARACTERS + 1].rpartition(" ")[0] or text[:MAX_CHARACTERS]
    words: list[Word] = []
    excluded: list[Word] = []
    filters: list[Filter] = []
    first = last = None
    parts = list(_PART.finditer(_with_plain_signs(text)))
    for number, part in enumerate(parts, start=1):
        value = part["quoted"] if part["word"] is None else part["word"]
        name, is_excluded = (part["filter"] or "").lower(), bool(part["minus"])
        if name in {"before", "after"} and not is_excluded and (day := _first_day(value)):
            if name == "after":
                first = max(first or day, day)
            else:
                before = day - dt.timedelta(days=1)
                last = min(last or before, before)
        elif name in {"tag", "category", "author"} and value.strip():
            filters.append(Filter(name, value, is_excluded))
        else:
            # An excluded word is meant exactly as it is written, and all parts of “-human-rights” together.
            is_last = number == len(parts) and not is_cut and not is_excluded
            value = f"{name} {value}" if name else value
            is_exact = part["word"] is None or (is_excluded and len(words_of(value)) > 1)
            found = _words(value, is_exact=is_exact, is_last=is_last)
            (excluded if is_excluded else words).extend(found)
    is_cut = is_cut or len(words) + len(excluded) + len(filters) > MAX_WORDS
    # Words are dropped rather than filters, without which too much would be found.
    filters = filters[:MAX_WORDS]
    words = words[: MAX_WORDS - len(filters)]
    excluded = excluded[: MAX_WORDS - len(filters) - len(words)]
    return Query(text, tuple(words), tuple(excluded), tuple(filters), first, last, is_cut)


def forms_of(word: Word, languages: Sequence[str], tier: Tier = Tier.ANYWHERE, *, is_completed: bool = False) -> Group:
    """Return what to look up to find a word in this tier, in all its forms in these languages, the site's first.

    With `is_completed`, that includes all words that begin with it, if it may be a beginning (`is_prefix`).
    """
    if word.is_exact or len(word.tokens) > 1 or is_unspaced(word.tokens[0]):
        # The tokens of the tier OFTEN are in no order.
        mark = Tier.TAGS if tier is Tier.OFTEN else tier
        return (Phrase(tuple(mark + token for token in word.tokens), word.is_prefix),)
    token = word.tokens[0]
    beginning = (Phrase((tier + token,), is_prefix=True),) if word.is_prefix and is_completed else ()
    inflected = [each for base in filter(None, (token, word.compound)) for each in _inflected(base, languages)]
    return (*beginning, *(Phrase((tier + form,), labels=labelled) for form, labelled in inflected))


def _inflected(token: str, languages: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the forms in which documents may contain a word, each with the labels of the languages in which it counts.

    What the language of the site makes of the word counts in all documents. What another one makes of it would be
    another word elsewhere: the French stem of “letter” is “let”.
    """
    stem_of_site = stem_of(token, languages[0])
    yield from ((form, ()) for form in dict.fromkeys([token, stem_of_site, STEM + stem_of_site]))
    by_stem: defaultdict[str, list[str]] = defaultdict(list)
    for code in dict.fromkeys(map(stemmer_of, languages)):
        if code and (stem := stem_of(token, code)) != stem_of_site:
            by_stem[stem].append(labels.language(code))
    for stem, labelled in by_stem.items():
        yield from ((form, tuple(labelled)) for form in (stem, STEM + stem) if form != token)
    for base in dict.fromkeys([token, stem_of(token, "ar")]):
        yield from ((form, ()) for word in with_prepositions(base) for form in (word, STEM + word))


def forms_of_parts(parts: Iterable[str], languages: Sequence[str]) -> list[Group]:
    """Return what to look up to find all of these words and phrases, which may be the beginnings of longer ones."""
    groups: list[Group] = []
    for part in parts:
        is_exact = len(part.split()) > 1
        words = list(_words(part, is_exact=is_exact, is_last=True))
        groups += [
            forms_of(word._replace(is_prefix=True) if is_exact else word, languages, is_completed=True)
            for word in words
        ] or [()]
    return groups


def _words(text: str, *, is_exact: bool, is_last: bool) -> Iterator[Word]:
    """Yield the words of `text`, or the phrase that it is."""
    if is_exact:
        if phrase := _phrase(text):
            yield phrase
        return
    # Names begin with a capital in texts, but not in queries.
    pieces = enumerate(COMPOUND.split(_ATTACHED.sub(" ", text).title()))
    # Each second piece is a compound.
    compounds = [(piece, compound_token(piece) if number % 2 else "") for number, piece in pieces]
    runs = [(run, compound) for piece, compound in compounds for word in words_of(piece) for run in runs_of(word)]
    for number, (run, compound) in enumerate(runs, start=1):
        if is_unspaced(run):
            phrase = _phrase(run)
            if phrase:
                yield phrase._replace(is_exact=False)
        else:
            is_prefix = is_last and number == len(runs) and len(run) >= _MIN_PREFIX
            yield Word((run[:MAX_TOKEN_LENGTH],), is_prefix=is_prefix, compound=compound)


def _phrase(text: str) -> Word | None:
    """Return `text` as consecutive tokens, without the one that ends a run, which may continue in the text."""
    tokens = tokens_of(text)
    if not tokens:
        return None
    if is_unspaced(tokens[-1]) and len(tokens[-1]) == 1:
        # After a pair, the last token only repeats the second character of the pair.
        if len(tokens) > 1 and is_unspaced(tokens[-2]):
            return Word(tuple(tokens[:-1]), is_exact=True)
        return Word(tuple(tokens), is_exact=True, is_prefix=True)
    return Word(tuple(tokens), is_exact=True)


def _with_plain_signs(text: str) -> str:
    """Return `text` with the quotation marks of phones and of other languages as plain ones, and “1 000” as “1,000”."""
    return _SPACED_NUMBER.sub(lambda number: number[0].replace(" ", ","), re.sub("[“”„‟«»「」『』＂]", '"', text))


def _first_day(text: str) -> dt.date | None:
    """Return the first day of a year, month or day such as `2019-05`; None if it is not a date."""
    match = _DATE.fullmatch(normalise(text))
    if match is None:
        return None
    try:
        # The day before must exist as well.
        day = dt.date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
        return day if day > dt.date.min else None
    except ValueError:
        return None
