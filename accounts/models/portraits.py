"""Portraits of authors."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.changes import PublicModel, PublicQuerySet


class Portrait(PublicModel):
    """The portrait of a person, in the small size that readers get, so the database can hold it (blog.portraits).

    It belongs to the name that readers saw when it was chosen. If the person has taken a pen name since, it is not
    shown (`User.shown_portrait`), and if their name was withdrawn, it is deleted, so that it doesn't reveal who they
    are.
    """

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, editable=False, related_name="portrait", verbose_name=_("person")
    )
    name = models.CharField(_("name that readers see"), max_length=150, blank=True, editable=False)
    image = models.BinaryField()
    # The digest of the image, for its URL.
    digest = models.CharField(max_length=16, editable=False)

    objects = PublicQuerySet["Portrait"].as_manager()

    class Meta:
        default_permissions = ()
        verbose_name = _("portrait")
        verbose_name_plural = _("portraits")

    def __str__(self) -> str:
        return self.name

    if TYPE_CHECKING:
        # From ABSOLUTE_URL_OVERRIDES, because it is shown by the blog.
        def get_absolute_url(self) -> str: ...
