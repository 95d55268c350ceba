"""How often pages were read, by day: numbers, and nothing about who read them.

Days before the period in the settings are summed up by month, and the totals stored under the first day of the month.
"""

from collections.abc import Sequence
from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.changes import PublicQuerySet
from core.models import OneRow, SiteSettings


class ReaderSettings(OneRow):
    """The owner's choices about counting readers."""

    site = models.OneToOneField(
        SiteSettings, on_delete=models.CASCADE, primary_key=True, editable=False, related_name="reader_settings"
    )
    count_readers = models.BooleanField(
        _("count readers"),
        default=False,
        help_text=_(
            "Count how often each page is read and from which sites readers come, without storing anything about them. "
            "If you turn this off, all figures are deleted in the following night."
        ),
    )
    keep_months = models.PositiveSmallIntegerField(
        _("keep daily figures for (months)"),
        default=12,
        validators=[MinValueValidator(1), MaxValueValidator(120)],
        help_text=_("After that, only monthly totals are kept."),
    )

    objects = PublicQuerySet["ReaderSettings"].as_manager()

    class Meta:
        verbose_name = _("reader settings")
        verbose_name_plural = _("reader settings")
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="reader_settings_one_row")]


class PageKind(models.TextChoices):
    ENTRY = "entry", _("Posts and pages")
    FRONT = "front", _("Front page")
    OTHER = "other", _("Lists, archives and other pages")


class DayCount(models.Model):
    """How often something was read on a day."""

    day = models.DateField()
    count = models.PositiveIntegerField()

    class Meta:
        abstract = True
        default_permissions: ClassVar[Sequence[str]] = ()

    def __str__(self) -> str:
        return f"{self.day}: {self.count}"


class KindCount(DayCount):
    """How often pages of a kind were read, including pages that have been deleted since."""

    kind = models.CharField(max_length=5, choices=PageKind)

    class Meta(DayCount.Meta):
        constraints = [models.UniqueConstraint(fields=["day", "kind"], name="one_count_of_kind")]


class EntryCount(DayCount):
    """How often an entry was read, if it is among the most read ones."""

    # No foreign key: deleting an entry doesn't touch these rows, which are deleted the following night.
    entry_id = models.BigIntegerField()

    class Meta(DayCount.Meta):
        verbose_name = _("readers")
        verbose_name_plural = _("readers")
        # Users with this permission see all figures.
        default_permissions: ClassVar[Sequence[str]] = ("view",)
        constraints = [models.UniqueConstraint(fields=["entry_id", "day"], name="one_count_of_entry")]
        indexes = [models.Index(fields=["day"], name="entry_counts_by_day")]


class ReferrerCount(DayCount):
    """How often readers came from another site. Sites that are not among the most frequent share an empty `host`."""

    host = models.CharField(max_length=100, blank=True)

    class Meta(DayCount.Meta):
        constraints = [models.UniqueConstraint(fields=["day", "host"], name="one_count_of_host")]
