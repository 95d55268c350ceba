"""Writing, answering and resolving notes on a text. Each function raises PermissionDenied if the user may not do it."""

from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from blog.models import Entry, ReviewNote
from blog.permissions import may_delete_note, may_review
from blog.review.notices import record_note
from blog.review.paragraphs import quote_of

# How many notes on one entry can be open at a time.
MAX_OPEN: Final = 200


class TooManyNotesError(Exception):
    """There are MAX_OPEN open notes, or as many answers to one note."""


def add(entry: Entry, by: User, text: str, quote: str = "") -> ReviewNote:
    """Add a note on `entry`, or on its paragraph `quote`, and return it. The same one twice is added once.

    Raises TooManyNotesError.
    """
    return _write(entry, by, text, quote=quote_of(quote), parent=None)


def answer(note: ReviewNote, by: User, text: str) -> ReviewNote:
    """Add an answer to `note`, which is reopened if it was resolved, and return it. The same one twice is added once.

    Raises TooManyNotesError.
    """
    parent = note.parent or note
    with transaction.atomic():
        written = _write(note.entry, by, text, quote="", parent=parent)
        _set_resolved(parent, by=None)
    return written


def resolve(note: ReviewNote, by: User) -> None:
    _require(may_review(by, note.entry))
    _set_resolved(note, by)


def reopen(note: ReviewNote, by: User) -> None:
    _require(may_review(by, note.entry))
    _set_resolved(note, by=None)


def delete(note: ReviewNote, by: User) -> None:
    """Delete a note with its answers, or an answer."""
    _require(may_delete_note(by, note))
    note.delete()


def _write(entry: Entry, by: User, text: str, *, quote: str, parent: ReviewNote | None) -> ReviewNote:
    _require(may_review(by, entry))
    with transaction.atomic():
        # The entry is locked, so that the same note is not added twice.
        Entry.objects.select_for_update().only("kind").get(pk=entry.pk)
        notes = ReviewNote.objects.filter(entry=entry, parent=parent)
        same = notes.filter(author=by, quote=quote, text=text, resolved_at=None).first()
        if same is not None:
            return same
        if notes.filter(resolved_at=None).count() >= MAX_OPEN:
            raise TooManyNotesError
        note = ReviewNote.objects.create(entry=entry, author=by, text=text, quote=quote, parent=parent)
        record_note(note, by)
    return note


def _set_resolved(note: ReviewNote, by: User | None) -> None:
    # The first person to resolve it stays on record.
    notes = ReviewNote.objects.filter(pk=note.pk, parent=None, resolved_at__isnull=by is not None)
    notes.update(resolved_at=timezone.now() if by else None, resolved_by=by)


def _require(is_allowed: bool) -> None:
    if not is_allowed:
        raise PermissionDenied
