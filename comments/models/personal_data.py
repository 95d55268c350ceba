"""People whose personal data was erased."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class Erasure(models.Model):
    """The erasure of one person's data (comments.personal_data). Only a keyed hash of the address is stored."""

    key = models.CharField(max_length=64, unique=True)
    erased_at = models.DateTimeField(default=timezone.now)
    # Whether the texts stayed, as “Anonymous”.
    text_kept = models.BooleanField(default=True)

    class Meta:
        verbose_name = _("erased person")
        verbose_name_plural = _("personal data")
        default_permissions = ()
        permissions = [("erase_commenter", _("Can export and erase the personal data of commenters"))]

    def __str__(self) -> str:
        return gettext("An erased person")
