"""E-mails to followers: the request to confirm, and what is new.

Until an address is confirmed, nothing that a stranger wrote is sent to it: only the title and the link.
"""

from collections.abc import Iterator
from functools import partial

from django.utils import timezone
from django.utils.translation import gettext, ngettext

from comments.models import Comment, Event, Follower, Notification
from comments.notifications.follow_links import CONFIRM_WITHIN, confirm_url, unsubscribe_url
from comments.notifications.mail_threads import LIST_NAME, thread_id
from core.site import absolute_url
from mail import messages, unsubscribe

# The most comments that one e-mail quotes. It says how many others there are.
MAX_COMMENTS = 20


def letters(follower: Follower) -> Iterator[messages.Letter]:
    """Yield the e-mail due to a follower, if any: the request to confirm, or the new comments."""
    yield from _confirmation_letter(follower) if follower.confirmed_at is None else _new_comments_letter(follower)


def _confirmation_letter(follower: Follower) -> Iterator[messages.Letter]:
    entry = follower.entry
    if not entry.is_public:
        follower.delete()
        return
    context = {
        "title": messages.isolated(entry),
        "url": absolute_url(entry.get_absolute_url()),
        "confirm_url": absolute_url(confirm_url(follower)),
        "days": CONFIRM_WITHIN.days,
    }
    message = messages.write(
        "comments/mail/confirm.txt",
        follower.email,
        gettext("Please confirm that you want to follow %(title)s") % {"title": messages.isolated(entry)},
        context,
        list_name=LIST_NAME,
        message_id=f"confirm-{follower.pk}-{follower.requested_at:%Y%m%d%H%M}",
        thread_id=f"follow-{thread_id(entry)}",
    )
    invited = Follower.objects.filter(pk=follower.pk)
    yield messages.Letter(message, lambda: invited.update(invited_at=timezone.now()))


def _new_comments_letter(follower: Follower) -> Iterator[messages.Letter]:
    entry = follower.entry
    unsent = Notification.unsent(Event.APPROVED, follower=follower)
    unsent.exclude(comment__in=Comment.objects.public().on(entry)).delete()
    pks = list(unsent.values_list("pk", flat=True))
    if not pks:
        return
    related = ("comment__user", "comment__entry")
    first = [one.comment for one in unsent.filter(pk__in=pks[:MAX_COMMENTS]).select_related(*related)]
    quoted = [first[index] for index in messages.that_fit([comment.text for comment in first], MAX_COMMENTS)]
    stop_url = absolute_url(unsubscribe_url(follower))
    context = {
        "shown": [
            {
                "name": messages.isolated(comment.author_name),
                "url": absolute_url(comment.get_absolute_url()),
                "text": messages.quoted(comment.text),
            }
            for comment in quoted
        ],
        "more": len(pks) - len(quoted),
        "title": messages.isolated(entry),
        "url": absolute_url(entry.get_absolute_url()),
        "unsubscribe_url": stop_url,
    }
    subject = ngettext("%(n)d new comment on %(title)s", "%(n)d new comments on %(title)s", len(pks))
    message = messages.write(
        "comments/mail/followed.txt",
        follower.email,
        subject % {"n": len(pks), "title": messages.isolated(entry)},
        context,
        list_name=LIST_NAME,
        message_id=f"follow-{follower.pk}-{pks[0]}-{pks[-1]}-{len(pks)}",
        thread_id=f"follow-{thread_id(entry)}",
        headers=unsubscribe.headers(stop_url),
    )
    yield messages.Letter(message, partial(_mark_sent, pks))


def _mark_sent(pks: list[int]) -> None:
    Notification.objects.filter(pk__in=pks).update(sent_at=timezone.now())
