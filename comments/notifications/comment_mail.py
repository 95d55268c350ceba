"""What all e-mails about comments have in common."""

from typing import Any

from django.utils import timezone

from blog.models import Entry
from comments.models import Comment, Notification
from core.site import absolute_url
from mail import messages

LIST_NAME = "comments"
# The most comments that one e-mail quotes. It says how many others there are.
MAX_COMMENTS = 20


def thread_id(entry: Entry) -> str:
    """Return the ID that groups the e-mails about `entry` in mail programs."""
    return f"{entry._meta.model_name}-{entry.pk}"


def quotable(pks: list[int]) -> list[Notification]:
    """Return the first of these notifications, as many as one e-mail has room for."""
    first = Notification.objects.filter(pk__in=pks[:MAX_COMMENTS]).order_by("pk")
    notifications = list(first.select_related("comment__user", "comment__entry"))
    return notifications[: messages.count_that_fit(notification.comment.text for notification in notifications)]


def comment_context(comment: Comment) -> dict[str, Any]:
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


def notification_email(
    template: str, to: str, subject: str, context: dict[str, Any], pks: list[int], *, series: str, **options: str
) -> messages.Email:
    """Write an e-mail about the notifications with these IDs, which are marked as sent once it is accepted.

    `series` is the start of the message ID, and `options` are those of `mail.messages.write`.
    """
    message_id = f"{series}-{pks[0]}-{pks[-1]}-{len(pks)}"
    message = messages.write(template, to, subject, context, list_name=LIST_NAME, message_id=message_id, **options)
    return messages.Email(message, lambda: Notification.objects.filter(pk__in=pks).update(sent_at=timezone.now()))
