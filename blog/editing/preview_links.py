"""Links to unpublished posts and pages for people without an account: signed, temporary and revocable.

Anyone with the URL sees the text as it is currently stored. The URL is a secret, so its pages are private
(blog.caching.private_parameters): no cache stores them, no search engine indexes them, no other site learns of them.
"""

import datetime as dt
from typing import Final

from django.core.signing import BadSignature, Signer
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from blog.models import Entry, PreviewLink, Status
from core.site import absolute_url

# The query parameter that contains the signed ID of a link.
PARAMETER: Final = "preview_link"
_SIGNER: Final = Signer(salt="blog.preview_links")


def create(entry: Entry, by: User, days: int) -> PreviewLink:
    """Create a link to `entry` that works for `days`, and delete links that have expired."""
    now = timezone.now()
    PreviewLink.objects.filter(expires_at__lte=now).delete()
    expires_at = now + dt.timedelta(days=days)
    return PreviewLink.objects.create(entry=entry, created_by=by, created_at=now, expires_at=expires_at)


def working_links(links: QuerySet[PreviewLink]) -> QuerySet[PreviewLink]:
    """Return those of `links` that have not expired, and whose creator may still log in, with these users.

    Someone whose account is locked, perhaps because others have got into it, must not keep reading.
    """
    working = links.filter(expires_at__gt=timezone.now(), created_by__is_active=True, created_by__is_staff=True)
    return working.select_related("created_by")


def revoke_all(person: User) -> None:
    """Delete the links that `person` has created (accounts.revocations)."""
    PreviewLink.objects.filter(created_by=person).delete()


def url_of(link: PreviewLink) -> str:
    """Return the absolute URL to share."""
    return absolute_url(reverse("blog:front", query={PARAMETER: _SIGNER.sign(str(link.pk))}))


def find_entry(token: str) -> Entry | None:
    """Return the entry that a link with this token leads to; None if it is forged, expired or revoked.

    Entries in the trash are never shown.
    """
    try:
        pk = int(_SIGNER.unsign(token))
    except (BadSignature, ValueError):
        return None
    links = working_links(PreviewLink.objects.filter(pk=pk))
    entries = Entry.objects.filter(pk__in=links.values("entry")).exclude(status=Status.TRASH)
    return entries.select_related("author", "featured_picture").first()
