"""Deleting comments for good."""

from collections.abc import Iterable, Mapping
from itertools import batched
from typing import Final

from django.db import transaction
from django.db.models import Q

from comments.models import Comment, CommentStatus
from comments.moderation.counting import recount_all

_BATCH_SIZE: Final = 250


def delete(comments: Iterable[Comment]) -> int:
    """Delete `comments` with their history, and return how many.

    Replies stay and are attached to the parents of the deleted comments, so readers find them where they were. Each
    few hundred comments are a transaction of their own, so that others don't have to wait.
    """
    deleted = 0
    for batch in batched(sorted({comment.pk for comment in comments}), _BATCH_SIZE):
        with transaction.atomic():
            stored = lock(batch)
            doomed = {pk: stored[pk] for pk in batch if pk in stored}
            _move_up_replies(doomed, stored)
            Comment.objects.filter(pk__in=doomed).delete()
            recount_all(comment.entry_id for comment in doomed.values() if comment.status == CommentStatus.APPROVED)
        deleted += len(doomed)
    return deleted


def lock(pks: Iterable[int]) -> dict[int, Comment]:
    """Lock the comments with these IDs, their parents and their replies until the transaction ends, and return them.

    When deleting, call this before locking anything else, so that the order is the same as in every decision.
    """
    pks = set(pks)
    parents = Comment.objects.filter(pk__in=pks).exclude(parent=None).values_list("parent", flat=True)
    around = Q(pk__in=pks.union(parents)) | Q(parent__in=pks)
    locked = Comment.objects.select_for_update(no_key=True).filter(around).order_by("pk")
    return {comment.pk: comment for comment in locked.only("status", "entry", "parent")}


def _move_up_replies(doomed: Mapping[int, Comment], stored: Mapping[int, Comment]) -> None:
    """Attach the replies to `doomed` to their nearest ancestor among `stored` that stays."""
    moved: dict[int | None, list[int]] = {}
    # Queried again, because replies may have come in until everything was locked.
    replies = Comment.objects.filter(parent__in=doomed).exclude(pk__in=doomed).order_by("pk")
    for pk, parent in replies.values_list("pk", "parent"):
        above: int | None = parent
        # Imported threads may contain cycles.
        visited = {pk}
        while above is not None and above in doomed and above not in visited:
            visited.add(above)
            above = doomed[above].parent_id
        moved.setdefault(above if above in stored and above not in visited else None, []).append(pk)
    for ancestor, pks in moved.items():
        Comment.objects.filter(pk__in=pks).update(parent=ancestor)
