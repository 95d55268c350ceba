"""Addresses that something had before: each leads to where it is now."""

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import unquote

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from library.models import Document, Picture

MAX_LENGTH: Final = 650
TARGETS: Final = ("post", "page", "category", "author", "picture", "document")


def _exactly_one_target() -> Q:
    return Q(*(Q(**{f"{name}__isnull": name != chosen for name in TARGETS}) for chosen in TARGETS), _connector=Q.OR)


class OldAddress(models.Model):
    """That `path` once led to what it names.

    Something that lives at the path now goes first: old addresses are asked for what would be not found.
    """

    # Decoded and with its slashes, as in `/2014/02/10/slug/`; or a numbered form of WordPress's, `/?cat=5`.
    path = models.CharField(_("old address"), max_length=MAX_LENGTH, unique=True)
    post = models.ForeignKey("blog.Post", null=True, on_delete=models.CASCADE, related_name="old_addresses")
    page = models.ForeignKey("blog.Page", null=True, on_delete=models.CASCADE, related_name="old_addresses")
    category = models.ForeignKey("blog.Category", null=True, on_delete=models.CASCADE, related_name="old_addresses")
    author = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="old_addresses")
    picture = models.ForeignKey(Picture, null=True, on_delete=models.CASCADE, related_name="old_addresses")
    document = models.ForeignKey(Document, null=True, on_delete=models.CASCADE, related_name="old_addresses")

    class Meta:
        verbose_name = _("old address")
        verbose_name_plural = _("old addresses")
        ordering = ("path",)
        constraints = [models.CheckConstraint(condition=_exactly_one_target(), name="old_address_of_one")]

    def __str__(self) -> str:
        return self.path

    @property
    def target(self) -> models.Model | None:
        """What it leads to."""
        found: Iterator[models.Model | None] = (getattr(self, name) for name in TARGETS)
        return next(filter(None, found), None)

    @target.setter
    def target(self, target: models.Model) -> None:
        for name in TARGETS:
            setattr(self, name, target if name == _kind(target) else None)

    @property
    def leads_to(self) -> str:
        """The address to send readers to; empty while they may not see what is there."""
        if upload := self.picture or self.document:
            return str(upload.file.url)
        if entry := self.post or self.page:
            return entry.get_absolute_url() if entry.is_public else ""
        listing = self.category or self.author
        return listing.get_absolute_url() if listing else ""


def as_stored(path: str) -> str:
    """`path` as addresses are kept: percent-decoded, in Unicode's composed form, without what databases refuse."""
    return unicodedata.normalize("NFC", unquote(path)).replace("\0", "")


def remember_addresses(pairs: Iterable[tuple[str, models.Model]]) -> None:
    """Let each path lead to the post, page, category, author, picture or document beside it.

    A path that led elsewhere leads there no more. Two statements for a thousand of them.
    """
    rows = {as_stored(path): target for path, target in pairs}
    # Longer ones than the column takes were never given out by anybody.
    addresses = [
        OldAddress(path=path, **{_kind(target): target}) for path, target in rows.items() if len(path) <= MAX_LENGTH
    ]
    OldAddress.objects.bulk_create(
        addresses, batch_size=1000, update_conflicts=True, unique_fields=["path"], update_fields=list(TARGETS)
    )


def forget_addresses(paths: Iterable[str]) -> None:
    """Something lives at `paths` now: what was there before is found there no more."""
    OldAddress.objects.filter(path__in=[as_stored(path) for path in paths]).delete()


def _kind(target: models.Model) -> str:
    return "author" if isinstance(target, User) else str(target._meta.model_name)
