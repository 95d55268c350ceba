"""Undoing edits of posts and pages, except where someone has changed the same values since."""

import datetime as dt
import uuid
from collections.abc import Callable, Collection, Iterator
from functools import partial
from itertools import batched
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from blog import publishing
from blog.editing.bulk_editing import Changes, edit
from blog.models import Category, Entry, Status, UndoableEdit
from blog.publishing import BulkChange
from core.text import parse_time

# How long edits can be undone.
_KEPT_FOR: Final = dt.timedelta(days=30)
_BATCH_SIZE: Final = 500


def remember(change: BulkChange, earlier: UndoableEdit | None = None) -> UndoableEdit | None:
    """Store how to undo `change`, and with it the `earlier` part of the same edit; None if there is nothing to undo."""
    if not change.undo:
        return earlier
    UndoableEdit.objects.filter(made_at__lt=timezone.now() - _KEPT_FOR).delete()
    parts = change.parts()
    if earlier is not None:
        parts[0]["earlier"] = str(earlier.pk)
    return UndoableEdit.objects.create(parts=parts)


def undo_in_batches(pk: uuid.UUID, model: type[Entry], by: User) -> Iterator[Callable[[], BulkChange]]:
    """Yield functions that each `undo` a part of an edit. The last one undoes the part with this ID.

    If this is interrupted, undoing the edit again continues.
    """
    linked: list[Any] = []
    earlier: Any = pk
    while earlier and (parts := UndoableEdit.objects.filter(pk=earlier).values_list("parts", flat=True).first()):
        linked.append(earlier)
        earlier = parts[0].get("earlier")
    for each in reversed(linked):
        yield partial(undo, each, model, by)


def undo(pk: uuid.UUID, model: type[Entry], by: User) -> BulkChange:
    """Undo a part of an edit of entries of this kind, and return what was changed, which can be undone as well.

    Entries whose fields no longer have the values that the edit gave them are `overtaken`. Of tags and categories, only
    those that the edit added or removed change. Undoing a second time changes nothing.
    """
    result = BulkChange()
    with transaction.atomic():
        stored = UndoableEdit.objects.select_for_update().filter(pk=pk).first()
        for part in stored.parts if stored else ():
            for some in batched(part["ids"], _BATCH_SIZE):
                _undo_part(part, some, model, by, result)
        if stored:
            stored.delete()
    return result


def _undo_part(part: dict[str, Any], ids: Collection[int], model: type[Entry], by: User, result: BulkChange) -> None:
    fields, became = _values(part["was"]), _values(part["became"])
    unchanged = []
    for entry in publishing.selected_entries(model._default_manager.filter(pk__in=ids), lock=True):
        if all(getattr(entry, name) == value for name, value in became.items()):
            unchanged.append(entry.pk)
        else:
            result.overtaken.append(entry)
    entries = model._default_manager.filter(pk__in=unchanged)
    if "language" in fields:
        result.add(publishing.set_language(entries, by, fields["language"]))
        return
    if "author_id" in fields and not User.objects.filter(pk=fields["author_id"]).exists():
        del fields["author_id"]
    changes = Changes(
        add_categories=list(Category.objects.filter(pk__in=part["lost"]["categories"])),
        remove_categories=list(Category.objects.filter(pk__in=part["gained"]["categories"])),
        add_tags=part["lost"]["tags"],
        remove_tags=part["gained"]["tags"],
        fields=fields,
        out_of_trash=became.get("status") == Status.TRASH,
    )
    result.add(edit(entries, by, changes))


def _values(stored: dict[str, Any]) -> dict[str, Any]:
    """Return the values of fields as entries have them."""
    return {name: parse_time(value) if name == "published_at" and value else value for name, value in stored.items()}
