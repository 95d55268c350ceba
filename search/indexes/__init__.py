"""The full-text indexes of the databases, behind one interface: FTS5 on SQLite, and tsvector with GIN on PostgreSQL.

They hold tokens that search.text has made, and are only ever asked for such tokens, so no query can fail.
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
        """Create its tables, empty."""

    def drop(self) -> None:
        """Remove its tables."""

    def write(self, documents: Iterable[Document]) -> None:
        """Store documents in place of those with the same IDs."""

    def remove(self, pks: Collection[int]) -> None:
        """Remove the documents with these IDs."""

    def compact(self) -> None:
        """Remove what is left of removed documents, of which nothing is found."""

    def pks(self) -> set[int]:
        """Return the IDs of all documents."""

    def find(self, expressions: Sequence[Expression], *, limit: int, hidden: Sequence[int] = ()) -> Found:
        """Return the newest documents that match the first expression, then those that match the next, and so on.

        They are `limit` documents at most, but none that are `hidden`. It takes about as long in an index of any size,
        unless hardly any of many documents that have the words match.
        """

    def frequencies(self, words: Sequence[str], labels: Sequence[str]) -> dict[str, int]:
        """Return in how many documents with these labels each of the words occurs, up to MAX_COUNTED, if it does."""

    def first_known(self, beginnings: Sequence[str]) -> str:
        """Return the first of these with which any token begins; empty if none does."""


def entry_index() -> FullTextIndex:
    """Return the index of posts and pages."""
    return _index("search_entry_words", erases=False)


def comment_index() -> FullTextIndex:
    """Return the index of comments, from which nothing can be restored once it is removed."""
    return _index("search_comment_words", erases=True)


def _index(table: str, *, erases: bool) -> FullTextIndex:
    return PostgresqlIndex(table) if connection.vendor == "postgresql" else SqliteIndex(table, erases=erases)
