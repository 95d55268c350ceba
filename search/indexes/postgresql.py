"""A full-text index with tsvector and GIN. Source: https://www.postgresql.org/docs/current/datatype-textsearch.html"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from django.db import connection

from search.indexes.documents import TITLES, Document, Found
from search.indexes.queries import Expression, Group, Phrase

# PostgreSQL's limits: the position of a lexeme, how many of each are kept, and the bytes of all in a document.
_MAX_POSITION: Final = 16_383
_MAX_POSITIONS: Final = 255
_MAX_BYTES: Final = 900_000
# How many documents are counted for each word.
_MAX_COUNTED: Final = 1_000
# The weights of D, C, B and A: labels count nothing, then the text, the tags and the title.
_WEIGHTS: Final = "{0, 0.1, 0.5, 1}"
# Phrases do not reach from one part into the next.
_GAP: Final = 10


class PostgresqlIndex:
    def __init__(self, table: str) -> None:
        self._table = table

    def create(self) -> None:
        self._execute(f"CREATE TABLE {self._table} (id bigint PRIMARY KEY, words tsvector NOT NULL)")
        # The list of what is not yet in the index makes writing one post faster, and every search slower.
        self._execute(f"CREATE INDEX {self._table}_words ON {self._table} USING gin (words) WITH (fastupdate = off)")

    def drop(self) -> None:
        self._execute(f"DROP TABLE IF EXISTS {self._table}")

    def write(self, documents: Iterable[Document]) -> None:
        with connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {self._table} (id, words) VALUES (%s, %s::tsvector) "
                "ON CONFLICT (id) DO UPDATE SET words = excluded.words",
                [(document.pk, _vector(document)) for document in documents],
            )

    def remove(self, pks: Collection[int]) -> None:
        self._execute(f"DELETE FROM {self._table} WHERE id = ANY(%s)", list(pks))

    def pks(self) -> set[int]:
        return {pk for (pk,) in self._execute(f"SELECT id FROM {self._table}")}

    def find(self, expression: Expression, *, limit: int, best_first: bool, hidden: Sequence[int] = ()) -> Found:
        if expression.is_impossible:
            return Found([])
        query, hidden = _tsquery(expression), list(hidden)
        # Materialised, or the planner might read the whole table from its end in the hope of finding enough.
        hits = f"(WITH hits AS MATERIALIZED (SELECT id FROM {self._table} WHERE words @@ %s::tsquery AND id <> ALL(%s))"
        newest = f"{hits} SELECT id FROM hits ORDER BY id DESC"
        # One more than needed tells whether there are more. Counting all would take as long again.
        if not (best_first and expression.words):
            pks = [pk for (pk,) in self._execute(f"{newest} LIMIT {limit + 1:d})", query, hidden)]
            return Found(pks[:limit], len(pks) > limit)
        candidates = (
            f"SELECT *, 1 AS is_new, 0 AS in_title FROM {newest} LIMIT {limit + 1:d}) AS newest "
            f"UNION ALL SELECT *, 0, 1 FROM {newest} LIMIT {TITLES}) AS titles"
        )
        rows = self._execute(
            f"SELECT id, max(is_new) FROM {self._table} JOIN ({candidates}) AS found USING (id) GROUP BY id, words "
            f"ORDER BY max(in_title) DESC, ts_rank('{_WEIGHTS}', words, %s::tsquery, 1) DESC, id DESC",
            query,
            hidden,
            _tsquery(expression, "A"),
            hidden,
            query,
        )
        return Found([pk for pk, _is_new in rows], sum(is_new for _pk, is_new in rows) > limit)

    def frequencies(self, words: Sequence[str], labels: Sequence[str]) -> dict[str, int]:
        queries = [_tsquery(Expression(tuple((Phrase((token,)),) for token in (word, *labels)))) for word in words]
        matches = f"SELECT 1 FROM {self._table} WHERE words @@ query::tsquery LIMIT {_MAX_COUNTED}"
        rows = self._execute(
            "SELECT word, count FROM unnest(%s::text[], %s::text[]) AS looked_up(word, query), "
            f"LATERAL (SELECT count(*) FROM ({matches}) AS found) AS counted(count) "
            "WHERE count > 0 ORDER BY count DESC, word",
            list(words),
            queries,
        )
        return dict(rows)

    def _execute(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(sql, params or None)
            return cursor.fetchall() if cursor.description else []


def _vector(document: Document) -> str:
    """Return the document as PostgreSQL writes a tsvector, as far as it can hold it."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    position = size = 0
    for weight, tokens in (("A", document.title), ("B", document.tags), ("C", document.text), ("D", document.labels)):
        for token in tokens.split(" ") if tokens else ():
            position = min(position + 1, _MAX_POSITION)
            if token not in places:
                size += len(token.encode())
            if size > _MAX_BYTES and weight != "D":
                continue
            if len(places[token]) < _MAX_POSITIONS:
                places[token].append(f"{position}{weight}")
        position += _GAP
    return " ".join(f"{_quote(token)}:{','.join(found)}" for token, found in places.items())


def _tsquery(expression: Expression, weight: str = "") -> str:
    """Return what is looked up. With a `weight`, the words are looked up only in the part that has it."""
    words = [_any_of(group, weight) for group in expression.words]
    query = " & ".join([*words, *map(_any_of, expression.labels)])
    return f"{query} & !{_any_of(expression.excluded)}" if expression.excluded else query


def _any_of(group: Group, weight: str = "") -> str:
    return f"({' | '.join(_phrase(phrase, weight) for phrase in group)})"


def _phrase(phrase: Phrase, weight: str) -> str:
    *first, last = map(_quote, phrase.tokens)
    suffix = f":{'*' if phrase.is_prefix else ''}{weight}".rstrip(":")
    middle = f":{weight}".rstrip(":")
    return f"({' <-> '.join([*(token + middle for token in first), last + suffix])})"


def _quote(token: str) -> str:
    return "'" + token.replace("\\", "\\\\").replace("'", "''") + "'"
