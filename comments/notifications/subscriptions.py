"""Following a discussion by e-mail: requested, confirmed by the owner of the address, ended with one click.

The response on the site is the same whether or not an address already follows. The link to confirm works for a week,
the link to unsubscribe for as long as the subscription exists.
"""

import datetime as dt

from django.core.signing import TimestampSigner
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from blog.models import Entry
from comments.models import CommentSettings, Follower
from comments.rules import rate_limit
from core.clock import correct_future_times
from core.database import retry_on_conflict
from mail import messages
from mail.tasks import wake_worker

# How long people have to confirm. After that the address is deleted.
CONFIRM_WITHIN = dt.timedelta(days=7)
# No address gets two confirmation e-mails for the same entry within this time.
REPEAT_AFTER = dt.timedelta(days=1)
# No address gets confirmation e-mails for more entries than this.
MAX_UNCONFIRMED = 3
_CONFIRM_SIGNER = TimestampSigner(salt="comments.notifications.follow_links.confirm")


def is_on(settings: CommentSettings) -> bool:
    """Whether readers can follow: there is a mail server, and the site allows it."""
    return messages.is_on() and settings.follow_by_mail


def request(entry: Entry, email: str, *, sender: str) -> None:
    """Ask the owner of `email` to confirm that they want to follow `entry`, unless they do or were recently asked.

    `sender` comes from core.sender. Too many requests from one sender, for one address or on the whole site are
    ignored.
    """
    email = email.strip().lower()
    if not email or not messages.is_on() or rate_limit.requests_too_often(sender, email):
        return
    now = timezone.now()
    with transaction.atomic():
        follower, is_new = Follower.objects.get_or_create(email=email, entry=entry)
        if is_new and Follower.objects.filter(email=email, confirmed_at=None).count() > MAX_UNCONFIRMED:
            follower.delete()
            return
        unconfirmed = Follower.objects.filter(pk=follower.pk, confirmed_at=None)
        is_due = is_new or unconfirmed.filter(requested_at__lt=now - REPEAT_AFTER).update(
            requested_at=now, invited_at=None, not_before=now
        )
        if is_due:
            wake_worker(now)


def confirm(follower: Follower) -> None:
    now = timezone.now()
    Follower.objects.filter(pk=follower.pk, confirmed_at=None).update(confirmed_at=now, not_before=now)


def end(follower: Follower, *, everything: bool = False) -> None:
    """Delete this subscription, or with `everything` all subscriptions of the same address."""
    followers = Follower.objects.filter(**({"email": follower.email} if everything else {"pk": follower.pk}))
    # They may be notified of something at the same time.
    retry_on_conflict(followers.delete)


def delete_unconfirmed() -> int:
    """Delete addresses whose owners did not confirm in time, and return how many."""
    correct_future_times(Follower.objects.filter(confirmed_at=None), "requested_at")
    late = Follower.objects.filter(confirmed_at=None, requested_at__lt=timezone.now() - CONFIRM_WITHIN)
    return late.delete()[1].get("comments.Follower", 0)


def confirm_url(follower: Follower) -> str:
    return reverse("comments:confirm", args=[_CONFIRM_SIGNER.sign(str(follower.pk))])


def unsubscribe_url(follower: Follower) -> str:
    return reverse("comments:unsubscribe", args=[follower.unsubscribe_token])


def find_to_confirm(signed: str) -> Follower | None:
    """Return the follower that a URL is to confirm; None if expired or unsubscribed. Raises BadSignature if forged."""
    # By the age of the request rather than of the signature, as `delete_unconfirmed` does.
    in_time = Q(confirmed_at__isnull=False) | Q(requested_at__gte=timezone.now() - CONFIRM_WITHIN)
    followers = Follower.objects.select_related("entry").filter(in_time)
    return followers.filter(pk=int(_CONFIRM_SIGNER.unsign(signed))).first()
