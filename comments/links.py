"""Deciding by the links of a mail: each notice decides once, for a week, and only about what its reader has seen."""

import datetime as dt
from collections.abc import Callable, Iterable
from hashlib import sha256

from django.core.signing import TimestampSigner
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from blog.site import absolute_url
from comments import moderation
from comments.models import Comment, Status
from comments.moderation import Outcome
from comments.recipients import About, Notice

VALID_DAYS = 7

MOVES: dict[str, Callable[[Iterable[Comment], User], Outcome]] = {
    "approve": moderation.approve,
    "spam": moderation.mark_spam,
    "trash": moderation.trash,
}


class ChangedError(Exception):
    """The comment says something else now than what its reader has seen."""


def _signer() -> TimestampSigner:
    return TimestampSigner(salt="comments.links")


def digest(comment: Comment) -> str:
    """What stands for the text that somebody has seen."""
    return sha256(comment.text.encode()).hexdigest()


def addresses(notice: Notice) -> dict[str, str]:
    """Where each move is made by this notice."""
    signed = _signer().sign(str(notice.pk))
    return {move: absolute_url(reverse("comments:decide", args=[signed, move])) for move in MOVES}


def key(signed: str) -> int:
    """The key of the notice that was signed. Raises SignatureExpired after a week, BadSignature if it is false."""
    return int(_signer().unsign(signed, max_age=dt.timedelta(days=VALID_DAYS)))


def find(pk: int) -> Notice | None:
    notices = Notice.objects.filter(pk=pk, about=About.WAITING, moderator__isnull=False)
    return notices.select_related("moderator__user", "comment__user", "comment__post", "comment__page").first()


def is_open(notice: Notice) -> bool:
    """Whether there is still something to decide by it."""
    return notice.used_at is None and notice.comment.status == Status.PENDING


def decide(notice: Notice, move: str, seen: str) -> bool:
    """Decide about the comment in the name of who got `notice`; False if it is decided already, or was by this notice.

    `seen` is the digest of the text that was on the page. Raises ChangedError if the text is another one now, and
    DoesNotExist if the comment is gone.
    """
    with transaction.atomic():
        # The comment first, as all do who decide.
        notice.comment = Comment.objects.select_for_update(no_key=True).get(pk=notice.comment_id)
        if not is_open(notice):
            return False
        if digest(notice.comment) != seen:
            raise ChangedError
        if not Notice.objects.filter(pk=notice.pk, used_at=None).update(used_at=timezone.now()):
            return False
        assert notice.moderator is not None  # noqa: S101  (for the types: `find` gives no other)
        MOVES[move]([notice.comment], notice.moderator.user)
    return True
