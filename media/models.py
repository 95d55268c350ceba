"""Uploaded pictures and documents. Their files are checked and cleaned first (media.pictures, media.documents)."""

import contextlib
from pathlib import PurePath
from typing import Any

from django.db import DatabaseError, models, transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core.changes import PublicModel, PublicQuerySet


class Upload(PublicModel):
    file: models.FileField
    title = models.CharField(
        _("title"), max_length=500, blank=True, help_text=_("Helps to find it here. Leave empty to use the file name.")
    )
    uploaded_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, editable=False, related_name="+", verbose_name=_("uploaded by")
    )
    uploaded_at = models.DateTimeField(_("uploaded"), auto_now_add=True)

    objects = PublicQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ("-uploaded_at", "-pk")

    def __str__(self) -> str:
        return self.title or PurePath(str(self.file.name)).name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store the file and the row, or neither."""
        try:
            with transaction.atomic():
                super().save(*args, **kwargs)
        except BaseException:
            self.delete_file_without_row()
            raise

    def delete_file_without_row(self) -> None:
        """Delete a file that was stored, but whose row was not. If the database does not answer, the file stays."""
        is_stored = bool(self.file) and self.file._committed  # type: ignore[attr-defined]  # Django's own, not in the stubs
        rows: models.QuerySet[Any] = type(self)._base_manager.all()
        with contextlib.suppress(DatabaseError):
            if is_stored and not rows.filter(file=self.file.name).exists():
                self.file.storage.delete(str(self.file.name))

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete the file too, which must not stay public."""
        storage, name = self.file.storage, self.file.name
        with transaction.atomic():
            deleted = super().delete(*args, **kwargs)
            transaction.on_commit(lambda: storage.delete(str(name)))
        return deleted


class Picture(Upload):
    """A picture without metadata such as location, camera or owner."""

    file = models.ImageField(_("file"), upload_to="pictures/%Y/%m/", width_field="width", height_field="height")
    alt = models.CharField(
        _("alternative text"),
        max_length=1000,
        blank=True,
        help_text=_("Describes the image for people who can't see it."),
    )
    caption = models.TextField(_("caption"), blank=True)
    width = models.PositiveIntegerField(editable=False, default=0)
    height = models.PositiveIntegerField(editable=False, default=0)

    class Meta(Upload.Meta):
        verbose_name = _("image")
        verbose_name_plural = _("images")


class Document(Upload):
    """A file that is published as it is: a PDF, or an imported file of another type, such as audio or video."""

    file = models.FileField(_("file"), upload_to="documents/%Y/%m/")
    size = models.PositiveBigIntegerField(_("size in bytes"), editable=False, default=0)

    class Meta(Upload.Meta):
        verbose_name = _("document")
        verbose_name_plural = _("documents")

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self._state.adding:
            self.size = self.file.size
        super().save(*args, **kwargs)


def title_from_name(name: str | None) -> str:
    """Return the name of a file without the extension, as the title of an upload."""
    return PurePath(name or "").stem[:500]
