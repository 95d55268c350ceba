"""E-mails about reviews: one for each text, with everything that has happened to it since the last one."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext, ngettext

from blog.models import Entry, ReviewEvent, ReviewNote, ReviewNotice, ReviewPreference, Status
from blog.permissions import may_publish, may_view
from blog.review.notices import DECISIONS
from core.dates import format_datetime
from core.site import absolute_url
from mail import messages

# The maximum number of notes that one e-mail quotes.
MAX_NOTES: Final = 20


def due_emails(preference: ReviewPreference) -> Iterator[EmailMessage]:
    """Yield the e-mails due to a member of staff, without notices that are no longer relevant."""
    unsent = ReviewNotice.objects.filter(recipient=preference, is_unsent=True)
    rows = unsent.select_related("by", "note__parent").order_by("entry", "pk")
    for entry_id, group in groupby(list(rows), key=lambda notice: notice.entry_id):
        found = list(group)
        entry = Entry.objects.without_texts().filter(pk=entry_id).first()
        if entry is None:
            # It was deleted while earlier e-mails were being sent.
            continue
        relevant = [notice for notice in found if _is_relevant(notice, preference, entry)]
        if relevant:
            yield _email(preference, entry, relevant)
        _mark_sent(found)


def _is_relevant(notice: ReviewNotice, preference: ReviewPreference, entry: Entry) -> bool:
    user, event = preference.user, ReviewEvent(notice.event)
    is_wanted = preference.submissions if event == ReviewEvent.SUBMITTED else preference.feedback
    if not (is_wanted and user.email and user.is_active and may_view(user, entry)):
        return False
    if event == ReviewEvent.NOTE:
        return entry.status != Status.TRASH
    # Other events are out of date once the text has another status.
    if event == ReviewEvent.SUBMITTED:
        return entry.status == Status.PENDING and may_publish(user, type(entry))
    return DECISIONS.get(Status(entry.status)) == event and entry.author_id == user.pk


def _email(preference: ReviewPreference, entry: Entry, rows: Sequence[ReviewNotice]) -> EmailMessage:
    steps = [notice for notice in rows if notice.note is None]
    added = [notice.note for notice in rows if notice.note is not None]
    title = messages.isolated(entry)
    if steps:
        subject = _sentence(steps[-1], entry, title)
    else:
        subject = ngettext("%(n)d new note on “%(title)s”", "%(n)d new notes on “%(title)s”", len(added))
        subject %= {"n": len(added), "title": title}
    unsubscribe_url = absolute_url(reverse("review_unsubscribe", args=[preference.unsubscribe_token]))
    context = {
        "steps": [_sentence(notice, entry, title) for notice in steps],
        "title": title,
        "url": absolute_url(reverse(f"admin:blog_{entry.kind}_change", args=[entry.pk])),
        "public_url": absolute_url(entry.get_absolute_url()) if entry.is_public else "",
        "notes": [_note_context(note) for note in added[:MAX_NOTES]],
        "more": max(0, len(added) - MAX_NOTES),
        "unsubscribe_url": unsubscribe_url,
    }
    return messages.write(
        "blog/mail/review.txt",
        preference.user.email,
        subject,
        context,
        list_name="reviews",
        message_id=f"review-{preference.pk}-{rows[0].pk}-{rows[-1].pk}",
        thread_id=f"review-{entry.kind}-{entry.pk}",
        unsubscribe_url=unsubscribe_url,
    )


def _sentence(notice: ReviewNotice, entry: Entry, title: str) -> str:
    """Return one line about the step that was taken with `entry`, which it calls `title`."""
    values = {"name": messages.isolated(notice.by or gettext("Someone")), "title": title}
    match notice.event:
        case ReviewEvent.SUBMITTED:
            text = gettext("%(name)s submitted “%(title)s” for review")
        case ReviewEvent.PUBLISHED if entry.is_scheduled and entry.published_at:
            values["time"] = format_datetime(entry.published_at)
            text = gettext("%(name)s scheduled “%(title)s” for %(time)s")
        case ReviewEvent.PUBLISHED:
            text = gettext("%(name)s published “%(title)s”")
        case ReviewEvent.PRIVATE:
            text = gettext("%(name)s published “%(title)s” privately")
        case ReviewEvent.RETURNED:
            text = gettext("%(name)s returned “%(title)s” to you")
        case _:
            text = gettext("%(name)s moved “%(title)s” to the trash")
    return text % values


def _note_context(note: ReviewNote) -> dict[str, Any]:
    about = note.parent or note
    return {
        "name": messages.isolated(note.author or gettext("Someone")),
        "quote": messages.isolated(about.quote) if about.quote else "",
        "answered": messages.quoted(about.text) if note.parent else "",
        "text": messages.quoted(note.text),
    }


def _mark_sent(rows: Sequence[ReviewNotice]) -> None:
    """Mark notices as sent, but keep them for the dashboard. Delete submissions: the list shows what is pending."""
    sent = ReviewNotice.objects.filter(pk__in=[notice.pk for notice in rows])
    with transaction.atomic():
        sent.filter(event=ReviewEvent.SUBMITTED).delete()
        sent.update(is_unsent=False)
