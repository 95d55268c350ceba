"""Receiving Webmentions: the worker checks them, and they wait for a moderator like pingbacks.

Nothing is stored but the comment. Anyone can send a Webmention, so it is believed only once the other site's page has
been fetched.
"""

from typing import Final
from urllib.parse import unquote, urlsplit

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from blog.models import Entry
from blog.oembed import entry_at
from blog.redirects.resolve import find_target
from comments import outbox
from comments.models import (
    MAX_NAME_LENGTH,
    Comment,
    CommentKind,
    CommentQuerySet,
    CommentSettings,
    CommentStatus,
    Revision,
)
from comments.moderation.counting import recount_all
from comments.rules import akismet, rate_limit
from comments.rules.judge import Arrival, judge
from comments.webmentions import pages
from comments.webmentions.pages import Quotation
from comments.websites import has_address
from core.http import FetchError, host_of, hosts_of_site
from core.site import absolute_url
from core.text import CONTROL, is_visible

# The most characters of a URL. That of the source becomes the website of a comment.
MAX_URL: Final = 500
# Within this site, because an old URL may redirect to another one.
_MAX_REDIRECTS: Final = 3
# In characters. The end of a host identifies its owner.
_MAX_HOST: Final = 100


class RefusedMentionError(Exception):
    """The request is not a valid Webmention for this site. The message says why in one sentence."""


class TooManyMentionsError(Exception):
    """Too many Webmentions have come in, in total or about one other site, within ten minutes, or are waiting."""


def accept(source: str, target: str, sender: str, settings: CommentSettings) -> None:
    """Check a Webmention without fetching its source. `sender` comes from core.sender.

    Raises RefusedMentionError or TooManyMentionsError.
    """
    if not (_is_url(source) and _is_url(target)):
        raise RefusedMentionError(gettext("Send the URLs of two pages, as “source” and “target”."))
    if host_of(source) in hosts_of_site():
        raise RefusedMentionError(gettext("The source has to be a page of another site."))
    entry = find_entry(target)
    # A site may always withdraw a link that is shown here.
    if entry is None or not (settings.is_open(entry) or _of_source(entry, source).exists()):
        raise RefusedMentionError(gettext("The target has to be a page of this site that can be commented on."))
    if rate_limit.mentions_too_often(sender, host_of(source)):
        raise TooManyMentionsError


def find_entry(url: str) -> Entry | None:
    """Return the entry that readers see in full at this URL (see `_is_url`), or where it redirects to."""
    for _redirect in range(_MAX_REDIRECTS + 1):
        if (entry := entry_at(url)) is not None:
            return None if entry.password else entry
        target = find_target(unquote(urlsplit(url).path) or "/") if host_of(url) in hosts_of_site() else None
        if target is None:
            return None
        url = absolute_url(target.url)
    return None


def _is_url(url: str) -> bool:
    is_writable = len(url) <= MAX_URL and not CONTROL.search(url) and not has_address(url)
    return is_writable and bool(host_of(url))


def check(source: str, target: str) -> bool:
    """Fetch the source, and store, change or remove the comment. Return False if that has to be retried."""
    entry = find_entry(target)
    if entry is None:
        return True
    try:
        quotation = pages.find_link(pages.fetch(source), target)
    except FetchError as error:
        if not error.is_gone:
            return not error.is_temporary
        quotation = None
    if quotation is None:
        _remove(entry, source)
    else:
        _store(entry, source, quotation)
    return True


def _store(entry: Entry, source: str, quotation: Quotation) -> None:
    """Store the comment of a source, or change it if the page has changed."""
    text = f"[…] {quotation.text} […]" if quotation.text else source
    comment = Comment(entry=entry, kind=CommentKind.PINGBACK, website=source, text=text)
    comment.name = _name(quotation, source)
    comment.render()
    # Before the transaction, so that it does not wait for a remote server.
    arrival = Arrival(closed=not CommentSettings.current().is_open(entry), akismet=akismet.check(comment))
    with transaction.atomic():
        # Comments are locked before entries, as in every decision.
        stored = _locked(entry, source)
        # If two workers do this at once, the second waits here until the first has stored the comment.
        current = Entry.objects.published().filter(pk=entry.pk, password="").select_for_update(no_key=True)
        if not list(current.values_list("pk")):
            return
        if stored is not None:
            _change(stored, comment, arrival)
        elif not _of_source(entry, source).exists():
            _judge(comment, arrival)
            comment.save()
            outbox.record([comment.pk], comment.status)


def _name(quotation: Quotation, source: str) -> str:
    """Return the author of the page, or its name, followed by its host.

    A page can give any name, even that of a commenter here or of the owner. The host shows that it is someone else.
    """
    host = host_of(source)[-_MAX_HOST:]
    name = next(filter(is_visible, (quotation.author, quotation.name)), "")
    return f"{name[: MAX_NAME_LENGTH - len(f' ({host})')].rstrip()} ({host})" if name else host


def _of_source(entry: Entry, source: str) -> CommentQuerySet:
    """Return the comment of a source, which may also have been imported."""
    return Comment.objects.on(entry).filter(website=source).exclude(kind=CommentKind.COMMENT)


def _locked(entry: Entry, source: str) -> Comment | None:
    """Return the comment of a source, locked until the transaction ends."""
    return _of_source(entry, source).select_for_update(no_key=True).order_by("pk").first()


def _change(stored: Comment, new: Comment, arrival: Arrival) -> None:
    """Change a comment to what the page says now, and keep its earlier text. Moderators see it again.

    Spam and trash are left alone, so that nothing comes back on its own.
    """
    before = stored.status
    if before in (CommentStatus.SPAM, CommentStatus.TRASH) or (stored.name, stored.text) == (new.name, new.text):
        return
    if stored.text != new.text:
        Revision.objects.create(comment=stored, text=stored.text)
    stored.name, stored.text, stored.is_html = new.name, new.text, False
    stored.render()
    _judge(stored, arrival)
    stored.status_since = timezone.now()
    stored.save()
    outbox.record([stored.pk], stored.status)
    if before == CommentStatus.APPROVED:
        recount_all([stored.entry_id])


def _judge(comment: Comment, arrival: Arrival) -> None:
    """Give a comment the status that the rules decide, except that it is held where they would approve it."""
    judgement = judge(comment, CommentSettings.current(), arrival)
    comment.reasons = judgement.reasons
    comment.status = CommentStatus.SPAM if judgement.status == CommentStatus.SPAM else CommentStatus.PENDING


def _remove(entry: Entry, source: str) -> None:
    """Move the comment of a source that no longer links to us to the trash."""
    with transaction.atomic():
        stored = _locked(entry, source)
        if stored is None or stored.status in (CommentStatus.SPAM, CommentStatus.TRASH):
            return
        before = stored.status
        stored.status, stored.status_since = CommentStatus.TRASH, timezone.now()
        stored.save(update_fields=["status", "status_since"])
        if before == CommentStatus.APPROVED:
            recount_all([stored.entry_id])
