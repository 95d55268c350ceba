"""Uploaded pictures and documents. Their files are checked and cleaned first (media.pictures, media.documents)."""

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import PurePath
from secrets import token_hex
from typing import Any, Final, NamedTuple, Self

from django.core.files import File
from django.core.files.images import get_image_dimensions
from django.db import models, transaction
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core.changes import CurrentVersion, PublicModel, PublicQuerySet, content_and_entries_version
from core.registry import Registry
from media import unfinished

# Raise this when the cleaners remove more from documents than before: the worker then cleans the stored ones again.
CLEANERS_VERSION: Final = 14

# Called in the transaction in which a picture without renditions is stored.
renditions_due: Final[Registry[Callable[[], None]]] = Registry("handler of due renditions")


class UploadQuerySet[Model: "Upload"](PublicQuerySet[Model]):
    def present(self) -> Self:
        """Return the files in the library: neither deleted nor merged into others."""
        return self.filter(deleted_at=None)

    def served(self) -> Self:
        """Return the files whose URLs lead to a file, if only through a redirect."""
        return self.present()


class PictureQuerySet(UploadQuerySet["Picture"]):
    def has_visible(self) -> bool:
        """Whether any of these may be on a page, unlike those added since anything but comments last changed there."""
        return self.exclude(added_at_version=CurrentVersion(of_entries=True)).exists()

    def served(self) -> Self:
        leads_to_another = models.Q(merged_into__isnull=False, merged_into__deleted_at=None)
        return self.filter(models.Q(deleted_at=None) | leads_to_another)


class Upload(PublicModel):
    file: models.FileField
    replaced_in_id: int | None
    title = models.CharField(
        _("title"), max_length=500, blank=True, help_text=_("Helps you find it here. Leave empty to use the file name.")
    )
    uploaded_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, editable=False, related_name="+", verbose_name=_("uploaded by")
    )
    uploaded_at = models.DateTimeField(_("uploaded"), auto_now_add=True)
    # The name in the storage under which the file of a new row is saved. If it is empty, the file gets a new name.
    stored_as = ""

    # For images stored before this column existed, the worker fills it in.
    size = models.PositiveBigIntegerField(_("size in bytes"), editable=False, default=0)
    # From then on readers can't open it, and later the worker removes it (media.trash). Also set for merged images.
    deleted_at = models.DateTimeField(_("deleted"), null=True, editable=False)
    # Where this file was replaced: it is kept like a deleted one. A constraint would lock the table while it is added.
    replaced_in = models.ForeignKey(
        "self",
        models.CASCADE,
        null=True,
        editable=False,
        db_constraint=False,
        db_index=False,
        related_name="+",
        verbose_name=_("replaced in"),
    )

    objects = UploadQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ("-uploaded_at", "-pk")

    def __str__(self) -> str:
        name = self.title or PurePath(str(self.file.name)).name
        return gettext("%(file)s (replaced file)") % {"file": name} if self.replaced_in_id else name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store the file and the row, or neither."""
        if is_new := self._state.adding:
            # A row may be stored before its file is copied into place.
            with contextlib.suppress(FileNotFoundError):
                self.size = self.file.size
        elif kwargs.get("update_fields") is None:
            # Other fields may have been written since it was loaded, for example by deleting it or replacing its file.
            edited = {field.name for field in self._meta.concrete_fields if field.editable and not field.primary_key}
            kwargs["update_fields"] = edited - self.get_deferred_fields()
        try:
            with transaction.atomic():
                if is_new and not self._is_file_stored:
                    name = self.stored_as or self.file.field.generate_filename(self, str(self.file.name))
                    unfinished.note(type(self), name)
                    if self.stored_as:
                        self.file.name = self.file.storage.save(self.stored_as, self.file.file)
                        self.file._committed = True  # type: ignore[attr-defined]  # Django's own, not in the stubs
                super().save(*args, **kwargs)
                if is_new:
                    self.was_added()
        except BaseException:
            unfinished.finish()
            raise

    @property
    def _is_file_stored(self) -> bool:
        return self.file._committed  # type: ignore[attr-defined,no-any-return]  # Django's own, not in the stubs

    def is_visible(self) -> bool:
        # No page can have a file that is only now being stored, because its URL can't be guessed.
        return not self._state.adding or self._is_file_stored

    def was_added(self) -> None:
        """Run whatever has to follow once the row is stored, in the same transaction."""

    def replace_file(self, content: File[bytes]) -> None:
        """Replace the file with `content`, which must be clean and of the same type. The URL stays the same."""
        storage: Any = self.file.storage
        with transaction.atomic():
            type(self)._default_manager.filter(pk=self.pk).update(**self.values_from(content))
            storage.replace(str(self.file.name), content)

    def values_from(self, content: File[bytes]) -> dict[str, Any]:
        """Return the values of the columns that depend on the file."""
        return {"size": content.size}

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete the row and its files, which must not stay public."""
        storage, names = self.file.storage, self.file_names()
        with transaction.atomic():
            deleted = super().delete(*args, **kwargs)
            for name in names:
                transaction.on_commit(partial(storage.delete, name))
            # On a full disk, a file can be deleted without.
            with contextlib.suppress(OSError):
                unfinished.note(type(self), names[0], others=names[1:])
        return deleted

    def file_names(self) -> list[str]:
        """Return the names of all its files in the storage, and of those that it has replaced. Raises OSError."""
        rows: models.QuerySet[Any] = type(self)._base_manager.all()
        replaced = [name for upload in rows.filter(replaced_in=self.pk) for name in upload.file_names()]
        return [str(self.file.name), *replaced]


class Rendition(NamedTuple):
    """A smaller copy of a picture in another format. `name` is its file name, and `width` is in pixels."""

    name: str
    width: int


class RenditionState(models.TextChoices):
    DUE = "due"
    # A picture stays in this state if the process that made its renditions was killed. The worker tries it once more.
    STARTED = "started"
    DONE = "done"


class Picture(Upload):
    """A picture without metadata such as location, camera or owner."""

    private_fields = frozenset({"rendition_state", "fingerprint", "added_at_version"})

    file = models.ImageField(_("file"), upload_to="pictures/%Y/%m/", width_field="width", height_field="height")
    alt = models.CharField(
        _("alternative text"),
        max_length=1000,
        blank=True,
        help_text=_("Describes the image for people who can't see it."),
    )
    caption = models.TextField(_("caption"), blank=True)
    credit = models.CharField(
        _("credit"),
        max_length=300,
        blank=True,
        help_text=_("Who made the image, and its licence. Readers see it below featured images."),
    )
    width = models.PositiveIntegerField(editable=False, default=0)
    height = models.PositiveIntegerField(editable=False, default=0)
    # The fields of each Rendition. Empty until they are made (media.renditions), or if the file needs none.
    rendition_rows = models.JSONField(editable=False, default=list)
    rendition_state = models.CharField(max_length=7, choices=RenditionState, default=RenditionState.DUE, editable=False)

    # See media.fingerprints. 0 if the picture can't be compared, None if the fingerprint hasn't been taken yet.
    fingerprint = models.BigIntegerField(null=True, editable=False)
    # The version of entries (core.changes) at which it was added. None for pictures from before this column existed.
    added_at_version = models.BigIntegerField(null=True, editable=False)
    # The picture shown in its place, and the data for undoing the merge, which is None once that is impossible.
    merged_into = models.ForeignKey(
        "self", models.CASCADE, null=True, editable=False, related_name="merged", verbose_name=_("merged into")
    )
    merge_data = models.JSONField(null=True, editable=False)

    objects = PictureQuerySet.as_manager()  # type: ignore[misc]  # the plugin makes it an instance variable

    class Meta(Upload.Meta):
        verbose_name = _("image")
        verbose_name_plural = _("images")
        indexes = [
            # Pictures are looked up by the file names in texts.
            models.Index(fields=["file"], name="picture_file"),
            models.Index(
                fields=["rendition_state"],
                name="picture_without_renditions",
                condition=~models.Q(rendition_state=RenditionState.DONE),
            ),
            models.Index(fields=["deleted_at"], name="picture_deleted", condition=models.Q(deleted_at__isnull=False)),
            models.Index(
                fields=["replaced_in"], name="picture_replaced", condition=models.Q(replaced_in__isnull=False)
            ),
            models.Index(
                fields=["id"], name="picture_without_fingerprint", condition=models.Q(fingerprint__isnull=True)
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(merged_into=None) | models.Q(deleted_at__isnull=False),
                name="merged_picture_is_not_in_library",
            )
        ]

    @property
    def renditions(self) -> list[Rendition]:
        """The smaller copies, best format first, from the narrowest to the widest in each format."""
        return [Rendition(*row) for row in self.rendition_rows]

    @property
    def shown(self) -> "Picture | None":
        """The picture that readers see where a text shows this one: itself, unless it was merged or deleted."""
        if self.merged_into_id is None:
            return None if self.deleted_at else self
        return None if self.merged_into is None or self.merged_into.deleted_at else self.merged_into

    @property
    def thumbnail_url(self) -> str:
        """The URL of the smallest copy in a format that every browser supports, or of the picture itself."""
        name = next((each.name for each in self.renditions if each.name.endswith(".webp")), None)
        return str(self.file.storage.url(name)) if name else self.current_url

    @property
    def current_url(self) -> str:
        """The URL of the file for staff, which changes with the file: browsers keep a replaced one for an hour."""
        return f"{self.file.url}?{self.size}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self._state.adding:
            _content, self.added_at_version = content_and_entries_version()
        super().save(*args, **kwargs)

    def was_added(self) -> None:
        for handle in renditions_due.values():
            handle()

    def replace_file(self, content: File[bytes]) -> None:
        super().replace_file(content)
        self.was_added()
        for rendition in self.renditions:
            # It shows the old picture, perhaps of someone in danger. If this fails, the worker deletes the file.
            transaction.on_commit(partial(self.file.storage.delete, rendition.name), robust=True)

    def values_from(self, content: File[bytes]) -> dict[str, Any]:
        width, height = get_image_dimensions(content)
        # The existing renditions show the old picture.
        renditions: dict[str, Any] = {"rendition_rows": [], "rendition_state": RenditionState.DUE, "fingerprint": None}
        return {**super().values_from(content), "width": width or 0, "height": height or 0, **renditions}

    def file_names(self) -> list[str]:
        # Not only those that the row lists: a process may have been killed while it made some.
        storage: Any = self.file.storage
        renditions = storage.sizes(f"renditions/{self.pk}/")
        # Pictures that were merged into this one are deleted with it.
        merged = [name for picture in self.merged.all() for name in picture.file_names()]
        return [*super().file_names(), *renditions, *merged]


def cleaners_version() -> int:
    """Return the current version of the cleaners, the default for new documents."""
    return CLEANERS_VERSION


def document_path(document: "Document", name: str) -> str:
    """Return where a new document is stored: in a folder that no one can guess before its URL is published."""
    return f"documents/{timezone.now():%Y/%m}/{document.token}/{name}"


class Document(Upload):
    """A file that isn't shown as an image: a PDF, audio, video, or another type (media.file_types)."""

    private_fields = frozenset({"cleaned_with", "uncleaned_because"})

    file = models.FileField(_("file"), upload_to=document_path)
    # The version of the cleaners that cleaned the file (media.recleaning). Files are cleaned before they are stored.
    cleaned_with = models.PositiveSmallIntegerField(editable=False, default=cleaners_version)
    # Why the file was stored uncleaned. Empty if it was cleaned.
    uncleaned_because = models.CharField(_("not cleaned"), max_length=500, editable=False, blank=True, default="")

    class Meta(Upload.Meta):
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        indexes = [
            models.Index(fields=["file"], name="document_file"),
            models.Index(fields=["deleted_at"], name="document_deleted", condition=models.Q(deleted_at__isnull=False)),
            models.Index(
                fields=["replaced_in"], name="document_replaced", condition=models.Q(replaced_in__isnull=False)
            ),
            models.Index(fields=["cleaned_with"], name="document_cleaned_with"),
            models.Index(fields=["id"], name="document_uncleaned", condition=~models.Q(uncleaned_because="")),
        ]

    @cached_property
    def token(self) -> str:
        """The name of the folder in which the file is stored, if it isn't stored yet."""
        return token_hex(6)

    def values_from(self, content: File[bytes]) -> dict[str, Any]:
        return {**super().values_from(content), "cleaned_with": CLEANERS_VERSION, "uncleaned_because": ""}


class LikePictures(models.Model):
    """A pair of pictures that look the same, the one with the lower ID first (media.duplicates)."""

    first = models.ForeignKey(Picture, models.CASCADE, related_name="+")
    second = models.ForeignKey(Picture, models.CASCADE, related_name="+")
    # The number of bits in which their fingerprints differ.
    distance = models.PositiveSmallIntegerField()
    # Whether a user marked them as different. Such pairs are not suggested again.
    are_different = models.BooleanField(default=False)
    found_at = models.DateTimeField(_("found"), auto_now_add=True)

    class Meta:
        default_permissions = ()
        verbose_name = _("pair of similar images")
        verbose_name_plural = _("duplicate images")
        constraints = [models.UniqueConstraint(fields=["first", "second"], name="unique_like_pictures")]

    def __str__(self) -> str:
        return f"{self.first_id}, {self.second_id}"


def title_from_name(name: str | None) -> str:
    """Return a file name without its extension, as the title of an upload."""
    return PurePath(name or "").stem[:500]
