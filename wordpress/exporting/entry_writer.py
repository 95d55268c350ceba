"""Posts, pages and reusable blocks in an export, with their comments."""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from xml.sax.saxutils import quoteattr

from blog.models import Category, Entry, Post, Status
from blog.rendering import MORE_PLACEHOLDER
from comments.models import Comment, CommentStatus
from core.site import absolute_url
from media.models import Picture
from tags.models import Tag
from wordpress.exporting.fields import post_meta, warn_about_control_characters
from wordpress.exporting.ids import ExportIds
from wordpress.markup.footnotes_and_blocks import BLOCK, count_blocks, footnotes_field, replace_block_ids
from wordpress.markup.source_site import Origin, origin_of
from wordpress.models import Fragment
from wordpress.wxr import elements
from wordpress.wxr.elements import text_to_html
from wordpress.wxr.extensions import EXTENSION_KEY, checksum, clean_for_xml, to_json
from wordpress.wxr.post_types import REUSABLE_BLOCK
from wordpress.wxr.records import CATEGORY, ENCLOSURE, FOOTNOTES, OLD_SLUG_KEY, TAG, THUMBNAIL
from wordpress.wxr.trash_slugs import DESIRED_SLUG_KEY, exported_slug
from wordpress.wxr.values import aware_datetime, plain_line, plain_lines

_POST_PATH = re.compile(r"/[0-9]{4}/[0-9]{2}/[0-9]{2}/([^/]+)/")
_LOCAL_URL = re.compile(r"""((?:src|href|poster)=")(/(?!/))""")
# Other statuses have the same name in WordPress.
_ENTRY_STATUSES: Final = {Status.PUBLISHED.value: "publish"}
_COMMENT_STATUSES: Final = {CommentStatus.APPROVED.value: "1", CommentStatus.PENDING.value: "0"}
_BLOCK_CHUNK_SIZE: Final = 50


def entry_item(entry: Entry, logins: Mapping[int, str], ids: ExportIds, warn: Callable[[str], None]) -> str:
    """Return the item for a post or page. `logins` are the usernames by key; `warn` takes a line about each loss."""
    local, utc = _dates(entry)
    origin = origin_of(entry)
    is_wordpress = entry.markup == "wordpress"
    content = _with_export_ids(entry.source, origin, ids) if is_wordpress else _html_block(entry)
    title, excerpt = text_to_html(entry.title), text_to_html(entry.excerpt)
    in_trash = entry.status == Status.TRASH
    slug, desired_slug = exported_slug(entry.slug) if in_trash else (elements.percent_encoded(entry.slug), "")
    extension = _extension(entry, local, utc, content)
    if extension:
        extension = {"mark": checksum(title, content, excerpt, slug), "date": str(local), **extension}
    warn_about_control_characters(warn, entry, content)
    values: dict[str, object] = {
        "post_id": entry.pk,
        "post_date": elements.format_datetime(local),
        "post_date_gmt": elements.format_datetime(utc),
        "post_modified": elements.format_datetime(elements.local_time(entry.modified_at)),
        "post_modified_gmt": elements.format_datetime(elements.utc_time(entry.modified_at)),
        "comment_status": "open" if entry.comments_open else "closed",
        "ping_status": "closed",
        "post_name": slug,
        "status": "future" if entry.is_scheduled else _ENTRY_STATUSES.get(entry.status, entry.status),
        "post_parent": entry.parent_id or 0,
        "menu_order": entry.menu_order,
        "post_type": entry.kind,
        "post_password": "",
        "is_sticky": int(entry.sticky),
    }
    picture_id = entry.featured_picture_id
    inside = [
        *_terms(entry),
        post_meta(THUMBNAIL, str(ids.for_upload(Picture, picture_id)) if picture_id else ""),
        post_meta(EXTENSION_KEY, to_json(extension) if extension else ""),
        _old_urls(entry),
        *_enclosures(entry),
        post_meta(DESIRED_SLUG_KEY, desired_slug),
        post_meta(FOOTNOTES, footnotes_field(content, origin)),
        *(_comment_element(comment) for comment in entry.comments.all()),
    ]
    link, creator = absolute_url(entry.get_absolute_url()), logins.get(entry.author_id, "")
    return elements.item_element(title, link, creator, entry.guid, content, excerpt, values, inside)


def _enclosures(entry: Entry) -> Iterator[str]:
    """Yield the meta fields that WordPress would have for the enclosures of a post. Its `enclosed` must be known."""
    if isinstance(entry, Post):
        for stored in entry.enclosures.all():
            yield post_meta(ENCLOSURE, f"{stored.url}\n{stored.length}\n{stored.media_type}\n")
        for file in entry.enclosed.in_text:
            yield post_meta(ENCLOSURE, f"{file.url}\n{file.length}\n{file.mime_type}\n")


def _extension(entry: Entry, local: dt.datetime, utc: dt.datetime | None, content: str) -> dict[str, Any]:
    """Return the values that an importer could not restore from the fields of WordPress."""
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
        values["published_at"] = elements.iso_utc(entry.published_at)
    if entry.created_at != imported_date:
        values["created_at"] = elements.iso_utc(entry.created_at)
    if entry.modified_at != aware_datetime(elements.local_time(entry.modified_at).replace(microsecond=0)):
        values["modified_at"] = elements.iso_utc(entry.modified_at)
    return values


def _dates(entry: Entry) -> tuple[dt.datetime, dt.datetime | None]:
    """Return the date on the site's clock and in UTC. Entries without a date have only the date they were created."""
    local = elements.local_time(entry.published_at or entry.created_at).replace(microsecond=0)
    if entry.published_at is None:
        return local, None
    if isinstance(entry, Post) and entry.published_on:
        # The day in the URL counts, even if the site had another time zone at that time.
        local = dt.datetime.combine(entry.published_on, local.time())
    return local, elements.utc_time(entry.published_at).replace(microsecond=0)


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
            yield _term_element(CATEGORY, category)
        for tagged in entry.tagged_posts.all():
            yield _term_element(TAG, tagged.tag)


def _term_element(taxonomy: str, term: Category | Tag) -> str:
    nicename = quoteattr(elements.percent_encoded(term.slug))
    name = elements.cdata(text_to_html(term.name))
    return f'\t\t<category domain="{taxonomy}" nicename={nicename}>{name}</category>\n'


def _old_urls(entry: Entry) -> str:
    """Return the fields for the old URLs: all of them in ours, and former slugs in WordPress's too."""
    paths = [old.path for old in entry.redirects.all()]
    matches = map(_POST_PATH.fullmatch, paths) if isinstance(entry, Post) else ()
    slugs = dict.fromkeys(match[1] for match in matches if match and match[1] != entry.slug)
    former = "".join(post_meta(OLD_SLUG_KEY, elements.percent_encoded(slug)) for slug in slugs)
    return elements.legacy_url_fields("postmeta", paths) + former


def _comment_element(comment: Comment) -> str:
    local = elements.local_time(comment.created_at).replace(microsecond=0)
    name, email, website = (text_to_html(text) for text in (comment.name, comment.email, comment.website))
    content = comment.text if comment.is_html else text_to_html(comment.text)
    values = {
        "comment_id": comment.pk,
        "comment_author": name,
        "comment_author_email": email,
        "comment_author_url": website,
        "comment_author_IP": "",
        "comment_date": elements.format_datetime(local),
        "comment_date_gmt": elements.format_datetime(elements.utc_time(comment.created_at)),
        "comment_content": content,
        "comment_approved": _COMMENT_STATUSES.get(comment.status, comment.status),
        "comment_type": comment.kind,
        "comment_parent": comment.parent_id or 0,
        "comment_user_id": comment.user_id or 0,
    }
    extension: dict[str, Any] = {}
    if not comment.is_html or clean_for_xml(content) != content:
        extension |= {"text": comment.text, "is_html": comment.is_html}
    if comment.created_at != aware_datetime(local):
        extension["created_at"] = elements.iso_utc(comment.created_at)
    meta = ""
    if extension:
        extension = {"mark": checksum(name, email, website, content, str(local)), **extension}
        meta = elements.meta_field("commentmeta", EXTENSION_KEY, to_json(extension))
    return f"\t\t<wp:comment>{elements.wp_elements(values)}{meta}</wp:comment>\n"


def block_items(ids: ExportIds) -> Iterator[str]:
    """Return an item for each reusable block."""
    for block in Fragment.objects.filter(kind=BLOCK).order_by("pk").iterator(_BLOCK_CHUNK_SIZE):
        values: dict[str, object] = {
            "post_id": ids.for_block(block.name, block.site),
            "status": "publish",
            "post_type": REUSABLE_BLOCK,
        }
        content = _with_export_ids(block.text, block, ids)
        yield elements.item_element(text_to_html(block.title), "", "", "", content, "", values, [])


def _with_export_ids(source: str, origin: Origin | Fragment, ids: ExportIds) -> str:
    """Return `source`, which comes from `origin`, with the IDs that its blocks have in the export."""
    # The site is looked up only where it makes a difference.
    ambiguous = [name for name in count_blocks(source) if ids.is_ambiguous_block(name)]
    return replace_block_ids(source, {name: ids.for_block(name, origin.site) for name in ambiguous})
