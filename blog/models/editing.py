"""What editing keeps beside the text itself: unsaved input, links to previews, and edits that can be undone."""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog.models.entry import Entry
from blog.models.entry_query import EntryKind
from core.internal_rows import InternalRow


class Autosave(models.Model):
    """A user's open form: for `entry`, or for a new post or page, which `form_id` identifies.

    `data` has the fields as the form submits them, a list of values for each name. It is NULL while there is no unsaved
    input: then the row only records that the form is open. If a row has both `entry` and `form_id`, that form has
    created the entry.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=4, choices=EntryKind)
    entry = models.ForeignKey(Entry, null=True, on_delete=models.CASCADE, related_name="autosaves")
    form_id = models.UUIDField(null=True)
    data = models.JSONField(null=True)
    # When `data` was last stored, and when the form was last open.
    saved_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("autosave")
        verbose_name_plural = _("autosaves")
        default_permissions = ()
        constraints: ClassVar[list[Any]] = [
            # NULL differs from every other value, so each constraint ignores the rows of the other.
            models.UniqueConstraint(fields=["user", "entry"], name="autosave_of_entry_unique"),
            models.UniqueConstraint(fields=["user", "form_id"], name="autosave_of_form_unique"),
            models.CheckConstraint(
                condition=Q(entry__isnull=False) | Q(form_id__isnull=False), name="autosave_has_subject"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.entry_id or self.form_id}"


class PreviewLink(InternalRow):
    """A link with which people without an account can see an entry before it is published.

    It works until it expires; deleting the row revokes it.
    """

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="preview_links")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    class Meta(InternalRow.Meta):
        verbose_name = _("preview link")
        verbose_name_plural = _("preview links")
        ordering = ("expires_at", "pk")


class UndoableEdit(InternalRow):
    """What an edit replaced, in `parts` (blog.publishing.BulkChange), for the button in the message about it.

    The row is deleted when the edit is undone.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    made_at = models.DateTimeField(default=timezone.now, db_index=True)
    parts = models.JSONField()
