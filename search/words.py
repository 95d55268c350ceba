"""The words of documents, made from texts alone, without a database, so that any process can make them."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NamedTuple

from django.conf import settings

from search.plain_text import plain_text
from search.text import GAP, STEM, compounds_of, stems_by_word, tokens_of
from search.tiers import Tier

# In longer texts, only the beginning is indexed.
MAX_TEXT_LENGTH: Final = 400_000
# A word is frequent in a text if it occurs at least this many times, in any form, and once in this many words.
_MIN_OCCURRENCES: Final = 3
_MAX_WORDS_PER_OCCURRENCE: Final = 300


class EntryText(NamedTuple):
    """The source of the words of an entry's document. `tags` are sorted names."""

    title: str
    tags: tuple[str, ...]
    excerpt: str
    html: str
    language: str

    def tokens(self) -> str:
        """Return the tokens, separated by spaces. A text without a language is taken to be in that of the site."""
        language = self.language or settings.LANGUAGE_CODE
        title, tags = _tokens([self.title]), _tokens(self.tags)
        text = _tokens([self.excerpt, plain_text(self.html)])
        everything = [*title, GAP, *tags, GAP, *text]
        stems = stems_by_word(everything, language)
        tokens = [
            *_marked(Tier.TITLE, title, stems),
            *_marked(Tier.TAGS, [*title, GAP, *tags], stems),
            *_marked(Tier.OFTEN, [*title, GAP, *tags, GAP, *_frequent(text, stems)], stems),
            *_marked(Tier.ANYWHERE, everything, stems),
        ]
        return " ".join(tokens)


# The tokens that another process has made for entries that are about to be indexed.
_made: Final[dict[EntryText, str]] = {}


def entry_tokens(text: EntryText) -> str:
    """Return `text.tokens()`, or the tokens that were made elsewhere."""
    made = _made.get(text)
    return text.tokens() if made is None else made


@contextmanager
def made_elsewhere(tokens: Mapping[EntryText, str]) -> Iterator[None]:
    """Have entries with exactly these texts indexed with these tokens, which another process has made."""
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
    """Return the tokens of texts that don't follow each other, and of each text its compounds as single tokens."""
    tokens: list[str] = []
    for text in texts:
        if text:
            tokens += [GAP, *tokens_of(text[:MAX_TEXT_LENGTH])]
            for compound, _place in compounds_of(text[:MAX_TEXT_LENGTH]):
                tokens += [GAP, compound]
    return tokens[1:]


def _frequent(tokens: Collection[str], stems: Mapping[str, str]) -> list[str]:
    """Return the words that are frequent among these tokens, in any of their forms."""
    counts = Counter(tokens)
    of_stem: Counter[str] = Counter()
    for token, count in counts.items():
        of_stem[stems[token]] += count
    enough = max(_MIN_OCCURRENCES, len(tokens) / _MAX_WORDS_PER_OCCURRENCE)
    return [token for token in counts if token != GAP and of_stem[stems[token]] >= enough]


def _marked(tier: Tier, tokens: list[str], stems: Mapping[str, str]) -> list[str]:
    """Return the tokens of this tier, and then the stems that differ from their tokens, without repetitions."""
    mark = tier.value
    marked = [mark + token for token in tokens] if mark else tokens
    return marked + [f"{mark}{STEM}{stems[token]}" for token in dict.fromkeys(tokens) if stems[token] != token]
