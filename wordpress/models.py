"""What imports left behind, so that the next one knows what has changed since, here or there."""

from django.db import models
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
