"""What senders may do with their own comment for a while: change it or take it back."""

import datetime as dt
from copy import copy

from django.db import transaction
from django.utils import timezone

from blog.site import SiteSettings
from comments import akismet, news
from comments.models import Comment, Revision, Status
from comments.moderation import OUT_OF_SIGHT, delete, lock, readers_notice
from comments.rules import Arrival, judge, proof_of_work

# How long senders can change or delete what they wrote.
SENDERS_TIME = dt.timedelta(minutes=15)


class TooLateError(Exception):
    """The sender cannot change or delete the comment any more: the time is over, or somebody has dealt with it."""


def is_senders_own(comment: Comment) -> bool:
    """Whether its sender may still delete `comment`: for SENDERS_TIME, and until a moderator has decided about it."""
    is_new = timezone.now() - comment.created_at < SENDERS_TIME
    return is_new and comment.status != Status.TRASH and not comment.decisions.exists()


def may_be_revised(comment: Comment) -> bool:
    """Whether its sender may still change `comment`: as long as nobody has answered it either."""
    return is_senders_own(comment) and not comment.replies.exclude(status__in=OUT_OF_SIGHT).exists()


def revise_by_sender(comment: Comment, text: str, *, site: SiteSettings) -> Comment:
    """Give `comment` another text, keep the earlier one as a Revision, and judge it anew. Returns it as it is then.

    The same text again changes nothing: a second click. Raises TooLateError, and DoesNotExist if it was deleted.
    """
    # Before the transaction: nobody waits in it for somebody else's server.
    akismet_says = akismet.ask(_with_text(comment, text))
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
        judgement = judge(stored, site, Arrival(proven=_was_proven(stored), akismet=akismet_says))
        stored.reasons = judgement.reasons
        # What was taken for spam stays it: nobody finds out by trying what passes.
        if before not in (Status.SPAM, judgement.status):
            stored.status, stored.status_since = judgement.status, timezone.now()
        stored.save(update_fields=["text", "status", "status_since", "reasons"])
        if stored.status != before:
            news.note([stored])
        if Status.APPROVED in (before, stored.status):
            readers_notice([stored])
    return stored


def _with_text(comment: Comment, text: str) -> Comment:
    changed = copy(comment)
    changed.text = text
    return changed


def _was_proven(comment: Comment) -> bool:
    """Whether the browser did its proof of work when `comment` came in."""
    return any(reason["check"] == proof_of_work.__name__ for reason in comment.reasons)


def delete_by_sender(comment: Comment) -> None:
    """Delete `comment` for good with all that is held of its sender. Answers to it stay.

    Raises TooLateError, and DoesNotExist if it is deleted already.
    """
    with transaction.atomic():
        lock([comment.pk])
        stored = Comment.objects.filter(pk=comment.pk).first()
        if stored is None:
            raise Comment.DoesNotExist
        if not is_senders_own(stored):
            raise TooLateError
        delete([stored])
