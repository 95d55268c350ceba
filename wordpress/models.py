"""What imports left behind: what the next one must know, and what bodies name and do not hold."""

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


class Fragment(models.Model):
    """A text that bodies of the block editor name and do not hold (wordpress.fragments)."""

    class Kind(models.TextChoices):
        NOTE = "note", _("Footnote")
        BLOCK = "block", _("Shared block")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    # What WordPress calls it: the id of a footnote, the number of a block.
    name = models.CharField(_("name"), max_length=64)
    title = models.CharField(_("title"), max_length=200, blank=True)
    text = models.TextField(_("text"), blank=True)

    class Meta:
        verbose_name = _("fragment")
        verbose_name_plural = _("fragments")
        constraints = [models.UniqueConstraint(fields=["kind", "name"], name="fragment_of_one_name")]

    def __str__(self) -> str:
        return self.title or self.name
