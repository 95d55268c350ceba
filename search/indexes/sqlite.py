"""A full-text index with FTS5. Source: https://www.sqlite.org/fts5.html"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from django.db import connection

from search.indexes.base import Document, Found, FullTextIndex
from search.indexes.queries import MAX_COUNTED, Expression, Group, Phrase, with_labels

# Since this version, the index needn't store the tokens as well to be able to delete a document.
CONTENTLESS_DELETE: Final = (3, 43, 0)
# How much of the index is merged at once, which takes some tens of milliseconds.
_MERGED_PAGES: Final = 200


class SqliteIndex(FullTextIndex):
    """An index with FTS5. With `erases`, removed tokens are overwritten at once, and not only by merging the index.

    We don't use FTS5's bm25(), which counts all documents with a word before it ranks the first one.
    """

    def __init__(self, table: str, *, erases: bool) -> None:
        self._table = table
        self._erases = erases

    def create(self) -> None:
        # Tokens are already separated by spaces. This tokenizer treats everything beyond ASCII as a letter.
        options = ["""tokenize="ascii tokenchars '_=+~'" """]
        if not self._erases and sqlite3.sqlite_version_info >= CONTENTLESS_DELETE:
            options += ["content=''", "contentless_delete=1"]
        self._execute(f"CREATE VIRTUAL TABLE {self._table} USING fts5({', '.join(['tokens', *options])})")
        # Each instance of each token. Unlike the other kinds, this one tells that a token exists without counting it.
        self._execute(f"CREATE VIRTUAL TABLE {self._table}_seen USING fts5vocab({self._table}, 'instance')")
        if self._erases:
            self._execute(f"INSERT INTO {self._table}({self._table}, rank) VALUES ('secure-delete', 1)")

    def drop(self) -> None:
        for table in (f"{self._table}_seen", self._table):
            self._execute(f"DROP TABLE IF EXISTS {table}")

    def write(self, documents: Iterable[Document]) -> None:
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT OR REPLACE INTO {self._table}(rowid, tokens) VALUES (%s, %s)", list(documents))

    def remove(self, pks: Collection[int]) -> None:
        with connection.cursor() as cursor:
            cursor.executemany(f"DELETE FROM {self._table} WHERE rowid = %s", [(pk,) for pk in pks])

    def compact(self) -> None:
        # In steps, so that others can write in between. A negative number starts a merge of everything, which the
        # following steps continue.
        pages = -_MERGED_PAGES
        while self._merge(pages) > 1:
            pages = _MERGED_PAGES

    def _merge(self, pages: int) -> int:
        """Merge parts of the index until this many pages are written. Return how many rows changed: 1 if none did."""
        with connection.cursor() as cursor:
            before = connection.connection.total_changes
            cursor.execute(f"INSERT INTO {self._table}({self._table}, rank) VALUES ('merge', %s)", [pages])
            changed: int = connection.connection.total_changes - before
        return changed

    def pks(self) -> set[int]:
        return {pk for (pk,) in self._execute(f"SELECT rowid FROM {self._table}")}

    def find(self, expressions: Sequence[Expression], *, limit: int, hidden: Sequence[int] = ()) -> Found:
        matches = [_match(expression) for expression in expressions if not expression.is_impossible]
        if not matches:
            return Found([])
        shown = f"AND rowid NOT IN ({', '.join(map(str, map(int, hidden)))})" if hidden else ""
        # One hit beyond the limit tells whether there are more. Counting all would take much longer.
        newest = (
            f"SELECT rowid FROM {self._table} WHERE {self._table} MATCH %s {shown} "
            f"ORDER BY rowid DESC LIMIT {limit + 1:d}"
        )
        pks: dict[int, None] = {}
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join([f"SELECT * FROM ({newest})"] * len(matches)), matches)
            # SQLite finds rows as they are fetched, so it never searches for more rows than are needed.
            for (pk,) in cursor:
                pks[pk] = None
                if len(pks) > limit:
                    break
        return Found(list(pks)[:limit], len(pks) > limit)

    def frequencies(self, words: Sequence[str], labels: Sequence[str]) -> dict[str, int]:
        known = self._execute(
            "SELECT value FROM json_each(%s) "
            f"WHERE EXISTS (SELECT 1 FROM {self._table}_seen WHERE {self._table}_seen.term = value)",
            json.dumps(words),
        )
        count = f"SELECT count(*) FROM (SELECT 1 FROM {self._table} WHERE {self._table} MATCH %s LIMIT {MAX_COUNTED})"
        counts = {word: self._execute(count, _match(with_labels(word, labels)))[0][0] for (word,) in known}
        return {word: count for word, count in counts.items() if count}

    def first_known(self, beginnings: Sequence[str], label: str) -> str:
        is_labelled = f"EXISTS (SELECT 1 FROM {self._table} WHERE {self._table} MATCH %s AND rowid = doc)"
        tokens = (
            f"SELECT 1 FROM {self._table}_seen WHERE term >= value AND term < value || char(0x10FFFF) AND {is_labelled}"
        )
        known = self._execute(
            f"SELECT value FROM json_each(%s) WHERE EXISTS ({tokens}) LIMIT 1",
            json.dumps(beginnings),
            _phrase(Phrase((label,))),
        )
        return str(known[0][0]) if known else ""


def _match(expression: Expression) -> str:
    """Return the expression in the query syntax of FTS5."""
    query = " AND ".join(map(_any_of, [*expression.words, *expression.labels]))
    return f"({query}) NOT {_any_of(expression.excluded)}" if expression.excluded else query


def _any_of(group: Group) -> str:
    return f"({' OR '.join(map(_phrase, group))})"


def _phrase(phrase: Phrase) -> str:
    quoted = f'"{" ".join(phrase.tokens)}"{"*" if phrase.is_prefix else ""}'
    if not phrase.labels:
        return quoted
    return f"({quoted} AND ({' OR '.join(f'"{label}"' for label in phrase.labels)}))"
