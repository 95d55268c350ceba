"""The ledger of imports: which object here came from which item of an export."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ImportRun(models.Model):
    """One import of a site. What it added can be removed again (wordpress.importing.undo).

    It is unfinished while it runs, and after an interruption until the next import of the site continues it.
    """

    site = models.CharField(max_length=500, blank=True)
    # The job in the admin that started or continued it last, if any.
    job = models.ForeignKey("ImportJob", null=True, on_delete=models.SET_NULL, related_name="runs")
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("import run")
        verbose_name_plural = _("import runs")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.pk}: {self.site}"


class ImportedItem(models.Model):
    """An item of an export that was imported, and the object here that it became.

    Rows can be deleted without harm; later imports then no longer update the object.
    """

    site = models.CharField(max_length=500, blank=True)
    kind = models.CharField(max_length=20)
    wordpress_id = models.PositiveBigIntegerField()
    object_pk = models.PositiveBigIntegerField()
    # The run that added the object. None: it is not known, or the object was here before it was first imported.
    run = models.ForeignKey(ImportRun, null=True, on_delete=models.SET_NULL, related_name="items")
    # The fingerprints of the item as it was exported, and of the object as the import left it.
    fingerprint = models.CharField(max_length=32)
    left_as = models.CharField(max_length=32)

    class Meta:
        verbose_name = _("imported item")
        verbose_name_plural = _("imported items")
        constraints = [models.UniqueConstraint(fields=["kind", "object_pk"], name="unique_imported_object")]
        indexes = [models.Index(fields=["kind", "wordpress_id"], name="imported_item_by_wordpress_id")]

    def __str__(self) -> str:
        return f"{self.kind} {self.wordpress_id}"
