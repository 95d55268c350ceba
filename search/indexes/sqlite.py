"""A full-text index with FTS5. Source: https://www.sqlite.org/fts5.html"""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from django.db import connection

from search.indexes.documents import TITLES, Document, Found
from search.indexes.queries import Expression, Group, Phrase

# From here on, the index need not store the tokens beside it to be able to delete a document.
CONTENTLESS_DELETE: Final = (3, 43, 0)
# The weights of title, tags, text and labels.
_WEIGHTS: Final = "10.0, 5.0, 1.0, 0.0"


class SqliteIndex:
    """With `erases`, what is removed is overwritten at once, and not only when parts of the index are merged."""

    def __init__(self, table: str, *, erases: bool) -> None:
        self._table = table
        self._erases = erases

    def create(self) -> None:
        # The tokens are separated by spaces already. This tokenizer takes everything beyond ASCII for a letter.
        options = ["""tokenize="ascii tokenchars '_'" """]
        if not self._erases and sqlite3.sqlite_version_info >= CONTENTLESS_DELETE:
            options += ["content=''", "contentless_delete=1"]
        columns = ", ".join(["title", "tags", "text", "labels", *options])
        self._execute(f"CREATE VIRTUAL TABLE {self._table} USING fts5({columns})")
        self._execute(f"CREATE VIRTUAL TABLE {self._table}_seen USING fts5vocab({self._table}, 'row')")
        if self._erases:
            self._execute(f"INSERT INTO {self._table}({self._table}, rank) VALUES ('secure-delete', 1)")

    def drop(self) -> None:
        for table in (f"{self._table}_seen", self._table):
            self._execute(f"DROP TABLE IF EXISTS {table}")

    def write(self, documents: Iterable[Document]) -> None:
        with connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT OR REPLACE INTO {self._table}(rowid, title, tags, text, labels) VALUES (%s, %s, %s, %s, %s)",
                list(documents),
            )

    def remove(self, pks: Collection[int]) -> None:
        with connection.cursor() as cursor:
            cursor.executemany(f"DELETE FROM {self._table} WHERE rowid = %s", [(pk,) for pk in pks])

    def pks(self) -> set[int]:
        return {pk for (pk,) in self._execute(f"SELECT rowid FROM {self._table}")}

    def find(self, expression: Expression, *, limit: int, best_first: bool, hidden: Sequence[int] = ()) -> Found:
        if expression.is_impossible:
            return Found([])
        shown = f"AND rowid NOT IN ({', '.join(map(str, map(int, hidden)))})" if hidden else ""
        hits = f"FROM {self._table} WHERE {self._table} MATCH %s {shown} ORDER BY rowid DESC"
        # One more than needed tells whether there are more. Counting all would take as long again.
        if not (best_first and expression.words):
            pks = [pk for (pk,) in self._execute(f"SELECT rowid {hits} LIMIT {limit + 1:d}", _match(expression))]
            return Found(pks[:limit], len(pks) > limit)
        newest = (
            f"SELECT rowid AS pk, bm25({self._table}, {_WEIGHTS}) AS score, 0 AS in_title {hits} LIMIT {limit + 1:d}"
        )
        # Without a score, which would take as long again: it is there if they are among the newest.
        titles = f"SELECT rowid AS pk, NULL AS score, 1 AS in_title {hits} LIMIT {TITLES}"
        rows = self._execute(
            f"SELECT pk, min(score) FROM (SELECT * FROM ({newest}) UNION ALL SELECT * FROM ({titles})) "
            "GROUP BY pk ORDER BY max(in_title) DESC, coalesce(min(score), 0), pk DESC",
            _match(expression),
            _match(expression, "title : "),
        )
        return Found([pk for pk, _score in rows], sum(score is not None for _pk, score in rows) > limit)

    def frequencies(self, words: Sequence[str], labels: Sequence[str]) -> dict[str, int]:
        known = self._execute(
            f"SELECT term, doc FROM {self._table}_seen WHERE term IN ({', '.join(['%s'] * len(words))})", *words
        )
        # What is only in documents with other labels must not be suggested.
        found = {}
        for word, count in sorted(known, key=lambda row: (-row[1], row[0])):
            query = _match(Expression(tuple((Phrase((token,)),) for token in (word, *labels))))
            if self._execute(f"SELECT 1 FROM {self._table} WHERE {self._table} MATCH %s LIMIT 1", query):
                found[word] = count
        return found

    def _execute(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(sql, params or None)
            return cursor.fetchall() if cursor.description else []


def _match(expression: Expression, column: str = "") -> str:
    """Return what FTS5 looks up. With a `column`, the words are looked up only there."""
    words = [f"{column}{_any_of(group)}" for group in expression.words]
    query = " AND ".join([*words, *map(_any_of, expression.labels)])
    return f"({query}) NOT {_any_of(expression.excluded)}" if expression.excluded else query


def _any_of(group: Group) -> str:
    return f"({' OR '.join(map(_quote, group))})"


def _quote(phrase: Phrase) -> str:
    return f'"{" ".join(phrase.tokens)}"{"*" if phrase.is_prefix else ""}'
