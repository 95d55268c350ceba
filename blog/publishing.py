"""Editors' actions on posts and pages, each in one transaction.

Functions for several entries change those that the user may change (blog.permissions), and report the others.
"""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import batched, product
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet, prefetch_related_objects
from django.utils import timezone
from django.utils.html import escape
from django.utils.timezone import localdate

from accounts.models import User
from blog.models import Category, Entry, Post, PostInCategory, Revision, Status
from blog.permissions import UNDECIDED, may_edit, may_publish, may_restore
from blog.rerendering import RerenderResult, may_have_words, rerender
from blog.review.notices import record_steps
from blog.revisions.comparing import says_something_else
from blog.revisions.recording import record
from core.changes import content_changed, entries_changed, use_throwaway_version
from media.models import Picture

# How many entries one statement changes: databases limit its parameters.
_BATCH_SIZE: Final = 1000
# How many entries one transaction of a bulk action changes. On SQLite, others wait for it, for up to half a second.
AT_ONCE: Final = 250


@dataclass(frozen=True, slots=True)
class BulkChange:
    """`changed` entries have the new value; `refused` ones were left alone, because the user may not change them.

    Undoing a change also leaves `overtaken` ones alone, because someone has changed them since. `undo` has the IDs of
    the entries for each way in which entries changed, as JSON.
    """

    changed: list[Any] = field(default_factory=list)
    refused: list[Any] = field(default_factory=list)
    overtaken: list[Any] = field(default_factory=list)
    undo: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, other: "BulkChange") -> None:
        self.changed.extend(other.changed)
        self.refused.extend(other.refused)
        self.overtaken.extend(other.overtaken)
        for way, pks in other.undo.items():
            self.undo[way].extend(pks)

    def record_undo(
        self,
        pk: int,
        was: Mapping[str, Any],
        became: Mapping[str, Any],
        lost: Collection[tuple[str, Any]] = (),
        gained: Collection[tuple[str, Any]] = (),
    ) -> None:
        """Record that an entry changed: the values of fields, and the tags and categories that it lost or gained."""
        changed = [name for name in was if was[name] != became[name]]
        way: dict[str, Any] = {"was": {name: was[name] for name in changed}}
        way["became"] = {name: became[name] for name in changed}
        for name, terms in (("lost", lost), ("gained", gained)):
            way[name] = {kind: sorted(key for of, key in terms if of == kind) for kind in ("categories", "tags")}
        self.undo[json.dumps(way, default=dt.datetime.isoformat)].append(pk)

    def parts(self) -> list[dict[str, Any]]:
        """Return the ways in which entries changed, each with their `ids`."""
        return [{**json.loads(way), "ids": pks} for way, pks in self.undo.items()]


def save_entry(
    entry: Entry,
    by: User,
    *,
    categories: Iterable[Category] | None = None,
    tags: Iterable[str] | None = None,
    stored: Entry | None = None,
) -> None:
    """Save `entry` as `by`, with its categories and the names of its tags (None leaves them as they are).

    It is rendered once, or not at all if its source was rendered before. A new entry without an author becomes theirs.
    Its former and its new content are recorded as revisions, and the people in its review are notified of its new
    status. The time is recorded if the text changes for readers, other than by a correction or on the day of
    publication. `stored` is the entry in the database, if the caller has read and locked it in this transaction
    (`lock_stored`).
    Raises PermissionDenied if `by` may not set the status, and SourceTooLongError.
    """
    if entry.status not in UNDECIDED and not may_publish(by, type(entry)):
        raise PermissionDenied
    if not entry.author_id:
        entry.author = by
    # Without a savepoint: if the caller has opened a transaction, an error rolls back all of it.
    with transaction.atomic(savepoint=False):
        stored = stored or lock_stored(entry)
        before = Revision.of(stored, by=None) if stored else None
        if stored is not None:
            entry.text_changed_at = _changed_for_readers(entry, stored)
        entry.store(stored=stored)
        if categories is not None:
            categories = set(categories)
            present = set(stored.categories.all()) if stored else set()
            file_under([entry.pk], categories - present, present - categories)
            # Prefetched categories are out of date.
            getattr(entry, "_prefetched_objects_cache", {}).pop("categories", None)
        new_tags = None if tags is None else entry.tags.set(tags, present=stored.tags.all() if stored else ())
        record(entry, by, before, categories=categories, tags=new_tags)
        record_steps([entry], by)
        entries_changed([entry.pk], are_hidden=not entry.is_visible())


def lock_stored(entry: Entry) -> Entry | None:
    """Return `entry` as it is stored, with its categories and tags, and lock its row; None if it is new."""
    rows = type(entry)._default_manager.select_for_update(of=("self",)).defer("lead_html", "auto_excerpt")
    stored: Entry | None = rows.filter(pk=entry.pk).first() if entry.pk else None
    if isinstance(stored, Post):
        prefetch_related_objects([stored], "categories", "tags")
    return stored


def _changed_for_readers(entry: Entry, stored: Entry) -> dt.datetime | None:
    """Return when the text last changed for readers: now, if `stored` was public and `entry` says something else."""
    if not stored.is_public or stored.published_at is None or localdate(stored.published_at) == localdate():
        return stored.text_changed_at
    entry.render_if_stale()
    before, after = (f"{escape(each.title)} {each.body_html}" for each in (stored, entry))
    return timezone.now() if says_something_else(before, after) else stored.text_changed_at


def file_under(ids: Collection[int], added: Collection[Category], removed: Collection[Category]) -> None:
    """Add categories to posts with these IDs, and remove others, in one statement each.

    The caller opens a transaction and calls `entries_changed`.
    """
    filed: Any = Entry.categories.through._default_manager
    if removed:
        filed.filter(entry__in=ids, category__in=removed).delete()
    rows = [filed.model(entry_id=pk, category_id=category.pk) for pk, category in product(ids, added)]
    filed.bulk_create(rows, ignore_conflicts=True)


@contextmanager
def as_published(
    entry: Entry, by: User, *, categories: Iterable[Category] | None, tags: Iterable[str] | None
) -> Iterator[None]:
    """Store `entry` within the block as if it were published with these categories and tags, then roll back.

    Code that shows it sees exactly what it will see later: its URL, its neighbours, the pages of its tags. An entry
    with a time keeps it. Raises SourceTooLongError.
    """
    if not entry.author_id:
        entry.author = by
    entry.status = Status.PUBLISHED
    with transaction.atomic():
        entry.store()
        if categories is not None:
            categories = list(categories)
            # Like tags, a category may be new.
            for category in categories:
                if category._state.adding:
                    category.save()
            entry.categories.set(categories)
        if tags is not None:
            entry.tags.set(tags)
        use_throwaway_version()
        yield
        transaction.set_rollback(True)


def restore_revision(revision: Revision, entry: Entry, by: User) -> None:
    """Restore the content of `entry` from one of its revisions, as `by`. Its current content stays in its revisions.

    Its status, time, URL and author don't change, nor does its language if a translation already has the restored one.
    Categories that were deleted are left out. Raises PermissionDenied if `by` may not change the entry.
    """
    if not may_edit(by, entry):
        raise PermissionDenied
    settings = revision.settings
    entry.title, entry.source, entry.markup = revision.title, revision.source, revision.markup
    entry.excerpt = settings["excerpt"]
    if not entry.translations().filter(language=settings["language"]).exists():
        entry.language = settings["language"]
    entry.featured_picture = Picture.objects.filter(pk=settings["featured_picture_id"]).first()
    categories = Category.objects.filter(pk__in=settings["categories"]) if "categories" in settings else None
    save_entry(entry, by, categories=categories, tags=settings.get("tags"))


def publish(entries: QuerySet[Any], by: User) -> BulkChange:
    """Publish entries, now or at the time they are scheduled for. Those in the trash have to be restored first."""
    return _change_status(
        entries,
        by,
        Status.PUBLISHED,
        lambda entry: may_publish(by, type(entry)) and may_edit(by, entry) and entry.status != Status.TRASH,
    )


def unpublish(entries: QuerySet[Any], by: User) -> BulkChange:
    """Turn entries into drafts. They keep their date, and with it their URL, in case they are published again."""
    return _change_status(entries, by, Status.DRAFT, lambda entry: may_edit(by, entry) and entry.status != Status.TRASH)


def trash(entries: QuerySet[Any], by: User) -> BulkChange:
    """Move entries to the trash. Nothing is lost until they are deleted."""
    return _change_status(entries, by, Status.TRASH, lambda entry: may_edit(by, entry))


def restore(entries: QuerySet[Any], by: User) -> BulkChange:
    """Take entries out of the trash, as drafts, so that nothing becomes public by mistake."""
    in_trash = Q(status=Status.TRASH)
    return _change_status(entries, by, Status.DRAFT, lambda entry: may_restore(by, entry), in_trash)


def in_batches(
    entries: QuerySet[Any], change: Callable[[QuerySet[Any]], BulkChange]
) -> Iterator[Callable[[], BulkChange]]:
    """Yield functions that each `change` a few hundred of these entries, the newest first."""
    pks = sorted(entries.order_by().values_list("pk", flat=True), reverse=True)
    for some in batched(pks, AT_ONCE):
        yield partial(change, entries.model._default_manager.filter(pk__in=some))


def selected_entries(entries: QuerySet[Any], *, lock: bool) -> QuerySet[Any]:
    """Return these entries by ID, without their texts, and locked if `lock` is set.

    The given query may have joins or be distinct, so it can't be locked itself.
    """
    by_id = entries.model._default_manager.filter(pk__in=entries.order_by().values("pk"))
    rows: QuerySet[Any] = by_id.without_texts().order_by("pk")
    return rows.select_for_update() if lock else rows


def values_of(entry: Entry) -> dict[str, Any]:
    """Return the fields of `entry` that actions on several entries change, and that undo gives back."""
    return {name: getattr(entry, name) for name in ("status", "published_at", "author_id", "comments_open")}


def _change_status(
    entries: QuerySet[Any], by: User, status: Status, is_allowed: Callable[[Entry], bool], *where: Q
) -> BulkChange:
    """Set the status of those entries that have another one and meet the conditions `where` once they are locked."""
    change = BulkChange()
    with transaction.atomic():
        for entry in selected_entries(entries, lock=True).exclude(status=status).filter(*where):
            (change.changed if is_allowed(entry) else change.refused).append(entry)
        before = [values_of(entry) for entry in change.changed]
        for entry in change.changed:
            entry.status = status
        entries.model.store_all(change.changed)
        for entry, was in zip(change.changed, before, strict=True):
            change.record_undo(entry.pk, was, values_of(entry))
        record_steps(change.changed, by)
        entries_changed([entry.pk for entry in change.changed], have_same_texts=True)
    return change


def set_language(entries: QuerySet[Any], by: User, language: str) -> BulkChange:
    """Set the language of entries, and with it the direction of their texts. An empty one means that it is unknown.

    Entries to which rendering may have added words are rendered again. `modified_at` stays the same, so that an import
    still updates them.
    """
    with transaction.atomic():
        change = preview_language(entries, by, language, lock=True)
        pks = [entry.pk for entry in change.changed]
        for some in batched(pks, _BATCH_SIZE):
            Entry.objects.filter(pk__in=some).update(language=language)
            rerender(Entry.objects.filter(pk__in=some).filter(may_have_words()), RerenderResult())
        for entry in change.changed:
            change.record_undo(entry.pk, {"language": entry.language}, {"language": language})
        entries_changed(pks, have_same_texts=True)
    return change


def preview_language(entries: QuerySet[Any], by: User, language: str, *, lock: bool = False) -> BulkChange:
    """Return what `set_language` would do. The returned entries have their current languages.

    Those with a translation into that language are refused.
    """
    change = BulkChange()
    found = list(selected_entries(entries, lock=lock).exclude(language=language))
    groups = {entry.translation_group for entry in found} - {None}
    with_language = Entry.objects.filter(translation_group__in=groups, language=language)
    taken = set(with_language.values_list("translation_group", flat=True))
    for entry in found:
        is_free = entry.translation_group not in taken
        is_allowed = is_free and may_edit(by, entry) and entry.status != Status.TRASH
        (change.changed if is_allowed else change.refused).append(entry)
        if is_allowed and entry.translation_group:
            # At most one of a group of translations.
            taken.add(entry.translation_group)
    return change


def count_written(author: User) -> int:
    """Return the number of entries by `author`, in any status."""
    return Entry.objects.filter(author=author).count()


def reassign(author: User, new_author: User) -> None:
    """Make `new_author` the author of everything that `author` wrote, in any status, in short transactions.

    If this is interrupted, calling it again continues.
    """
    entries = Entry.objects.filter(author=author)
    for some in batched(sorted(entries.values_list("pk", flat=True), reverse=True), _BATCH_SIZE):
        with transaction.atomic():
            rows = entries.filter(pk__in=some).select_for_update().order_by("pk")
            pks = list(rows.values_list("pk", flat=True))
            Entry.objects.filter(pk__in=pks).update(author=new_author, modified_at=timezone.now())
            entries_changed(pks, have_same_texts=True)


def next_publication() -> dt.datetime | None:
    """Return when the next scheduled entry is due; None if none is scheduled."""
    scheduled = Entry.objects.scheduled().order_by("published_at")
    first: dt.datetime | None = scheduled.values_list("published_at", flat=True).first()
    return first


def categories_changed(
    action: str, instance: Entry | Category, reverse: bool, pk_set: Collection[int] | None, **kwargs: Any
) -> None:
    """Update the listings of categories. Uses a signal, because Django itself writes the rows of the relation."""
    if action.startswith("post_"):
        ids: Collection[int] = [instance.pk]
        if reverse:
            # None if all were removed.
            listed = PostInCategory.objects.filter(category=instance.pk).values_list("post", flat=True)
            ids = list(listed) if pk_set is None else pk_set
        PostInCategory.objects.update_posts(ids)
        content_changed()
