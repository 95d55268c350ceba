"""A comment and its sender: what waits for a moderator is shown to the sender alone, who may change it for a while.

By a signed address, not by a cookie. Whoever has the address is the sender, so pages with it say nobody where
their readers came from, and no cache keeps them.
"""

from urllib.parse import urlencode

from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest
from django.urls import reverse

from comments.models import Comment

# How long a sender can come back to look, in seconds.
VALID_FOR = 7 * 24 * 60 * 60

# The names are WordPress's.
NUMBER = "unapproved"
_SIGNATURE = "moderation-hash"


def _signer() -> TimestampSigner:
    return TimestampSigner(salt="comments.waiting")


def address(comment: Comment) -> str:
    """Where the sender of `comment` is sent: to the comment itself, also when nobody else can see it yet.

    It says nothing of what was thought of the comment, and leads there as well after a moderator has decided.
    """
    query = urlencode({NUMBER: comment.pk, _SIGNATURE: _signer().sign(str(comment.pk))})
    return f"{comment.entry.get_absolute_url()}?{query}#comment-{comment.pk}"


def own_address(comment: Comment) -> str:
    """Where the sender of `comment` can change or delete it."""
    return reverse("comments:own", args=[_signer().sign(str(comment.pk))])


def from_request(request: HttpRequest) -> int | None:
    """The key of the comment whose sender asks, None if nobody does or the signature is false or too old."""
    number = request.GET.get(NUMBER, "")
    signed = key(request.GET.get(_SIGNATURE, ""))
    return signed if number == str(signed) else None


def own_address_from_request(request: HttpRequest) -> str:
    """`own_address` for the sender who asks by the signed address."""
    return reverse("comments:own", args=[request.GET[_SIGNATURE]])


def key(signed: str) -> int | None:
    """The key of the comment that was signed; None if the signature is false or too old."""
    try:
        return int(_signer().unsign(signed, max_age=VALID_FOR))
    except BadSignature:
        return None
