"""IDs for imported objects. Most keep the ID from the export; the others get a new, unused one."""

from collections.abc import Iterable
from typing import Final

from django.db import connection, models, transaction

from accounts.models import User
from blog.models import Category, Entry
from comments.models import Comment
from core.bulk import fetch_rows, max_pk
from tags.models import Tag
from wordpress.importing.analysis import Analysis
from wordpress.wxr.records import CATEGORY, TAG

_SEQUENCE: Final = "pg_get_serial_sequence(%s, 'id')"


class NewIds:
    """Allocates IDs above all those in the export. An import that is killed and resumed allocates the same ones."""

    def __init__(self, analysis: Analysis) -> None:
        highest_term_ids = analysis.terms.highest_ids
        self._highest: dict[type[models.Model], int] = {
            User: max((author.id for author in analysis.authors.values()), default=0),
            Category: highest_term_ids[CATEGORY],
            Tag: highest_term_ids[TAG],
            Entry: analysis.highest_item_id,
            Comment: analysis.highest_comment_id,
        }

    def reserve(self) -> None:
        """Keep the database from giving the export's IDs to rows that others insert during the import."""
        reserve = _reserve_on_postgresql if connection.vendor == "postgresql" else _reserve_on_sqlite
        for model, highest in self._highest.items():
            with transaction.atomic():
                reserve(model, highest)

    def assign(self, model: type[models.Model], exported: Iterable[int]) -> list[int]:
        """Return IDs for new rows: the exported ones if they are free, because old URLs contain them, or new ones.

        Call this in the transaction that inserts the rows, before inserting.
        """
        wanted = list(exported)
        used = {0, *(pk for (pk,) in fetch_rows(model, "pk", filter(None, wanted), "pk"))}
        kept = []
        for pk in wanted:
            kept.append(0 if pk in used else pk)
            used.add(pk)
        new = iter(self.take(model, kept.count(0)))
        return [pk or next(new) for pk in kept]

    def take(self, model: type[models.Model], count: int) -> list[int]:
        """Return new IDs for `count` rows. Call this in the transaction that inserts them, before inserting."""
        if not count:
            return []
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                table = connection.ops.quote_name(model._meta.db_table)
                cursor.execute(f"SELECT nextval({_SEQUENCE}) FROM generate_series(1, %s)", [table, count])  # noqa: S608  # contains no values
                return [pk for (pk,) in cursor.fetchall()]
        # No other connection can write before this transaction ends.
        first = max(self._highest[model], max_pk(model)) + 1
        return list(range(first, first + count))


def _reserve_on_postgresql(model: type[models.Model], highest: int) -> None:
    """Let PostgreSQL's sequence continue after the highest ID. IDs that a rolled-back import used up are free again."""
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        # Wait for concurrent inserts, because their IDs are not visible yet.
        cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        last = max(highest, max_pk(model))
        cursor.execute(f"SELECT setval({_SEQUENCE}, %s, %s)", [table, max(last, 1), last > 0])


def _reserve_on_sqlite(model: type[models.Model], highest: int) -> None:
    """Let SQLite's sequence continue after the highest ID. Nothing is written if it already does."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(seq) FROM sqlite_sequence WHERE name = %s", [table])
        (last,) = cursor.fetchone()
        if (last or 0) < highest:
            cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
            cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, highest])
