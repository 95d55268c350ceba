"""Links that are authorized by their secret alone. Only hashes of the secrets are stored."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from core.internal_rows import InternalRow


class PasswordLink(InternalRow):
    """A link with which a person chooses a password. It is deleted when it is used."""

    class Kind(models.TextChoices):
        """Who requested the link. People have at most one of each, so strangers' requests can't end an invitation."""

        # An owner gives it to the person: an invitation, or a new password.
        GIVEN = "given"
        # With “Forgot your password?”, or with a command on the server.
        REQUESTED = "requested"

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=9, choices=Kind)
    # SHA-256, in hexadecimal, of the random part of the link.
    token_hash = models.CharField(max_length=64, unique=True)
    # A keyed hash of the account's state, in hexadecimal (accounts.password_links).
    fingerprint = models.CharField(max_length=64)
    expires_at = models.DateTimeField()

    class Meta(InternalRow.Meta):
        constraints = [models.UniqueConstraint(fields=["person", "kind"], name="accounts_one_link_of_each_kind")]


class EmergencyLink(InternalRow):
    """The link with which a person locks their own account, from any browser. Only a hash of its secret is stored."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    # SHA-256, in hexadecimal. The secret is random and long, so it needs no salt.
    secret_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    # When the account was locked with it.
    used_at = models.DateTimeField(null=True)
