"""A full-text index with tsvector and GIN. Source: https://www.postgresql.org/docs/current/datatype-textsearch.html"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from typing import Final

from django.db import connection

from search.indexes.base import Document, Found, FullTextIndex
from search.indexes.queries import MAX_COUNTED, Expression, Group, Phrase, with_labels

# PostgreSQL's limits: the position of a lexeme, the positions of each, and the bytes of all lexemes in a document.
_MAX_POSITION: Final = 16_383
_MAX_POSITIONS: Final = 255
_MAX_BYTES: Final = 900_000
# GIN finds documents in no order. To find the newest without finding all, each document has a token for its block of
# IDs, and the newest blocks are searched first.
_BLOCK: Final = 1_000
_NEWEST_BLOCKS: Final = 8


class PostgresqlIndex(FullTextIndex):
    def __init__(self, table: str) -> None:
        self._table = table

    def create(self) -> None:
        self._execute(f"CREATE TABLE {self._table} (id bigint PRIMARY KEY, words tsvector NOT NULL)")
        # The pending list would make writing a post faster, but every search slower.
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

    def compact(self) -> None:
        """Do nothing: VACUUM does that."""

    def pks(self) -> set[int]:
        return {pk for (pk,) in self._execute(f"SELECT id FROM {self._table}")}

    def find(self, expressions: Sequence[Expression], *, limit: int, hidden: Sequence[int] = ()) -> Found:
        queries = [_tsquery(expression) for expression in expressions if not expression.is_impossible]
        if not queries:
            return Found([])
        # Materialised, or the planner might read the whole table from its end in the hope of finding enough. One hit
        # beyond the limit tells whether there are more. Counting all would take longer.
        rest = "id < (SELECT first FROM newest_blocks) AND (SELECT count(*) FROM newest) <= %s"
        parts = [
            f"SELECT {tier}, id FROM (WITH "
            f"newest AS MATERIALIZED ({self._matching('(%s || newest_blocks.query)::tsquery', ', newest_blocks')}), "
            f"older AS MATERIALIZED ({self._matching('%s::tsquery')} AND {rest}) "
            "SELECT id FROM newest UNION ALL SELECT id FROM older ORDER BY id DESC LIMIT %s) AS found"
            for tier in range(len(queries))
        ]
        params = [[query, list(hidden), query, list(hidden), limit, limit + 1] for query in queries]
        rows = self._execute(
            f"WITH newest_blocks AS MATERIALIZED ({self._newest_blocks()}) "
            f"SELECT id FROM ({' UNION ALL '.join(parts)}) AS hits (tier, id) ORDER BY tier, id DESC",
            *chain.from_iterable(params),
        )
        pks = list(dict.fromkeys(pk for (pk,) in rows))
        return Found(pks[:limit], len(pks) > limit)

    def _matching(self, query: str, sources: str = "") -> str:
        return f"SELECT id FROM {self._table}{sources} WHERE words @@ {query} AND id <> ALL(%s)"

    def _newest_blocks(self) -> str:
        """Return the SQL for the end of a `query` that restricts it to the newest documents, and their `first` ID."""
        return (
            f"SELECT ' & (' || string_agg(format('%%L', '-' || block), ' | ') || ')' AS query, "
            f"min(block) * {_BLOCK} AS first FROM (SELECT max(id) / {_BLOCK} AS last FROM {self._table}) AS ids, "
            f"generate_series(last - {_NEWEST_BLOCKS - 1}, last) AS block"
        )

    def frequencies(self, words: Sequence[str], labels: Sequence[str]) -> dict[str, int]:
        queries = [_tsquery(with_labels(word, labels)) for word in words]
        matches = f"SELECT 1 FROM {self._table} WHERE words @@ query::tsquery LIMIT {MAX_COUNTED}"
        rows = self._execute(
            "SELECT word, count FROM unnest(%s::text[], %s::text[]) AS looked_up(word, query), "
            f"LATERAL (SELECT count(*) FROM ({matches}) AS found) AS counted(count) WHERE count > 0",
            list(words),
            queries,
        )
        return dict(rows)

    def first_known(self, beginnings: Sequence[str]) -> str:
        queries = [_phrase(Phrase((beginning,), is_prefix=True)) for beginning in beginnings]
        looked_up = "unnest(%s::text[], %s::text[]) WITH ORDINALITY AS looked_up(beginning, query, place)"
        matches = f"SELECT 1 FROM {self._table} WHERE words @@ query::tsquery"
        known = self._execute(
            f"SELECT beginning FROM {looked_up} WHERE EXISTS ({matches}) ORDER BY place LIMIT 1",
            list(beginnings),
            queries,
        )
        return str(known[0][0]) if known else ""


def _vector(document: Document) -> str:
    """Return the document in PostgreSQL's notation for a tsvector, cut off at its limits."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    size = 0
    for position, token in enumerate([_block(document.pk), *document.tokens.split()], start=1):
        if token not in places:
            size += len(token.encode())
            if size > _MAX_BYTES:
                break
        if len(places[token]) < _MAX_POSITIONS:
            places[token].append(min(position, _MAX_POSITION))
    return " ".join(f"{_quote(token)}:{','.join(map(str, found))}" for token, found in places.items())


def _block(pk: int) -> str:
    # No other token begins with a minus sign.
    return f"-{pk // _BLOCK}"


def _tsquery(expression: Expression) -> str:
    """Return the expression in PostgreSQL's notation."""
    query = " & ".join(map(_any_of, [*expression.words, *expression.labels]))
    return f"{query} & !{_any_of(expression.excluded)}" if expression.excluded else query


def _any_of(group: Group) -> str:
    return f"({' | '.join(map(_phrase, group))})"


def _phrase(phrase: Phrase) -> str:
    quoted = f"({' <-> '.join(map(_quote, phrase.tokens))}{':*' if phrase.is_prefix else ''})"
    return f"({quoted} & ({' | '.join(map(_quote, phrase.labels))}))" if phrase.labels else quoted


def _quote(token: str) -> str:
    return "'" + token.replace("\\", "\\\\").replace("'", "''") + "'"
