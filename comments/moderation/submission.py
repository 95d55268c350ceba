"""What commenters do: submit a comment, and change or delete it for a while.

The rules judge it each time, and it is stored whatever they decide.
"""

import datetime as dt
from copy import copy
from typing import Any

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from blog.models import Entry
from comments import outbox
from comments.models import Comment, CommentSettings, CommentStatus, Revision
from comments.moderation.counting import recount, recount_all
from comments.moderation.deletion import delete, lock
from comments.rules import akismet, proof_of_work, rate_limit
from comments.rules.judge import Arrival, judge
from comments.rules.judge import proof_of_work as proof_of_work_check
from core.disk import require_room_for_visitors
from core.prepared import Parameter, Prepared

# The same text from the same person on the same entry within this time is a second click, not a second comment.
SECOND_CLICK = dt.timedelta(minutes=10)
# How long commenters can change or delete what they wrote.
TIME_LIMIT = dt.timedelta(minutes=15)


class TooLateError(Exception):
    """The author can no longer change or delete the comment: time is up, or someone has replied to or moderated it."""


def submit(
    entry: Entry,
    *,
    text: str,
    name: str = "",
    email: str = "",
    website: str = "",
    parent: Comment | None = None,
    user: User | None = None,
    trapped: bool = False,
    sender: str = "",
    proof: str = "",
    settings: CommentSettings,
) -> Comment:
    """Store a comment on `entry` and return it. A second click returns what the first one stored.

    A `user` comments under the name of the account. `trapped` means that a field which people do not see was filled in.
    `sender` comes from core.sender, and `proof` from the browser (comments.rules.proof_of_work). The rules decide the
    status (comments.rules.judge). Raises DoesNotExist if the entry has been deleted, and OSError if the disk is nearly
    full.
    """
    if user is not None:
        name, email = str(user), user.email
    require_room_for_visitors()
    values = {"name": name, "email": email, "website": website, "text": text, "parent": parent, "user": user}
    comment = Comment(entry=entry, **values)
    comment.render()
    # Before the transaction, so that it does not wait for another comment's count or for a remote server.
    count, akismet_finding = rate_limit.count(sender), akismet.check(comment)
    challenge = proof_of_work.verify(proof)
    with transaction.atomic():
        # Comments are locked before entries, as in every decision. From here on, the parent cannot be deleted.
        locked = Comment.objects.select_for_update(no_key=True).only("pk")
        if parent is not None and not locked.filter(pk=parent.pk):
            # Its author deleted it in the meantime, so this is no longer a reply.
            values["parent"] = comment.parent = None
        # If two clicks come at once, the second waits here until the first is stored.
        current = next(iter(_locked_entry(entry.pk)), None)
        if current is None:
            raise type(entry).DoesNotExist
        similar = _same_text(
            entry.pk, text, name, email, comment.parent_id or 0, is_reply=comment.parent_id is not None
        )
        since = timezone.now() - SECOND_CLICK
        for earlier in similar:
            if earlier.created_at >= since and _is_second_click(earlier, values):
                return earlier
        arrival = Arrival(
            closed=not settings.is_open(current),
            trapped=trapped,
            count=count,
            repeated=any(earlier.status != CommentStatus.TRASH for earlier in similar),
            proven=bool(challenge) and proof_of_work.spend(challenge),
            akismet=akismet_finding,
        )
        judgement = judge(comment, settings, arrival)
        comment.status, comment.reasons = judgement.status, judgement.reasons
        comment.save()
        outbox.record([comment.pk], comment.status)
        if comment.status == CommentStatus.APPROVED:
            recount(entry)
    return comment


def _is_second_click(earlier: Comment, values: dict[str, Any]) -> bool:
    """Whether `values` are those of `earlier`.

    Anyone can send what is public of a comment, with any address. The response doesn't tell whether it is right.
    """
    hidden = {"email"} if earlier.status == CommentStatus.APPROVED else set()
    return all(getattr(earlier, name) == values[name] for name in values.keys() - hidden)


@Prepared
def _same_text(
    entry: Parameter, text: Parameter, name: Parameter, email: Parameter, parent: Parameter, *, is_reply: bool
) -> models.QuerySet[Comment]:
    """Return the newest comments in the same place with the same text and name or e-mail.

    Source: WordPress's duplicates.
    """
    same_place = Comment.objects.filter(entry=entry, text=text, parent=parent if is_reply else None)
    same_person = Q(name=name, email=email) | (Q(name=name) & ~Q(name="")) | (Q(email=email) & ~Q(email=""))
    return same_place.filter(same_person).select_related("user", "parent").order_by("-pk")[:100]


# With the fields that CommentSettings.is_open needs.
_locked_entry = Prepared[Entry](
    lambda pk: (
        Entry.objects.filter(pk=pk)
        .select_for_update(no_key=True)
        .only("kind", "status", "published_at", "comments_open")
    )
)


def may_be_deleted(comment: Comment) -> bool:
    """Whether its author may delete `comment`: within TIME_LIMIT, and until a moderator has decided about it.

    If a clock was ahead when it was written, that was longer ago than its date says.
    """
    is_new = abs(timezone.now() - comment.created_at) < TIME_LIMIT
    return is_new and comment.status != CommentStatus.TRASH and not comment.decisions.exists()


def may_be_revised(comment: Comment) -> bool:
    """Whether its author may change `comment`: as long as it may be deleted and has no replies."""
    replies = comment.replies.exclude(status__in=[CommentStatus.SPAM, CommentStatus.TRASH])
    return may_be_deleted(comment) and not replies.exists()


def revise(comment: Comment, text: str, *, settings: CommentSettings) -> Comment:
    """Give `comment` another text, keep the earlier one, judge it again, and return the changed comment.

    The same text again changes nothing: it is a second click. Raises TooLateError, DoesNotExist if the comment has been
    deleted, and OSError if the disk is nearly full.
    """
    require_room_for_visitors()
    # Before the transaction, so that it does not wait for a remote server.
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
        was_proven = any(reason["check"] == proof_of_work_check.__name__ for reason in stored.reasons)
        judgement = judge(stored, settings, Arrival(proven=was_proven, akismet=akismet_finding))
        stored.reasons = judgement.reasons
        # Spam stays spam, so that spammers cannot find out what passes by trial and error.
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
