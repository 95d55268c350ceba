"""Sending Webmentions: once for each link, again when the text changes, and once more when the link is gone.

The worker looks for entries that were published or changed, so saving never waits, and scheduled posts are found when
they are due. Nothing is sent about imported entries, because they were published earlier. Entries with a password are
never mentioned.
"""

import datetime as dt
from collections import Counter
from typing import Final
from urllib.parse import urldefrag

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from blog.models import Entry
from blog.models.entry_query import EntryKind
from comments.models import MAX_TARGET_LENGTH, CommentSettings, SentMention
from comments.webmentions import pages
from core.clock import correct_future_times
from core.http import FetchError, host_of, hosts_of_site
from core.site import absolute_url

# The most links of an entry that are mentioned. A text with more is a list of links.
_MAX_LINKS: Final = 50
# The most Webmentions that one run sends to one host.
_MAX_PER_HOST: Final = 5
_MAX_FAILURES: Final = 4
_FIRST_PAUSE: Final = dt.timedelta(minutes=15)
_PAUSE_FACTOR: Final = 4
_LONGEST_PAUSE: Final = dt.timedelta(days=1)
# How long a mention that one worker is sending is left alone by the others.
_CLAIM: Final = dt.timedelta(minutes=10)
# How long the worker may have been down.
_LOOK_BACK: Final = dt.timedelta(days=7)


def note_links() -> None:
    """Note which links other sites should be told about. If the owner has turned that off, delete all notes."""
    correct_future_times(CommentSettings.objects.all(), "sending_since")
    settings, now = CommentSettings.current(), timezone.now()
    if settings.sending_since is None:
        SentMention.objects.all().delete()
        return
    public = Entry.objects.published().filter(password="")
    _withdraw(SentMention.objects.filter(~Exists(public.filter(pk=OuterRef("entry_id")))))
    of_entry = SentMention.objects.filter(entry_id=OuterRef("pk"))
    is_noted = Exists(of_entry.filter(digest=OuterRef("source_digest")))
    is_recent = Q(published_at__gt=now - _LOOK_BACK) | Q(modified_at__gt=now - _LOOK_BACK)
    has_links = Q(body_html__contains="://") | Exists(of_entry)
    # All kinds, because the index starts with the kind.
    since = public.filter(kind__in=EntryKind.values, published_at__gte=settings.sending_since)
    entries = since.filter(is_recent, has_links, ~is_noted)
    for entry in entries.defer("source", "lead_html").iterate(10):
        _note_links_of(entry)


def _withdraw(mentions: QuerySet[SentMention]) -> None:
    """Have the sites that know of these links told that they are gone, and forget the other links."""
    mentions.filter(sent_at=None).delete()
    mentions.exclude(digest="").update(digest="", not_before=timezone.now(), failures=0)


def _note_links_of(entry: Entry) -> None:
    links, digest = _links_of(entry), entry.source_digest
    source = absolute_url(entry.get_absolute_url())
    with transaction.atomic():
        of_entry = SentMention.objects.filter(entry_id=entry.pk)
        again = of_entry.filter(target__in=links).exclude(digest=digest)
        again.update(digest=digest, not_before=timezone.now(), failures=0)
        _withdraw(of_entry.exclude(target__in=links))
        new = [SentMention(entry_id=entry.pk, source=source, target=link, digest=digest) for link in links]
        SentMention.objects.bulk_create(new, ignore_conflicts=True)


def _links_of(entry: Entry) -> list[str]:
    """Return the pages of other sites that the text links to, each once."""
    own = hosts_of_site()
    found: dict[str, None] = {}
    for href in pages.links_in(entry.body_html):
        host = host_of(href)
        if host and host not in own and len(href) <= MAX_TARGET_LENGTH:
            found[urldefrag(href).url] = None
    return list(found)[:_MAX_LINKS]


def send_due(until: dt.datetime) -> None:
    """Send the mentions that are due, until `until`, and only a few to each host."""
    correct_future_times(SentMention.objects.all(), "not_before", up_to=_LONGEST_PAUSE)
    counts = Counter[str]()
    for mention in list(SentMention.objects.filter(not_before__lte=timezone.now()).order_by("not_before", "pk")):
        if timezone.now() >= until:
            return
        host = host_of(mention.target)
        if counts[host] >= _MAX_PER_HOST:
            continue
        counts[host] += 1
        claimed = SentMention.objects.filter(pk=mention.pk, not_before=mention.not_before, digest=mention.digest)
        mention.not_before = timezone.now() + _CLAIM
        if claimed.update(not_before=mention.not_before):
            _send(mention)


def _send(mention: SentMention) -> None:
    """Send a mention that this worker has claimed, and note when to try again if that fails."""
    is_public = Entry.objects.published().filter(pk=mention.entry_id, password="").exists()
    if mention.digest and not is_public:
        # It was hidden a moment ago. The next run notes that.
        return
    # Matches no row if something newer is to be sent by now.
    row = SentMention.objects.filter(pk=mention.pk, not_before=mention.not_before, digest=mention.digest)
    try:
        endpoint = pages.find_endpoint(pages.fetch(mention.target))
        if endpoint is not None and row.update(sent_at=timezone.now()):
            pages.send(endpoint, mention.source, mention.target)
    except FetchError as error:
        if error.is_temporary and mention.failures < _MAX_FAILURES:
            asked = dt.timedelta(seconds=error.retry_after or 0)
            pause = min(max(asked, _FIRST_PAUSE * _PAUSE_FACTOR**mention.failures), _LONGEST_PAUSE)
            row.update(failures=F("failures") + 1, not_before=timezone.now() + pause)
            return
    if mention.digest:
        row.update(failures=0, not_before=None)
    else:
        row.delete()
