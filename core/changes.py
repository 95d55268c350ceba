"""Keeping everything that depends on public content up to date: data derived from entries, and cached pages."""

import datetime as dt
import secrets
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final

from django.db import DEFAULT_DB_ALIAS, connection, connections, models, transaction

from core import memory
from core.database import pragma
from core.internal_rows import InternalRow
from core.registry import Registry

# Each updates the data that its app derives from the entries with these IDs, in the transaction that changed them.
change_handlers: Final[Registry[Callable[[Collection[int]], object]]] = Registry("change handler")
# The same for data that depends on nothing but their texts. Reading these would be most of the work of a change that
# concerns thousands of entries, but no texts.
text_change_handlers: Final[Registry[Callable[[Collection[int]], object]]] = Registry("text change handler")
# Each repoints references before objects are merged into another one and deleted. It gets the model, the IDs of these
# objects, and the ID of the one that remains.
merge_handlers: Final[Registry[Callable[[type[models.Model], Collection[int], int], object]]] = Registry(
    "merge handler"
)
# Each returns when public content will next change on its own, such as when a scheduled post is due.
scheduled_changes: Final[Registry[Callable[[], dt.datetime | None]]] = Registry("scheduled change")
# Each withdraws copies that are served without checking the content version, in the transaction that changes content
# and so before anyone can see the change. No new copies are made before it commits (see `content_stands_still`). An
# error rolls the change back.
retractions: Final[Registry[Callable[[], None]]] = Registry("retraction")


# How many transactions can change the content version at the same time on PostgreSQL without waiting for each other.
_SLOTS: Final = 64
# The largest increment of the version by one transaction.
MAX_STEP = 2**20


class ContentVersion(InternalRow):
    """Numbers whose sum, the content version, grows whenever public content changes.

    It is part of every cache key and ETag, so processes agree on what is out of date without communicating. It is
    incremented in the transaction that changes content, so both become visible together, even if something crashes.

    SQLite has one writer at a time, so there is one row. On PostgreSQL, each transaction increments a row that no other
    transaction is using, which an advisory lock ensures. If all incremented the same row, writers would wait for each
    other.

    The sum of `entries` is the version of entries: it grows whenever anything but comments changes.
    """

    number = models.PositiveBigIntegerField(default=1)
    entries = models.PositiveBigIntegerField(default=1, db_default=1)

    class Meta(InternalRow.Meta):
        constraints = [models.CheckConstraint(condition=models.Q(pk__range=(1, _SLOTS)), name="content_version_slots")]


_TABLE: Final = ContentVersion._meta.db_table
# The namespace of our advisory locks: any number that is not used elsewhere.
_LOCKS: Final = 20_613
_SUM, _SUM_OF_ENTRIES = (f"CAST(coalesce(sum({column}), 0) AS bigint)" for column in ("number", "entries"))
_READ: Final = f"SELECT {_SUM} FROM {_TABLE}"  # noqa: S608  # our own table
_READ_BOTH: Final = f"SELECT {_SUM}, {_SUM_OF_ENTRIES} FROM {_TABLE}"  # noqa: S608  # as above
# The parameters are the increments of `number` and `entries`.
_INCREMENT: Final = {
    "sqlite": f"INSERT INTO {_TABLE} (id, number, entries) VALUES (1, %s, %s)"  # noqa: S608  # as above
    " ON CONFLICT (id) DO UPDATE SET number = number + excluded.number, entries = entries + excluded.entries",
    # The first free row or, if there is none, row 1 after waiting for its lock.
    "postgresql": f"""
        INSERT INTO {_TABLE} AS current (id, number, entries)
        SELECT slot, %s, %s FROM (
            (SELECT slot FROM generate_series(1, {_SLOTS}) AS slot
                WHERE pg_try_advisory_xact_lock({_LOCKS}, slot) LIMIT 1)
            UNION ALL (SELECT 1 FROM pg_advisory_xact_lock({_LOCKS}, 1))
            LIMIT 1
        ) AS free
        ON CONFLICT (id) DO UPDATE
        SET number = current.number + excluded.number, entries = current.entries + excluded.entries
    """,  # noqa: S608  # as above
}


# Adds to the version of a database that was restored from a backup, before anything else uses it. Adding at least JUMP
# makes it greater than any version since the backup, even after a million transactions that each added up to MAX_STEP.
JUMP: Final = 2**40
JUMP_STATEMENT: Final = (
    f"INSERT INTO {_TABLE} (id, number) VALUES (1, %s)"  # noqa: S608  # as above
    f" ON CONFLICT (id) DO UPDATE SET number = {_TABLE}.number + excluded.number"
)
# The same for the version of entries, which never grows faster. A database of an older release does not have it.
JUMP_OF_ENTRIES_STATEMENT: Final = f"UPDATE {_TABLE} SET entries = entries + %s WHERE id = 1"  # noqa: S608  # as above
_TAKE_ALL_LOCKS: Final = (
    f"SELECT bool_and(pg_try_advisory_xact_lock({_LOCKS}, slot)) FROM generate_series(1, {_SLOTS}) AS slot"  # noqa: S608  # as above
)


class CurrentVersion(models.Subquery):
    """The content version, or the version of entries, as a query expression. Zero if the table is empty."""

    template = f"(SELECT %(sum)s FROM {_TABLE})"  # noqa: S608  # as above
    output_field = models.BigIntegerField()

    def __init__(self, *, of_entries: bool = False) -> None:
        super().__init__(ContentVersion.objects.order_by(), sum=_SUM_OF_ENTRIES if of_entries else _SUM)


def content_version(using: str = DEFAULT_DB_ALIAS) -> int:
    """Return the content version. Each request needs it, and a query set would take fifty times as long."""
    with connections[using].cursor() as cursor:
        cursor.execute(_READ)
        ((version,),) = cursor.fetchall()
    return int(version)


def content_and_entries_version() -> tuple[int, int]:
    """Return the content version and the version of entries."""
    with connection.cursor() as cursor:
        cursor.execute(_READ_BOTH)
        ((content, entries),) = cursor.fetchall()
    return int(content), int(entries)


class VersionReader:
    """Reads the content version without ever blocking, so that an event loop may do it. For use by a single thread.

    Only SQLite allows this: there is no server, and readers don't wait for writers.
    """

    def __init__(self) -> None:
        # Opened read-only, so that a missing database is not created.
        path = Path(connection.settings_dict["NAME"]).absolute()
        self._url = f"{path.as_uri()}?mode=ro" if connection.vendor == "sqlite" else ""
        self._database: sqlite3.Connection | None = None

    def read(self) -> int | None:
        """Return the content version, or None if it can't be read without blocking."""
        if not self._url:
            return None
        try:
            if self._database is None:
                self._database = sqlite3.connect(self._url, timeout=0, isolation_level=None, uri=True)
            ((version,),) = self._database.execute(_READ).fetchall()
        except sqlite3.Error:
            return None
        return int(version)


def content_changed(*, only_comments: bool = False) -> None:
    """Make cached pages expire when the current transaction commits, by incrementing the content version once.

    With `only_comments`, the version of entries stays the same, so processes keep what they remember (core.memory).
    """
    if not only_comments:
        # The rest of this transaction must not use values that were remembered before the change.
        memory.forget()
    enough = {_incremented, _incremented_for_comments} if only_comments else {_incremented}
    # Our hook is among the first, so this is fast however many hooks there are.
    if any(hook in enough for _savepoints, hook, _robust in transaction.get_connection().run_on_commit):
        return
    with transaction.atomic(savepoint=False):
        # Random, so that no later transaction gets the version of one that was rolled back, under which this process
        # may have remembered something.
        step = 1 + secrets.randbelow(MAX_STEP)
        _increment(step, of_entries=0 if only_comments else step)
        for retract in retractions.values():
            retract()
    # If the savepoint is rolled back, Django discards the hook along with the increment.
    transaction.on_commit(_incremented_for_comments if only_comments else _incremented)


def use_throwaway_version() -> None:
    """Give the current transaction, which must be rolled back, a content version that no other one will ever have.

    Whatever it puts into a cache is never found again.
    """
    step = secrets.randbelow(2**61)
    _increment(step, of_entries=step)


def _increment(step: int, *, of_entries: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_INCREMENT[connection.vendor], [step, of_entries])


def _incremented() -> None:
    """Do nothing. As an on-commit hook, mark that the transaction has incremented both versions."""


def _incremented_for_comments() -> None:
    """Do nothing. As an on-commit hook, mark that the transaction has incremented only the content version."""


@contextmanager
def content_stands_still() -> Iterator[int | None]:
    """Yield the content version, which stays the same within the block; or None if content is being changed.

    Never waits. Changes wait for the end of the block, which must be short. Not for use within a transaction.
    """
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            # Take all the locks. Every transaction that changes content holds one of them.
            cursor.execute(_TAKE_ALL_LOCKS)
            yield content_version() if cursor.fetchone() == (True,) else None
        return
    with pragma("busy_timeout", 0):
        database = connection.connection
        try:
            # This transaction writes nothing, but keeps all others from writing.
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            yield None
            return
        try:
            yield content_version()
        finally:
            database.execute("ROLLBACK")


def next_scheduled_change() -> dt.datetime | None:
    """Return when public content will next change on its own; None if nothing is scheduled."""
    times = [next_change() for next_change in scheduled_changes.values()]
    return min((time for time in times if time is not None), default=None)


def entries_changed(ids: Collection[int], *, are_hidden: bool = False, have_same_texts: bool = False) -> None:
    """Update everything that is derived from the entries with these IDs, in the current transaction.

    With `have_same_texts`, what is derived from their texts alone is left as it is.
    With `are_hidden`, readers could see none of them before and can't now. Cached pages then don't expire: from their
    dates, or the time they take, anyone could learn when people work on a draft.
    """
    if not ids:
        return
    for handle in change_handlers.values():
        handle(ids)
    for handle in () if have_same_texts else text_change_handlers.values():
        handle(ids)
    if not are_hidden:
        content_changed()


def will_be_merged(model: type[models.Model], ids: Collection[int], target: int) -> None:
    """Repoint references from these objects of a model to the target, in the current transaction."""
    for handle in merge_handlers.values():
        handle(model, ids, target)


class PublicQuerySet[Model: "PublicModel"](models.QuerySet[Model]):
    """A query set whose writes, including `bulk_update`, make cached pages expire if they change what readers see."""

    def has_visible(self) -> bool:
        """Whether readers see any of these objects. Overridden by models that hide some of theirs."""
        return True

    def makes_visible(self, values: Mapping[str, Any]) -> bool:
        """Whether these values may make hidden objects visible. Overridden by the same models."""
        return False

    def update(self, **kwargs: Any) -> int:
        is_public = _are_public(self.model, kwargs) and (self.makes_visible(kwargs) or self.has_visible())
        with transaction.atomic(savepoint=False):
            count = super().update(**kwargs)
            if count and is_public:
                content_changed(only_comments=_concerns_only_comments(self.model, kwargs))
        return count

    update.alters_data = True  # type: ignore[attr-defined]  # Django's mark for templates

    def delete(self) -> tuple[int, dict[str, int]]:
        is_public = self.has_visible()
        with transaction.atomic(savepoint=False):
            deleted = super().delete()
            if deleted[0] and is_public:
                content_changed(only_comments=_concerns_only_comments(self.model))
        return deleted

    delete.alters_data = True  # type: ignore[attr-defined]  # as above
    delete.queryset_only = True  # type: ignore[attr-defined]  # Django's mark: not on the manager

    def bulk_create(self, objs: Iterable[Model], *args: Any, **kwargs: Any) -> list[Model]:
        objs = list(objs)
        # Checked before they are stored, because `is_visible` may compare with the stored row.
        is_public = any(obj.is_visible() for obj in objs)
        with transaction.atomic(savepoint=False):
            created = super().bulk_create(objs, *args, **kwargs)
            if is_public:
                content_changed(only_comments=_concerns_only_comments(self.model))
        return created


class PublicModel(models.Model):
    """A model that readers see, except for its `private_fields`. Its managers are made from PublicQuerySet."""

    private_fields: ClassVar[frozenset[str]] = frozenset()
    # Fields that concern only comments; None if all do.
    comment_fields: ClassVar[frozenset[str] | None] = frozenset()

    class Meta:
        abstract = True

    def is_visible(self) -> bool:
        """Whether readers see this object, as it is stored or about to be stored. Overridden like `has_visible`."""
        return True

    def save(self, *args: Any, **kwargs: Any) -> None:
        update_fields = kwargs.get("update_fields")
        is_public = (update_fields is None or _are_public(type(self), update_fields)) and self.is_visible()
        with transaction.atomic(savepoint=False):
            super().save(*args, **kwargs)
            if is_public:
                content_changed(only_comments=_concerns_only_comments(type(self), update_fields))

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        is_public = self.is_visible()
        with transaction.atomic(savepoint=False):
            deleted = super().delete(*args, **kwargs)
            if is_public:
                content_changed(only_comments=_concerns_only_comments(type(self)))
        return deleted


def _are_public(model: type[PublicModel], fields: Iterable[str]) -> bool:
    return not model.private_fields.issuperset(fields)


def _concerns_only_comments(model: type[PublicModel], fields: Iterable[str] | None = None) -> bool:
    """Whether a change of these fields, or of any, concerns nothing but comments."""
    if model.comment_fields is None:
        return True
    return fields is not None and model.comment_fields.issuperset(fields)
