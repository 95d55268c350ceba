"""The links in a follower's e-mails: to confirm, for a week, and to unsubscribe, for as long as the e-mail exists."""

import datetime as dt

from django.core.signing import TimestampSigner
from django.urls import reverse
from django.utils import timezone

from comments.models import Follower, FollowerQuerySet
from mail import unsubscribe

# The time there is to confirm. After that the address is deleted.
CONFIRM_WITHIN = dt.timedelta(days=7)


def confirm_url(follower: Follower) -> str:
    return reverse("comments:confirm", args=[_confirm_signer().sign(str(follower.pk))])


def unsubscribe_url(follower: Follower) -> str:
    return reverse("comments:unsubscribe", args=[unsubscribe.token(follower)])


def find_to_confirm(signed: str) -> Follower | None:
    """Return who a URL asks to confirm; None if it is too late or they are gone. Raises BadSignature if forged."""
    follower = _followers().filter(pk=int(_confirm_signer().unsign(signed))).first()
    # By the age of the request rather than of the signature, as the clean-up does (comments.cleanup).
    is_late = (
        follower is not None
        and follower.confirmed_at is None
        and timezone.now() - follower.requested_at > CONFIRM_WITHIN
    )
    return None if is_late else follower


def find_to_unsubscribe(signed: str) -> Follower | None:
    """Return whose e-mails a URL ends; None if they are ended. Raises BadSignature if it is forged."""
    return unsubscribe.find_recipient(_followers(), signed)


def _followers() -> FollowerQuerySet:
    return Follower.objects.select_related("entry")


def _confirm_signer() -> TimestampSigner:
    return TimestampSigner(salt="comments.notifications.follow_links.confirm")
