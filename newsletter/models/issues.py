"""Issues: the posts that are mailed together, and the e-mail of each subscriber."""

import datetime as dt
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from blog.models import Entry
from core.internal_rows import InternalRow
from mail.models import Recipient, RecipientQuerySet
from newsletter.models.subscriptions import Frequency, Subscriber, Suppression


class Period(InternalRow):
    """The date up to which posts are in issues of a frequency. Posts that get an earlier date are not added later."""

    frequency = models.CharField(max_length=11, choices=Frequency, primary_key=True)
    until = models.DateTimeField()
    # What `until` was when the clock was set back, until that time has come: the clock may have been wrong only since.
    before_clock_was_set = models.DateTimeField(null=True)

    class Meta(InternalRow.Meta):
        constraints = [models.CheckConstraint(condition=Q(frequency__in=Frequency.values), name="period_known")]

    @classmethod
    def correct_times(cls, now: dt.datetime) -> None:
        """Let no period end in the future, after the clock was ahead. If it is behind, forget nothing."""
        cls.objects.filter(until__gt=now).update(
            before_clock_was_set=Greatest(Coalesce("before_clock_was_set", "until"), "until"), until=now
        )
        cls.objects.filter(before_clock_was_set__lte=now).update(
            until=Greatest("until", "before_clock_was_set"), before_clock_was_set=None
        )


class Issue(models.Model):
    """Posts that are mailed together to subscribers who follow them with this frequency."""

    frequency = models.CharField(_("frequency"), max_length=11, choices=Frequency)
    created_at = models.DateTimeField(_("date"), default=timezone.now)
    entries: "models.ManyToManyField[Entry, IssueEntry]" = models.ManyToManyField(
        Entry, through="IssueEntry", related_name="+"
    )
    # Subscribers up to this ID have their delivery, if they follow any of its posts.
    prepared_up_to = models.PositiveBigIntegerField(default=0)
    is_prepared = models.BooleanField(default=False)
    # Counted, because deliveries are deleted with their subscribers.
    sent_count = models.PositiveIntegerField(_("e-mails sent"), default=0)

    class Meta:
        verbose_name = _("issue")
        verbose_name_plural = _("sent by e-mail")
        default_permissions = ("view",)
        ordering = ("-created_at", "-pk")
        constraints = [models.CheckConstraint(condition=Q(frequency__in=Frequency.values), name="issue_known")]
        indexes = [models.Index(fields=["id"], condition=Q(is_prepared=False), name="issue_unprepared")]

    def __str__(self) -> str:
        return f"{self.get_frequency_display()} {self.pk}"


class IssueEntry(InternalRow):
    """A post in an issue. A post is in at most one issue of each frequency, whatever happens to it later."""

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="rows")
    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="+")
    # The frequency of the issue.
    frequency = models.CharField(max_length=11, choices=Frequency)

    class Meta(InternalRow.Meta):
        constraints = [models.UniqueConstraint(fields=["entry", "frequency"], name="entry_mailed_once")]


class DeliveryQuerySet(RecipientQuerySet["Delivery"]):
    def with_unsent(self) -> Self:
        return self.filter(sent_at=None)


class Delivery(Recipient):
    """The e-mail with an issue to one subscriber. There is only one, even after a crash."""

    is_deleted_when_refused = True

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="deliveries")
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="deliveries")
    sent_at = models.DateTimeField(null=True)
    # When a mail server reported that it could not be delivered for the time being (newsletter.returns).
    bounced_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("e-mail with posts")
        verbose_name_plural = _("e-mails with posts")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["issue", "subscriber"], name="delivery_once")]
        # Most deliveries have been sent, so the index contains only the others.
        indexes = [models.Index(fields=["not_before", "id"], condition=Q(sent_at=None), name="delivery_unsent")]

    @property
    def language(self) -> str:
        return self.subscriber.language

    @property
    def paced_domain(self) -> str:
        return self.subscriber.email.rpartition("@")[2]

    def refused_for_good(self) -> None:
        self.subscriber.suppress(Suppression.REFUSED)
