"""Autosaving: keeping unsaved input until it is saved, and telling others who is editing what.

There is one row for each user and form. It is not part of the history (blog.revisions).
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from blog.models import Autosave, Entry
from core.bulk import delete_in_batches
from core.clock import CLOCK_TOLERANCE, correct_future_times
from core.text import one_line, shorten

# The fields of a form as it submits them.
type FormValues = dict[str, list[str]]

# Open forms report every 20 seconds. Browsers delay the reports of tabs in the background by up to a minute.
PRESENT_FOR: Final = dt.timedelta(seconds=90)
# How long unsaved text is kept after its form was last open.
KEPT_FOR: Final = dt.timedelta(days=90)
_MAX_OFFERED: Final = 3
_NAME_LENGTH: Final = 60


@dataclass(frozen=True, slots=True)
class OpenForm:
    """The form for an entry, or for a new entry, in which `user` is typing."""

    user: User
    kind: str
    entry_id: int | None = None
    form_id: uuid.UUID | None = None

    def report(self, data: FormValues | None = None) -> None:
        """Store in one statement that the form is open now, and what was typed into it (None if nothing is new)."""
        now = timezone.now()
        row = Autosave(
            user=self.user,
            kind=self.kind,
            entry_id=self.entry_id,
            form_id=self.form_id,
            data=data,
            saved_at=now if data is not None else None,
            seen_at=now,
        )
        Autosave.objects.bulk_create(
            [row],
            update_conflicts=True,
            unique_fields=["user", "entry" if self.entry_id else "form_id"],
            update_fields=["seen_at"] if data is None else ["data", "saved_at", "seen_at"],
        )

    def unsaved(self) -> Autosave | None:
        """Return the unsaved input, if there is any."""
        return Autosave.objects.filter(self._row, kind=self.kind, data__isnull=False).first()

    def discard(self) -> None:
        """Delete the unsaved input, which was saved or is no longer wanted."""
        Autosave.objects.filter(self._row).delete()

    def lock_saved(self) -> int | None:
        """Return the ID of the entry that this form for a new entry has already created, if any (`saved_id`).

        Other submissions of the same form wait until the transaction of the caller ends.
        """
        self.report()
        return self.saved_id()

    def saved_id(self) -> int | None:
        """Return the ID of the entry that this form for a new entry has created, if any."""
        return Entry.objects.filter(guid=self.guid).values_list("pk", flat=True).first()

    @property
    def guid(self) -> str:
        """The GUID of the entry that this form for a new entry creates, by which a second submission is recognised."""
        return uuid.uuid5(uuid.NAMESPACE_OID, f"{self.user.pk} {self.kind} {self.form_id}").urn

    def move_to(self, entry: Entry) -> None:
        """Move the row to `entry`, which this form has created, and delete the unsaved input."""
        row = Autosave.objects.filter(user=self.user, form_id=self.form_id)
        row.update(entry=entry.pk, data=None, saved_at=None)

    @property
    def _row(self) -> Q:
        if self.entry_id:
            return Q(user=self.user, entry=self.entry_id)
        return Q(user=self.user, entry=None, form_id=self.form_id)


def delete_old() -> None:
    """Delete the autosaves that have been kept for long enough. Can be interrupted."""
    correct_future_times(Autosave.objects.all(), "seen_at")
    delete_in_batches(Autosave.objects.filter(seen_at__lt=timezone.now() - KEPT_FOR).order_by("seen_at"))


def unsaved_new(user: User, kind: str) -> list[Autosave]:
    """Return the latest unsaved input of `user` in forms for new entries, the newest first."""
    rows = Autosave.objects.filter(user=user, kind=kind, entry=None, data__isnull=False)
    return list(rows.order_by("-saved_at")[:_MAX_OFFERED])


def name_of(data: FormValues) -> str:
    """Return the title that was typed, or else the first words of the text; empty without either."""
    title, source = (one_line(" ".join(data.get(name, []))) for name in ("title", "source"))
    return shorten(title or source, _NAME_LENGTH)


def editors_of(entry_ids: Collection[int], exclude: User) -> dict[int, list[str]]:
    """Return the names of the users other than `exclude` who have the forms for these entries open, by entry."""
    now = timezone.now()
    # A form that was seen in the future was open before the clock was set back.
    present = Q(seen_at__gt=now - PRESENT_FOR, seen_at__lte=now + CLOCK_TOLERANCE)
    rows = Autosave.objects.filter(present, entry__in=entry_ids).exclude(user=exclude)
    names: defaultdict[int, list[str]] = defaultdict(list)
    for row in rows.select_related("user").only("entry", "user__display_name", "user__username").order_by("pk"):
        names[row.entry_id or 0].append(str(row.user))
    return dict(names)


def to_form_values(value: Any) -> FormValues | None:
    """Return `value`, decoded from JSON, if it has the shape of submitted fields; None if it does not."""
    if not isinstance(value, dict):
        return None
    for values in value.values():
        if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
            return None
    return value
