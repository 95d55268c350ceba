"""Links with which people without an account can see one post or page before it is published."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog.models.entry import Entry
from core.internal_rows import InternalRow


class PreviewLink(InternalRow):
    """A link to the preview of an entry. It works until it expires; deleting the row revokes it."""

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="preview_links")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    class Meta(InternalRow.Meta):
        verbose_name = _("preview link")
        verbose_name_plural = _("preview links")
        ordering = ("expires_at", "pk")
