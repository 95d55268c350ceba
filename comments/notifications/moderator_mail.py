"""E-mails to moderators, with the full text of pending comments, and to the authors of posts."""

import datetime as dt
from collections.abc import Iterator

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext

from blog.models import Entry
from comments.models import Comment, CommentStatus, Event, Notification, NotificationPreference
from comments.notifications import decision_links
from comments.notifications.comment_mail import comment_context, notification_email, quotable, thread_id
from core.site import absolute_url
from mail import messages

# The most notifications that one e-mail covers.
MAX_NOTIFICATIONS = 2_000


def emails(preference: NotificationPreference) -> Iterator[messages.Email]:
    """Yield the e-mails due to a member of the staff. Notifications that are no longer relevant are deleted."""
    for event, write in ((Event.PENDING, _pending_email), (Event.APPROVED, _own_posts_email)):
        unsent = Notification.unsent(event, moderator=preference)
        unsent.exclude(pk__in=_relevant(preference, event)).delete()
        pks = list(unsent.values_list("pk", flat=True)[:MAX_NOTIFICATIONS])
        if pks:
            yield write(preference, pks)


def _relevant(preference: NotificationPreference, event: Event) -> QuerySet[Notification]:
    """Return the notifications to send; none if the person should not get any more of them."""
    user = preference.user
    notifications = Notification.objects.filter(moderator=preference, event=event)
    if event == Event.PENDING:
        is_subscribed = preference.may_moderate and preference.frequency != NotificationPreference.Frequency.NEVER
        notifications = notifications.filter(comment__status=CommentStatus.PENDING)
    else:
        is_subscribed = user.is_active and user.is_staff and preference.own_posts
        notifications = notifications.filter(comment__in=Comment.objects.public())
    return notifications if is_subscribed and user.email else notifications.none()


def _pending_email(preference: NotificationPreference, pks: list[int]) -> messages.Email:
    quoted = quotable(pks)
    for notification in quoted:
        notification.moderator, notification.mark = preference, notification.comment.mark
    # Before it is sent, because the recipient may follow a link at once.
    Notification.objects.bulk_update(quoted, ["mark"])
    entry = _common_entry(quoted) if len(quoted) == len(pks) else None
    if entry is not None:
        subject = ngettext("%(n)d pending comment on %(title)s", "%(n)d pending comments on %(title)s", len(pks))
    else:
        subject = ngettext("%(n)d pending comment", "%(n)d pending comments", len(pks))
    context = {
        "shown": [
            {**comment_context(one.comment), "decision_urls": decision_links.decision_urls(one)} for one in quoted
        ],
        "count": len(pks),
        "more": len(pks) - len(quoted),
        "queue_url": absolute_url(reverse("admin:comments_queue_changelist")),
        "preferences_url": _preferences_url(),
        "days": decision_links.VALID_DAYS,
    }
    return notification_email(
        "comments/mail/pending.txt",
        preference.user.email,
        subject % {"n": len(pks), "title": messages.isolated(entry)},
        context,
        pks,
        series=f"notification-{preference.pk}",
        thread_id=thread_id(entry) if entry is not None else "pending",
    )


def _own_posts_email(preference: NotificationPreference, pks: list[int]) -> messages.Email:
    quoted = quotable(pks)
    entry = _common_entry(quoted)
    context = {
        "shown": [comment_context(notification.comment) for notification in quoted],
        "more": len(pks) - len(quoted),
        "preferences_url": _preferences_url(),
    }
    return notification_email(
        "comments/mail/own_posts.txt",
        preference.user.email,
        ngettext("%(n)d comment on your post", "%(n)d comments on your posts", len(pks)) % {"n": len(pks)},
        context,
        pks,
        series=f"notification-{preference.pk}",
        thread_id=thread_id(entry) if entry is not None else "approved",
    )


def _common_entry(notifications: list[Notification]) -> Entry | None:
    """Return the entry that all of them are about; None if there are several."""
    entries = {notification.comment.entry for notification in notifications}
    return entries.pop() if len(entries) == 1 else None


def _preferences_url() -> str:
    return absolute_url(reverse("admin:comments_notificationpreference_changelist"))


def delete_old() -> int:
    """Delete notifications whose links have expired, a batch at a time, and return how many."""
    count = 0
    old = Notification.objects.filter(sent_at__lt=timezone.now() - dt.timedelta(days=decision_links.VALID_DAYS + 1))
    while pks := list(old.order_by("sent_at").values_list("pk", flat=True)[:1_000]):
        count += Notification.objects.filter(pk__in=pks).delete()[0]
    return count
