"""Recipients: who gets mail, and when the next one may be sent."""

import datetime as dt
from collections.abc import Iterable
from typing import Any, ClassVar, Self

from django.core.signing import Signer
from django.db import models
from django.utils import timezone

from accounts.models import User


class RecipientQuerySet[Model: "Recipient"](models.QuerySet[Model]):
    def with_unsent(self) -> Self:
        """Return those who have unsent mail, whether or not it is due."""
        raise NotImplementedError

    def due(self) -> Self:
        """Return those whose mail can be sent now, longest overdue first."""
        return self.with_unsent().filter(not_before__lte=timezone.now()).order_by("not_before", "pk")

    def claim(self, recipient: "Recipient", until: dt.datetime) -> bool:
        """Reserve the mail of `recipient` for this worker `until` then. Only one of several workers succeeds.

        None of them does if another worker has sent it since `recipient` was read, because that moves `not_before`.
        """
        return bool(self.filter(pk=recipient.pk, not_before=recipient.not_before).update(not_before=until))

    def with_unsubscribe_token(self, token: str) -> Model | None:
        """Return who this token belongs to; None if they are gone. Raises BadSignature if it is forged."""
        return self.filter(pk=int(self.model.unsubscribe_signer().unsign(token))).first()


class UserRecipientQuerySet[Model: "Recipient"](RecipientQuerySet[Model]):
    """The recipients of a model with one row for each `user`."""

    def of_users(self, users: Iterable[User | int]) -> Self:
        """Return the rows of `users` or their IDs, created with the defaults where there are none yet."""
        pks = {user.pk if isinstance(user, User) else user for user in users}
        existing = set(self.filter(user__in=pks).values_list("user", flat=True))
        missing: list[Any] = [self.model(user_id=pk) for pk in pks - existing]
        self.bulk_create(missing, ignore_conflicts=True)
        return self.filter(user__in=pks).order_by("pk")


class Recipient(models.Model):
    """Someone who gets mail, with a minimum interval between two e-mails."""

    # Whether the recipient is deleted once the mail server has refused the address too often (mail.delivery).
    is_deleted_when_refused: ClassVar[bool] = False

    # When the next e-mail may be sent. It lies in the future while a worker holds the recipient, after a failure, and
    # for as long as e-mails would otherwise come too often.
    not_before = models.DateTimeField(default=timezone.now, editable=False, db_index=True)
    # How many times in a row the mail server has refused the address.
    failures = models.PositiveSmallIntegerField(default=0, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def language(self) -> str:
        """The language to write in, if it ships (core.languages); empty for that of the site."""
        return ""

    @property
    def min_interval(self) -> dt.timedelta:
        """The time that has to pass between two e-mails."""
        raise NotImplementedError

    @property
    def paced_domain(self) -> str:
        """The domain to which mail goes no faster than its servers want (mail.pacing); empty if it goes at once."""
        return ""

    def refused_for_good(self) -> None:
        """The mail server says that there is no such address (RFC 3463). By default, that is tried again as well."""

    @property
    def unsubscribe_token(self) -> str:
        """The part of an unsubscribe URL that identifies the recipient. Valid for as long as the recipient exists."""
        return self.unsubscribe_signer().sign(str(self.pk))

    @classmethod
    def unsubscribe_signer(cls) -> Signer:
        return Signer(salt=f"mail.unsubscribe.{cls._meta.label_lower}")


class RecipientDomain(models.Model):
    """How much was just sent to a domain, and when it gets more (mail.pacing)."""

    name = models.CharField(max_length=255, primary_key=True)
    # When nothing that was sent counts any more, and how much does until then.
    window_ends_at = models.DateTimeField(default=timezone.now)
    sent_count = models.PositiveIntegerField(default=0)
    # Nothing is sent before this time.
    ready_at = models.DateTimeField(default=timezone.now, db_index=True)
    # What has to wait is sent in batches. That of the last one that waits, and how many are in it.
    batch_at = models.DateTimeField(default=timezone.now)
    batch_count = models.PositiveIntegerField(default=0)
    # How many times in a row its servers have said that it is not possible now.
    failures = models.PositiveSmallIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name
