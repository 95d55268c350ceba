"""E-mails about comments: to moderators, to the authors of posts, and to followers.

Until a follower's address is confirmed, nothing that a stranger wrote is sent to it: only the title and the link.
"""

from collections.abc import Iterator
from contextlib import nullcontext
from itertools import accumulate, batched
from typing import Any

from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from blog.models import Entry
from comments.models import Comment, CommentStatus, Event, Follower, Notification, NotificationPreference
from comments.notifications import decision_links, subscriptions
from core.database import update_without_sync
from core.site import absolute_url
from mail import messages

LIST_NAME = "comments"
# The most comments that one e-mail quotes, and the most characters of their texts. The first is always quoted in full,
# and the e-mail says how many others there are.
MAX_COMMENTS = 20
MAX_QUOTED_LENGTH = 60_000
# How many notifications are marked as sent at once.
_BATCH = 2_000


def for_staff(preference: NotificationPreference) -> Iterator[EmailMessage]:
    """Yield the e-mails due to a staff member. Notifications that are no longer relevant are deleted."""
    for event in Event:
        unsent = Notification.unsent(event, moderator=preference)
        unsent.exclude(pk__in=_relevant(preference, event)).delete()
        pks = list(unsent.values_list("pk", flat=True))
        if pks:
            yield _staff_email(preference, event, pks)
            _mark_sent(pks)


def _relevant(preference: NotificationPreference, event: Event) -> QuerySet[Notification]:
    """Return the notifications to send; none if the user should no longer get any."""
    user = preference.user
    notifications = Notification.objects.filter(moderator=preference, event=event)
    if event == Event.PENDING:
        is_subscribed = preference.may_moderate and preference.frequency != NotificationPreference.Frequency.NEVER
        notifications = notifications.filter(comment__status=CommentStatus.PENDING)
    else:
        is_subscribed = user.is_active and user.is_staff and preference.own_posts
        notifications = notifications.filter(comment__in=Comment.objects.for_authors())
    return notifications if is_subscribed and user.email else notifications.none()


def _staff_email(preference: NotificationPreference, event: Event, pks: list[int]) -> EmailMessage:
    user, count, quoted = preference.user, len(pks), _quotable(pks)
    shown = [_comment_context(notification.comment) for notification in quoted]
    entries = {notification.comment.entry for notification in quoted}
    entry = entries.pop() if len(entries) == 1 else None
    preferences_url = absolute_url(reverse("admin:comments_notificationpreference_changelist"))
    context = {"shown": shown, "count": count, "preferences_url": preferences_url}
    if event == Event.APPROVED:
        template = "comments/mail/own_posts.txt"
        subject = ngettext("%(n)d comment on your post", "%(n)d comments on your posts", count) % {"n": count}
    else:
        template = "comments/mail/pending.txt"
        queue_url = absolute_url(reverse("admin:comments_queue_changelist"))
        context |= {"queue_url": queue_url, "days": decision_links.VALID_DAYS}
        for notification, comment in zip(quoted, shown, strict=True):
            notification.mark = notification.comment.mark
            comment["decision_urls"] = decision_links.decision_urls(notification, user)
        # Before it is sent, because the recipient may follow a link at once.
        Notification.objects.bulk_update(quoted, ["mark"])
        subject = ngettext("%(n)s pending comment", "%(n)s pending comments", count) % {"n": count}
        total = Comment.objects.filter(status=CommentStatus.PENDING).count()
        if total > count:
            # Comments in earlier e-mails are still in the queue.
            context["total"] = total
            subject = gettext("%(comments)s (%(total)d in total)") % {"comments": subject, "total": total}
        if entry is not None and len(quoted) == count:
            title = messages.isolated(entry)
            subject = gettext("%(comments)s on “%(title)s”") % {"comments": subject, "title": title}
        else:
            entry = None
    return _notification_email(
        template,
        user.email,
        subject,
        context,
        pks,
        series=f"notification-{preference.pk}",
        thread_id=_thread_id(entry) if entry is not None else event.value,
    )


def for_follower(follower: Follower) -> Iterator[EmailMessage]:
    """Yield the e-mail due to a follower, if any: the request to confirm, or the new comments."""
    if follower.confirmed_at is not None:
        unsent = Notification.unsent(Event.APPROVED, follower=follower)
        unsent.exclude(comment__in=Comment.objects.public().on(follower.entry)).delete()
        pks = list(unsent.values_list("pk", flat=True))
        if pks:
            yield _new_comments_email(follower, pks)
            _mark_sent(pks)
    elif follower.entry.is_public:
        yield _confirmation_email(follower)
        update_without_sync(Follower.objects.filter(pk=follower.pk), invited_at=timezone.now())
    else:
        follower.delete()


def _confirmation_email(follower: Follower) -> EmailMessage:
    entry, title = follower.entry, messages.isolated(follower.entry)
    context = {
        "title": title,
        "url": absolute_url(entry.get_absolute_url()),
        "confirm_url": absolute_url(subscriptions.confirm_url(follower)),
        "days": subscriptions.CONFIRM_WITHIN.days,
    }
    return messages.write(
        "comments/mail/confirm.txt",
        follower.email,
        gettext("Please confirm that you want to follow “%(title)s”") % {"title": title},
        context,
        list_name=LIST_NAME,
        message_id=f"confirm-{follower.pk}-{follower.requested_at:%Y%m%d%H%M}",
        thread_id=f"follow-{_thread_id(entry)}",
    )


def _new_comments_email(follower: Follower, pks: list[int]) -> EmailMessage:
    entry, title = follower.entry, messages.isolated(follower.entry)
    unsubscribe_url = absolute_url(subscriptions.unsubscribe_url(follower))
    context = {
        "shown": [_comment_context(notification.comment) for notification in _quotable(pks)],
        "title": title,
        "url": absolute_url(entry.get_absolute_url()),
        "unsubscribe_url": unsubscribe_url,
    }
    subject = ngettext("%(n)d new comment on “%(title)s”", "%(n)d new comments on “%(title)s”", len(pks))
    return _notification_email(
        "comments/mail/followed.txt",
        follower.email,
        subject % {"n": len(pks), "title": title},
        context,
        pks,
        series=f"follow-{follower.pk}",
        thread_id=f"follow-{_thread_id(entry)}",
        unsubscribe_url=unsubscribe_url,
    )


def _quotable(pks: list[int]) -> list[Notification]:
    """Return the first of these notifications, as many as one e-mail has room for."""
    first = Notification.objects.filter(pk__in=pks[:MAX_COMMENTS]).order_by("pk")
    notifications = list(first.select_related("comment__user", "comment__entry"))
    lengths = accumulate(len(notification.comment.text) for notification in notifications)
    return notifications[: max(1, sum(length <= MAX_QUOTED_LENGTH for length in lengths))]


def _comment_context(comment: Comment) -> dict[str, Any]:
    return {
        "name": messages.isolated(comment.author_name),
        "email": messages.line(comment.email),
        "website": messages.line(comment.website),
        "title": messages.isolated(comment.entry),
        "url": absolute_url(comment.get_absolute_url()),
        "entry_url": absolute_url(comment.entry.get_absolute_url()),
        "text": messages.quoted(comment.text),
        "reasons": [messages.line(reason["message"]) for reason in comment.reasons],
    }


def _thread_id(entry: Entry) -> str:
    """Return the ID that groups the e-mails about `entry` in mail programs."""
    return f"{entry._meta.model_name}-{entry.pk}"


def _notification_email(
    template: str, to: str, subject: str, context: dict[str, Any], pks: list[int], *, series: str, **options: Any
) -> EmailMessage:
    """Write an e-mail about the notifications with these IDs.

    `series` is the start of the message ID, and `options` are those of `mail.messages.write`.
    """
    context["more"] = len(pks) - len(context["shown"])
    message_id = f"{series}-{pks[0]}-{pks[-1]}-{len(pks)}"
    return messages.write(template, to, subject, context, list_name=LIST_NAME, message_id=message_id, **options)


def _mark_sent(pks: list[int]) -> None:
    # All or none, so that an e-mail that is sent again after a crash is the same. Only a single statement can be
    # committed without waiting for the disk.
    with transaction.atomic() if len(pks) > _BATCH else nullcontext():
        for batch in batched(pks, _BATCH):
            update_without_sync(Notification.objects.filter(pk__in=batch), sent_at=timezone.now())
