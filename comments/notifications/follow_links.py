"""The links in a follower's e-mails: to confirm, for a week, and to unsubscribe, for as long as the e-mail exists."""

import datetime as dt

from django.core.signing import TimestampSigner
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from comments.models import Follower

# The time to confirm. After that the address is deleted.
CONFIRM_WITHIN = dt.timedelta(days=7)


def confirm_url(follower: Follower) -> str:
    return reverse("comments:confirm", args=[_confirm_signer().sign(str(follower.pk))])


def unsubscribe_url(follower: Follower) -> str:
    return reverse("comments:unsubscribe", args=[follower.unsubscribe_token])


def find_to_confirm(signed: str) -> Follower | None:
    """Return who a URL asks to confirm; None if it is too late or they are gone. Raises BadSignature if forged."""
    # By the age of the request rather than of the signature, as the clean-up does (comments.cleanup).
    in_time = Q(confirmed_at__isnull=False) | Q(requested_at__gte=timezone.now() - CONFIRM_WITHIN)
    followers = Follower.objects.select_related("entry").filter(in_time)
    return followers.filter(pk=int(_confirm_signer().unsign(signed))).first()


def find_to_unsubscribe(signed: str) -> Follower | None:
    """Return whose e-mails a URL ends; None if they have ended. Raises BadSignature if it is forged."""
    return Follower.objects.select_related("entry").with_unsubscribe_token(signed)


def _confirm_signer() -> TimestampSigner:
    return TimestampSigner(salt="comments.notifications.follow_links.confirm")
