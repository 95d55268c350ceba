"""Edits of posts and pages that can be undone with the button in the message about them."""

import uuid

from django.db import models
from django.utils import timezone

from core.internal_rows import InternalRow


class UndoableEdit(InternalRow):
    """What an edit replaced, in `parts` (blog.publishing.BulkChange). The row is deleted when the edit is undone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    made_at = models.DateTimeField(default=timezone.now, db_index=True)
    parts = models.JSONField()
