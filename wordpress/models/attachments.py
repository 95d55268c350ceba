"""The media library of an imported site."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog.models.redirect import MAX_LENGTH
from media.models import Document, Picture


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    def without_file(self) -> "AttachmentQuerySet":
        return self.filter(picture=None, document=None)

    def with_file(self) -> "AttachmentQuerySet":
        return self.exclude(picture=None, document=None)


class Attachment(models.Model):
    """A file of the old site with its metadata. The file itself may not have been imported yet, or may be deleted."""

    site = models.CharField(max_length=500, blank=True)
    wordpress_id = models.PositiveBigIntegerField()
    # The file's current URL on the old site, and its URL at the time of the upload.
    url = models.CharField(max_length=2000)
    guid = models.CharField(max_length=2000, blank=True)
    # The same two, normalised for comparison with URLs in texts and requests (see legacy_urls.query_forms.legacy_key).
    path = models.CharField(max_length=MAX_LENGTH, db_index=True)
    former_path = models.CharField(max_length=MAX_LENGTH, blank=True, db_index=True)
    # The URL of its attachment page on the old site.
    link = models.CharField(max_length=2000, blank=True)
    title = models.CharField(max_length=500, blank=True)
    caption = models.TextField(blank=True)
    alt = models.CharField(max_length=1000, blank=True)
    description = models.TextField(blank=True)
    # The WordPress ID of the post or page to which it was uploaded; 0 if to none.
    parent = models.PositiveBigIntegerField(default=0, db_index=True)
    menu_order = models.IntegerField(default=0)
    uploaded_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    uploaded_at = models.DateTimeField(null=True)
    picture = models.ForeignKey(Picture, null=True, on_delete=models.SET_NULL, related_name="attachments")
    document = models.ForeignKey(Document, null=True, on_delete=models.SET_NULL, related_name="attachments")
    # The name of the file that is being written to the storage; after a crash, nothing else refers to that file.
    writing = models.CharField(max_length=255, blank=True, db_index=True)
    # Whether the texts that show it have been rendered since its file was imported.
    is_shown = models.BooleanField(default=False)

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        constraints = [models.UniqueConstraint(fields=["wordpress_id", "site"], name="unique_attachment")]

    def __str__(self) -> str:
        return self.title or self.url

    @property
    def file_url(self) -> str:
        """The URL of its file on this site; empty if it has none."""
        upload = self.picture or self.document
        return str(upload.file.url) if upload else ""
