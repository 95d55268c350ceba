"""Subscribers, what each of them follows, and requests that await confirmation."""

import datetime as dt
from typing import Any, Self

from django.core.signing import Signer
from django.db import models, transaction
from django.db.models import Q
from django.forms import model_to_dict
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog.models import Category
from core.languages import language_name
from mail.messages import isolated
from mail.models import Recipient, RecipientQuerySet
from tags.models import Tag

# The time to confirm a request, for people who made it themselves and for imported addresses.
CONFIRM_WITHIN = dt.timedelta(days=7)
CONFIRM_IMPORTED_WITHIN = dt.timedelta(days=30)
# The columns of a topic. At most one of them has a value.
TOPIC_FIELDS = ("category", "tag", "author", "language")


class Frequency(models.TextChoices):
    IMMEDIATELY = "immediately", _("Immediately")
    DAILY = "daily", _("Once a day")
    WEEKLY = "weekly", _("Once a week")


def _without(*names: str) -> Q:
    return Q(**{name: "" if name == "language" else None for name in names})


ALL_POSTS = _without(*TOPIC_FIELDS)


class Topic(models.Model):
    """Which posts someone follows: those of a category, of a tag, by an author or in a language, or else all posts."""

    category = models.ForeignKey(Category, null=True, on_delete=models.CASCADE, related_name="+")
    tag = models.ForeignKey(Tag, null=True, on_delete=models.CASCADE, related_name="+")
    author = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    language = models.CharField(max_length=12, blank=True)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=_without("tag", "author", "language")
                | _without("category", "author", "language")
                | _without("category", "tag", "language")
                | _without("category", "tag", "author"),
                name="%(class)s_of_one_topic",
            )
        ]

    def __str__(self) -> str:
        """Return which posts these are, on one line."""
        if self.category:
            return gettext("Posts in the category “%(name)s”") % {"name": isolated(self.category.name)}
        if self.tag:
            return gettext("Posts tagged “%(name)s”") % {"name": isolated(self.tag.name)}
        if self.author:
            return gettext("Posts by %(name)s") % {"name": isolated(self.author)}
        if self.language:
            return gettext("Posts in %(language)s") % {"language": isolated(language_name(self.language))}
        return gettext("All posts")

    @property
    def topic(self) -> dict[str, Any]:
        """The values of the topic's columns."""
        return model_to_dict(self, TOPIC_FIELDS)


class RequestQuerySet(RecipientQuerySet["SubscriptionRequest"]):
    def with_unsent(self) -> Self:
        return self.filter(invited_at=None)


class SubscriptionRequest(Topic, Recipient):
    """A request for posts by e-mail, which the owner of the address has to confirm. It is deleted after some time.

    Storing one takes the same time for every address. What to do with it is decided later, unobservably, by the worker.
    """

    is_deleted_when_refused = True

    # In lower case.
    email = models.EmailField(max_length=254, db_index=True)
    frequency = models.CharField(max_length=11, choices=Frequency)
    requested_at = models.DateTimeField(default=timezone.now, db_index=True)
    # When the e-mail that asks for confirmation was sent.
    invited_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    # When the owner of the address agreed to e-mails, according to the owner of the site who imported it.
    consent_stated_on = models.DateField(null=True)

    objects = RequestQuerySet.as_manager()

    class Meta(Topic.Meta):
        verbose_name = _("subscription request")
        verbose_name_plural = _("subscription requests")
        default_permissions = ()
        constraints = [
            *Topic.Meta.constraints,
            models.CheckConstraint(condition=Q(frequency__in=Frequency.values), name="request_frequency_known"),
        ]
        indexes = [models.Index(fields=["not_before"], condition=Q(invited_at=None), name="request_uninvited")]

    @property
    def paced_domain(self) -> str:
        # Someone who has just asked waits for this e-mail. Imported addresses come by the thousand.
        return self.email.rpartition("@")[2] if self.consent_stated_on else ""

    def refused_for_good(self) -> None:
        SubscriptionRequest.objects.filter(pk=self.pk).delete()

    @property
    def confirm_within(self) -> dt.timedelta:
        """The time to confirm. After that the address is deleted."""
        return CONFIRM_IMPORTED_WITHIN if self.consent_stated_on else CONFIRM_WITHIN

    @classmethod
    def in_time(cls) -> Q:
        """Return the query condition for requests that can still be confirmed."""
        now = timezone.now()
        own = Q(consent_stated_on=None, requested_at__gte=now - CONFIRM_WITHIN)
        return own | Q(consent_stated_on__isnull=False, requested_at__gte=now - CONFIRM_IMPORTED_WITHIN)


class Suppression(models.TextChoices):
    """Why someone gets no e-mails."""

    REFUSED = "refused", _("The address does not exist, or no longer does")
    COMPLAINED = "complained", _("They reported an e-mail as spam")


class Subscriber(models.Model):
    """Someone who has confirmed an e-mail address. With a `suppression`, no more e-mails are sent to it."""

    # Reverse relations. The model of the first one is in newsletter.models.issues, which is above this module.
    deliveries: Any
    subscriptions: Any

    # In lower case.
    email = models.EmailField(max_length=254, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    suppression = models.CharField(max_length=10, blank=True, choices=Suppression)
    suppressed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("subscriber")
        verbose_name_plural = _("subscribers")
        default_permissions = ()
        permissions = [("transfer_subscribers", _("Can import and export subscribers"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(suppression="", suppressed_at=None)
                | Q(suppression__in=Suppression.values, suppressed_at__isnull=False),
                name="subscriber_suppression_known",
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def suppress(self, reason: Suppression) -> None:
        """Send nothing more to this address. The first reason is kept, unless a complaint follows."""
        rows = Subscriber.objects.filter(pk=self.pk).exclude(suppression=Suppression.COMPLAINED)
        rows = rows if reason == Suppression.COMPLAINED else rows.filter(suppression="")
        with transaction.atomic():
            rows.update(suppression=reason, suppressed_at=timezone.now())
            self.deliveries.filter(sent_at=None).delete()

    @property
    def language(self) -> str:
        """The language to write in: that of the posts they follow, if it is a single one; else empty."""
        languages = set(self.subscriptions.values_list("language", flat=True))
        return languages.pop() if len(languages) == 1 else ""

    @property
    def token(self) -> str:
        """The part of URLs that identifies the subscriber. Valid for as long as the subscriber exists."""
        return _SIGNER.sign(str(self.pk))

    @classmethod
    def with_token(cls, token: str) -> "Subscriber | None":
        """Return the subscriber with this token; None if it was deleted. Raises BadSignature if it is forged."""
        return cls.objects.filter(pk=int(_SIGNER.unsign(token))).first()


_SIGNER = Signer(salt="newsletter.subscriber")


class Subscription(Topic):
    """A topic that a subscriber follows, and how often. The owner of the address has confirmed it."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="subscriptions")
    frequency = models.CharField(max_length=11, choices=Frequency)
    confirmed_at = models.DateTimeField(default=timezone.now)

    class Meta(Topic.Meta):
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        default_permissions = ()
        constraints = [
            *Topic.Meta.constraints,
            models.CheckConstraint(condition=Q(frequency__in=Frequency.values), name="subscription_frequency_known"),
            # NULLs differ from each other, so each of these applies only to rows with its own kind of topic.
            models.UniqueConstraint(fields=["subscriber", "category"], name="subscription_to_category_once"),
            models.UniqueConstraint(fields=["subscriber", "tag"], name="subscription_to_tag_once"),
            models.UniqueConstraint(fields=["subscriber", "author"], name="subscription_to_author_once"),
            models.UniqueConstraint(
                fields=["subscriber", "language"], condition=~Q(language=""), name="subscription_to_language_once"
            ),
            models.UniqueConstraint(fields=["subscriber"], condition=ALL_POSTS, name="subscription_to_all_once"),
        ]
        indexes = [models.Index(fields=["frequency", "subscriber"], name="subscription_by_frequency")]
