"""The full-text indexes of the databases, behind one interface: FTS5 on SQLite, and tsvector with GIN on PostgreSQL.

They contain tokens made by search.text, and are only queried for such tokens, so no query can fail.
"""

from django.db import connection

from search.indexes.base import FullTextIndex
from search.indexes.postgresql import PostgresqlIndex
from search.indexes.sqlite import SqliteIndex


def entry_index() -> FullTextIndex:
    """Return the index of posts and pages."""
    return _index("search_entry_words", erases=False)


def comment_index() -> FullTextIndex:
    """Return the index of comments, from which removed text can't be recovered."""
    return _index("search_comment_words", erases=True)


def _index(table: str, *, erases: bool) -> FullTextIndex:
    return PostgresqlIndex(table) if connection.vendor == "postgresql" else SqliteIndex(table, erases=erases)
