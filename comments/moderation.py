"""What happens to comments: they come in, moderators decide about them. Every decision is logged and can be undone."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import batched

from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone

from accounts.models import User
from blog.models import Page, Post
from blog.site import CommentPolicy, SiteSettings, content_changed
from comments.counting import recount, recount_all
from comments.models import Comment, Decision, Kind, Revision, Status, entry_lookup

# The same words of the same person on the same entry within this time are a second click, not a second comment.
SECOND_CLICK = dt.timedelta(minutes=10)
# How long senders can change or delete what they wrote.
SENDERS_TIME = dt.timedelta(minutes=15)
_OUT_OF_SIGHT = (Status.SPAM, Status.TRASH)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a decision did. `unchanged` are the comments that stood so already, or were decided otherwise since."""

    changed: int
    unchanged: int
    batch: uuid.UUID


def submit(
    entry: Post | Page,
    *,
    text: str,
    name: str = "",
    email: str = "",
    website: str = "",
    parent: Comment | None = None,
    user: User | None = None,
    trapped: bool = False,
    site: SiteSettings,
) -> Comment:
    """Store what somebody wrote below `entry` and return it; a second click returns what the first one stored.

    `user` writes under the name of the account. `trapped`: a field was filled that people do not see.
    Raises DoesNotExist if the entry has gone meanwhile.
    """
    if user is not None:
        name, email = str(user), user.email
    words = {"name": name, "email": email, "website": website, "text": text, "parent": parent, "user": user}
    with transaction.atomic():
        # Two clicks at once: the second waits here until the first is stored.
        type(entry).objects.select_for_update(no_key=True).only("pk").get(pk=entry.pk)
        if parent is not None and not Comment.objects.filter(pk=parent.pk).exists():
            # Its sender has deleted it meanwhile: the answer stands by itself.
            words["parent"] = None
        since = timezone.now() - SECOND_CLICK
        stored = Comment.objects.on(entry).filter(**words, created_at__gte=since).order_by("pk").first()
        if stored is not None:
            return stored
        comment = Comment(**entry_lookup(entry), **words)
        comment.status = Status.SPAM if trapped else _status_on_arrival(comment, site)
        comment.save()
        if comment.status == Status.APPROVED:
            recount(entry)
    return comment


def _status_on_arrival(comment: Comment, site: SiteSettings) -> Status:
    passes = (
        (comment.user is not None and comment.user.has_perm("comments.moderate_comment"))
        or site.comment_policy == CommentPolicy.OPEN
        or (site.comment_policy == CommentPolicy.TRUST_KNOWN and _is_known(comment))
    )
    return Status.APPROVED if passes else Status.PENDING


def _is_known(comment: Comment) -> bool:
    """Whether a moderator has let this name with this address through before.

    Only among comments of the same account, or of none: nobody passes with the address of somebody on the staff.
    """
    approved = Comment.objects.approved().filter(kind=Kind.COMMENT, user=comment.user)
    return bool(comment.email) and approved.filter(email=comment.email, name=comment.name).exists()


def approve(comments: Iterable[Comment], by: User) -> Outcome:
    """Let readers see `comments`."""
    return _decide((comment.pk for comment in comments), by, lambda locked: dict.fromkeys(locked, Status.APPROVED))


def mark_spam(comments: Iterable[Comment], by: User) -> Outcome:
    """Take `comments` out of sight as spam."""
    return _decide((comment.pk for comment in comments), by, lambda locked: dict.fromkeys(locked, Status.SPAM))


def trash(comments: Iterable[Comment], by: User) -> Outcome:
    """Take `comments` out of sight."""
    return _decide((comment.pk for comment in comments), by, lambda locked: dict.fromkeys(locked, Status.TRASH))


def restore(comments: Iterable[Comment], by: User) -> Outcome:
    """Take `comments` out of spam and trash, to where they stood before: to the queue if that is not known."""

    def before(locked: list[Comment]) -> dict[Comment, Status]:
        hidden = [comment for comment in locked if comment.status in _OUT_OF_SIGHT]
        removals = Decision.objects.filter(comment__in=hidden, became__in=_OUT_OF_SIGHT).exclude(was__in=_OUT_OF_SIGHT)
        # Of several removals of a comment the last one counts.
        stood = dict(removals.order_by("pk").values_list("comment", "was"))
        return {comment: Status(stood.get(comment.pk, Status.PENDING)) for comment in hidden}

    return _decide((comment.pk for comment in comments), by, before)


def undo(batch: uuid.UUID, by: User) -> Outcome:
    """Put back every comment that still stands where `batch` put it. Those decided otherwise since are left.

    This is a decision as well, so it can be undone itself.
    """

    def before(locked: list[Comment]) -> dict[Comment, Status]:
        latest = Decision.objects.filter(comment__in=locked).order_by().values("comment").annotate(newest=Max("pk"))
        standing = Decision.objects.filter(batch=batch, pk__in=latest.values("newest"))
        was = {(decision.comment_id, decision.became): decision.was for decision in standing}
        keys = {comment: (comment.pk, comment.status) for comment in locked}
        return {comment: Status(was[key]) for comment, key in keys.items() if key in was}

    return _decide(Decision.objects.filter(batch=batch).values_list("comment", flat=True), by, before)


def delete(comments: Iterable[Comment]) -> int:
    """Delete `comments` for good, with their history. Answers to them stay. Returns their number."""
    deleted: list[Comment] = []
    with transaction.atomic():
        for locked in _locked(comment.pk for comment in comments):
            Comment.objects.filter(pk__in=[comment.pk for comment in locked]).delete()
            deleted += locked
        _readers_notice(deleted)
    return len(deleted)


def _decide(pks: Iterable[int], by: User, statuses: Callable[[list[Comment]], Mapping[Comment, Status]]) -> Outcome:
    """Give the comments of these keys the status that `statuses` says, where it differs, and log that."""
    batch = uuid.uuid4()
    changed = unchanged = 0
    noticed: list[Comment] = []
    with transaction.atomic():
        for locked in _locked(pks):
            becomes = {comment: new for comment, new in statuses(locked).items() if new != comment.status}
            for status in set(becomes.values()):
                those = [comment.pk for comment, new in becomes.items() if new == status]
                Comment.objects.filter(pk__in=those).update(status=status, status_since=timezone.now())
            Decision.objects.bulk_create(
                Decision(comment=comment, moderator=by, was=comment.status, became=new, batch=batch)
                for comment, new in becomes.items()
            )
            noticed += [comment for comment, new in becomes.items() if Status.APPROVED in (comment.status, new)]
            changed += len(becomes)
            unchanged += len(locked) - len(becomes)
        _readers_notice(noticed)
    return Outcome(changed, unchanged, batch)


def _locked(pks: Iterable[int]) -> Iterator[list[Comment]]:
    """The comments of these keys as they are now, some at a time, held until the transaction ends.

    Always locked in the same order, and before any entry: moderators wait for each other, but never for ever.
    """
    for some in batched(sorted(set(pks)), 1_000):
        comments = Comment.objects.select_for_update(no_key=True).filter(pk__in=some).order_by("pk")
        yield list(comments.only("status", "post", "page"))


def _readers_notice(comments: list[Comment]) -> None:
    """Bring the counts of the entries of `comments` up to date, and all that is cached."""
    recount_all(Post, {comment.post_id for comment in comments if comment.post_id})
    recount_all(Page, {comment.page_id for comment in comments if comment.page_id})
    if comments:
        content_changed()


class TooLateError(Exception):
    """The sender cannot change or delete the comment any more: the time is over, or somebody has dealt with it."""


def is_senders_own(comment: Comment) -> bool:
    """Whether its sender may still delete `comment`: for SENDERS_TIME, and until a moderator has decided about it."""
    is_new = timezone.now() - comment.created_at < SENDERS_TIME
    return is_new and comment.status != Status.TRASH and not comment.decisions.exists()


def may_be_revised(comment: Comment) -> bool:
    """Whether its sender may still change `comment`: as long as nobody has answered it either."""
    return is_senders_own(comment) and not comment.replies.exclude(status__in=_OUT_OF_SIGHT).exists()


def revise_by_sender(comment: Comment, text: str, *, site: SiteSettings) -> Comment:
    """Give `comment` another text, keep the earlier one as a Revision, and judge it anew. Returns it as it is then.

    The same text again changes nothing: a second click. Raises TooLateError, and DoesNotExist if it was deleted.
    """
    with transaction.atomic():
        stored = Comment.objects.select_for_update(no_key=True).get(pk=comment.pk)
        if not may_be_revised(stored):
            raise TooLateError
        if stored.text == text:
            return stored
        Revision.objects.create(comment=stored, text=stored.text)
        before = stored.status
        stored.text = text
        # What was taken for spam stays it: nobody finds out by trying what passes.
        if before != Status.SPAM:
            stored.status = _status_on_arrival(stored, site)
        if stored.status != before:
            stored.status_since = timezone.now()
        stored.save(update_fields=["text", "status", "status_since"])
        if Status.APPROVED in (before, stored.status):
            _readers_notice([stored])
    return stored


def delete_by_sender(comment: Comment) -> None:
    """Delete `comment` for good with all that is held of its sender. Answers to it stay.

    Raises TooLateError, and DoesNotExist if it is deleted already.
    """
    with transaction.atomic():
        # The answers too, which are moved up; then the entry, so that none comes in at this moment.
        touched = Comment.objects.select_for_update(no_key=True).filter(Q(pk=comment.pk) | Q(parent=comment.pk))
        stored = {each.pk: each for each in touched.order_by("pk")}.get(comment.pk)
        if stored is None:
            raise Comment.DoesNotExist
        if not is_senders_own(stored):
            raise TooLateError
        entry = stored.entry
        type(entry).objects.select_for_update(no_key=True).only("pk").get(pk=entry.pk)
        delete([stored])
