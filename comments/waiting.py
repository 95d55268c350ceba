"""The comment that waits for a moderator, shown to its sender alone: by a signed address, not by a cookie."""

from urllib.parse import urlencode

from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest

from comments.models import Comment, Status

# How long a sender can come back to look, in seconds.
VALID_FOR = 7 * 24 * 60 * 60

# The names are WordPress's.
_NUMBER, _SIGNATURE = "unapproved", "moderation-hash"


def _signer() -> TimestampSigner:
    return TimestampSigner(salt="comments.waiting")


def address(comment: Comment) -> str:
    """Where the sender of `comment` is sent: to the comment itself, also when nobody else can see it yet.

    What was taken for spam has the same form of address as what waits.
    """
    if comment.status == Status.APPROVED:
        return comment.get_absolute_url()
    query = urlencode({_NUMBER: comment.pk, _SIGNATURE: _signer().sign(str(comment.pk))})
    return f"{comment.entry.get_absolute_url()}?{query}#comment-{comment.pk}"


def from_request(request: HttpRequest) -> int | None:
    """The key of the comment whose sender asks, None if nobody does or the signature is false or too old."""
    number = request.GET.get(_NUMBER, "")
    try:
        signed = _signer().unsign(request.GET.get(_SIGNATURE, ""), max_age=VALID_FOR)
    except BadSignature:
        return None
    return int(number) if number == signed else None
