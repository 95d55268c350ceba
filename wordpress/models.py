"""What imports left behind, so that the next one knows what has changed since; and the imports of the admin."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Case, Q, Value, When
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


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
