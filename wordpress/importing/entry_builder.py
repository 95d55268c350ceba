"""Building a post or page from an item of the export, except for its URL, terms and comments."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from blog.models import Entry, Page, Post, Status
from blog.rendering import EMBEDDED_FILE, RenderInput
from core.languages import in_quotes, may_be_in_url
from tags.models import Tag
from wordpress.importing.limits import max_length
from wordpress.importing.matching import KeyedItem
from wordpress.importing.texts import Text
from wordpress.legacy_urls.query_forms import legacy_key, script_key
from wordpress.wxr.records import (
    CATEGORY,
    LANGUAGE,
    REDIRECT_KEYS,
    SECTION_GUID,
    TAG,
    WPML_LANGUAGE,
    Item,
    hides_from_search_engines,
)
from wordpress.wxr.values import has_markup, language_code, plain_line, plain_lines

_MAX_TITLE_LENGTH: Final = max_length(Entry, "title")
_MAX_PASSWORD_LENGTH: Final = max_length(Entry, "password")
_MAX_TAG_LENGTH: Final = max_length(Tag, "name")
_MAX_URL: Final = 200
_PUBLICATION: Final = dt.timedelta(days=1)
_MAX_LANGUAGE_LENGTH: Final = max_length(Entry, "language")
_STATUSES: Final = {
    "publish": Status.PUBLISHED,
    "future": Status.PUBLISHED,
    "draft": Status.DRAFT,
    "pending": Status.PENDING,
    "private": Status.PRIVATE,
    "trash": Status.TRASH,
}


@dataclass(slots=True)
class ImportedEntry:
    """An item and the entry that it has become: a new entry, or an existing one that has changed.

    `is_guess` is true if the language of a new entry was guessed. `was_section` is true if the existing entry is a page
    that an earlier import added in place of the item.
    """

    keyed: KeyedItem
    entry: Entry
    is_new: bool
    is_guess: bool = False
    was_section: bool = False

    @property
    def item(self) -> Item:
        return self.keyed.item

    @property
    def is_first_import(self) -> bool:
        """Whether the item was not here before."""
        return self.is_new or self.was_section


def markup_of(item: Item) -> str:
    """Return the markup of an item's text: WordPress's own, unless one of our own exports gives another."""
    return (item.extension.markup if item.extension else "") or "wordpress"


def stated_language(item: Item) -> str:
    """Return the language of an item's text if the export gives it, otherwise an empty string."""
    exact = item.extension.texts.get("language", "") if item.extension else ""
    if len(exact) <= _MAX_LANGUAGE_LENGTH and may_be_in_url(exact):
        # Our own exports give the exact code, even of languages that Django doesn't know.
        return exact
    filed_under = next((ref.slug for ref in item.terms if ref.taxonomy == LANGUAGE), "")
    return language_code(exact) or language_code(filed_under or item.field(WPML_LANGUAGE))


def plain_title(markup: str) -> str:
    """Return the title here of a post or page with the exported title `markup`."""
    return plain_line(markup)[:_MAX_TITLE_LENGTH]


def _title_and_excerpt(item: Item) -> tuple[str, str]:
    """Return the title and the excerpt of an item, as plain text."""
    exact = item.extension.texts if item.extension else {}
    title, excerpt = exact.get("title"), exact.get("excerpt")
    if title is None or len(title) > _MAX_TITLE_LENGTH:
        title = plain_title(item.title)
    return title, plain_lines(item.excerpt) if excerpt is None else excerpt


def text_of(item: Item, entry: object = None) -> Text:
    """Return the text of an item. `entry` is what its markup needs to know about the entry."""
    title, excerpt = _title_and_excerpt(item)
    tags = {ref.name[:_MAX_TAG_LENGTH] for ref in item.terms if ref.taxonomy == TAG and item.type == "post"}
    source = RenderInput(item.content, markup_of(item), entry, stated_language(item))
    return Text(source, title, excerpt, tuple(sorted(tags)))


def keeps_status(item: Item) -> bool:
    """Return whether our exports give an item the status that it has here, and not the exported one.

    An item that was public, but only for some readers, is private here. It is public again in our exports only if its
    restriction is part of it. That of a category may get lost.
    """
    is_public = _STATUSES.get(item.status) == Status.PUBLISHED
    return item.status in _STATUSES and not (is_public and item.restricts_itself)


def build_entry(item: Item, guid: str, author_id: int, now: dt.datetime) -> Entry:
    """Return the entry for `item`, unsaved, unrendered and without an ID."""
    written_at = item.published_at or now
    title, excerpt = _title_and_excerpt(item)
    fields = {
        "guid": guid,
        "title": title,
        "author_id": author_id,
        "status": status_of(item, now)[0],
        "published_at": _published_at(item, now),
        "source": item.content,
        "markup": markup_of(item),
        "excerpt": excerpt,
        "language": stated_language(item),
        "password": item.password[:_MAX_PASSWORD_LENGTH],
        "comments_open": item.comment_status == "open",
        "noindex": any(hides_from_search_engines(key, value) for key, value in item.meta),
        "created_at": written_at,
        "modified_at": item.modified_at or written_at,
    }
    if item.type == "page":
        entry: Entry = Page(**fields, menu_order=item.menu_order)
    else:
        entry = Post(**fields, sticky=item.sticky)
    exact = item.extension.datetimes if item.extension else {}
    if exact.get("published_at") or ("published_at" in exact and entry.status != Status.PUBLISHED):
        entry.published_at = exact["published_at"]
    entry.created_at = exact.get("created_at") or entry.created_at
    entry.modified_at = exact.get("modified_at") or entry.modified_at
    probably = text_changed_at(entry.published_at, entry.modified_at)
    entry.text_changed_at = exact.get("text_changed_at", probably)
    return entry


def text_changed_at(published_at: dt.datetime | None, modified_at: dt.datetime) -> dt.datetime | None:
    """Return when the text of an entry probably changed: WordPress records only when any part of it last did.

    Changes within a day of publication don't count.
    """
    return modified_at if published_at and modified_at - published_at > _PUBLICATION else None


def remarks_on(imported: ImportedEntry, unnamed: Sequence[str], now: dt.datetime) -> Iterator[str]:
    """Yield remarks on how an entry differs from the export. It must have an ID.

    `unnamed` is what the export calls those of its authors whom readers don't see.
    """
    item, entry = imported.item, imported.entry
    yield from _remarks_on_date(item)
    if remark := status_of(item, now)[1]:
        yield remark
    if imported.was_section:
        yield (
            _("It has replaced the page that an earlier import added at its URL, and has that page's ID, %d.")
            % entry.pk
        )
    elif item.id != entry.pk:
        yield _why_new_id(item, entry.pk)
    if entry.guid != item.guid:
        yield _("The unique ID by which feed readers know it is missing, too long or in use, so it got a new one.")
    if has_markup(item.title):
        yield _("The markup in its title is not shown. It is kept and exported again.")
    if len(plain_line(item.title)) > _MAX_TITLE_LENGTH:
        yield _("The title was too long and was shortened.")
    if len(item.password) > _MAX_PASSWORD_LENGTH:
        yield _("Its password was too long and was shortened.")
    if has_markup(item.excerpt):
        yield _("The markup in its excerpt is not shown. It is kept and exported again.")
    if "data:" in item.content and (count := len(EMBEDDED_FILE.findall(item.content))):
        text = ngettext(
            "%d file is embedded in the text itself. Readers see its description at most.",
            "%d files are embedded in the text itself. Readers see their descriptions at most.",
            count,
        )
        yield text % count
    yield from _remarks_on_url(item, entry)
    yield from _remarks_on_redirects(item)
    if unnamed:
        text = _("Readers don't see that it is by %s. Add the names under “Co-authors” if they should.")
        yield text % ", ".join(map(in_quotes, unnamed))
    yield from _remarks_on_terms(item)


def unclear_date(exported: str) -> str:
    """Return the remark on a date that the reader has not understood."""
    return _("Its date, “%s”, can't be read with certainty, so it counts as missing.") % exported


def _remarks_on_date(item: Item) -> Iterator[str]:
    if item.unclear_date:
        yield unclear_date(item.unclear_date)
    if _is_undated_page(item):
        yield _("It has no date in the export, so it got the date of the import.")


def _remarks_on_url(item: Item, entry: Entry) -> Iterator[str]:
    """Yield a remark if only the query or the fragment of the old URL tells the item from others."""
    is_found = legacy_key(item.link) or script_key(item.link)
    if entry.is_public and not is_found and ("?" in item.link or "#" in item.link):
        text = _(
            "Its old URL, %(old)s, does not lead to it, because the path alone does not identify it. In links, replace "
            "it with %(new)s."
        )
        yield text % {"old": item.link[:_MAX_URL], "new": entry.get_absolute_url()}


def _remarks_on_redirects(item: Item) -> Iterator[str]:
    for key, value in item.meta:
        if key in REDIRECT_KEYS and "/" in value:
            text = _("Its URL redirected to %s. Here readers see the text of the item itself.")
            yield text % value.strip()[:_MAX_URL]


def _remarks_on_terms(item: Item) -> Iterator[str]:
    if item.type == "page" and any(ref.taxonomy in {CATEGORY, TAG} for ref in item.terms):
        yield _("Pages have no categories and tags here. Those of this page are kept and exported again.")


def _why_new_id(item: Item, pk: int) -> str:
    if item.id:
        return _("Its ID was already in use, so it was imported with the new ID %d.") % pk
    if item.guid.startswith(SECTION_GUID):
        text = _("It is not in the export. It was added with the ID %d to list the pages below it at its URL.")
        return text % pk
    # Without the ID, so that a summary has one line for all items of an export without IDs.
    return _("It has no numeric ID in the export, so it got a new one.")


def _published_at(item: Item, now: dt.datetime) -> dt.datetime | None:
    if _is_undated_page(item):
        return now
    if item.status not in {"publish", "future", "private"} and item.date_gmt is None:
        # The draft has no date of its own; the exported one is that of its last change.
        return None
    return item.published_at


def _is_undated_page(item: Item) -> bool:
    """Return whether `item` is a page that was public without a date, which its URL doesn't need."""
    return item.type == "page" and item.status == "publish" and not (item.date or item.date_gmt)


def status_of(item: Item, now: dt.datetime) -> tuple[Status, str]:
    """Return the status and a remark on it, which may be empty. In case of doubt, the entry is not public."""
    status = _STATUSES.get(item.status)
    published_at = _published_at(item, now)
    if status is None:
        if not item.status:
            return Status.DRAFT, _("The export does not say whether it was public, so it is a draft.")
        text = _("Its status “%s” is unknown, so it is a draft. The status is kept and exported again.")
        return Status.DRAFT, text % item.status
    if status == Status.PUBLISHED and published_at is None:
        return Status.DRAFT, _("It has no date and therefore no URL, so it is a draft.")
    if status == Status.PUBLISHED and item.restricted_by:
        text = _(
            "A rule of the plugin %s restricted it to some readers, so it is private. Publish it if everyone may read "
            "it."
        )
        return Status.PRIVATE, text % item.restricted_by
    if status == Status.PUBLISHED and item.is_for_members:
        return Status.PRIVATE, _(
            "Only subscribers or members could read it or a part of it, so it is private. Publish it if everyone may "
            "read it."
        )
    if item.status == "future" and published_at is not None and published_at <= now:
        return Status.PENDING, _("It was scheduled for a time that has passed, so it is pending review.")
    return status, ""
