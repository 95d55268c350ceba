"""The full-text indexes of the databases, behind one interface: FTS5 on SQLite, and tsvector with GIN on PostgreSQL.

They contain tokens made by search.text, and are only queried for such tokens, so no query can fail.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from django.db import connection

from search.indexes.documents import Document, Found
from search.indexes.postgresql import PostgresqlIndex
from search.indexes.queries import Expression
from search.indexes.sqlite import SqliteIndex


class FullTextIndex(Protocol):
    """An index of documents by ID. IDs grow with time, so the highest are the newest."""

    def create(self) -> None:
        """Create the empty tables."""

    def drop(self) -> None:
        """Remove the tables."""

    def write(self, documents: Iterable[Document]) -> None:
        """Store documents, replacing those with the same IDs."""

    def remove(self, pks: Collection[int]) -> None:
        """Remove the documents with these IDs."""

    def compact(self) -> None:
        """Reclaim the space of removed documents, which are no longer found."""

    def pks(self) -> set[int]:
        """Return the IDs of all documents."""

    def find(self, expressions: Sequence[Expression], *, limit: int, hidden: Sequence[int] = ()) -> Found:
        """Return the newest documents that match the first expression, then those that match the next, and so on.

        There are at most `limit` documents, none of them `hidden`. The time hardly depends on the size of the index,
        unless many documents contain the words but hardly any match.
        """

    def frequencies(self, words: Sequence[str], labels: Sequence[str]) -> dict[str, int]:
        """Return the number of documents with these labels, up to MAX_COUNTED, by word, if it isn't 0."""

    def first_known(self, beginnings: Sequence[str]) -> str:
        """Return the first of these beginnings with which any token begins; empty if there is none."""


def entry_index() -> FullTextIndex:
    """Return the index of posts and pages."""
    return _index("search_entry_words", erases=False)


def comment_index() -> FullTextIndex:
    """Return the index of comments, from which removed text can't be recovered."""
    return _index("search_comment_words", erases=True)


def _index(table: str, *, erases: bool) -> FullTextIndex:
    return PostgresqlIndex(table) if connection.vendor == "postgresql" else SqliteIndex(table, erases=erases)
