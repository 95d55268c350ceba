"""Making the same changes to many posts or pages, in one transaction and a fixed number of statements per batch."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import batched, product
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from blog.models import Category, Entry, Post, Status
from blog.permissions import UNDECIDED, edits_others, may_edit, may_publish, may_restore
from blog.publishing import BulkChange, file_under, selected_entries, values_of
from blog.review.notices import record_steps
from core.changes import entries_changed

# How many entries one statement reads or writes: databases limit its parameters.
_BATCH_SIZE: Final = 500


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes to make. `fields` get the same values in all entries. Only posts have categories and tags.

    Entries in the trash are left alone, unless these changes take them `out_of_trash`.
    """

    add_categories: Collection[Category] = ()
    remove_categories: Collection[Category] = ()
    add_tags: Collection[str] = ()
    remove_tags: Collection[str] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    out_of_trash: bool = False


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
        values, terms = {entry.pk: values_of(entry) for entry in result.changed}, _terms(pks, changes)
        moved = [entry for entry in result.changed if _differs(entry, _of_place(changes))]
        for entry, (name, value) in product(result.changed, changes.fields.items()):
            setattr(entry, name, value)
        entries.model.store_all(moved)
        record_steps(moved, by)
        others = {name: value for name, value in changes.fields.items() if name not in _of_place(changes)}
        for some in batched(pks, _BATCH_SIZE):
            Entry.objects.filter(pk__in=some).update(modified_at=timezone.now(), **others)
            file_under(some, changes.add_categories, changes.remove_categories)
            if changes.remove_tags:
                tagged.with_any(some, changes.remove_tags).delete()
        if changes.add_tags:
            tagged.attach_all(result.changed, changes.add_tags)
        new_terms = _terms(pks, changes)
        for entry in result.changed:
            lost, gained = terms[entry.pk] - new_terms[entry.pk], new_terms[entry.pk] - terms[entry.pk]
            result.record_undo(entry.pk, values[entry.pk], values_of(entry), lost, gained)
        entries_changed(pks, have_same_texts=True)
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
    if entry.status == Status.TRASH:
        is_allowed = changes.out_of_trash and may_restore(by, entry)
    else:
        is_allowed = may_edit(by, entry)
    if not is_allowed:
        return False
    if "author_id" in changes.fields and isinstance(entry, Post) and not edits_others(by):
        return False
    is_hidden = changes.fields.get("status", entry.status) in {*UNDECIDED, Status.TRASH}
    return is_hidden or not _of_place(changes) or may_publish(by, type(entry))


def _of_place(changes: Changes) -> dict[str, Any]:
    """Return the fields that decide whether an entry is public, and at which URL."""
    return {name: value for name, value in changes.fields.items() if name in ("status", "published_at")}


def _differs(entry: Entry, fields: Mapping[str, Any]) -> bool:
    return any(getattr(entry, name) != value for name, value in fields.items())


def _terms(pks: list[int], changes: Changes) -> dict[int, set[tuple[str, Any]]]:
    """Return the categories and tags of posts, by their IDs, as far as `changes` concern them."""
    found: dict[int, set[tuple[str, Any]]] = defaultdict(set)
    filed, tagged = Entry.categories.through._default_manager, Post.tags.through._default_manager
    categories = [*changes.add_categories, *changes.remove_categories]
    tags = [*changes.add_tags, *changes.remove_tags]
    for some in batched(pks, _BATCH_SIZE):
        for pk, category in filed.filter(entry__in=some, category__in=categories).values_list("entry", "category"):
            found[pk].add(("categories", category))
        for pk, name in tagged.with_any(some, tags).values_list("content_object", "tag__name"):
            found[pk].add(("tags", name))
    return found


def _differing(entries: list[Any], changes: Changes) -> Iterator[int]:
    """Yield the IDs of the entries that are not yet as they should be."""
    for entry in entries:
        if _differs(entry, changes.fields):
            yield entry.pk
    filed, tagged = Entry.categories.through._default_manager, Post.tags.through._default_manager
    for some in batched([entry.pk for entry in entries], _BATCH_SIZE):
        filed_here = filed.filter(entry__in=some)
        yield from filed_here.filter(category__in=changes.remove_categories).values_list("entry", flat=True)
        present = set(filed_here.filter(category__in=changes.add_categories).values_list("entry", "category"))
        wanted = product(some, (category.pk for category in changes.add_categories))
        yield from (pk for pk, category in wanted if (pk, category) not in present)
        yield from tagged.with_any(some, changes.remove_tags).values_list("content_object", flat=True)
        if changes.add_tags:
            yield from tagged.without_all(some, changes.add_tags)
