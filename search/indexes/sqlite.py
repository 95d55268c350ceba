"""A full-text index with FTS5. Source: https://www.sqlite.org/fts5.html"""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from django.db import connection

from search.indexes.documents import Document, Found
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
            return Found([], 0)
        query, table = _match(expression), self._table
        shown = f"AND rowid NOT IN ({', '.join(map(str, map(int, hidden)))})" if hidden else ""
        hits = f"FROM {table} WHERE {table} MATCH %s {shown}"
        score = f"bm25({table}, {_WEIGHTS})" if best_first else "0"
        newest = f"SELECT rowid AS pk, {score} AS score {hits} ORDER BY rowid DESC LIMIT {limit:d}"
        pks = [pk for (pk,) in self._execute(f"SELECT pk FROM ({newest}) ORDER BY score, pk DESC", query)]
        total = len(pks) if len(pks) < limit else self._execute(f"SELECT count(*) {hits}", query)[0][0]
        return Found(pks, total)

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


def _match(expression: Expression) -> str:
    query = " AND ".join(map(_any_of, expression.groups))
    return f"({query}) NOT {_any_of(expression.excluded)}" if expression.excluded else query


def _any_of(group: Group) -> str:
    return f"({' OR '.join(map(_quote, group))})"


def _quote(phrase: Phrase) -> str:
    return f'"{" ".join(phrase.tokens)}"{"*" if phrase.is_prefix else ""}'
