"""The words of documents for the index, made from texts alone: it takes no database, so any process can do it."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NamedTuple

from django.conf import settings

from search.plain_text import plain_text
from search.text import GAP, STEM, stems_by_word, tokens_of
from search.tiers import Tier

# Of longer texts, only the beginning is found.
MAX_TEXT_LENGTH: Final = 400_000
# A text has a word often if it has it so many times, in any of its forms, and once in so many words.
_OFTEN: Final = 3
_ONCE_IN: Final = 300


class EntryText(NamedTuple):
    """What the words of an entry's document are made from. `tags` are names, sorted."""

    title: str
    tags: tuple[str, ...]
    excerpt: str
    html: str
    language: str

    def tokens(self) -> str:
        """Return the tokens, separated by spaces. A text whose language is not known is in that of the site."""
        language = self.language or settings.LANGUAGE_CODE
        title, tags = _tokens([self.title]), _tokens(self.tags)
        text = _tokens([self.excerpt, plain_text(self.html)])
        everything = [*title, GAP, *tags, GAP, *text]
        stems = stems_by_word(everything, language)
        tokens = [
            *_marked(Tier.TITLE, title, stems),
            *_marked(Tier.TAGS, [*title, GAP, *tags], stems),
            *_marked(Tier.OFTEN, [*title, GAP, *tags, GAP, *_often(text, stems)], stems),
            *_marked(Tier.ANYWHERE, everything, stems),
        ]
        return " ".join(tokens)


# What was made elsewhere for entries that are about to be indexed.
_made: Final[dict[EntryText, str]] = {}


def entry_tokens(text: EntryText) -> str:
    """Return `text.tokens()`, or what `made_elsewhere` has of it."""
    made = _made.get(text)
    return text.tokens() if made is None else made


@contextmanager
def made_elsewhere(tokens: Mapping[EntryText, str]) -> Iterator[None]:
    """Index entries with these tokens, which another process has made, where they have exactly these texts."""
    _made.update(tokens)
    try:
        yield
    finally:
        for text in tokens:
            _made.pop(text, None)


def comment_tokens(name: str, html: str, language: str) -> str:
    """Return the tokens of a comment on an entry in this language, separated by spaces."""
    named, text = _tokens([name]), _tokens([plain_text(html)])
    stems = stems_by_word(text, language or settings.LANGUAGE_CODE)
    return " ".join([*named, GAP, *_marked(Tier.ANYWHERE, text, stems)])


def _tokens(texts: Iterable[str]) -> list[str]:
    """Return the tokens of texts that don't follow each other."""
    tokens: list[str] = []
    for text in texts:
        if text:
            tokens += [GAP, *tokens_of(text[:MAX_TEXT_LENGTH])]
    return tokens[1:]


def _often(tokens: Collection[str], stems: Mapping[str, str]) -> list[str]:
    """Return the words that are often among these tokens, in any of their forms."""
    counts = Counter(tokens)
    of_stem: Counter[str] = Counter()
    for token, count in counts.items():
        of_stem[stems[token]] += count
    enough = max(_OFTEN, len(tokens) / _ONCE_IN)
    return [token for token in counts if token != GAP and of_stem[stems[token]] >= enough]


def _marked(tier: Tier, tokens: Iterable[str], stems: Mapping[str, str]) -> Iterator[str]:
    """Yield the tokens of this tier, and then those of their stems that differ from them, without repetitions."""
    mark = tier.value
    yield from (mark + token for token in tokens)
    yield from (f"{mark}{STEM}{stems[token]}" for token in dict.fromkeys(tokens) if stems[token] != token)
