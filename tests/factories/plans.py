"""How the database runs a query."""

from typing import Any

from django.db import connection
from django.db.models import QuerySet

# Plans that find and sort rows without an index that has them in order. PostgreSQL prefers them in tables as small as
# those of tests, but not always: it depends on what earlier tests have left on its disk.
_SHORTCUTS = ("seqscan", "bitmapscan", "sort", "incremental_sort", "hashjoin", "mergejoin")


def plan_of(query: QuerySet[Any, Any]) -> str:
    """Return how the database runs the query in a large table. Affects the rest of the transaction."""
    read_as_if_large()
    return query.explain()


def read_as_if_large() -> None:
    """Have PostgreSQL read small tables like large ones, until the end of the transaction."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("".join(f"SET LOCAL enable_{shortcut} = off;" for shortcut in _SHORTCUTS))
