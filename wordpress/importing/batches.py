"""Writing in batches, each in a transaction of a few tenths of a second at most, so that others can write too."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import batched
from operator import attrgetter
from typing import Final

from django.db import IntegrityError, OperationalError, connection, reset_queries, transaction

from core.changes import content_changed
from wordpress.importing.context import ImportContext
from wordpress.wxr.records import Item

# The limits of a batch of items. The item that reaches one of them is the last of its batch.
MAX_ENTRIES: Final = 100
MAX_CHARACTERS: Final = 1_000_000
MAX_COMMENTS: Final = 1000
# How often a batch is tried if concurrent writers take its URLs or names.
_ATTEMPTS: Final = 5


def write_batch[*Values](context: ImportContext, write: Callable[[*Values], object], *values: *Values) -> None:
    """Call `write` with `values` in a transaction, and store what it added to the ledger and to the old URLs.

    `write` is called again after a conflict with another writer, so it must look up everything that others may change.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        changes = context.report.change_count
        try:
            with context.report.discarded_on_error(), transaction.atomic():
                write(*values)
                context.old_urls.write(context.ledger)
                context.ledger.write()
                if context.report.change_count > changes:
                    content_changed()
            break
        except BaseException as error:
            context.ledger.clear()
            context.old_urls.clear()
            if attempt == _ATTEMPTS or not _is_conflict(error):
                raise
    # With DEBUG, Django keeps all queries in memory, and these are as large as the export.
    reset_queries()


def write_batches[Value](
    context: ImportContext, values: Iterable[Value], write: Callable[[Sequence[Value]], object], *, size: int = 100
) -> None:
    """Call `write` with `size` values at a time, each call in a transaction of its own (see write_batch)."""
    for batch in batched(values, size):
        write_batch(context, write, batch)


def entry_batches[Value](
    values: Iterable[Value], item_of: Callable[[Value], Item] = attrgetter("item")
) -> Iterator[list[Value]]:
    """Yield `values` in batches that fit into memory. `item_of` returns the item of a value."""
    batch: list[Value] = []
    characters = comments = 0
    for value in values:
        batch.append(value)
        item = item_of(value)
        characters += item.characters
        comments += len(item.comments)
        if len(batch) >= MAX_ENTRIES or characters >= MAX_CHARACTERS or comments >= MAX_COMMENTS:
            yield batch
            batch, characters, comments = [], 0, 0
    if batch:
        yield batch


def _is_conflict(error: BaseException) -> bool:
    """Return whether another writer caused the error, which can't happen on SQLite."""
    if isinstance(error, IntegrityError):
        return connection.vendor == "postgresql"
    # Source: PostgreSQL, error codes of class 40 (a deadlock is 40P01).
    return isinstance(error, OperationalError) and str(getattr(error.__cause__, "sqlstate", "")).startswith("40")
