"""Telling people about reviews: recorded in the transaction in which something happens, mailed by the worker later.

Editors who want to are told what is submitted; authors, what an editor decided and noted; those who wrote a note, what
is answered.
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
# How long the dashboard can show what was sent.
KEPT_FOR: Final = dt.timedelta(days=60)
# What an editor did with what was pending, by the status that it got.
_DECISIONS: Final = {
    Status.PUBLISHED: ReviewEvent.PUBLISHED,
    Status.PRIVATE: ReviewEvent.PRIVATE,
    Status.DRAFT: ReviewEvent.RETURNED,
    Status.TRASH: ReviewEvent.TRASHED,
}


def event_of(entry: Entry) -> ReviewEvent | None:
    """Return what happened when `entry` was last saved; None if it was nothing for the review."""
    was, status = entry.replaced_status, Status(entry.status)
    if was == Status.PENDING:
        return _DECISIONS.get(status)
    # Taking it back out of the trash submits nothing.
    return ReviewEvent.SUBMITTED if status == Status.PENDING and was != Status.TRASH else None


def record_steps(entries: Iterable[Entry], by: User) -> None:
    """Tell people what `by` has just done with `entries`, which were saved in this transaction. Mostly, no queries."""
    events = [(entry, event) for entry in entries if (event := event_of(entry)) is not None]
    submitted = [entry for entry, event in events if event == ReviewEvent.SUBMITTED]
    if submitted:
        # What was decided before is out of date.
        ReviewNotice.objects.filter(entry__in=submitted).exclude(event=ReviewEvent.NOTE).delete()
        if messages.is_on():
            # Whether they may still publish is checked before an e-mail goes out.
            editors = ReviewPreference.objects.filter(submissions=True).exclude(user=by)
            _tell(
                ReviewNotice(recipient=editor, entry=entry, event=ReviewEvent.SUBMITTED, by=by, is_unsent=True)
                for editor in editors
                for entry in submitted
            )
    # What an editor decided about the texts of others.
    decided = [pair for pair in events if pair[1] != ReviewEvent.SUBMITTED and pair[0].author_id != by.pk]
    authors = _recipients(entry.author_id for entry, _event in decided)
    _tell(_feedback(authors[entry.author_id], entry, event, by) for entry, event in decided)


def record_note(note: ReviewNote, by: User) -> None:
    """Tell the author of the entry about a note or an answer, and everyone who wrote in the same thread."""
    people = {note.entry.author_id}
    if note.parent is not None:
        thread = [note.parent, *note.parent.answers.all()]
        people |= {each.author_id for each in thread if each.author_id is not None}
    recipients = _recipients(people - {by.pk})
    _tell(_feedback(recipient, note.entry, ReviewEvent.NOTE, by, note) for recipient in recipients.values())


def latest_return(entry: Entry) -> ReviewNotice | None:
    """Return the notice with which `entry`, a draft, was last returned to its author; None if it never was."""
    notices = ReviewNotice.objects.filter(entry=entry.pk, event=ReviewEvent.RETURNED)
    return notices.select_related("by").first() if entry.status == Status.DRAFT else None


def feedback_for(user: User) -> QuerySet[ReviewNotice]:
    """Return what `user` was told lately about their own texts and notes, the latest first."""
    since = timezone.now() - KEPT_FOR
    notices = ReviewNotice.objects.filter(recipient__user=user, created_at__gt=since)
    return notices.exclude(event=ReviewEvent.SUBMITTED)


def _recipients(user_ids: Iterable[int]) -> dict[int, ReviewPreference]:
    pks = set(user_ids)
    return {preference.user_id: preference for preference in ReviewPreference.objects.of_users(pks)} if pks else {}


def _feedback(
    recipient: ReviewPreference, entry: Entry, event: ReviewEvent, by: User, note: ReviewNote | None = None
) -> ReviewNotice:
    is_unsent = recipient.feedback and messages.is_on()
    return ReviewNotice(recipient=recipient, entry=entry, event=event, by=by, note=note, is_unsent=is_unsent)


def _tell(notices: Iterable[ReviewNotice]) -> None:
    rows: Sequence[ReviewNotice] = list(notices)
    if not rows:
        return
    _forget_old({row.recipient_id for row in rows})
    ReviewNotice.objects.bulk_create(rows, ignore_conflicts=True)
    unsent = {row.recipient_id for row in rows if row.is_unsent}
    if unsent:
        due_at = timezone.now() + SETTLE
        # Someone whose next e-mail is due later is told about this in that one.
        ReviewPreference.objects.filter(pk__in=unsent, not_before__lt=due_at).update(not_before=due_at)
        wake_worker(due_at)


def _forget_old(recipient_ids: Collection[int]) -> None:
    old = ReviewNotice.objects.filter(created_at__lt=timezone.now() - KEPT_FOR, is_unsent=False)
    old.filter(recipient__in=recipient_ids).delete()
