"""Querying entries: their kinds and statuses, what is public, and the order of lists."""

from collections.abc import Iterator
from itertools import batched
from typing import Any, Final, Self

from django.db import models, transaction
from django.db.models import FETCH_RAISE, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.changes import PublicQuerySet, entries_changed
from core.prepared import Parameter

# The long columns, which lists leave out.
TEXTS: Final = ("source", "lead_html", "body_html", "auto_excerpt", "excerpt")
# The columns needed for the title of a post with its link.
TITLE: Final = ("kind", "title", "slug", "published_on", "language", "password")
# The columns that every listing needs.
LISTED: Final = (*TITLE, "status", "published_at", "comments_open", "comment_count")


class EntryKind(models.TextChoices):
    POST = "post", _("Post")
    PAGE = "page", _("Page")


class Status(models.TextChoices):
    """Scheduled is not a status: it is `published` with a time in the future."""

    DRAFT = "draft", _("Draft")
    PENDING = "pending", _("Pending review")
    PUBLISHED = "published", _("Published")
    PRIVATE = "private", _("Private")
    TRASH = "trash", _("Trash")


def public_condition(prefix: str = "", now: Parameter | None = None) -> Q:
    """Return the condition for what every reader may see now. `prefix` is the lookup from another model to entries.

    Prepared queries take the time as a parameter.
    """
    return Q((f"{prefix}published_at__lte", now or timezone.now()), (f"{prefix}status", Status.PUBLISHED))


def date_in_lists() -> Coalesce:
    """Return the expression that sorts lists in the admin: the date or, if there is none, the last change."""
    return Coalesce("published_at", "modified_at")


class EntryQuerySet(PublicQuerySet[Any]):
    def published(self, now: Parameter | None = None) -> Self:
        """Return what every reader may see now. Everything public goes through here."""
        return self.filter(public_condition(now=now))

    def scheduled(self) -> Self:
        """Return what will be published at a time in the future."""
        return self.filter(status=Status.PUBLISHED, published_at__gt=timezone.now())

    def newest_first(self) -> Self:
        return self.order_by("-published_at", "-pk")

    def newest_day_first(self) -> Self:
        """Sort posts by the day in their URLs. If the time zone was changed, the order of their times may differ."""
        return self.order_by("-published_on", "-published_at", "-pk")

    def for_titles(self) -> Self:
        """Load only what lists show of posts besides their texts, newest day first."""
        return self.only(*LISTED).fetch_mode(FETCH_RAISE).newest_day_first()

    def iterate(self, size: int) -> Iterator[Any]:
        """Yield the entries by ID, loading `size` at a time. With one query, SQLite would sort all texts in memory."""
        for pks in batched(list(self.order_by("pk").values_list("pk", flat=True)), size):
            yield from self.filter(pk__in=pks).order_by("pk")

    def delete(self) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            pks = list(self.values_list("pk", flat=True))
            deleted = super().delete()
            entries_changed(pks)
        return deleted

    delete.alters_data = delete.queryset_only = True  # type: ignore[attr-defined]  # neither in templates nor on managers

    def without_texts(self) -> Self:
        """Leave out the long texts, for lists."""
        return self.defer(*TEXTS)


class KindManager(models.Manager[Any]):
    """A manager of the entries of the proxy's own kind."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(kind=self.model._meta.model_name)
