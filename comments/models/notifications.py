"""E-mail notifications of comments for moderators, authors, and readers who follow a discussion."""

import datetime as dt
from typing import Any, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog.models import Entry
from comments.models.comment import Comment
from comments.models.settings import CommentSettings
from mail.models import Recipient, RecipientQuerySet, UserRecipientQuerySet


class Event(models.TextChoices):
    """What people are notified of."""

    PENDING = "pending", _("A comment is pending review")
    APPROVED = "approved", _("A comment was approved")


class OutboxItem(models.Model):
    """An event that people have yet to be notified of. Stored in the transaction of the comment or decision."""

    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, related_name="+")
    event = models.CharField(max_length=8, choices=Event)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["comment", "event"], name="outbox_item_once")]

    def __str__(self) -> str:
        return f"{self.comment_id}: {self.event}"


class PreferenceQuerySet(UserRecipientQuerySet["NotificationPreference"]):
    def with_unsent(self) -> Self:
        return self.filter(Exists(Notification.objects.filter(moderator=OuterRef("pk"), sent_at=None)))


class NotificationPreference(Recipient):
    """How often a staff member wants e-mail notifications. Created when it is first needed."""

    class Frequency(models.TextChoices):
        IMMEDIATELY = "immediately", _("Immediately (comments within ten minutes share one e-mail)")
        HOURLY = "hourly", _("At most one e-mail per hour")
        DAILY = "daily", _("At most one e-mail per day")
        NEVER = "never", _("Never")

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="notification_preference", editable=False)
    frequency = models.CharField(
        _("comments pending review"), max_length=11, choices=Frequency, default=Frequency.DAILY
    )
    own_posts = models.BooleanField(
        _("notify me of comments on my own posts"), default=False, help_text=_("Once they are approved.")
    )

    objects = PreferenceQuerySet.as_manager()

    class Meta:
        verbose_name = _("e-mail notifications")
        verbose_name_plural = _("e-mail notifications")
        constraints = [
            models.CheckConstraint(
                condition=Q(frequency__in=["immediately", "hourly", "daily", "never"]),
                name="notification_frequency_known",
            )
        ]

    def __str__(self) -> str:
        return gettext("E-mail notifications for %(name)s") % {"name": self.user}

    @property
    def may_moderate(self) -> bool:
        user = self.user
        return user.is_active and user.is_staff and user.has_perm("comments.moderate_comment")

    @property
    def language(self) -> str:
        return self.user.language

    @property
    def min_interval(self) -> dt.timedelta:
        minutes = {self.Frequency.HOURLY.value: 60, self.Frequency.DAILY.value: 24 * 60}
        return dt.timedelta(minutes=minutes.get(self.frequency, 10))


class FollowerQuerySet(RecipientQuerySet["Follower"]):
    def with_unsent(self) -> Self:
        if not CommentSettings.current().follow_by_mail:
            return self.none()
        unsent = Notification.objects.filter(follower=OuterRef("pk"), sent_at=None)
        return self.filter(Q(confirmed_at=None, invited_at=None) | Q(Exists(unsent), confirmed_at__isnull=False))

    def confirmed(self) -> Self:
        return self.filter(confirmed_at__isnull=False)


class Follower(Recipient):
    """An e-mail address that is notified of new comments on an entry, once its owner has confirmed it."""

    is_deleted_when_refused = True

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="followers")
    # In lower case.
    email = models.EmailField(max_length=254)
    requested_at = models.DateTimeField(default=timezone.now)
    # When the e-mail that asks for confirmation was sent.
    invited_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)

    objects = FollowerQuerySet.as_manager()

    class Meta:
        verbose_name = _("follower")
        verbose_name_plural = _("followers")
        constraints = [models.UniqueConstraint(fields=["email", "entry"], name="follower_of_entry")]

    @property
    def language(self) -> str:
        return self.entry.language

    @property
    def min_interval(self) -> dt.timedelta:
        return dt.timedelta(hours=1 if self.confirmed_at else 0)


class Notification(models.Model):
    """An event that a recipient has been or will be notified of. The links in a moderator's e-mail refer to it."""

    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, related_name="notifications")
    event = models.CharField(max_length=8, choices=Event)
    moderator = models.ForeignKey(
        NotificationPreference, null=True, on_delete=models.CASCADE, related_name="notifications"
    )
    follower = models.ForeignKey(Follower, null=True, on_delete=models.CASCADE, related_name="notifications")
    sent_at = models.DateTimeField(null=True, db_index=True)
    # The comment's mark when it was sent (comments.notifications.decision_links).
    mark = models.CharField(max_length=64, blank=True)
    # When one of its links was used for a decision. They work only once.
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["moderator", "comment", "event"], condition=Q(follower=None), name="notification_once"
            ),
            models.UniqueConstraint(
                fields=["follower", "comment"], condition=Q(moderator=None), name="notification_of_follower_once"
            ),
            models.CheckConstraint(
                condition=Q(moderator__isnull=False, follower__isnull=True)
                | Q(moderator__isnull=True, follower__isnull=False),
                name="notification_for_one",
            ),
        ]
        indexes = [
            models.Index(fields=["moderator"], condition=Q(sent_at=None), name="notification_unsent"),
            models.Index(fields=["follower"], condition=Q(sent_at=None), name="notification_follower_unsent"),
        ]

    def __str__(self) -> str:
        return f"{self.comment_id}: {self.event}"

    @classmethod
    def unsent(cls, event: Event, **recipient: Any) -> "models.QuerySet[Notification]":
        """Return the notifications that have not been sent yet, oldest first."""
        return cls.objects.filter(event=event, sent_at=None, **recipient).order_by("pk")
