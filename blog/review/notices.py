"""Notices about reviews: recorded in the transaction in which something happens, mailed by the worker later.

Editors are notified of submissions if they want to be, authors of editors' decisions and notes, and people who wrote a
note of answers to it.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from blog.models import Entry, ReviewEvent, ReviewNote, ReviewNotice, ReviewPreference, Status
from mail import messages
from mail.tasks import wake_worker

# How long an event waits for others, so that they share an e-mail.
SETTLE: Final = dt.timedelta(minutes=2)
# How long notices are kept for the dashboard.
KEPT_FOR: Final = dt.timedelta(days=60)
# What an editor did with a pending entry, by its new status.
DECISIONS: Final = {
    Status.PUBLISHED: ReviewEvent.PUBLISHED,
    Status.PRIVATE: ReviewEvent.PRIVATE,
    Status.DRAFT: ReviewEvent.RETURNED,
    Status.TRASH: ReviewEvent.TRASHED,
}


def event_of(entry: Entry) -> ReviewEvent | None:
    """Return what happened in the review of `entry` when it was last saved; None if nothing did."""
    was, status = entry.replaced_status, Status(entry.status)
    if was == Status.PENDING:
        return DECISIONS.get(status)
    # Restoring an entry from the trash is not a submission.
    return ReviewEvent.SUBMITTED if status == Status.PENDING and was != Status.TRASH else None


def record_steps(entries: Iterable[Entry], by: User) -> None:
    """Notify people of what `by` has just done with `entries`, saved in this transaction. Usually takes no queries."""
    events = [(entry, event) for entry in entries if (event := event_of(entry)) is not None]
    submitted = [entry for entry, event in events if event == ReviewEvent.SUBMITTED]
    if submitted:
        # Earlier decisions are out of date.
        ReviewNotice.objects.filter(entry__in=submitted).exclude(event=ReviewEvent.NOTE).delete()
        if messages.is_on():
            # Whether they may still publish is checked before an e-mail is sent.
            editors = ReviewPreference.objects.filter(submissions=True).exclude(user=by)
            _notify(
                ReviewNotice(recipient=editor, entry=entry, event=ReviewEvent.SUBMITTED, by=by, is_unsent=True)
                for editor in editors
                for entry in submitted
            )
    # Editors' decisions about the texts of others.
    decided = [pair for pair in events if pair[1] != ReviewEvent.SUBMITTED and pair[0].author_id != by.pk]
    authors = _recipients(entry.author_id for entry, _event in decided)
    _notify(_feedback(authors[entry.author_id], entry, event, by) for entry, event in decided)


def record_note(note: ReviewNote, by: User) -> None:
    """Notify the author of the entry, and everyone who wrote in the same thread, of a note or an answer."""
    people = {note.entry.author_id}
    if note.parent is not None:
        thread = [note.parent, *note.parent.answers.all()]
        people |= {each.author_id for each in thread if each.author_id is not None}
    recipients = _recipients(people - {by.pk})
    _notify(_feedback(recipient, note.entry, ReviewEvent.NOTE, by, note) for recipient in recipients.values())


def latest_return(entry: Entry) -> ReviewNotice | None:
    """Return the notice with which `entry`, a draft, was last returned to its author; None if it never was."""
    notices = ReviewNotice.objects.filter(entry=entry.pk, event=ReviewEvent.RETURNED)
    return notices.select_related("by").first() if entry.status == Status.DRAFT else None


def feedback_for(user: User) -> QuerySet[ReviewNotice]:
    """Return the recent notices to `user` about their own texts and notes, the latest first."""
    since = timezone.now() - KEPT_FOR
    notices = ReviewNotice.objects.filter(recipient__user=user, created_at__gt=since)
    return notices.exclude(event=ReviewEvent.SUBMITTED)


def _recipients(user_ids: Iterable[int]) -> dict[int, ReviewPreference]:
    return {preference.user_id: preference for preference in ReviewPreference.objects.of_users(user_ids)}


def _feedback(
    recipient: ReviewPreference, entry: Entry, event: ReviewEvent, by: User, note: ReviewNote | None = None
) -> ReviewNotice:
    is_unsent = recipient.feedback and messages.is_on()
    return ReviewNotice(recipient=recipient, entry=entry, event=event, by=by, note=note, is_unsent=is_unsent)


def _notify(notices: Iterable[ReviewNotice]) -> None:
    rows: Sequence[ReviewNotice] = list(notices)
    if not rows:
        return
    _delete_old({row.recipient_id for row in rows})
    ReviewNotice.objects.bulk_create(rows, ignore_conflicts=True)
    unsent = {row.recipient_id for row in rows if row.is_unsent}
    if unsent:
        due_at = timezone.now() + SETTLE
        # If someone's next e-mail is due later, that one includes this notice.
        ReviewPreference.objects.filter(pk__in=unsent, not_before__lt=due_at).update(not_before=due_at)
        wake_worker(due_at)


def _delete_old(recipient_ids: Collection[int]) -> None:
    old = ReviewNotice.objects.filter(created_at__lt=timezone.now() - KEPT_FOR, is_unsent=False)
    old.filter(recipient__in=recipient_ids).delete()
