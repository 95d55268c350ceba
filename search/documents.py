"""Documents for the index, made from entries and comments, and digests of their sources."""

import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any, Final, NamedTuple

from django.db.models import Exists, OuterRef

from blog.models import Entry, Status
from comments.models import Comment
from core.prepared import Prepared, together
from search import labels
from search.indexes.base import Document
from search.models import IndexedComment, IndexedEntry
from search.text import stemmer_of, tokens_of
from search.words import EntryText, comment_tokens, entry_tokens
from tags.models import TaggedPost

# Raise this when the document of the same entry or comment changes.
_VERSION: Final = 7
# The length of the first part of a digest, which is of the whole source.
OF_ALL: Final = 28


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
        """Return the digest of the source. It ends with one of the language alone, on which comments depend too."""
        return _digest(self)[:OF_ALL] + _digest((self.language,))[OF_ALL:]

    def document(self) -> Document:
        """Return the document with its tokens."""
        tags = tuple(sorted(name for _pk, name in self.tags))
        text = EntryText(self.title, tags, self.excerpt, self.html, self.language)
        return Document(self.pk, " ".join([*self._labels(), entry_tokens(text)]))

    def _labels(self) -> Iterator[str]:
        yield from (labels.ANY, labels.kind(self.kind), labels.author(self.author), *_language_labels(self.language))
        yield labels.title(tokens_of(self.title))
        if self.status == Status.PUBLISHED and not self.password:
            yield labels.PUBLIC
        if day := self.published_on or (self.published_at and self.published_at.date()):
            yield from labels.of_day(day)
        yield from (labels.tag(pk) for pk, _name in self.tags)
        yield from map(labels.category, self.categories)


class CommentSource(NamedTuple):
    """Everything that the document of an approved comment is made from; `language` is the language of the entry."""

    pk: int
    entry: int
    language: str
    name: str
    html: str

    def digest(self) -> str:
        return _digest(self)

    def document(self) -> Document:
        """Return the document with its tokens."""
        tokens = comment_tokens(self.name, self.html, self.language)
        return Document(self.pk, " ".join([labels.ANY, *_language_labels(self.language), tokens]))


def _language_labels(language: str) -> list[str]:
    return [labels.language(code)] if (code := stemmer_of(language)) else []


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
_indexed_entries = Prepared[tuple[int, str, bool]](
    lambda pks: IndexedEntry.objects.filter(pk__in=pks).values_list(
        "pk", "digest", Exists(IndexedComment.objects.filter(entry_id=OuterRef("pk")))
    )
)
_comments = Prepared[tuple[int, int, str, str, str]](
    lambda pks: (
        Comment.objects.approved()
        .filter(pk__in=pks)
        .order_by()
        .values_list("pk", "entry", "entry__language", "name", "html")
    )
)
_indexed_comments = Prepared[tuple[int, str]](
    lambda pks: IndexedComment.objects.filter(pk__in=pks).values_list("pk", "digest")
)


def read_entries(pks: Collection[int]) -> tuple[list[EntrySource], list[tuple[int, str, bool]]]:
    """Return the sources of the entries with these IDs that exist, and what is in the index. Takes one query.

    The latter has the IDs of entries, the digests of their documents, and whether any of their comments is indexed.
    """
    queries = (_entries, _tags, _categories, _indexed_entries)
    entries, tagged, filed, indexed = together(*((query, [list(pks)]) for query in queries))
    tags: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    categories: defaultdict[int, list[int]] = defaultdict(list)
    for entry, tag, name in tagged:
        tags[entry].append((tag, name))
    for entry, category in filed:
        categories[entry].append(category)
    sources = [
        EntrySource._make((*row, tuple(sorted(tags[row[0]])), tuple(sorted(categories[row[0]])))) for row in entries
    ]
    return sources, indexed


def read_comments(pks: Collection[int]) -> tuple[list[CommentSource], list[tuple[int, str]]]:
    """Return the sources of the comments with these IDs that are approved, and what is in the index. Takes one query.

    The latter has the IDs of comments and the digests of their documents.
    """
    comments, indexed = together((_comments, [list(pks)]), (_indexed_comments, [list(pks)]))
    return [CommentSource(*row) for row in comments], indexed


def _digest(source: tuple[Any, ...]) -> str:
    return hashlib.blake2b(repr((_VERSION, source)).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
