"""Deciding by the links of a mail: each notice decides once, for a week, and only about what its reader has seen.

With another password the links of a person end, as sessions do.
"""

import datetime as dt

from django.core.signing import SignatureExpired, TimestampSigner
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.models import User
from blog.site import absolute_url
from comments.models import Comment, Status
from comments.moderation import OvertakenError
from comments.moves import MOVES as ALL_MOVES
from comments.recipients import About, Notice

VALID_DAYS = 7

MOVES = {name: move for name, move in ALL_MOVES.items() if Status.PENDING in move.offered_for}


def _signer() -> TimestampSigner:
    return TimestampSigner(salt="comments.links")


def addresses(notice: Notice) -> dict[str, str]:
    """Where each move is made by this notice, which is for a moderator."""
    signed = _signer().sign(f"{notice.pk}.{_password_mark(_reader(notice))}")
    return {move: absolute_url(reverse("comments:decide", args=[signed, move])) for move in MOVES}


def find(signed: str) -> Notice | None:
    """The notice of an address; None if the comment is gone.

    Raises SignatureExpired after a week and with another password, BadSignature if the address is false.
    """
    value = _signer().unsign(signed, max_age=dt.timedelta(days=VALID_DAYS))
    pk, _dot, password_mark = value.partition(".")
    notices = Notice.objects.filter(pk=int(pk), about=About.WAITING, moderator__isnull=False)
    notice = notices.select_related("moderator__user", "comment__user", "comment__post", "comment__page").first()
    if notice is not None and not constant_time_compare(password_mark, _password_mark(_reader(notice))):
        raise SignatureExpired("The password has changed.")
    return notice


def _reader(notice: Notice) -> User:
    assert notice.moderator is not None  # noqa: S101  (for the types: links are for moderators alone)
    return notice.moderator.user


def _password_mark(user: User) -> str:
    """Another one as soon as the password changes. It tells nothing about the password."""
    return user.get_session_auth_hash()[:16]


def is_open(notice: Notice) -> bool:
    """Whether there is still something to decide by it."""
    return notice.used_at is None and notice.comment.status == Status.PENDING


def decide(notice: Notice, move: str, seen: str) -> None:
    """Decide about the comment in the name of who got `notice`, unless it is decided already, or was by this notice.

    `seen` is the mark of what was on the page. Raises OvertakenError if the comment has another one now, and
    DoesNotExist if it is gone.
    """
    with transaction.atomic():
        # The comment first, as all do who decide.
        notice.comment = Comment.objects.select_for_update(no_key=True).get(pk=notice.comment_id)
        if not is_open(notice):
            return
        if notice.comment.mark != seen:
            raise OvertakenError
        if Notice.objects.filter(pk=notice.pk, used_at=None).update(used_at=timezone.now()):
            MOVES[move].decide([notice.comment], _reader(notice), None)
