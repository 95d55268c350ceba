"""Who is told of comments by e-mail, and of which: moderators, authors, and readers who follow a discussion."""

import datetime as dt
from typing import Any, Self, cast

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog.models import Page, Post
from blog.site import SiteSettings


class About(models.TextChoices):
    """What there is to tell of a comment."""

    WAITING = "waiting", _("It waits for a moderator")
    APPROVED = "approved", _("Readers see it")


class News(models.Model):
    """A comment of which nobody has been told yet. Stored with the comment or the decision, in one transaction."""

    comment = models.ForeignKey("comments.Comment", on_delete=models.CASCADE, related_name="+")
    about = models.CharField(max_length=8, choices=About)
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["comment", "about"], name="news_once")]

    def __str__(self) -> str:
        return f"{self.comment_id}: {self.about}"


class RecipientQuerySet[Model: "Recipient"](models.QuerySet[Model]):
    def with_unsent(self) -> Self:
        """Those for whom something waits."""
        raise NotImplementedError

    def due(self) -> Self:
        return self.with_unsent().filter(not_before__lte=timezone.now()).order_by("not_before", "pk")

    def claim(self, recipient: "Recipient", until: dt.datetime) -> bool:
        """Whether the mail of `recipient` is ours to send: of several workers one gets it, and has it `until` then."""
        return bool(self.filter(pk=recipient.pk, not_before__lte=timezone.now()).update(not_before=until))


class Recipient(models.Model):
    """Somebody who gets mail, at most one in a while."""

    # The next mail: later while a worker is at it, when the last one failed, and so that mails do not come too often.
    not_before = models.DateTimeField(default=timezone.now, editable=False, db_index=True)
    # How often in a row the mail server has refused the address.
    failures = models.PositiveSmallIntegerField(default=0, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def gap(self) -> dt.timedelta:
        """How long the next mail waits after one."""
        raise NotImplementedError


class PreferenceQuerySet(RecipientQuerySet["NoticePreference"]):
    def with_unsent(self) -> Self:
        return self.filter(Exists(Notice.objects.filter(moderator=OuterRef("pk"), sent_at=None)))


class NoticePreference(Recipient):
    """How often somebody of the staff wants notices. Made when it is first needed."""

    class Pace(models.TextChoices):
        AT_ONCE = "at_once", _("At once (what comes within ten minutes in one mail)")
        HOURLY = "hourly", _("At most one mail an hour")
        DAILY = "daily", _("At most one mail a day")
        NEVER = "never", _("No mail")

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="notice_preference", editable=False)
    pace = models.CharField(_("comments that wait for a moderator"), max_length=7, choices=Pace, default=Pace.DAILY)
    own_posts = models.BooleanField(
        _("tell me of comments on my own posts"), default=False, help_text=_("Once readers can see them.")
    )

    objects = PreferenceQuerySet.as_manager()

    class Meta:
        verbose_name = _("notices by e-mail")
        verbose_name_plural = _("notices by e-mail")
        constraints = [
            models.CheckConstraint(
                condition=Q(pace__in=["at_once", "hourly", "daily", "never"]), name="notice_pace_known"
            )
        ]

    def __str__(self) -> str:
        return gettext("Notices for %(name)s") % {"name": self.user}

    @property
    def may_moderate(self) -> bool:
        user = self.user
        return user.is_active and user.is_staff and user.has_perm("comments.moderate_comment")

    @property
    def gap(self) -> dt.timedelta:
        """How long the next mail waits after one."""
        return {
            self.Pace.HOURLY.value: dt.timedelta(hours=1),
            self.Pace.DAILY.value: dt.timedelta(days=1),
        }.get(self.pace, dt.timedelta(minutes=10))


class FollowerQuerySet(RecipientQuerySet["Follower"]):
    def with_unsent(self) -> Self:
        if not SiteSettings.current().follow_by_mail:
            return self.none()
        unsent = Notice.objects.filter(follower=OuterRef("pk"), sent_at=None)
        return self.filter(Q(confirmed_at=None, invited_at=None) | Q(Exists(unsent), confirmed_at__isnull=False))

    def confirmed(self) -> Self:
        return self.filter(confirmed_at__isnull=False)


class Follower(Recipient):
    """An address that is told of further comments on a post or page, once its owner has confirmed that."""

    post = models.ForeignKey(Post, null=True, on_delete=models.CASCADE, related_name="followers")
    page = models.ForeignKey(Page, null=True, on_delete=models.CASCADE, related_name="followers")
    # In small letters.
    email = models.EmailField(max_length=254)
    asked_at = models.DateTimeField(default=timezone.now)
    # When the mail went that asks to confirm.
    invited_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)

    objects = FollowerQuerySet.as_manager()

    class Meta:
        verbose_name = _("follower")
        verbose_name_plural = _("followers")
        constraints = [
            models.UniqueConstraint(fields=["email", "post"], condition=Q(page=None), name="follower_of_post"),
            models.UniqueConstraint(fields=["email", "page"], condition=Q(post=None), name="follower_of_page"),
            models.CheckConstraint(
                condition=Q(post__isnull=False, page__isnull=True) | Q(post__isnull=True, page__isnull=False),
                name="follower_of_one_entry",
            ),
        ]

    @property
    def gap(self) -> dt.timedelta:
        """How long the next mail waits after one."""
        return dt.timedelta(hours=1 if self.confirmed_at else 0)

    @property
    def entry(self) -> Post | Page:
        # The database holds that there is exactly one.
        return cast("Post | Page", self.post or self.page)


class Notice(models.Model):
    """That somebody is to be told of a comment, or was. For moderators it is what the links in the mail lead to."""

    comment = models.ForeignKey("comments.Comment", on_delete=models.CASCADE, related_name="notices")
    about = models.CharField(max_length=8, choices=About)
    moderator = models.ForeignKey(NoticePreference, null=True, on_delete=models.CASCADE, related_name="notices")
    follower = models.ForeignKey(Follower, null=True, on_delete=models.CASCADE, related_name="notices")
    sent_at = models.DateTimeField(null=True, db_index=True)
    # The comment's mark when it was sent (comments.links).
    mark = models.CharField(max_length=64, blank=True)
    # When somebody decided by it: once.
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["moderator", "comment", "about"], condition=Q(follower=None), name="notice_once"
            ),
            models.UniqueConstraint(
                fields=["follower", "comment"], condition=Q(moderator=None), name="notice_of_follower_once"
            ),
            models.CheckConstraint(
                condition=Q(moderator__isnull=False, follower__isnull=True)
                | Q(moderator__isnull=True, follower__isnull=False),
                name="notice_for_one",
            ),
        ]
        indexes = [
            models.Index(fields=["moderator"], condition=Q(sent_at=None), name="notice_unsent"),
            models.Index(fields=["follower"], condition=Q(sent_at=None), name="notice_of_follower_unsent"),
        ]

    def __str__(self) -> str:
        return f"{self.comment_id}: {self.about}"

    @classmethod
    def unsent(cls, about: About, **recipient: Any) -> "models.QuerySet[Notice]":
        """What is not sent yet, the oldest first."""
        return cls.objects.filter(about=about, sent_at=None, **recipient).order_by("pk")
