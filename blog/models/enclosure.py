"""Enclosures: audio and video files that WordPress's feeds offered with a post."""

from typing import NamedTuple

from django.db import models
from django.utils.feedgenerator import Enclosure as FeedEnclosure
from django.utils.translation import gettext_lazy as _

from core.changes import PublicModel, PublicQuerySet


class Enclosure(PublicModel):
    """A file at `url` that WordPress enclosed with a post. The file may have been imported since (blog.enclosures)."""

    post = models.ForeignKey("blog.Post", on_delete=models.CASCADE, related_name="enclosures", verbose_name=_("post"))
    url = models.CharField(_("URL"), max_length=2000)
    # 0 if WordPress did not know it.
    length = models.PositiveBigIntegerField(_("size in bytes"), default=0)
    media_type = models.CharField(_("media type"), max_length=100)

    objects = PublicQuerySet["Enclosure"].as_manager()

    class Meta:
        verbose_name = _("enclosure")
        verbose_name_plural = _("enclosures")
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.url


class EnclosedWith(NamedTuple):
    """What feeds enclose with a post: the files that are stored as `kept`, and the others that are `in_text`."""

    kept: list[FeedEnclosure]
    in_text: list[FeedEnclosure]
