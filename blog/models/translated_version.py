"""What a translation says the same as."""

from django.db import models

from blog.models.entry import Entry
from blog.models.revision import Revision


class TranslatedVersion(models.Model):
    """The version of another entry, its original, with which a translation was last brought up to date."""

    entry = models.OneToOneField(Entry, on_delete=models.CASCADE, related_name="translated_version")
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="+")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.entry_id}: {self.revision_id}"
