"""The site's settings, which the owner edits in the admin."""

import datetime as dt
import math
import time
from collections.abc import Callable, Hashable
from copy import copy
from typing import Any, Final, Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from core.changes import (
    CurrentVersion,
    PublicModel,
    PublicQuerySet,
    content_and_entries_version,
    next_scheduled_change,
)
from core.memory import is_empty, memory_of
from core.prepared import Prepared


class OneRow(PublicModel):
    """The settings of a higher app: one row (core.apps creates it), read together with the site's own settings.

    Its primary key is `site`, a one-to-one relation to SiteSettings.
    """

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self._meta.verbose_name)

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.pk = 1
        super().save(*args, **kwargs)

    @classmethod
    def of(cls, site: "SiteSettings") -> Self:
        """Return the row that was read together with `site`; the defaults if there is none."""
        relation: Any = cls._meta.get_field("site").remote_field
        row: Self = getattr(site, relation.related_name, None) or cls(pk=1)
        return row

    @classmethod
    def current(cls) -> Self:
        """Return the stored row; the defaults if there is none."""
        return cls._default_manager.filter(pk=1).first() or cls(pk=1)


_ONE_TO_HUNDRED: Final = [MinValueValidator(1), MaxValueValidator(100)]


class SiteSettings(PublicModel):
    """Settings that the owner of the site edits. There is exactly one row (see core.apps)."""

    title = models.CharField(_("title"), max_length=200, default="Broadside")
    tagline = models.CharField(
        _("tagline"),
        max_length=300,
        blank=True,
        help_text=_("A line under the title that says what the site is about."),
    )
    footer = models.CharField(_("footer"), max_length=500, blank=True, help_text=_("A line at the end of each page."))
    entries_per_page = models.PositiveSmallIntegerField(_("entries per page"), default=10, validators=_ONE_TO_HUNDRED)
    entries_per_feed = models.PositiveSmallIntegerField(_("entries per feed"), default=10, validators=_ONE_TO_HUNDRED)
    show_author = models.BooleanField(
        _("show authors"), default=False, help_text=_("Show the author's name next to the date of each entry.")
    )
    show_excerpts = models.BooleanField(
        _("show excerpts"),
        default=False,
        db_default=False,
        help_text=_("In lists, show only the excerpt of long entries that have no “Read more” break."),
    )
    search_engines_welcome = models.BooleanField(
        _("allow search engines"),
        default=True,
        help_text=_("If you turn this off, robots.txt asks search engines to stay away."),
    )
    # Set by `current`.
    content_version = entries_version = 0

    objects = PublicQuerySet["SiteSettings"].as_manager()

    class Meta:
        verbose_name = _("site settings")
        verbose_name_plural = _("site settings")
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="site_settings_one_row")]

    def __str__(self) -> str:
        return self.title

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.pk = 1
        super().save(*args, **kwargs)

    def remember[Value](self, make: Callable[[], Value], *key: Hashable) -> Value:
        """Return the result of `make` for this key and language, computed once for each version of entries.

        Processes agree on the version of entries, so all forget at the same time. `make` must depend on nothing but the
        key and public content without comments, and its result must not be changed, unless it is a Recent.
        """
        memory = memory_of(self.entries_version)
        if memory.expires == math.inf:
            memory.expires = time.time() + self.seconds_to_next_change
        return memory.recall(make, get_language(), *key)

    @property
    def seconds_to_next_change(self) -> float:
        """Seconds until public content will next change on its own, at most a day."""
        change = self._next_change
        day = 24 * 60 * 60.0
        return day if change is None else min(day, (change - timezone.now()).total_seconds())

    @cached_property
    def _next_change(self) -> dt.datetime | None:
        return next_scheduled_change()

    @classmethod
    def remembered(cls) -> Self:
        """Return the same as `current`, from the memory of this process if nothing has changed. Don't modify it.

        Takes one query, which is tiny unless something has changed; two if another process has changed it.
        """
        if is_empty():
            site = cls.current()
            return memory_of(site.entries_version).recall(lambda: site, "site settings")
        version, entries_version = content_and_entries_version()
        site = memory_of(entries_version).recall(cls.current, "site settings")
        if site.content_version != version:
            # Only comments have changed. Copied, because other threads may be using the remembered settings.
            site = copy(site)
            site.content_version = version
        return site

    @classmethod
    def current(cls) -> Self:
        """Return the row, or the defaults, with both versions and the settings of higher apps, in one query."""
        row: Self = next(iter(_rows()), None) or cls(pk=1)
        row.content_version = getattr(row, "current_version", 0)
        row.entries_version = getattr(row, "current_entries_version", 0)
        return row


def related_settings() -> dict[str, type[models.Model]]:
    """Return the models of the settings of higher apps, by the names of their relations to SiteSettings."""
    return {str(each.get_accessor_name()): each.related_model for each in SiteSettings._meta.related_objects}


_rows = Prepared[Any](
    lambda: (
        SiteSettings.objects.filter(pk=1)
        .annotate(current_version=CurrentVersion(), current_entries_version=CurrentVersion(of_entries=True))
        .select_related(*related_settings())
        .order_by()
    )
)
