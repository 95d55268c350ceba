"""The data that imports store in addition to posts, pages, comments and terms, and the jobs of imports and exports."""

import hashlib
import uuid
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Case, Q, Value, When
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog.models import Category, Entry
from blog.models.redirect import MAX_LENGTH
from comments.models import Comment
from media.models import Document, Picture
from tags.models import Tag


def fingerprint(*values: object) -> str:
    """Return a digest that changes with `values`, which must have a stable `repr`."""
    return hashlib.blake2b(repr(values).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class ImportRun(models.Model):
    """One import of a site. The objects that it added can be removed again (wordpress.importing.undo).

    It is unfinished while it runs, and after an interruption until the next import of the site resumes it.
    """

    site = models.CharField(max_length=500, blank=True)
    # The job in the admin that last started or resumed it, if any.
    job = models.ForeignKey("ImportJob", null=True, on_delete=models.SET_NULL, related_name="runs")
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    # The site settings and menus of the appearance that it took from the export, each with its value before and after.
    taken_settings = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("import run")
        verbose_name_plural = _("import runs")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.pk}: {self.site}"


class ImportedItem(models.Model):
    """An imported item and the object that it became. If the row is deleted, imports no longer update the object."""

    site = models.CharField(max_length=500, blank=True)
    kind = models.CharField(max_length=20)
    wordpress_id = models.PositiveBigIntegerField()
    object_pk = models.PositiveBigIntegerField()
    # The run that added the object. None if it is unknown, or if the object existed before it was first imported.
    run = models.ForeignKey(ImportRun, null=True, on_delete=models.SET_NULL, related_name="items")
    # The fingerprints of the item in the export, and of the object after the import.
    fingerprint = models.CharField(max_length=32)
    left_as = models.CharField(max_length=32)

    class Meta:
        verbose_name = _("imported item")
        verbose_name_plural = _("imported items")
        constraints = [models.UniqueConstraint(fields=["kind", "object_pk"], name="unique_imported_object")]
        indexes = [models.Index(fields=["kind", "wordpress_id"], name="imported_item_by_wordpress_id")]

    def __str__(self) -> str:
        return f"{self.kind} {self.wordpress_id}"


class FileState(models.TextChoices):
    """The state of a file of the old site that a text refers to."""

    PRESENT = "present", _("present")
    MISSING = "missing", _("still missing")
    GONE = "gone", _("gone from the old site")


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    def without_file(self) -> "AttachmentQuerySet":
        return self.filter(picture=None, document=None)

    def with_file(self) -> "AttachmentQuerySet":
        return self.exclude(picture=None, document=None)

    def from_items(self) -> "AttachmentQuerySet":
        """Return the attachments that have an item in an export, and therefore an ID."""
        return self.filter(wordpress_id__isnull=False)


class Attachment(models.Model):
    """A file of the old site with its metadata. The file may not have been imported yet, or may have been deleted."""

    site = models.CharField(max_length=500, blank=True)
    # None if the export has no item for the file, which is then only known from texts that refer to it.
    wordpress_id = models.PositiveBigIntegerField(null=True)
    # The file's current URL on the old site, and its URL when it was uploaded. Without an item: the URL of the
    # original, and the URL of the largest copy that texts refer to, if any.
    url = models.CharField(max_length=2000)
    guid = models.CharField(max_length=2000, blank=True)
    # The paths of both URLs, normalised for comparison with URLs in texts and requests (see
    # legacy_urls.query_forms.legacy_key). If their host is not the blog's, they begin with the host (see
    # legacy_urls.file_urls.path_on_host).
    path = models.CharField(max_length=MAX_LENGTH, db_index=True)
    former_path = models.CharField(max_length=MAX_LENGTH, blank=True, db_index=True)
    # The URL of its attachment page on the old site.
    link = models.CharField(max_length=2000, blank=True)
    title = models.CharField(max_length=500, blank=True)
    caption = models.TextField(blank=True)
    alt = models.CharField(max_length=1000, blank=True)
    # Only in our own exports.
    credit = models.CharField(max_length=300, blank=True)
    description = models.TextField(blank=True)
    # The WordPress ID of the post or page that it was uploaded to; 0 if there is none.
    parent = models.PositiveBigIntegerField(default=0, db_index=True)
    menu_order = models.IntegerField(default=0)
    uploaded_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    uploaded_at = models.DateTimeField(null=True)
    picture = models.ForeignKey(Picture, null=True, on_delete=models.SET_NULL, related_name="attachments")
    document = models.ForeignKey(Document, null=True, on_delete=models.SET_NULL, related_name="attachments")
    # The name of the file being written to the storage. After a crash, nothing else refers to that file.
    writing = models.CharField(max_length=255, blank=True, db_index=True)
    # Whether the texts that show it have been rendered since its file was imported.
    is_shown = models.BooleanField(default=False)
    # Whether the file was on a host that is not the blog's. Old URLs of such files are not redirected.
    on_other_host = models.BooleanField(default=False)
    # When its host answered that the file no longer exists.
    gone_at = models.DateTimeField(null=True)

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        constraints = [
            models.UniqueConstraint(fields=["wordpress_id", "site"], name="unique_attachment"),
            models.UniqueConstraint(
                fields=["url", "site"], condition=Q(wordpress_id=None), name="unique_attachment_without_item"
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.url

    @property
    def file_url(self) -> str:
        """The URL of the file on this site; empty if it is not here."""
        upload = self.picture or self.document
        return str(upload.file.url) if upload else ""

    @property
    def file_state(self) -> "FileState":
        if self.picture_id or self.document_id:
            return FileState.PRESENT
        return FileState.GONE if self.gone_at else FileState.MISSING


class FragmentKind(models.TextChoices):
    FOOTNOTE = "footnote", _("Footnote")
    BLOCK = "block", _("Reusable block")


class Fragment(models.Model):
    """A footnote or a reusable block (wordpress.markup.footnotes_and_blocks)."""

    kind = models.CharField(_("kind"), max_length=10, choices=FragmentKind)
    # Empty if the export did not give its site, or if it was imported before sites were recorded.
    site = models.CharField(_("site"), max_length=500, blank=True)
    # WordPress's ID: a UUID for a footnote, a post ID for a block.
    name = models.CharField(_("WordPress ID"), max_length=64)
    title = models.CharField(_("title"), max_length=200, blank=True)
    text = models.TextField(_("text"), blank=True)
    # The fingerprint of the title and text in the last import.
    exported = models.CharField(max_length=32, blank=True)

    class Meta:
        verbose_name = _("fragment")
        verbose_name_plural = _("fragments")
        constraints = [models.UniqueConstraint(fields=["kind", "name", "site"], name="unique_fragment")]

    def __str__(self) -> str:
        return self.title or self.name

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the title and text."""
        return fingerprint(self.title, self.text)


class ReusableBlock(Fragment):
    """A reusable block as edited in the admin."""

    class Meta:
        proxy = True
        verbose_name = _("reusable block")
        verbose_name_plural = _("reusable blocks")
        default_permissions = ("change", "view")


# The fields of PreservedData that refer to the object that the data belongs to.
_OWNERS: Final = ("entry", "comment", "category", "tag", "attachment", "fragment")


def _belongs_to_one_object() -> Q:
    """Return the condition that parts have exactly one owner, and whole items and terms have none."""
    part = Q(kind="part", key=None)
    parts = (part & Q(**{f"{name}__isnull": name != owner for name in _OWNERS}) for owner in _OWNERS)
    whole = Q(**{f"{name}__isnull": True for name in _OWNERS}, kind__in=["item", "term"], key__isnull=False)
    return Q(whole, *parts, _connector=Q.OR)


class PreservedData(models.Model):
    """The data of an export that Broadside has no use for, which is exported again unchanged.

    None of it is shown, except for tables (wordpress.markup.tables).

    It either belongs to an object and is deleted with it, or is a whole item or term of a type that is unknown here.
    """

    class Kind(models.TextChoices):
        PART = "part", _("Part of an object")
        ITEM = "item", _("Item")
        TERM = "term", _("Term")

    kind = models.CharField(max_length=10, choices=Kind, default=Kind.PART)
    # The owner of a part is one of these.
    entry = models.OneToOneField(Entry, models.CASCADE, null=True, related_name="preserved")
    comment = models.OneToOneField(Comment, models.CASCADE, null=True, related_name="preserved")
    category = models.OneToOneField(Category, models.CASCADE, null=True, related_name="preserved")
    tag = models.OneToOneField(Tag, models.CASCADE, null=True, related_name="preserved")
    attachment = models.OneToOneField(Attachment, models.CASCADE, null=True, related_name="preserved")
    fragment = models.OneToOneField(Fragment, models.CASCADE, null=True, related_name="preserved")
    # For an item or term: its site, its ID there (0 if it has none), and a key that identifies it there.
    site = models.CharField(max_length=500, blank=True)
    wordpress_id = models.PositiveBigIntegerField(default=0)
    key = models.CharField(max_length=32, null=True)  # noqa: DJ001  # keeps parts out of the index
    # `elements`: texts of elements by name; `terms`: lists of taxonomy, slug and name; `meta`: pairs of key and value;
    # `comments`: a list of objects like this one; `left_out`: how many values were too large or too many; `section`:
    # see wordpress.exporting.preserved.Preserved. Names and texts are as in the export. Empty values are left out.
    fields = models.JSONField()

    class Meta:
        verbose_name = _("preserved data")
        verbose_name_plural = _("preserved data")
        default_permissions = ()
        constraints = [
            # The condition is implied by queries by key, so that they can use the index.
            models.UniqueConstraint(
                fields=["key", "kind", "site"], condition=Q(key__isnull=False), name="unique_preserved_whole"
            ),
            models.CheckConstraint(condition=_belongs_to_one_object(), name="preserved_of_one_object"),
        ]

    def __str__(self) -> str:
        elements = self.fields.get("elements", {})
        return str(elements.get("title") or elements.get("wp:term_name") or self.pk)


class ImportedMenu(models.Model):
    """A menu of the old site, converted to links here. Choosing it under Appearance copies it.

    Exports contain the preserved items of the menu instead.
    """

    site = models.CharField(max_length=500, blank=True)
    # Identifies it among the menus of its site.
    key = models.CharField(max_length=32)
    name = models.CharField(max_length=200, blank=True)
    # In the format of blog.appearance documents.
    items = models.JSONField(default=list)

    class Meta:
        verbose_name = _("imported menu")
        verbose_name_plural = _("imported menus")
        default_permissions = ()
        ordering = ("name", "pk")
        constraints = [models.UniqueConstraint(fields=["key", "site"], name="unique_imported_menu")]

    def __str__(self) -> str:
        return self.name


class JobState(models.TextChoices):
    """The state of an import job. At most one job is active at a time, that is, waiting for a worker or running."""

    WAITING = "waiting", _("Waiting for the worker")
    RUNNING = "running", _("Running")
    READY = "ready", _("Ready to preview")
    DONE = "done", _("Imported")
    REJECTED = "rejected", _("Rejected")
    INTERRUPTED = "interrupted", _("Interrupted")
    UNDONE = "undone", _("Import undone")


class JobStep(models.TextChoices):
    """The step that the worker is doing, or did last."""

    READ = "read", _("Reading the files")
    PREVIEW = "preview", _("Previewing the import")
    IMPORT = "import", _("Importing")
    UNDO = "undo", _("Undoing the import")


ACTIVE_STATES = (JobState.WAITING, JobState.RUNNING)


class Job(models.Model):
    """A job that a worker does for the owner. `wordpress.uploads.lifecycle` changes its state.

    The progress changes too often for the database, so it is in the job's folder (`wordpress.uploads.folder`).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("started by")
    )
    state_since = models.DateTimeField(_("state since"), auto_now_add=True)
    # Why it ended without a result.
    error = models.TextField(blank=True)
    # Each kind of job has its own states, of which the first two are the ACTIVE_STATES.
    state = models.CharField(_("state"), max_length=20, default="waiting")

    class Meta:
        abstract = True


class ImportJob(Job):
    """Export files that were uploaded in the admin, and their import."""

    uploaded_at = models.DateTimeField(_("uploaded at"), auto_now_add=True)
    state = models.CharField(_("state"), max_length=20, choices=JobState, default=JobState.WAITING)
    step = models.CharField(_("step"), max_length=20, choices=JobStep, default=JobStep.READ)
    # The names that the files had on the owner's computer.
    file_names = models.JSONField(_("files"), default=list)
    # What the files contain: the count of items by type, authors as pairs of login and name, warnings.
    contents = models.JSONField(default=dict)
    # The options of the last step, as passed to `wordpress.importing.pipeline.import_export`.
    options = models.JSONField(default=dict)
    report = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("WordPress import")
        verbose_name_plural = _("WordPress imports")
        default_permissions = ()
        permissions = [("import_wordpress", _("Can import from WordPress"))]
        ordering = ("-uploaded_at", "-pk")
        constraints = [
            models.UniqueConstraint(Case(When(Q(state__in=ACTIVE_STATES), then=Value(1))), name="one_active_import_job")
        ]

    def __str__(self) -> str:
        return ", ".join(self.file_names)

    def get_absolute_url(self) -> str:
        return reverse("admin:wordpress_importjob_change", args=[self.pk])


class ExportState(models.TextChoices):
    """The state of an export job. At most one job is active at a time."""

    WAITING = "waiting", _("Waiting for the worker")
    RUNNING = "running", _("Running")
    DONE = "done", _("Ready to download")
    INTERRUPTED = "interrupted", _("Interrupted")
    EXPIRED = "expired", _("Deleted")


class ExportJob(Job):
    """An export of this site that was started in the admin (`wordpress.downloads`)."""

    state = models.CharField(_("state"), max_length=20, choices=ExportState, default=ExportState.WAITING)
    started_at = models.DateTimeField(_("started"), auto_now_add=True)
    # A key of `wordpress.downloads.formats.FORMATS`.
    format = models.CharField(_("format"), max_length=20)
    item_count = models.PositiveIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)
    # Sentences about data that the export lacks.
    warnings = models.JSONField(default=list)

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        default_permissions = ()
        permissions = [("export_site", _("Can export the site"))]
        ordering = ("-started_at", "-pk")
        constraints = [
            models.UniqueConstraint(Case(When(Q(state__in=ACTIVE_STATES), then=Value(1))), name="one_active_export_job")
        ]

    def __str__(self) -> str:
        return f"{self.format} ({self.started_at:%Y-%m-%d %H:%M})"
