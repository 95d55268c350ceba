"""Recipients: who gets mail, and when they may get the next e-mail."""

import datetime as dt
from collections.abc import Iterable
from typing import Any, ClassVar, Self

from django.core.signing import Signer
from django.db import models
from django.utils import timezone

from accounts.models import User
from core.internal_rows import InternalRow


class RecipientQuerySet[Model: "Recipient"](models.QuerySet[Model]):
    def with_unsent(self) -> Self:
        """Return the recipients with unsent mail, whether or not it is due."""
        raise NotImplementedError

    def due(self) -> Self:
        """Return the recipients whose mail can be sent now, longest overdue first."""
        return self.with_unsent().filter(not_before__lte=timezone.now()).order_by("not_before", "pk")

    def claim(self, recipient: "Recipient", until: dt.datetime) -> bool:
        """Reserve the mail of `recipient` for this worker `until` this time. Only one of several workers succeeds.

        All fail if another worker has sent the mail since `recipient` was read, because that changes `not_before`.
        """
        is_claimed = bool(self.filter(pk=recipient.pk, not_before=recipient.not_before).update(not_before=until))
        recipient.not_before = until
        return is_claimed

    def with_unsubscribe_token(self, token: str) -> Model | None:
        """Return the recipient with this token; None if it was deleted. Raises BadSignature if it is forged."""
        return self.filter(pk=int(self.model.unsubscribe_signer().unsign(token))).first()


class UserRecipientQuerySet[Model: "Recipient"](RecipientQuerySet[Model]):
    """The recipients of a model with one row for each `user`."""

    def of_users(self, users: Iterable[User | int]) -> Self:
        """Return the rows of `users`, which may be IDs, and create missing rows with the defaults."""
        pks = {user.pk if isinstance(user, User) else user for user in users}
        existing = set(self.filter(user__in=pks).values_list("user", flat=True))
        missing: list[Any] = [self.model(user_id=pk) for pk in pks - existing]
        self.bulk_create(missing, ignore_conflicts=True)
        return self.filter(user__in=pks).order_by("pk")


class Recipient(models.Model):
    """Someone who gets mail, with a minimum interval between two e-mails."""

    # Whether the recipient is deleted once the mail server has refused the address too often (mail.delivery).
    is_deleted_when_refused: ClassVar[bool] = False

    # When the next e-mail may be sent. It is in the future while a worker has claimed the recipient, after a failure,
    # and until `min_interval` has passed since the last e-mail.
    not_before = models.DateTimeField(default=timezone.now, editable=False, db_index=True)
    # How many times in a row the mail server has refused the address.
    failures = models.PositiveSmallIntegerField(default=0, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def language(self) -> str:
        """The language to write in, if we ship it (core.languages); empty for the site's language."""
        return ""

    @property
    def min_interval(self) -> dt.timedelta:
        """The time that has to pass between two e-mails. By default, none has to."""
        return dt.timedelta()

    @property
    def paced_domain(self) -> str:
        """The domain whose limits apply (mail.pacing); empty if the mail is sent regardless of them."""
        return ""

    def refused_for_good(self) -> None:
        """Handle a reply that the address does not exist (RFC 3463). By default, it is retried like any other."""

    @property
    def unsubscribe_token(self) -> str:
        """The part of an unsubscribe URL that identifies the recipient. Valid for as long as the recipient exists."""
        return self.unsubscribe_signer().sign(str(self.pk))

    @classmethod
    def unsubscribe_signer(cls) -> Signer:
        return Signer(salt=f"mail.unsubscribe.{cls._meta.label_lower}")


class RecipientDomain(InternalRow):
    """How much mail a domain got recently, and when it gets more (mail.pacing)."""

    name = models.CharField(max_length=255, primary_key=True)
    # When the mail sent so far stops counting, and how much counts until then.
    window_ends_at = models.DateTimeField(default=timezone.now)
    sent_count = models.PositiveIntegerField(default=0)
    # Nothing is sent before this time.
    ready_at = models.DateTimeField(default=timezone.now, db_index=True)
    # Mail that has to wait is sent in batches: the time of the last batch, and the number of e-mails in it.
    batch_at = models.DateTimeField(default=timezone.now)
    batch_count = models.PositiveIntegerField(default=0)
    # How many times in a row its servers have refused mail temporarily.
    failures = models.PositiveSmallIntegerField(default=0)
