"""A post or page made from an item: everything but its address, where it is filed and its comments."""

from collections.abc import Iterator
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from blog.models import Page, Post, Status
from blog.rendering import EMBEDDED
from wordpress.authors import Authors
from wordpress.enclosures import number_unread
from wordpress.identity import Identity
from wordpress.originals import restore_entry
from wordpress.plain import has_markup, language_code, moment, plain, plain_lines
from wordpress.records import CATEGORY, LANGUAGE, TAG, Item
from wordpress.reports import Report

MARKUP = "wordpress"
_MAX_TITLE_LENGTH = 1000
_STATUSES = {
    "publish": Status.PUBLISHED,
    "future": Status.PUBLISHED,
    "draft": Status.DRAFT,
    "pending": Status.PENDING,
    "private": Status.PRIVATE,
    "trash": Status.TRASH,
}


def build[Entry: (Post, Page)](
    model: type[Entry], item: Item, identity: Identity, authors: Authors, report: Report, **fields: Any
) -> Entry:
    """The entry that `item` becomes, neither rendered nor stored. What cannot be kept as it was is noted."""
    now = timezone.now()
    published_at = moment(item.date, item.date_gmt)
    written_at = published_at or now
    if item.status not in {"publish", "future", "private"} and item.date_gmt is None:
        # A draft that never had a moment: the date is that of its last change.
        published_at = None
    status, remark = _status(item, published_at is not None, published_at is not None and published_at > now)
    entry = model(
        pk=identity.pk,
        guid=identity.guid,
        title=plain(item.title)[:_MAX_TITLE_LENGTH],
        author_id=authors.of_item(item.author),
        status=status,
        published_at=published_at,
        source=item.content,
        markup=MARKUP,
        excerpt=plain_lines(item.excerpt),
        language=_language(item),
        comments_open=item.comment_status == "open",
        created_at=written_at,
        modified_at=moment(item.modified, item.modified_gmt) or written_at,
        **fields,
    )
    restore_entry(entry, item)
    for text in (remark, *_remarks(item, identity)):
        if text:
            report.note(item.type, item.id, entry.title, text)
    return entry


def _language(item: Item) -> str:
    """The code of the language that the text is filed under; empty if that is none or not known."""
    return next((language_code(ref.slug) for ref in item.terms if ref.taxonomy == LANGUAGE), "")


def _status(item: Item, dated: bool, to_come: bool) -> tuple[Status, str]:
    """The status, and what to say about it. In doubt readers do not see it."""
    status = _STATUSES.get(item.status)
    if status is None:
        if not item.status:
            return Status.DRAFT, _("The export does not say whether it was public: it is a draft.")
        return Status.DRAFT, _("Its status “%s” is not known here: it is a draft.") % item.status
    if item.password and status == Status.PUBLISHED:
        return Status.PRIVATE, _("It was protected by a password: here it is private.")
    if status == Status.PUBLISHED and not dated:
        return Status.DRAFT, _("It has no date, so it has no address: it is a draft.")
    if item.status == "future" and not to_come:
        return Status.PENDING, _("It was scheduled for a moment that has passed since: it waits for an editor.")
    return status, ""


def _remarks(item: Item, identity: Identity) -> Iterator[str]:
    if not item.id:
        yield _("It has no number in the export: here it has the number %d.") % identity.pk
    elif item.id != identity.pk:
        yield _("Its number is taken: here it has the number %d.") % identity.pk
    if identity.guid != item.guid:
        yield _("Its guid is missing, too long or that of another item: it has a new one.")
    if has_markup(item.title):
        yield _("The markup in its title was left out.")
    if len(plain(item.title)) > _MAX_TITLE_LENGTH:
        yield _("The title is too long and was cut.")
    if has_markup(item.excerpt):
        yield _("The markup in its excerpt was left out.")
    if "data:" in item.content and (number := len(EMBEDDED.findall(item.content))):
        text = ngettext(
            "%d file stands in the text itself: readers see the words for it at most.",
            "%d files stand in the text itself: readers see the words for them at most.",
            number,
        )
        yield text % number
    if item.type == "post" and (unread := number_unread(item)):
        text = ngettext(
            "%d of its enclosures has no address that can be read: it was left out.",
            "%d of its enclosures have no address that can be read: they were left out.",
            unread,
        )
        yield text % unread
    if item.type == "page" and any(ref.taxonomy in {CATEGORY, TAG} for ref in item.terms):
        yield _("Pages have no categories and tags here: those it had were left out.")
