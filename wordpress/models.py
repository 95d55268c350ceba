"""What imports left behind: what the next one must know, and what bodies name and do not hold; imports of the admin."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Case, Q, Value, When
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog.addresses import MAX_LENGTH
from library.models import Document, Picture


class ImportedItem(models.Model):
    """Something of an export that was brought in. All of these may be deleted: then nothing is updated any more."""

    site = models.CharField(max_length=500, blank=True)
    kind = models.CharField(max_length=20)
    wordpress_id = models.PositiveBigIntegerField()
    object_pk = models.PositiveBigIntegerField()
    # Of the item as exported, and of the object as the import left it.
    fingerprint = models.CharField(max_length=32)
    left_as = models.CharField(max_length=32)

    class Meta:
        verbose_name = _("imported item")
        verbose_name_plural = _("imported items")
        constraints = [models.UniqueConstraint(fields=["kind", "object_pk"], name="imported_item_of_one_object")]
        indexes = [models.Index(fields=["kind", "wordpress_id"], name="imported_item_by_number")]

    def __str__(self) -> str:
        return f"{self.kind} {self.wordpress_id}"


class Fragment(models.Model):
    """A text that bodies of the block editor name and do not hold (wordpress.fragments)."""

    class Kind(models.TextChoices):
        NOTE = "note", _("Footnote")
        BLOCK = "block", _("Shared block")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    # Empty: it came when this was not remembered yet, or with an export that names no site.
    site = models.CharField(_("blog"), max_length=500, blank=True)
    # What WordPress calls it: the id of a footnote, the number of a block.
    name = models.CharField(_("number"), max_length=64)
    title = models.CharField(_("title"), max_length=200, blank=True)
    text = models.TextField(_("text"), blank=True)
    # The fingerprint of title and text as the last import had them; empty if that was not remembered yet.
    exported = models.CharField(max_length=32, blank=True)

    class Meta:
        verbose_name = _("fragment")
        verbose_name_plural = _("fragments")
        constraints = [models.UniqueConstraint(fields=["kind", "name", "site"], name="fragment_of_one_name")]

    def __str__(self) -> str:
        return self.title or self.name


class SharedBlock(Fragment):
    """A shared block, as editors see it."""

    class Meta:
        proxy = True
        verbose_name = _("shared block")
        verbose_name_plural = _("shared blocks")
        default_permissions = ("change", "view")


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    def without_file(self) -> "AttachmentQuerySet":
        return self.filter(picture=None, document=None)

    def with_file(self) -> "AttachmentQuerySet":
        return self.exclude(picture=None, document=None)


class Attachment(models.Model):
    """A file of the old site, with what was said of it there. The file itself may not be here yet, or not any more."""

    site = models.CharField(max_length=500, blank=True)
    wordpress_id = models.PositiveBigIntegerField()
    # Where the file is to be had, and where it was when it was uploaded.
    url = models.CharField(max_length=2000)
    guid = models.CharField(max_length=2000, blank=True)
    # The same two as texts and old addresses are compared with them (wordpress.addresses.old_key).
    path = models.CharField(max_length=MAX_LENGTH, db_index=True)
    former_path = models.CharField(max_length=MAX_LENGTH, blank=True, db_index=True)
    # Its page there.
    link = models.CharField(max_length=2000, blank=True)
    title = models.CharField(max_length=500, blank=True)
    caption = models.TextField(blank=True)
    alt = models.CharField(max_length=1000, blank=True)
    description = models.TextField(blank=True)
    # The number that the post or page had there to which it was uploaded; 0 if to none.
    parent = models.PositiveBigIntegerField(default=0, db_index=True)
    menu_order = models.IntegerField(default=0)
    uploaded_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    uploaded_at = models.DateTimeField(null=True)
    picture = models.ForeignKey(Picture, null=True, on_delete=models.SET_NULL, related_name="attachments")
    document = models.ForeignKey(Document, null=True, on_delete=models.SET_NULL, related_name="attachments")
    # The file in the storage that is being written for it: what stays there after a crash belongs to nobody.
    writing = models.CharField(max_length=255, blank=True, db_index=True)
    # Whether the texts that show it were rendered since its file came.
    is_shown = models.BooleanField(default=False)

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        constraints = [models.UniqueConstraint(fields=["wordpress_id", "site"], name="attachment_of_one_number")]

    def __str__(self) -> str:
        return self.title or self.url

    @property
    def file_url(self) -> str:
        """Where its file is here; empty if it is not."""
        upload = self.picture or self.document
        return str(upload.file.url) if upload else ""


class State(models.TextChoices):
    """How far an import is. Active ones wait for a worker or have one: of these there is one at a time."""

    WAITING = "waiting", _("waits for a worker")
    RUNNING = "running", _("running")
    READY = "ready", _("waits for you")
    DONE = "done", _("done")
    REFUSED = "refused", _("refused")
    INTERRUPTED = "interrupted", _("interrupted")


class Step(models.TextChoices):
    """What the worker does, or did last."""

    READING = "reading", _("reading the files")
    TRIAL = "trial", _("dry run")
    IMPORT = "import", _("import")


ACTIVE = (State.WAITING, State.RUNNING)


class Import(models.Model):
    """Files that somebody uploaded in the admin, and what became of them. `wordpress.imports` moves it on.

    How far the worker is stands in the import's folder (`wordpress.folders`), not here: all of an import is one
    transaction, whose writes nobody sees before its end, and on SQLite nobody else writes meanwhile.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("started by")
    )
    uploaded_at = models.DateTimeField(_("uploaded"), auto_now_add=True)
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.WAITING)
    since = models.DateTimeField(_("since"), auto_now_add=True)
    step = models.CharField(_("step"), max_length=20, choices=Step, default=Step.READING)
    # What the files are called where they came from.
    names = models.JSONField(_("files"), default=list)
    # What the first reading found: numbers of items by type, authors as pairs of login and name, warnings.
    found = models.JSONField(default=dict)
    # What was chosen for the last step, as `wordpress.importing.import_export` takes it.
    options = models.JSONField(default=dict)
    report = models.JSONField(default=dict)
    # Why it was refused or interrupted.
    problem = models.TextField(blank=True)

    class Meta:
        verbose_name = _("import from WordPress")
        verbose_name_plural = _("imports from WordPress")
        default_permissions = ()
        permissions = [("import_wordpress", _("Can import from WordPress"))]
        ordering = ("-uploaded_at", "-pk")
        constraints = [
            models.UniqueConstraint(Case(When(Q(state__in=ACTIVE), then=Value(1))), name="one_active_import")
        ]

    def __str__(self) -> str:
        return ", ".join(self.names)

    def get_absolute_url(self) -> str:
        return reverse("admin:wordpress_import_change", args=[self.pk])
