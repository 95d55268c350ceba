"""Making the same changes to many posts or pages, in one transaction and a fixed number of statements per batch."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import batched, product
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from blog.models import Category, Entry, Post, Status
from blog.permissions import UNDECIDED, edits_others, may_edit, may_publish
from blog.publishing import BulkChange, file_under, selected_entries
from blog.review.notices import record_steps
from core.changes import entries_changed

# How many entries one statement reads or writes: databases limit its parameters.
_BATCH_SIZE: Final = 500


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes to make. Empty values and None change nothing. Only posts have categories and tags."""

    add_categories: Collection[Category] = ()
    remove_categories: Collection[Category] = ()
    add_tags: Collection[str] = ()
    remove_tags: Collection[str] = ()
    author: User | None = None
    status: str = ""
    comments_open: bool | None = None

    def fields(self) -> dict[str, Any]:
        """Return the fields that get the same value in all entries."""
        values = {"author_id": self.author and self.author.pk, "comments_open": self.comments_open}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class BulkEdit(BulkChange):
    """Which entries change, and which the user may not change. Those in `unchanged` are already as they should be."""

    unchanged: list[Any] = field(default_factory=list)


def edit(entries: QuerySet[Any], by: User, changes: Changes) -> BulkEdit:
    """Change entries without rendering them, and return which were changed."""
    tagged = Post.tags.through._default_manager
    with transaction.atomic():
        result = preview_edit(entries, by, changes, lock=True)
        pks = [entry.pk for entry in result.changed]
        if changes.status:
            moved = [entry for entry in result.changed if entry.status != changes.status]
            for entry in moved:
                entry.status = changes.status
            entries.model.store_all(moved)
            record_steps(moved, by)
        for some in batched(pks, _BATCH_SIZE):
            Entry.objects.filter(pk__in=some).update(modified_at=timezone.now(), **changes.fields())
            file_under(some, changes.add_categories, changes.remove_categories)
            if changes.remove_tags:
                tagged.with_any(some, changes.remove_tags).delete()
        if changes.add_tags:
            tagged.attach_all(result.changed, changes.add_tags)
        entries_changed(pks)
    return result


def preview_edit(entries: QuerySet[Any], by: User, changes: Changes, *, lock: bool = False) -> BulkEdit:
    """Return what `edit` would do. The returned entries are unmodified."""
    result = BulkEdit()
    found = list(selected_entries(entries, lock=lock))
    differing = set(_differing(found, changes))
    for entry in found:
        if not _may_change(by, entry, changes):
            result.refused.append(entry)
        elif entry.pk in differing:
            result.changed.append(entry)
        else:
            result.unchanged.append(entry)
    return result


def _may_change(by: User, entry: Entry, changes: Changes) -> bool:
    if entry.status == Status.TRASH or not may_edit(by, entry):
        return False
    if changes.author is not None and isinstance(entry, Post) and not edits_others(by):
        return False
    return changes.status in ("", *UNDECIDED) or may_publish(by, type(entry))


def _differing(entries: list[Any], changes: Changes) -> Iterator[int]:
    """Yield the IDs of the entries that are not yet as they should be."""
    for entry in entries:
        if changes.status not in ("", entry.status) or any(
            getattr(entry, name) != value for name, value in changes.fields().items()
        ):
            yield entry.pk
    filed, tagged = Entry.categories.through._default_manager, Post.tags.through._default_manager
    for some in batched([entry.pk for entry in entries], _BATCH_SIZE):
        if changes.remove_categories:
            yield from filed.filter(entry__in=some, category__in=changes.remove_categories).values_list(
                "entry", flat=True
            )
        if changes.add_categories:
            present = set(
                filed.filter(entry__in=some, category__in=changes.add_categories).values_list("entry", "category")
            )
            wanted = product(some, (category.pk for category in changes.add_categories))
            yield from (pk for pk, category in wanted if (pk, category) not in present)
        if changes.remove_tags:
            yield from tagged.with_any(some, changes.remove_tags).values_list("content_object", flat=True)
        if changes.add_tags:
            yield from tagged.without_all(some, changes.add_tags)
