"""Links for commenters to their own comment, which they see before it is approved and may change for a while.

The URLs are signed, so no cookie is needed. Anyone with the URL counts as the commenter, so these pages send no
referrer and are never cached.
"""

from urllib.parse import urlencode

from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest
from django.urls import reverse

from comments.models import Comment

# How long the links work, in seconds.
VALID_FOR = 7 * 24 * 60 * 60

# The names are WordPress's.
PK = "unapproved"
_SIGNATURE = "moderation-hash"
_SIGNER = TimestampSigner(salt="comments.sender_links")


def view_url(comment: Comment) -> str:
    """Return the URL at which its author sees `comment`, whatever its status. It doesn't reveal the status."""
    query = urlencode({PK: comment.pk, _SIGNATURE: _SIGNER.sign(str(comment.pk))})
    return f"{comment.entry.get_absolute_url()}?{query}#comment-{comment.pk}"


def from_request(request: HttpRequest) -> int | None:
    """Return the ID of the comment whose author sends this request; None if the signature is missing or invalid."""
    pk = find_pk(request.GET.get(_SIGNATURE, ""))
    return pk if request.GET.get(PK, "") == str(pk) else None


def edit_url(comment: Comment) -> str:
    """Return the URL at which the author can change or delete the comment."""
    return reverse("comments:own", args=[_SIGNER.sign(str(comment.pk))])


def find_pk(signed: str) -> int | None:
    """Return the signed comment ID; None if the signature is invalid or has expired."""
    try:
        return int(_SIGNER.unsign(signed, max_age=VALID_FOR))
    except BadSignature:
        return None
