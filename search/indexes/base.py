"""What the indexes of all databases have in common: their documents, and what can be done with them."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from django.db import connection

from search.indexes.queries import Expression


class Document(NamedTuple):
    """Tokens, separated by spaces, in the order of the text. If there are too many, the last ones are dropped."""

    pk: int
    tokens: str


class Found(NamedTuple):
    """The IDs of hits, in the requested order, and whether there are more."""

    pks: Sequence[int]
    has_more: bool = False


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

    def first_known(self, beginnings: Sequence[str], label: str) -> str:
        """Return the first of these beginnings with which a token of a document with this label begins, or nothing."""

    def _execute(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Run a statement, and return its rows."""
        with connection.cursor() as cursor:
            cursor.execute(sql, params or None)
            return cursor.fetchall() if cursor.description else []
