"""Featured images: the pictures that posts and pages of an export name by number (`_thumbnail_id`)."""

from collections.abc import Iterator, Sequence
from itertools import batched
from typing import Any, Final

from django.db import transaction
from django.db.models import Manager
from django.utils.translation import gettext as _

from blog.models import Page, Post
from wordpress.comments import Answered
from wordpress.lookups import rows
from wordpress.models import Attachment, ImportedItem
from wordpress.records import THUMBNAIL
from wordpress.reports import PAGES, POSTS, Report

# How it is remembered what the export names: `wordpress_id` is the picture's number there, `object_pk` the entry here,
# `left_as` the key of the picture once it is set.
_KINDS: Final[dict[str, type[Post] | type[Page]]] = {"featured post": Post, "featured page": Page}
_BATCH = 500


class FeaturedImages:
    """Remembers which entry has which; the pictures may come later."""

    def __init__(self, site: str) -> None:
        self._site = site

    def take(self, entries: Sequence[Answered]) -> None:
        """Remember what the items of `entries`, which are new or have changed, name now.

        A picture that an import has set and nobody has changed since is taken off where the export names another.
        """
        for kind, model in _KINDS.items():
            answered = [each for each in entries if isinstance(each.entry, model)]
            changed = [each.entry.pk for each in answered if each.changed]
            before = {
                pk: (pk_of_row, number, left_as)
                for pk_of_row, pk, number, left_as in rows(
                    ImportedItem, "object_pk", changed, "pk", "object_pk", "wordpress_id", "left_as", kind=kind
                )
            }
            new = []
            for each in answered:
                number = thumbnail(each.item.meta)
                row, was, left_as = before.get(each.entry.pk, (0, 0, ""))
                if row and was == number:
                    continue
                if row:
                    ImportedItem.objects.filter(pk=row).delete()
                    if left_as == str(each.entry.featured_picture_id):
                        each.entry.featured_picture = None
                if number:
                    new.append(self._row(kind, number, each.entry.pk))
            # A row may be left of an entry that was deleted here.
            ImportedItem.objects.bulk_create(
                new,
                update_conflicts=True,
                unique_fields=["kind", "object_pk"],
                update_fields=["site", "wordpress_id", "fingerprint", "left_as"],
            )

    def _row(self, kind: str, number: int, pk: int) -> ImportedItem:
        return ImportedItem(site=self._site, kind=kind, wordpress_id=number, object_pk=pk, fingerprint="", left_as="")


def show_featured_images(site: str, report: Report) -> bool:
    """Give entries the pictures that their export names, as far as these are here; whether any got one.

    Who has another picture by now keeps it. What is not here is noted.
    """
    shown = False
    for kind, model in _KINDS.items():
        for some in batched(_waiting(site, kind), _BATCH, strict=False):
            with transaction.atomic():
                shown |= _show(site, model, some, report)
    return shown


def thumbnail(meta: Sequence[tuple[str, str]]) -> int:
    """The number of the featured image; 0 if there is none."""
    value = dict(meta).get(THUMBNAIL, "").strip()
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 17 else 0


def _waiting(site: str, kind: str) -> Iterator[ImportedItem]:
    last = 0
    while found := list(
        ImportedItem.objects.filter(kind=kind, site=site, left_as="", pk__gt=last).order_by("pk")[:_BATCH]
    ):
        yield from found
        last = found[-1].pk


def _show(site: str, model: type[Post] | type[Page], waiting: Sequence[ImportedItem], report: Report) -> bool:
    numbers = {row.wordpress_id for row in waiting}
    pictures: dict[int, int] = {
        number: picture
        for number, picture in rows(Attachment, "wordpress_id", numbers, "wordpress_id", "picture_id", site=site)
        if picture
    }
    manager: Manager[Any] = model._default_manager
    titles = dict(manager.filter(pk__in=[row.object_pk for row in waiting]).values_list("pk", "title"))
    shown = False
    for row in waiting:
        if row.object_pk not in titles:
            continue
        if row.wordpress_id not in pictures:
            text = _("Its featured image, the attachment %d, is not here.") % row.wordpress_id
            kind = POSTS if model is Post else PAGES
            report.note(kind, row.object_pk, titles[row.object_pk], text)
            continue
        picture = pictures[row.wordpress_id]
        manager.filter(pk=row.object_pk, featured_picture=None).update(featured_picture=picture)
        ImportedItem.objects.filter(pk=row.pk).update(left_as=str(picture))
        shown = True
    return shown
