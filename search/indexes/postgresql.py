"""A full-text index with tsvector and GIN. Source: https://www.postgresql.org/docs/current/datatype-textsearch.html"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final
from zlib import crc32

from django.db import connection

from search.indexes.base import Document, Found, FullTextIndex
from search.indexes.queries import MAX_COUNTED, Expression, Phrase, with_labels

# PostgreSQL's limits: the position of a lexeme, the positions of each, and the bytes of all lexemes in a document.
_MAX_POSITION: Final = 16_383
_MAX_POSITIONS: Final = 255
_MAX_BYTES: Final = 900_000
# GIN finds documents in no order. To find the newest without finding all, each document has a token for its block of
# IDs, and the newest blocks are searched first.
_BLOCK: Final = 1_000
_NEWEST_BLOCKS: Final = 8
# GIN has no positions either, and reading those of a document takes about 10 µs. So that few documents are read that
# have all words of a phrase but not the phrase, each row has a Bloom filter of its pairs of successive words, two bits
# for each pair. Both sizes are powers of two, in bytes.
_MIN_FILTER: Final = 8
_MAX_FILTER: Final = 4_096


class PostgresqlIndex(FullTextIndex):
    def __init__(self, table: str) -> None:
        self._table = table

    def create(self) -> None:
        self._execute(f"CREATE TABLE {self._table} (id bigint PRIMARY KEY, words tsvector NOT NULL)")
        self.add_filters()
        # The pending list would make writing a post faster, but every search slower.
        self._execute(f"CREATE INDEX {self._table}_words ON {self._table} USING gin (words) WITH (fastupdate = off)")

    def add_filters(self) -> None:
        """Add the column of the filters to a table without it. Rows without a filter are found as well, but slowly."""
        self._execute(f"ALTER TABLE {self._table} ADD COLUMN IF NOT EXISTS pairs bytea")
        # Always in the row, where reading it takes a tenth of the time.
        self._execute(f"ALTER TABLE {self._table} ALTER COLUMN pairs SET STORAGE PLAIN")

    def drop(self) -> None:
        self._execute(f"DROP TABLE IF EXISTS {self._table}")

    def write(self, documents: Iterable[Document]) -> None:
        with connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {self._table} (id, words, pairs) VALUES (%s, %s::tsvector, %s) "
                "ON CONFLICT (id) DO UPDATE SET words = excluded.words, pairs = excluded.pairs",
                [(document.pk, _vector(document), _filter(document)) for document in documents],
            )

    def remove(self, pks: Collection[int]) -> None:
        self._execute(f"DELETE FROM {self._table} WHERE id = ANY(%s)", list(pks))

    def compact(self) -> None:
        """Do nothing: VACUUM does that."""

    def pks(self) -> set[int]:
        return {pk for (pk,) in self._execute(f"SELECT id FROM {self._table}")}

    def find(self, expressions: Sequence[Expression], *, limit: int, hidden: Sequence[int] = ()) -> Found:
        possible = [expression for expression in expressions if not expression.is_impossible]
        if not possible:
            return Found([])
        # Materialised, or the planner might read the whole table from its end in the hope of finding enough. One hit
        # beyond the limit tells whether there are more. Counting all would take longer.
        rest = "id < (SELECT first FROM newest_blocks) AND (SELECT count(*) FROM newest) <= %s"
        parts: list[str] = []
        params: list[Any] = []
        for tier, expression in enumerate(possible):
            shown, values = "id <> ALL(%s)", [_tsquery(expression), list(hidden)]
            for condition, query in _conditions(expression):
                shown += f" AND {condition}"
                values.append(query)
            newest = f"SELECT id FROM {self._table}, newest_blocks WHERE words @@ (%s || newest_blocks.query)::tsquery"
            # The planner knows that common words are in most documents, but not that reading these is expensive. So it
            # must not know the words, or it would read them all.
            older = f"SELECT id FROM {self._table} WHERE words @@ (SELECT %s::tsquery)"
            parts.append(
                f"SELECT {tier}, id FROM (WITH newest AS MATERIALIZED ({newest} AND {shown}), "
                f"older AS MATERIALIZED ({older} AND {shown} AND {rest}) "
                "SELECT id FROM newest UNION ALL SELECT id FROM older ORDER BY id DESC LIMIT %s) AS found"
            )
            params += [*values, *values, limit, limit + 1]
        rows = self._execute(
            f"WITH newest_blocks AS MATERIALIZED ({self._newest_blocks()}) "
            f"SELECT id FROM ({' UNION ALL '.join(parts)}) AS hits (tier, id) ORDER BY tier, id DESC",
            *params,
        )
        pks = list(dict.fromkeys(pk for (pk,) in rows))
        return Found(pks[:limit], len(pks) > limit)

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

    def first_known(self, beginnings: Sequence[str], label: str) -> str:
        queries = [_phrase(Phrase((beginning,), is_prefix=True, labels=(label,))) for beginning in beginnings]
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


def _filter(document: Document) -> bytes:
    """Return the Bloom filter of the pairs of words that follow each other, with 8 to 16 bits for each, if it is short.

    A long document, whose filter is full, is read for every phrase.
    """
    # Stems, labels and gaps are in no phrase.
    pairs = {pair for pair in map(" ".join, pairwise(document.tokens.split())) if "_" not in pair}
    size = min(max(1 << len(pairs).bit_length(), _MIN_FILTER), _MAX_FILTER)
    bits = bytearray(size)
    for pair in pairs:
        for number in _hashes(pair):
            bits[(number >> 3) % size] |= 1 << (number & 7)
    return bytes(bits)


def _hashes(pair: str) -> tuple[int, int]:
    """Return two numbers, of which only the last bits count that a filter has room for."""
    return divmod(crc32(pair.encode()), 1 << 16)


def _tsquery(expression: Expression) -> str:
    """Return in PostgreSQL's notation what the index can find: the words of phrases, wherever they are."""
    query = " & ".join(_any_of(group, "&") for group in (*expression.words, *expression.labels))
    excluded = [phrase for phrase in expression.excluded if len(phrase.tokens) == 1]
    return f"{query} & !{_any_of(excluded)}" if excluded else query


def _conditions(expression: Expression) -> Iterator[tuple[str, str]]:
    """Yield the SQL of what phrases demand of the documents that `_tsquery` finds, with the value of its placeholder.

    In this order, or each of these documents would be read.
    """
    if groups := [group for group in expression.words if any(len(phrase.tokens) > 1 for phrase in group)]:
        lacks = _lacks_a_pair(phrase for phrase, *others in groups if not others)
        yield f"CASE WHEN {lacks} THEN false ELSE words @@ %s::tsquery END", " & ".join(map(_any_of, groups))
    for phrase in expression.excluded:
        if len(phrase.tokens) > 1:
            yield f"CASE WHEN {_lacks_a_pair([phrase])} THEN true ELSE NOT words @@ %s::tsquery END", _phrase(phrase)


def _lacks_a_pair(phrases: Iterable[Phrase]) -> str:
    """Return the SQL for whether a row's filter lacks a pair of these phrases. Its value is NULL without a filter."""
    numbers: set[int] = set()
    for phrase in phrases:
        tokens = phrase.tokens[:-1] if phrase.is_prefix else phrase.tokens
        numbers.update(number for pair in pairwise(tokens) for number in _hashes(" ".join(pair)))
    bits = [f"get_bit(pairs, {number} & (octet_length(pairs) * 8 - 1)) = 0" for number in sorted(numbers)]
    return " OR ".join(bits) or "false"


def _any_of(group: Sequence[Phrase], then: str = "<->") -> str:
    return f"({' | '.join(_phrase(phrase, then) for phrase in group)})"


def _phrase(phrase: Phrase, then: str = "<->") -> str:
    quoted = f"({f' {then} '.join(map(_quote, phrase.tokens))}{':*' if phrase.is_prefix else ''})"
    return f"({quoted} & ({' | '.join(map(_quote, phrase.labels))}))" if phrase.labels else quoted


def _quote(token: str) -> str:
    return "'" + token.replace("\\", "\\\\").replace("'", "''") + "'"
