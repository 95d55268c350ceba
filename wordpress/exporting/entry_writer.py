"""Posts and pages in an export."""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from xml.sax.saxutils import quoteattr

from blog.models import Entry, Post, Status
from blog.rendering import MORE_PLACEHOLDER
from core.site import absolute_url
from media.models import Picture
from wordpress.exporting.block_writer import with_export_ids
from wordpress.exporting.comment_writer import comment_element
from wordpress.exporting.control_characters import warn_about_control_characters
from wordpress.exporting.ids import ExportIds
from wordpress.importing.steps.posts import enclosure_fields
from wordpress.markup.footnotes_and_blocks import footnotes_field
from wordpress.markup.source_site import origin_of
from wordpress.wxr.elements import (
    cdata,
    format_datetime,
    iso_utc,
    item_element,
    legacy_url_fields,
    local_time,
    meta_field,
    percent_encoded,
    text_to_html,
    utc_time,
)
from wordpress.wxr.extensions import EXTENSION_KEY, checksum, clean_for_xml, to_json
from wordpress.wxr.records import CATEGORY, ENCLOSURE, FOOTNOTES, OLD_SLUG_KEY, TAG, THUMBNAIL
from wordpress.wxr.trash_slugs import DESIRED_SLUG_KEY, exported_slug
from wordpress.wxr.values import aware_datetime, plain_line, plain_lines

_POST_PATH = re.compile(r"/[0-9]{4}/[0-9]{2}/[0-9]{2}/([^/]+)/")
_LOCAL_URL = re.compile(r"""((?:src|href|poster)=")(/(?!/))""")


class EntryWriter:
    """Writes an item for each post or page. `logins` are the usernames by key; `warn` takes a line about each loss."""

    def __init__(self, logins: Mapping[int, str], ids: ExportIds, warn: Callable[[str], None]) -> None:
        self._logins = logins
        self._ids = ids
        self._warn = warn

    def item(self, entry: Entry) -> str:
        local, utc = _dates(entry)
        origin = origin_of(entry)
        is_wordpress = entry.markup == "wordpress"
        content = with_export_ids(entry.source, origin, self._ids) if is_wordpress else _html_block(entry)
        title, excerpt = text_to_html(entry.title), text_to_html(entry.excerpt)
        in_trash = entry.status == Status.TRASH
        slug, desired_slug = exported_slug(entry.slug) if in_trash else (percent_encoded(entry.slug), "")
        extension = _extension(entry, local, utc, content)
        if extension:
            extension = {"mark": checksum(title, content, excerpt, slug), "date": str(local), **extension}
        warn_about_control_characters(self._warn, entry, content)
        return item_element(
            title,
            absolute_url(entry.get_absolute_url()),
            self._logins.get(entry.author_id, ""),
            entry.guid,
            content,
            excerpt,
            {
                "post_id": entry.pk,
                "post_date": format_datetime(local),
                "post_date_gmt": format_datetime(utc),
                "post_modified": format_datetime(local_time(entry.modified_at)),
                "post_modified_gmt": format_datetime(utc_time(entry.modified_at)),
                "comment_status": "open" if entry.comments_open else "closed",
                "ping_status": "closed",
                "post_name": slug,
                "status": _status(entry),
                "post_parent": entry.parent_id or 0,
                "menu_order": entry.menu_order,
                "post_type": entry.kind,
                "post_password": "",
                "is_sticky": int(entry.sticky),
            },
            [
                *_terms(entry),
                *self._thumbnail(entry),
                *([meta_field("postmeta", EXTENSION_KEY, to_json(extension))] if extension else []),
                _old_urls(entry),
                *_enclosures(entry),
                *([meta_field("postmeta", DESIRED_SLUG_KEY, desired_slug)] if desired_slug else []),
                *([meta_field("postmeta", FOOTNOTES, notes)] if (notes := footnotes_field(content, origin)) else []),
                *(comment_element(comment) for comment in entry.comments.all()),
            ],
        )

    def _thumbnail(self, entry: Entry) -> Iterator[str]:
        if entry.featured_picture_id:
            yield meta_field("postmeta", THUMBNAIL, str(self._ids.for_upload(Picture, entry.featured_picture_id)))


def _extension(entry: Entry, local: dt.datetime, utc: dt.datetime | None, content: str) -> dict[str, Any]:
    """Return what an importer would not read from the fields of WordPress."""
    values: dict[str, Any] = {}
    if entry.markup != "wordpress" or clean_for_xml(content) != content:
        values |= {"markup": entry.markup, "source": content if entry.markup == "wordpress" else entry.source}
    if entry.language:
        values["language"] = entry.language
    if plain_line(clean_for_xml(text_to_html(entry.title))) != entry.title:
        values["title"] = entry.title
    if plain_lines(clean_for_xml(text_to_html(entry.excerpt))) != entry.excerpt:
        values["excerpt"] = entry.excerpt
    if isinstance(entry, Post) and entry.enclosed.in_text:
        values["enclosures"] = len(entry.enclosures.all())
    imported_date = aware_datetime(local)
    is_undated = utc is None and entry.status in {Status.DRAFT, Status.PENDING, Status.TRASH}
    if entry.published_at != (None if is_undated else imported_date):
        values["published_at"] = iso_utc(entry.published_at)
    if entry.created_at != imported_date:
        values["created_at"] = iso_utc(entry.created_at)
    if entry.modified_at != aware_datetime(local_time(entry.modified_at).replace(microsecond=0)):
        values["modified_at"] = iso_utc(entry.modified_at)
    return values


def _status(entry: Entry) -> str:
    if entry.status == Status.PUBLISHED:
        return "future" if entry.is_scheduled else "publish"
    return str(entry.status)


def _dates(entry: Entry) -> tuple[dt.datetime, dt.datetime | None]:
    """Return the date on the site's clock and in UTC. Entries without a date have only the date they were created."""
    local = local_time(entry.published_at or entry.created_at).replace(microsecond=0)
    if entry.published_at is None:
        return local, None
    if isinstance(entry, Post) and entry.published_on:
        # The day in the URL, even if the site had a different time zone then.
        local = dt.datetime.combine(entry.published_on, local.time())
    return local, utc_time(entry.published_at).replace(microsecond=0)


def _html_block(entry: Entry) -> str:
    """Return the rendered text as one HTML block, since WordPress has no Markdown and must not add paragraphs."""
    body = entry.body_html.replace(MORE_PLACEHOLDER, "<!--more-->")
    if not body:
        return ""
    body = _LOCAL_URL.sub(lambda match: f"{match[1]}{absolute_url(match[2])}", body)
    return f"<!-- wp:html -->\n{body}\n<!-- /wp:html -->"


def _terms(entry: Entry) -> Iterator[str]:
    if isinstance(entry, Post):
        for category in entry.categories.all():
            yield _term_element(CATEGORY, category.slug, category.name)
        for tagged in entry.tagged_posts.all():
            yield _term_element(TAG, tagged.tag.slug, tagged.tag.name)


def _term_element(taxonomy: str, slug: str, name: str) -> str:
    nicename = quoteattr(percent_encoded(slug))
    return f'\t\t<category domain="{taxonomy}" nicename={nicename}>{cdata(text_to_html(name))}</category>\n'


def _old_urls(entry: Entry) -> str:
    """Return the fields for the old URLs: all of them in ours, and former slugs in WordPress's too."""
    paths = [old.path for old in entry.redirects.all()]
    slugs: dict[str, None] = {}
    if isinstance(entry, Post):
        former = (match[1] for path in paths if (match := _POST_PATH.fullmatch(path)))
        slugs = dict.fromkeys(slug for slug in former if slug != entry.slug)
    return legacy_url_fields("postmeta", paths) + "".join(
        meta_field("postmeta", OLD_SLUG_KEY, percent_encoded(slug)) for slug in slugs
    )


def _enclosures(entry: Entry) -> Iterator[str]:
    if isinstance(entry, Post):
        for field in enclosure_fields(entry):
            yield meta_field("postmeta", ENCLOSURE, field)
