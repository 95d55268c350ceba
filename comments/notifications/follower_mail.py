"""E-mails to followers: the request to confirm, and what is new.

Until an address is confirmed, nothing that a stranger wrote is sent to it: only the title and the link.
"""

from collections.abc import Iterator

from django.utils import timezone
from django.utils.translation import gettext, ngettext

from comments.models import Comment, Event, Follower, Notification
from comments.notifications.comment_mail import LIST_NAME, comment_context, notification_email, quotable, thread_id
from comments.notifications.subscriptions import CONFIRM_WITHIN, confirm_url, unsubscribe_url
from core.site import absolute_url
from mail import messages


def emails(follower: Follower) -> Iterator[messages.Email]:
    """Yield the e-mail due to a follower, if any: the request to confirm, or the new comments."""
    yield from _confirmation_email(follower) if follower.confirmed_at is None else _new_comments_email(follower)


def _confirmation_email(follower: Follower) -> Iterator[messages.Email]:
    entry = follower.entry
    if not entry.is_public:
        follower.delete()
        return
    title = messages.isolated(entry)
    context = {
        "title": title,
        "url": absolute_url(entry.get_absolute_url()),
        "confirm_url": absolute_url(confirm_url(follower)),
        "days": CONFIRM_WITHIN.days,
    }
    message = messages.write(
        "comments/mail/confirm.txt",
        follower.email,
        gettext("Please confirm that you want to follow %(title)s") % {"title": title},
        context,
        list_name=LIST_NAME,
        message_id=f"confirm-{follower.pk}-{follower.requested_at:%Y%m%d%H%M}",
        thread_id=f"follow-{thread_id(entry)}",
    )
    invited = Follower.objects.filter(pk=follower.pk)
    yield messages.Email(message, lambda: invited.update(invited_at=timezone.now()))


def _new_comments_email(follower: Follower) -> Iterator[messages.Email]:
    entry = follower.entry
    unsent = Notification.unsent(Event.APPROVED, follower=follower)
    unsent.exclude(comment__in=Comment.objects.public().on(entry)).delete()
    pks = list(unsent.values_list("pk", flat=True))
    if not pks:
        return
    quoted = quotable(pks)
    title, stop_url = messages.isolated(entry), absolute_url(unsubscribe_url(follower))
    context = {
        "shown": [comment_context(notification.comment) for notification in quoted],
        "more": len(pks) - len(quoted),
        "title": title,
        "url": absolute_url(entry.get_absolute_url()),
        "unsubscribe_url": stop_url,
    }
    subject = ngettext("%(n)d new comment on %(title)s", "%(n)d new comments on %(title)s", len(pks))
    yield notification_email(
        "comments/mail/followed.txt",
        follower.email,
        subject % {"n": len(pks), "title": title},
        context,
        pks,
        series=f"follow-{follower.pk}",
        thread_id=f"follow-{thread_id(entry)}",
        unsubscribe_url=stop_url,
    )
