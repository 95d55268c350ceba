"""E-mails to moderators, with the full text of pending comments, and to the authors of posts."""

import datetime as dt
from collections.abc import Iterator
from functools import partial
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext

from blog.models import Entry
from comments.models import Comment, CommentStatus, Event, Notification, NotificationPreference
from comments.notifications import decision_links
from comments.notifications.mail_threads import LIST_NAME, thread_id
from core.site import absolute_url
from mail import messages

# The most comments that one e-mail quotes. It says how many others there are.
MAX_COMMENTS = 20
# The most notifications that one e-mail stands for.
MAX_NOTIFICATIONS = 2_000


def letters(preference: NotificationPreference) -> Iterator[messages.Letter]:
    """Yield the e-mails due to a member of the staff. Notifications that are no longer relevant are deleted."""
    for event, letter in ((Event.PENDING, _pending_letter), (Event.APPROVED, _own_posts_letter)):
        unsent = Notification.unsent(event, moderator=preference)
        unsent.exclude(pk__in=_relevant(preference, event)).delete()
        pks = list(unsent.values_list("pk", flat=True)[:MAX_NOTIFICATIONS])
        if pks:
            yield letter(preference, pks)


def _relevant(preference: NotificationPreference, event: Event) -> Any:
    """Return a query of the IDs of the notifications to send; none if the person should get none any more."""
    user = preference.user
    notifications = Notification.objects.filter(moderator=preference, event=event).values("pk")
    if event == Event.PENDING:
        wanted = preference.may_moderate and preference.frequency != NotificationPreference.Frequency.NEVER
        notifications = notifications.filter(comment__status=CommentStatus.PENDING)
    else:
        wanted = user.is_active and user.is_staff and preference.own_posts
        notifications = notifications.filter(comment__in=Comment.objects.public())
    return notifications if wanted and user.email else notifications.none()


def _pending_letter(preference: NotificationPreference, pks: list[int]) -> messages.Letter:
    notifications, quoted = _quoted(pks)
    for notification in quoted:
        notification.mark = notification.comment.mark
    # Before it is sent, because somebody may follow a link at once.
    Notification.objects.bulk_update(quoted, ["mark"])
    entry = _common_entry(quoted) if len(quoted) == len(pks) else None
    if entry is not None:
        subject = ngettext("%(n)d pending comment on %(title)s", "%(n)d pending comments on %(title)s", len(pks))
    else:
        subject = ngettext("%(n)d pending comment", "%(n)d pending comments", len(pks))
    context = {
        "shown": [
            {**_comment_context(one.comment), "decision_urls": decision_links.decision_urls(one)} for one in quoted
        ],
        "count": len(pks),
        "more": len(pks) - len(quoted),
        "queue_url": absolute_url(reverse("admin:comments_queue_changelist")),
        "preferences_url": _preferences_url(),
        "days": decision_links.VALID_DAYS,
    }
    message = messages.write(
        "comments/mail/pending.txt",
        preference.user.email,
        subject % {"n": len(pks), "title": messages.isolated(entry)},
        context,
        list_name=LIST_NAME,
        message_id=_message_id(preference, pks),
        thread_id=thread_id(entry) if entry is not None else "pending",
    )
    return messages.Letter(message, partial(_mark_sent, notifications))


def _own_posts_letter(preference: NotificationPreference, pks: list[int]) -> messages.Letter:
    notifications, quoted = _quoted(pks)
    entry = _common_entry(quoted)
    subject = ngettext("%(n)d comment on your post", "%(n)d comments on your posts", len(pks)) % {"n": len(pks)}
    message = messages.write(
        "comments/mail/own_posts.txt",
        preference.user.email,
        subject,
        {
            "shown": [_comment_context(one.comment) for one in quoted],
            "more": len(pks) - len(quoted),
            "preferences_url": _preferences_url(),
        },
        list_name=LIST_NAME,
        message_id=_message_id(preference, pks),
        thread_id=thread_id(entry) if entry is not None else "approved",
    )
    return messages.Letter(message, partial(_mark_sent, notifications))


def _quoted(pks: list[int]) -> tuple[Any, list[Notification]]:
    """Return a query of all these notifications, and those whose comments fit into the e-mail."""
    notifications = Notification.objects.filter(pk__in=pks)
    related = ("moderator__user", "comment__user", "comment__entry")
    first = list(notifications.order_by("pk").select_related(*related)[:MAX_COMMENTS])
    return notifications, [
        first[index] for index in messages.that_fit([one.comment.text for one in first], MAX_COMMENTS)
    ]


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


def _common_entry(notifications: list[Notification]) -> Entry | None:
    """Return the entry that all of them are about; None if there are several."""
    entries = {notification.comment.entry for notification in notifications}
    return entries.pop() if len(entries) == 1 else None


def _preferences_url() -> str:
    return absolute_url(reverse("admin:comments_notificationpreference_changelist"))


def _message_id(preference: NotificationPreference, pks: list[int]) -> str:
    return f"notification-{preference.pk}-{pks[0]}-{pks[-1]}-{len(pks)}"


def _mark_sent(notifications: Any) -> None:
    notifications.update(sent_at=timezone.now())


def delete_old() -> int:
    """Delete notifications whose links have expired, a batch at a time, and return how many."""
    count = 0
    old = Notification.objects.filter(sent_at__lt=timezone.now() - dt.timedelta(days=decision_links.VALID_DAYS + 1))
    while pks := list(old.order_by("sent_at").values_list("pk", flat=True)[:1_000]):
        count += Notification.objects.filter(pk__in=pks).delete()[0]
    return count
