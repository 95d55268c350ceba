"""What commenters may do with their own comment for a while: change it or delete it."""

import datetime as dt
from copy import copy

from django.db import transaction
from django.utils import timezone

from comments import outbox
from comments.models import Comment, CommentSettings, CommentStatus, Revision
from comments.moderation.counting import recount_all
from comments.moderation.decisions import OUT_OF_SIGHT
from comments.moderation.deletion import delete, lock
from comments.rules import akismet
from comments.rules.judge import Arrival, judge, proof_of_work

# How long commenters can change or delete what they wrote.
TIME_LIMIT = dt.timedelta(minutes=15)


class TooLateError(Exception):
    """The author can no longer change or delete the comment: time is up, or someone has replied to or moderated it."""


def may_be_deleted(comment: Comment) -> bool:
    """Whether its author may delete `comment`: within TIME_LIMIT, and until a moderator has decided about it."""
    is_new = timezone.now() - comment.created_at < TIME_LIMIT
    return is_new and comment.status != CommentStatus.TRASH and not comment.decisions.exists()


def may_be_revised(comment: Comment) -> bool:
    """Whether its author may change `comment`: as long as it may be deleted and nobody has replied."""
    return may_be_deleted(comment) and not comment.replies.exclude(status__in=OUT_OF_SIGHT).exists()


def revise(comment: Comment, text: str, *, settings: CommentSettings) -> Comment:
    """Give `comment` another text, keep the earlier one, judge it again, and return the changed comment.

    The same text again changes nothing: it is a second click. Raises TooLateError, and DoesNotExist if the comment
    has been deleted.
    """
    # Before the transaction, so that nothing waits in it for a remote server.
    changed = copy(comment)
    changed.text = text
    akismet_finding = akismet.check(changed)
    with transaction.atomic():
        stored = Comment.objects.select_for_update(no_key=True).get(pk=comment.pk)
        if not may_be_revised(stored):
            raise TooLateError
        if stored.text == text:
            return stored
        Revision.objects.create(comment=stored, text=stored.text)
        before = stored.status
        stored.text = text
        stored.render()
        was_proven = any(reason["check"] == proof_of_work.__name__ for reason in stored.reasons)
        judgement = judge(stored, settings, Arrival(proven=was_proven, akismet=akismet_finding))
        stored.reasons = judgement.reasons
        # Spam stays spam, so that nobody can find out what passes by trying.
        if before not in (CommentStatus.SPAM, judgement.status):
            stored.status, stored.status_since = judgement.status, timezone.now()
        stored.save(update_fields=["text", "status", "status_since", "reasons"])
        if stored.status != before:
            outbox.record([stored.pk], stored.status)
        if CommentStatus.APPROVED in (before, stored.status):
            recount_all([stored.entry_id])
    return stored


def delete_own(comment: Comment) -> None:
    """Delete `comment` for good with everything stored about its author. Replies to it stay.

    Raises TooLateError, and DoesNotExist if it has been deleted already.
    """
    with transaction.atomic():
        lock([comment.pk])
        stored = Comment.objects.get(pk=comment.pk)
        if not may_be_deleted(stored):
            raise TooLateError
        delete([stored])
