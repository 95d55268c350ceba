"""Texts that posts and pages from the block editor refer to by ID instead of containing them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from wordpress.fingerprints import fingerprint


class FragmentKind(models.TextChoices):
    FOOTNOTE = "footnote", _("Footnote")
    BLOCK = "block", _("Reusable block")


class Fragment(models.Model):
    """A footnote or a reusable block (wordpress.markup.footnotes_and_blocks)."""

    kind = models.CharField(_("kind"), max_length=10, choices=FragmentKind)
    # Empty if the export did not name its site.
    site = models.CharField(_("site"), max_length=500, blank=True)
    # WordPress's ID: a UUID for a footnote, a post ID for a block.
    name = models.CharField(_("WordPress ID"), max_length=64)
    title = models.CharField(_("title"), max_length=200, blank=True)
    text = models.TextField(_("text"), blank=True)
    # The fingerprint of title and text in the last import.
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
    """A reusable block, as editors see it in the admin."""

    class Meta:
        proxy = True
        verbose_name = _("reusable block")
        verbose_name_plural = _("reusable blocks")
        default_permissions = ("change", "view")
