"""The mails to moderators, with the whole text of what waits, and to authors of posts."""

import datetime as dt
from collections.abc import Iterator
from functools import partial
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext

from blog.models import Page, Post
from blog.site import absolute_url
from comments import links, mail
from comments.models import Comment, Status
from comments.recipients import About, Notice, NoticePreference

# So many comments stand in one mail with their text; of more it says how many.
MAX_COMMENTS = 20
# So many are told of by one mail.
MAX_NOTICES = 2_000


def letters(preference: NoticePreference) -> Iterator[mail.Letter]:
    """The mails that are due to somebody of the staff. What need not be told any more is told to nobody."""
    for about, letter in ((About.WAITING, _of_waiting), (About.APPROVED, _of_own_posts)):
        unsent = Notice.unsent(about, moderator=preference)
        unsent.exclude(pk__in=_worth_telling(preference, about)).delete()
        pks = list(unsent.values_list("pk", flat=True)[:MAX_NOTICES])
        if pks:
            yield letter(preference, pks)


def _worth_telling(preference: NoticePreference, about: About) -> Any:
    """The notices to send, as a query of keys; none if the person is no longer to be told."""
    user = preference.user
    notices = Notice.objects.filter(moderator=preference, about=about).values("pk")
    if about == About.WAITING:
        wanted = preference.may_moderate and preference.pace != NoticePreference.Pace.NEVER
        notices = notices.filter(comment__status=Status.PENDING)
    else:
        wanted = user.is_active and user.is_staff and preference.own_posts
        notices = notices.filter(comment__in=Comment.objects.public())
    return notices if wanted and user.email else notices.none()


def _of_waiting(preference: NoticePreference, pks: list[int]) -> mail.Letter:
    notices, shown = _shown(pks)
    for notice in shown:
        notice.mark = notice.comment.mark
    # Before it goes: somebody may follow a link at once.
    Notice.objects.bulk_update(shown, ["mark"])
    entry = _only_entry(shown) if len(shown) == len(pks) else None
    if entry is not None:
        words = ngettext("%(n)d comment waits on %(title)s", "%(n)d comments wait on %(title)s", len(pks))
    else:
        words = ngettext("%(n)d comment waits", "%(n)d comments wait", len(pks))
    context = {
        "shown": [{**_of(notice.comment), **links.addresses(notice)} for notice in shown],
        "number": len(pks),
        "more": len(pks) - len(shown),
        "queue": absolute_url(reverse("admin:comments_queue_changelist")),
        "preferences": absolute_url(reverse("admin:comments_noticepreference_changelist")),
        "days": links.VALID_DAYS,
    }
    message = mail.write(
        "waiting",
        preference.user.email,
        words % {"n": len(pks), "title": mail.isolated(entry)},
        context,
        number=_number(preference, pks),
        thread=mail.thread_of(entry) if entry is not None else "waiting",
    )
    return mail.Letter(message, partial(_sent, notices))


def _of_own_posts(preference: NoticePreference, pks: list[int]) -> mail.Letter:
    notices, shown = _shown(pks)
    entry = _only_entry(shown)
    words = ngettext("%(n)d comment on your post", "%(n)d comments on your posts", len(pks)) % {"n": len(pks)}
    context = {
        "shown": [_of(notice.comment) for notice in shown],
        "more": len(pks) - len(shown),
        "preferences": absolute_url(reverse("admin:comments_noticepreference_changelist")),
    }
    number = _number(preference, pks)
    thread = mail.thread_of(entry) if entry is not None else "approved"
    message = mail.write("own_posts", preference.user.email, words, context, number=number, thread=thread)
    return mail.Letter(message, partial(_sent, notices))


def _shown(pks: list[int]) -> tuple[Any, list[Notice]]:
    """All these notices, as a query, and those of them that the mail has room for."""
    notices = Notice.objects.filter(pk__in=pks)
    related = ("moderator__user", "comment__user", "comment__post", "comment__page")
    first = list(notices.order_by("pk").select_related(*related)[:MAX_COMMENTS])
    room = mail.some([notice.comment.text for notice in first], MAX_COMMENTS)
    return notices, [first[number] for number in room]


def _of(comment: Comment) -> dict[str, Any]:
    return {
        "name": mail.isolated(comment.author_name),
        "email": mail.line(comment.email),
        "website": mail.line(comment.website),
        "title": mail.isolated(comment.entry),
        "url": absolute_url(comment.get_absolute_url()),
        "entry_url": absolute_url(comment.entry.get_absolute_url()),
        "text": mail.quoted(comment.text),
        "reasons": [mail.line(reason["words"]) for reason in comment.reasons],
    }


def _only_entry(notices: list[Notice]) -> Post | Page | None:
    """What all of them are about; None if it is several."""
    entries = {notice.comment.entry for notice in notices}
    return entries.pop() if len(entries) == 1 else None


def _number(preference: NoticePreference, pks: list[int]) -> str:
    return f"notice-{preference.pk}-{pks[0]}-{pks[-1]}-{len(pks)}"


def _sent(notices: Any) -> None:
    notices.update(sent_at=timezone.now())


def forget() -> int:
    """Delete notices whose links are over, some at a time; returns their number."""
    number = 0
    old = Notice.objects.filter(sent_at__lt=timezone.now() - dt.timedelta(days=links.VALID_DAYS + 1))
    while pks := list(old.order_by("sent_at").values_list("pk", flat=True)[:1_000]):
        number += Notice.objects.filter(pk__in=pks).delete()[0]
    return number
