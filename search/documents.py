"""Documents for the index, made from entries and comments; and digests of what they are made from."""

import datetime as dt
import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from django.conf import settings

from blog.models import Entry, Status
from comments.models import Comment
from core.prepared import Prepared, together
from search import labels
from search.indexes.documents import Document
from search.plain_text import plain_text
from search.text import GAP, STEM, stems_by_word, tokens_of
from search.tiers import Tier
from tags.models import TaggedPost

# Raise it when the same entry or comment becomes another document.
_VERSION: Final = 2
# Of longer texts, only the beginning is found.
MAX_TEXT_LENGTH: Final = 400_000
# A text has a word often if it has it so many times, in any of its forms, and once in so many words.
_OFTEN: Final = 3
_ONCE_IN: Final = 300


class EntrySource(NamedTuple):
    """Everything that a document is made from. `tags` and `categories` are sorted; only `tags` have names."""

    pk: int
    kind: str
    title: str
    status: str
    published_at: dt.datetime | None
    published_on: dt.date | None
    password: str
    author: int
    language: str
    excerpt: str
    html: str
    tags: tuple[tuple[int, str], ...]
    categories: tuple[int, ...]

    def digest(self) -> str:
        return _digest(self)

    def document(self) -> Document:
        """Return it as tokens. A text whose language is not known is taken to be in that of the site."""
        language = self.language or settings.LANGUAGE_CODE
        title, tags = _tokens([self.title]), _tokens(name for _pk, name in self.tags)
        text = _tokens([self.excerpt, plain_text(self.html)])
        everything = [*title, GAP, *tags, GAP, *text]
        stems = stems_by_word(everything, language)
        tokens = [
            *self._labels(),
            *_marked(Tier.TITLE, title, stems),
            *_marked(Tier.TAGS, [*title, GAP, *tags], stems),
            *_marked(Tier.OFTEN, [*title, GAP, *tags, GAP, *_often(text, stems)], stems),
            *_marked(Tier.ANYWHERE, everything, stems),
        ]
        return Document(self.pk, " ".join(tokens))

    def _labels(self) -> Iterator[str]:
        yield from (labels.ANY, labels.kind(self.kind), labels.author(self.author))
        if self.status == Status.PUBLISHED and not self.password:
            yield labels.PUBLIC
        if day := self.published_on or (self.published_at and self.published_at.date()):
            yield from labels.of_day(day)
        yield from (labels.tag(pk) for pk, _name in self.tags)
        yield from map(labels.category, self.categories)


class CommentSource(NamedTuple):
    """Everything that the document of an approved comment is made from."""

    pk: int
    entry: int
    name: str
    html: str

    def digest(self) -> str:
        return _digest(self)

    def document(self, language: str) -> Document:
        """Return it as tokens; `language` is that of its entry."""
        name, text = _tokens([self.name]), _tokens([plain_text(self.html)])
        stems = stems_by_word(text, language or settings.LANGUAGE_CODE)
        tokens = [labels.ANY, *name, GAP, *_marked(Tier.ANYWHERE, text, stems)]
        return Document(self.pk, " ".join(tokens))


_NAMES: Final = ("kind", "title", "status", "published_at", "published_on", "password", "author", "language", "excerpt")
_entries = Prepared[Any](
    lambda pks: Entry.objects.filter(pk__in=pks).order_by().values_list("pk", *_NAMES, "body_html")
)
_tags = Prepared[tuple[int, int, str]](
    lambda pks: (
        TaggedPost.objects.filter(content_object__pk__in=pks)
        .order_by()
        .values_list("content_object", "tag", "tag__name")
    )
)
_categories = Prepared[tuple[int, int]](
    lambda pks: (
        Entry.categories.through._default_manager.filter(entry__pk__in=pks).order_by().values_list("entry", "category")
    )
)


def entry_sources(pks: Collection[int]) -> list[EntrySource]:
    """Return those of the entries with these IDs that exist. Two queries."""
    tags: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    categories: defaultdict[int, list[int]] = defaultdict(list)
    tagged, filed = together((_tags, [list(pks)]), (_categories, [list(pks)]))
    for entry, tag, name in tagged:
        tags[entry].append((tag, name))
    for entry, category in filed:
        categories[entry].append(category)
    return [
        EntrySource._make((*row, tuple(sorted(tags[row[0]])), tuple(sorted(categories[row[0]]))))
        for row in _entries(list(pks))
    ]


def comment_sources(pks: Collection[int]) -> list[CommentSource]:
    """Return those of the comments with these IDs that are approved. One query."""
    return [CommentSource(*row) for row in _comments(list(pks))]


_comments = Prepared[tuple[int, int, str, str]](
    lambda pks: Comment.objects.approved().filter(pk__in=pks).order_by().values_list("pk", "entry", "name", "html")
)


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


def _digest(source: tuple[Any, ...]) -> str:
    return hashlib.blake2b(repr((_VERSION, source)).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
