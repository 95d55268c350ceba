"""Records of editors' changes to terms such as tags and categories, so that these can be undone."""

from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User


class CurationError(Exception):
    """A change could not be made. The message says why, and what to do."""


class TermChange(models.Model):
    """A change to terms under which posts are filed. `data` is what its app needs for undoing it."""

    class Kind(models.TextChoices):
        MERGE = "merge", _("Merged")
        RENAME = "rename", _("Renamed")
        DELETE = "delete", _("Deleted")
        MOVE = "move", _("Posts moved")

    kind = models.CharField(_("action"), max_length=6, choices=Kind)
    summary = models.CharField(_("what was changed"), max_length=1000)
    data = models.JSONField()
    made_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("changed by")
    )
    made_at = models.DateTimeField(_("changed"), default=timezone.now)
    undone_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("undone by")
    )
    undone_at = models.DateTimeField(_("undone"), null=True)

    class Meta:
        abstract = True
        ordering = ("-made_at", "-pk")

    def __str__(self) -> str:
        return self.summary

    def mark_undone(self, by: Any) -> None:
        """Record that the change was undone."""
        self.undone_by, self.undone_at = by, timezone.now()
        self.save(update_fields=["undone_by", "undone_at"])
