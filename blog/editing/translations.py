"""Linking posts and pages to their translations: entries of one kind in different languages that share a group."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import User
from blog.editing.conversion import convert_to_markdown
from blog.models import Entry, Revision
from blog.permissions import may_edit, may_view
from blog.rendering import SourceTooLongError, UnknownMarkupError
from blog.revisions.recording import record
from core.changes import entries_changed


def text_to_translate(entry: Entry) -> str:
    """Return the text of `entry` in Markdown, for someone who replaces its words; empty if it can't be converted."""
    if entry.markup == "markdown":
        return entry.source
    try:
        return convert_to_markdown(entry.source, entry.markup, entry, entry.language).source
    except (SourceTooLongError, UnknownMarkupError):
        return ""


class LinkError(ValueError):
    """Two entries can't be translations of each other. The message says why."""


def link(entry: Entry, other: Entry, by: User, *, is_new: bool = False) -> None:
    """Make `entry` and `other` translations of each other, and of what either was linked to before.

    `modified_at` stays the same, so that open forms and imports don't take this for an edit. Raises LinkError, and
    PermissionDenied unless `by` may view `other`, and may change `entry` or has just written it (`is_new`): authors who
    have just published their text may no longer change it.
    """
    if not ((is_new or may_edit(by, entry)) and may_view(by, other)):
        raise PermissionDenied
    with transaction.atomic():
        linked = _lock(entry, other)
        require_possible(linked)
        group = next((each.translation_group for each in linked if each.translation_group), uuid.uuid4())
        try:
            with transaction.atomic():
                _set_group(linked, group, by)
        except IntegrityError as error:
            raise LinkError(gettext("Someone else changed these translations first. Look at them again.")) from error
    entry.translation_group = group


def unlink(entry: Entry, by: User) -> None:
    """Remove `entry` from its group. Raises PermissionDenied if `by` may not change it."""
    if not may_edit(by, entry):
        raise PermissionDenied
    with transaction.atomic():
        linked = _lock(entry)
        rest = [each for each in linked if each.pk != entry.pk]
        # A single entry is not a group.
        leaving = linked if len(rest) == 1 else [each for each in linked if each.pk == entry.pk]
        _set_group(leaving, None, by, seen_by=rest)
    entry.translation_group = None


def require_possible(entries: Iterable[Entry]) -> None:
    """Raise LinkError if these entries, some of which may be new, can't be translations of each other."""
    languages = set()
    kinds = set()
    for entry in entries:
        kinds.add(entry.kind)
        if not entry.language:
            raise LinkError(gettext("The language of “%s” isn't set. Set it first.") % entry)
        if entry.language in languages:
            # Without their titles: a linked text may be a draft that this user may not see.
            raise LinkError(gettext("Only one of the linked texts can be in this language: %s.") % entry.language_name)
        languages.add(entry.language)
    if len(kinds) > 1:
        raise LinkError(gettext("A post can't be the translation of a page."))


def _lock(*entries: Entry) -> list[Any]:
    """Return these entries and their translations as stored, locked."""
    ids = {each.pk for each in entries}
    # As stored, because someone else may have linked or unlinked the entries since they were read.
    groups = Entry.objects.filter(pk__in=ids).exclude(translation_group=None).values("translation_group")
    rows = Entry.objects.filter(pk__in=ids) | Entry.objects.filter(translation_group__in=groups)
    return list(rows.select_for_update().order_by("pk"))


def _set_group(entries: list[Any], group: uuid.UUID | None, by: User, seen_by: Iterable[Any] = ()) -> None:
    """Set the group of `entries`, and record it in their revisions and in those of the entries in `seen_by`."""
    affected = {each.pk: each for each in (*entries, *seen_by)}.values()
    before = {each.pk: Revision.of(each, by=None) for each in affected}
    for each in entries:
        each.translation_group = group
    Entry.objects.filter(pk__in=[each.pk for each in entries]).update(translation_group=group)
    now = timezone.now()
    for each in affected:
        record(each, by, before[each.pk], at=now)
    entries_changed([each.pk for each in affected], have_same_texts=True)
