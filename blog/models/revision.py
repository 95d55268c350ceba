"""Revisions: the content of posts and pages each time they were saved, and the revision that a translation is of."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from typing import Any, Final, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog.models.entry import Entry
from blog.models.entry_query import EntryKind
from core.internal_rows import InternalRow

# The fields of an entry in the settings of its revisions, besides the IDs of its categories and the names of its tags.
SETTINGS: Final = (
    *("status", "published_at", "slug", "author_id", "co_authors", "excerpt", "language", "password", "comments_open"),
    *("featured_picture_id", "sticky", "parent_id", "menu_order", "noindex"),
)


class Revision(models.Model):
    """The content of an entry as it was saved at `created_at`.

    `by` is the person who saved it; NULL if unknown, as with an import, or if they no longer have an account.
    """

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="revisions", db_index=False)
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("person"))
    created_at = models.DateTimeField(_("saved"))
    title = models.CharField(_("title"), max_length=1000, blank=True)
    source = models.TextField(_("text"), blank=True)
    markup = models.CharField(_("format"), max_length=20)
    settings = models.JSONField(_("settings"))
    # A digest of all the above except person and time. Saving the same again creates no revision.
    digest = models.CharField(max_length=32)

    class Meta:
        verbose_name = _("revision")
        verbose_name_plural = _("revisions")
        default_permissions = ()
        ordering = ("-pk",)
        indexes = [models.Index(fields=["entry", "-id"], name="revision_newest_first")]

    def __str__(self) -> str:
        return f"{self.title} ({self.created_at:%Y-%m-%d %H:%M})"

    @classmethod
    def of(
        cls,
        entry: Entry,
        by: User | None,
        *,
        categories: Iterable[Any] | None = None,
        tags: Iterable[Any] | None = None,
    ) -> Self:
        """Return an unsaved revision of the current content of `entry`.

        `categories` and `tags` are by default the entry's, each of which takes a query unless prefetched. Its
        translations, if it has any, take another query.
        """
        settings: dict[str, Any] = {name: getattr(entry, name) for name in SETTINGS}
        settings["published_at"] = entry.published_at and entry.published_at.astimezone(dt.UTC).isoformat()
        settings["translations"] = sorted(entry.translations().values_list("pk", flat=True))
        if entry.kind == EntryKind.POST:
            categories = entry.categories.all() if categories is None else categories
            settings["categories"] = sorted(category.pk for category in categories)
            settings["tags"] = sorted(tag.name for tag in (entry.tags.all() if tags is None else tags))
        content = [entry.title, entry.source, entry.markup, settings]
        digest = hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).hexdigest()
        return cls(
            # The instance of a proxy can be used here, because it is an entry as well.
            entry=entry,
            by=by,
            created_at=entry.modified_at,
            title=entry.title,
            source=entry.source,
            markup=entry.markup,
            settings=settings,
            digest=digest,
        )


class TranslatedVersion(InternalRow):
    """The version of another entry, its original, with which a translation was last brought up to date."""

    entry = models.OneToOneField(Entry, on_delete=models.CASCADE, related_name="translated_version")
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="+")
