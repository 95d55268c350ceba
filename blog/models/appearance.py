"""The site's appearance: the public document, the draft, and earlier versions. blog.appearance reads the documents."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core.changes import PublicQuerySet
from core.models import OneRow, SiteSettings


class SiteAppearance(OneRow):
    """The appearance of the site.

    `draft` is a document that has not been published yet, or None.
    """

    private_fields = frozenset({"draft"})

    site = models.OneToOneField(
        SiteSettings, on_delete=models.CASCADE, primary_key=True, editable=False, related_name="appearance"
    )
    document = models.JSONField(default=dict)
    draft = models.JSONField(null=True, blank=True)

    objects = PublicQuerySet["SiteAppearance"].as_manager()

    class Meta:
        verbose_name = _("appearance")
        verbose_name_plural = _("appearance")
        default_permissions = ("change",)
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="site_appearance_one_row")]


class AppearanceVersion(models.Model):
    """A document that was published at `published_at` and public until the next version. The newest one is public."""

    document = models.JSONField(default=dict)
    published_at = models.DateTimeField(default=timezone.now)
    published_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")

    class Meta:
        default_permissions = ()
        ordering = ("-pk",)

    def __str__(self) -> str:
        return str(self.published_at)
