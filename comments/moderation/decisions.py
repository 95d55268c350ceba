"""Moderators' decisions about comments. Each is logged and can be undone."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from comments import outbox
from comments.changes import comments_changed
from comments.models import Comment, CommentSettings, CommentStatus, Decision, Revision
from comments.moderation.counting import recount_all
from comments.moderation.submission import submit
from comments.rules import bayes

# How many comments one transaction decides about. On SQLite, each takes about half a millisecond.
_BATCH_SIZE: Final = 250
OUT_OF_SIGHT = (CommentStatus.SPAM, CommentStatus.TRASH)

# The new status of a comment, and what the filter has learned from it by then: `approved`, `spam` or, empty, nothing.
type Ruling = tuple[CommentStatus, str]
# Returns its rulings on comments, which are locked. Those it leaves out keep their status.
type Rule = Callable[[list[Comment]], Mapping[Comment, Ruling]]
# The `mark` of each comment, by ID, as the moderator saw it when deciding.
type Seen = Mapping[int, str]


@dataclass(frozen=True, slots=True)
class DecisionResult:
    """The result of a decision. `unchanged` comments already had the status, or have been decided otherwise since.

    `overtaken` are the IDs of comments that are no longer what the moderator saw and were left alone.
    """

    changed: int
    unchanged: int
    batch: uuid.UUID
    overtaken: tuple[int, ...] = ()

    def __add__(self, other: "DecisionResult") -> "DecisionResult":
        """Return the result of both decisions, which are one batch."""
        counts = (self.changed + other.changed, self.unchanged + other.unchanged)
        return DecisionResult(*counts, self.batch, self.overtaken + other.overtaken)


class OvertakenError(Exception):
    """The comment has changed since the moderator saw it."""


def approve(comments: Iterable[Comment], by: User, seen: Seen | None = None) -> DecisionResult:
    """Publish `comments`. The filter learns that they are not spam, and their authors become known.

    Here and below, comments whose mark differs from the one in `seen` are left alone and reported as overtaken.
    """
    return _decide(comments, by, _same_for_all(CommentStatus.APPROVED, CommentStatus.APPROVED), seen)


def unapprove(comments: Iterable[Comment], by: User, seen: Seen | None = None) -> DecisionResult:
    """Hide approved `comments` until they are decided about again. The filter forgets what it learned from them."""

    def rule(locked: list[Comment]) -> dict[Comment, Ruling]:
        approved = [comment for comment in locked if comment.status == CommentStatus.APPROVED]
        return dict.fromkeys(approved, (CommentStatus.PENDING, ""))

    return _decide(comments, by, rule, seen)


def mark_spam(comments: Iterable[Comment], by: User, seen: Seen | None = None) -> DecisionResult:
    """Hide `comments` as spam. The filter learns from them."""
    return _decide(comments, by, _same_for_all(CommentStatus.SPAM, CommentStatus.SPAM), seen)


def trash(comments: Iterable[Comment], by: User, seen: Seen | None = None) -> DecisionResult:
    """Hide `comments` without calling them spam. What the filter has learned from them stays."""

    def rule(locked: list[Comment]) -> dict[Comment, Ruling]:
        return {comment: (CommentStatus.TRASH, _taught(history)) for comment, history in _with_history(locked)}

    return _decide(comments, by, rule, seen)


def restore(comments: Iterable[Comment], by: User, seen: Seen | None = None) -> DecisionResult:
    """Give spam and trash the status they had before; `pending` if that is not known."""

    def rule(locked: list[Comment]) -> dict[Comment, Ruling]:
        hidden = [comment for comment in locked if comment.status in OUT_OF_SIGHT]
        return {comment: _before_removal(history) for comment, history in _with_history(hidden)}

    return _decide(comments, by, rule, seen)


def reply(comment: Comment, text: str, by: User, *, settings: CommentSettings, seen: Seen | None = None) -> uuid.UUID:
    """Approve `comment`, publish `text` as a reply by `by`, and return the batch that can be undone to revert both.

    Raises OvertakenError if the comment is no longer what was seen, and DoesNotExist if it or its entry has been
    deleted; in both cases, nothing is stored.
    """
    with transaction.atomic():
        result = approve([comment], by, seen)
        if result.overtaken:
            raise OvertakenError
        if not result.changed + result.unchanged:
            raise Comment.DoesNotExist
        stored = submit(comment.entry, text=text, parent=comment, user=by, settings=settings)
        if stored.status != CommentStatus.APPROVED:
            _decide([stored], by, _same_for_all(CommentStatus.APPROVED, ""), batch=result.batch)
        elif (published := stored.decisions.first()) is None:
            # The rules approve comments by staff. The log shows a decision all the same.
            batch = {"moderator": by, "batch": result.batch}
            Decision.objects.create(comment=stored, was=CommentStatus.PENDING, became=CommentStatus.APPROVED, **batch)
        elif not result.changed:
            # This is a second click.
            return published.batch
    return result.batch


def edit(comment: Comment, values: Mapping[str, str], by: User, *, mark: str = "") -> None:
    """Change the text, name, email or website of `comment`, and keep the earlier text.

    Its status stays. Raises OvertakenError if its mark is no longer `mark`, and DoesNotExist if it has been deleted.
    """
    with transaction.atomic():
        stored = Comment.objects.select_for_update(no_key=True).get(pk=comment.pk)
        if mark and stored.mark != mark:
            raise OvertakenError
        changed = [field for field, value in values.items() if getattr(stored, field) != value]
        if "text" in changed:
            Revision.objects.create(comment=stored, text=stored.text, by=by)
        for field in changed:
            setattr(stored, field, values[field])
        if changed:
            stored.save(update_fields=changed)


def undo(batch: uuid.UUID, by: User) -> DecisionResult:
    """Undo `batch` for every comment whose status still results from it.

    This is a decision as well, so it can be undone itself. What the filter learned is restored too.
    """

    def rule(locked: list[Comment]) -> dict[Comment, Ruling]:
        return {
            comment: _before(history, len(history) - 1)
            for comment, history in _with_history(locked)
            if history and history[-1].batch == batch and history[-1].became == comment.status
        }

    pks = Decision.objects.filter(batch=batch).values_list("comment", flat=True)
    return _decide([Comment(pk=pk) for pk in pks], by, rule)


def _same_for_all(status: CommentStatus, taught: str) -> Rule:
    return lambda locked: dict.fromkeys(locked, (status, taught))


def _with_history(comments: list[Comment]) -> Iterator[tuple[Comment, list[Decision]]]:
    """Yield each of `comments` with the decisions about it, oldest first; one query."""
    histories = defaultdict[int, list[Decision]](list)
    for decision in Decision.objects.filter(comment__in=comments).order_by("pk"):
        histories[decision.comment_id].append(decision)
    for comment in comments:
        yield comment, histories[comment.pk]


def _taught(history: list[Decision]) -> str:
    return history[-1].taught if history else ""


def _before(history: list[Decision], index: int) -> Ruling:
    """Return the status before the decision at this index, and what the filter had learned by then."""
    return CommentStatus(history[index].was), _taught(history[:index])


def _before_removal(history: list[Decision]) -> Ruling:
    for index, decision in reversed(list(enumerate(history))):
        if decision.became in OUT_OF_SIGHT and decision.was not in OUT_OF_SIGHT:
            return _before(history, index)
    return CommentStatus.PENDING, ""


def _decide(
    comments: Iterable[Comment], by: User, rule: Rule, seen: Seen | None = None, batch: uuid.UUID | None = None
) -> DecisionResult:
    """Give `comments` the status that `rule` returns, where it differs, and log the decisions.

    Each few hundred are a transaction of their own, so that others don't have to wait. If this is interrupted, what was
    decided so far can be undone, and deciding again continues.
    """
    pks = sorted({comment.pk for comment in comments})
    result = DecisionResult(0, 0, batch or uuid.uuid4())
    for some in batched(pks, _BATCH_SIZE):
        with transaction.atomic():
            result += _decide_some(some, by, rule, seen or {}, result.batch)
    return result


def _decide_some(pks: Sequence[int], by: User, rule: Rule, seen: Seen, batch: uuid.UUID) -> DecisionResult:
    """Decide about the comments with these sorted IDs in the current transaction.

    They are always locked in the same order, and before the filter's rows and any entry, so moderators may wait for
    each other but never deadlock.
    """
    stored = Comment.objects.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk")
    found = list(stored.only("status", "entry", "name", "email", "website", "text"))
    stale = {comment.pk for comment in found if comment.pk in seen and seen[comment.pk] != comment.mark}
    locked = [comment for comment in found if comment.pk not in stale]
    rulings = {comment: ruling for comment, ruling in rule(locked).items() if ruling[0] != comment.status}
    for status in {ruling[0] for ruling in rulings.values()}:
        new_pks = [comment.pk for comment, ruling in rulings.items() if ruling[0] == status]
        Comment.objects.filter(pk__in=new_pks).update(status=status, status_since=timezone.now())
        if status == CommentStatus.APPROVED:
            outbox.record(new_pks, status)
    Decision.objects.bulk_create(
        Decision(comment=comment, moderator=by, was=comment.status, became=new, taught=taught, batch=batch)
        for comment, (new, taught) in rulings.items()
    )
    comments_changed([comment.pk for comment in rulings])
    bayes.learn({comment: taught for comment, (_new, taught) in rulings.items()})
    recount_all(
        comment.entry_id
        for comment, (new, _taught) in rulings.items()
        if CommentStatus.APPROVED in (comment.status, new)
    )
    return DecisionResult(len(rulings), len(locked) - len(rulings), batch, tuple(sorted(stale)))
