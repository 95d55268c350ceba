"""The items of an export for posts and pages with their comments, and for reusable blocks."""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

from django.db.models import Model
from django.utils.translation import gettext as _

from blog.feeds.enclosures import enclosures_by_post
from blog.models import Category, Entry, Page, Post, Status
from blog.rendering import MORE_PLACEHOLDER
from comments.models import Comment, CommentStatus
from comments.websites import has_address
from core.site import absolute_url
from core.slugs import slugify
from core.text import unify_line_ends
from media.models import Picture
from tags.models import Tag
from wordpress.exporting.ids import ExportIds
from wordpress.exporting.preserved import Preserved, term_element
from wordpress.exporting.translations import other_terms
from wordpress.importing.enclosures import EnclosedFile, enclosure_field, files_of_plugins, parse_enclosure
from wordpress.importing.entry_builder import plain_title, text_changed_at
from wordpress.importing.steps.comments import comment_kind
from wordpress.importing.steps.text_parts import parse_footnotes
from wordpress.markup.footnotes_and_blocks import footnotes_field, origin_of
from wordpress.models import Fragment, FragmentKind
from wordpress.wxr import elements, records
from wordpress.wxr.access import restricts_post
from wordpress.wxr.dates import aware_datetime
from wordpress.wxr.elements import differing_values, extension_field, text_to_html
from wordpress.wxr.extensions import clean_for_xml
from wordpress.wxr.records import (
    CATEGORY,
    CO_AUTHORS,
    ENCLOSURE,
    FOOTNOTES,
    MOLONGUI_AUTHOR,
    OLD_SLUG_KEY,
    TAG,
    THUMBNAIL,
    YOAST_NOINDEX,
    hides_from_search_engines,
)
from wordpress.wxr.values import MAX_SLUG_LENGTH, plain_lines, recorded_id

_LOCAL_URL = re.compile(r"""((?:src|href|poster)=")(/(?!/))""")
# Other statuses have the same name in WordPress.
_ENTRY_STATUSES: Final = {Status.PUBLISHED.value: "publish"}
_COMMENT_STATUSES: Final = {CommentStatus.APPROVED.value: "1", CommentStatus.PENDING.value: "0"}
_BLOCK_CHUNK_SIZE: Final = 50


class _Enclosures(NamedTuple):
    """The files that feeds enclose with a post: those stored with it, and others in its text. Pages have none."""

    stored: list[EnclosedFile]
    in_text: list[EnclosedFile]


def entry_item(
    entry: Entry,
    comments: Iterable[Comment],
    logins: Mapping[int, str],
    ids: ExportIds,
    warn: Callable[[str], None],
) -> Iterator[str]:
    """Return the item for a post or page, in parts.

    `logins` are the usernames by the users' keys. `warn` is called with one line for each loss of data.
    """
    local, utc = _dates(entry)
    origin = origin_of(entry)
    is_wordpress = entry.markup == "wordpress"
    content = ids.with_block_ids(entry.source, origin) if is_wordpress else _html_block(entry)
    preserved = Preserved(entry)
    title = preserved.text("title", entry.title, plain_title)
    excerpt = preserved.lines("excerpt:encoded", entry.excerpt)
    slug, desired_slug = _slugs(entry, preserved)
    enclosures = _enclosures(entry, preserved)
    extension = _extension(entry, preserved, enclosures, local, utc, title, content, excerpt)
    warn_about_control_characters(warn, entry, content)
    texts: dict[str, object] = {
        **elements.ITEM_DEFAULTS,
        "title": title,
        "link": absolute_url(_path(entry)),
        "pubDate": elements.format_rss_date(utc),
        "dc:creator": logins.get(entry.author_id, ""),
        "guid": entry.guid,
        "content:encoded": content,
        "excerpt:encoded": excerpt,
        "wp:post_id": entry.pk,
        "wp:post_date": elements.format_datetime(local),
        "wp:post_date_gmt": elements.format_datetime(utc),
        "wp:post_modified": elements.format_datetime(elements.local_time(entry.modified_at)),
        "wp:post_modified_gmt": elements.format_datetime(elements.utc_time(entry.modified_at)),
        "wp:comment_status": "open" if entry.comments_open else "closed",
        "wp:post_name": slug,
        "wp:status": "future" if entry.is_scheduled else _ENTRY_STATUSES.get(entry.status, entry.status),
        "wp:post_parent": entry.parent_id or 0,
        "wp:menu_order": entry.menu_order,
        "wp:post_type": entry.kind,
        "wp:post_password": entry.password,
        "wp:is_sticky": int(entry.sticky),
    }
    # Members-only entries were imported as private, and entries with an unknown status as drafts. If the entry has
    # another status now, an editor has set it.
    imported_as = Status.PRIVATE if preserved.elements.get("wp:status") in {"publish", "future"} else Status.DRAFT
    changed = set() if entry.status == imported_as else {"wp:status"}
    if preserved.section is not None and entry.path and preserved.section != entry.path.rpartition("/")[0]:
        # An editor has moved the page, so it no longer belongs to the custom type.
        changed.add("wp:post_type")
    elif preserved.section is not None:
        # In WordPress, items of a custom type have such a URL without having a parent.
        texts["wp:post_parent"] = 0
    texts |= preserved.wp_elements(except_for={"wp:post_name", *changed})
    inside = [
        *_terms(entry, preserved),
        extension_field("postmeta", extension, title, content, excerpt, slug, date=local),
        elements.legacy_url_fields("postmeta", [old.path for old in entry.redirects.all()]),
        *_meta(entry, preserved, ids, enclosures, footnotes_field(content, origin), desired_slug),
    ]
    return elements.item_parts(texts, chain(inside, map(_comment_element, comments)))


def _path(entry: Entry) -> str:
    """Return the path of the URL. As in WordPress, entries that are not published yet have their short URL."""
    if entry.status in {Status.PUBLISHED, Status.PRIVATE} and not entry.is_scheduled:
        return entry.get_absolute_url()
    return f"/?{'page_id' if isinstance(entry, Page) else 'p'}={entry.pk}"


def _slugs(entry: Entry, preserved: Preserved) -> tuple[str, str]:
    """Return the slug as WordPress stores it, and for an entry in the trash the whole slug as well."""
    if entry.status == Status.TRASH:
        return elements.exported_slug(entry.slug)
    had_none = "wp:post_name" in preserved.elements and entry.status in {Status.DRAFT, Status.PENDING}
    is_default = entry.slug == slugify(entry.title)[:MAX_SLUG_LENGTH]
    return "" if had_none and is_default else elements.percent_encoded(entry.slug), ""


def _meta(
    entry: Entry, preserved: Preserved, ids: ExportIds, enclosures: _Enclosures, footnotes: str, desired_slug: str
) -> Iterator[str]:
    """Yield the meta fields of an entry. Fields that this site generates take precedence but repeat exported values."""
    exported: dict[str, list[str]] = {}
    for key, value in preserved.meta:
        exported.setdefault(key, []).append(value)
    old_paths = [old.path for old in entry.redirects.all()] if isinstance(entry, Post) else []
    former = elements.former_slugs(old_paths, elements.percent_encoded(entry.slug))
    own: dict[str, list[str]] = {
        THUMBNAIL: [_thumbnail(entry, exported.get(THUMBNAIL, [""])[0], ids)],
        FOOTNOTES: [_footnotes(footnotes, exported.get(FOOTNOTES, [""])[0])],
        records.DESIRED_SLUG_KEY: [desired_slug],
        OLD_SLUG_KEY: list(dict.fromkeys([*former, *exported.get(OLD_SLUG_KEY, [])])),
    }
    own |= _noindex(entry, exported)
    if entry.status == Status.PUBLISHED:
        # Every reader can see it here, so values that restrict access are dropped.
        for key, values in exported.items():
            if any(restricts_post(key, each) for each in values):
                own[key] = [each for each in values if not restricts_post(key, each)]
    if isinstance(entry, Post):
        own[ENCLOSURE] = _enclosure_fields(enclosures, exported.get(ENCLOSURE, []))
    for key, values in own.items():
        yield from (elements.meta_field("postmeta", key, value) for value in values if value)
    yield from (elements.meta_field("postmeta", key, value) for key, value in preserved.meta if key not in own)


def _noindex(entry: Entry, exported: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return the meta fields that hide an entry from search engines, for the plugin that it was hidden with."""
    hiding = {
        key: values for key, values in exported.items() if any(hides_from_search_engines(key, each) for each in values)
    }
    if entry.noindex:
        return {} if hiding else {YOAST_NOINDEX: ["1"]}
    return {key: [each for each in hiding[key] if not hides_from_search_engines(key, each)] for key in hiding}


def _thumbnail(entry: Entry, exported: str, ids: ExportIds) -> str:
    """Return the ID of the featured image. An image whose file was never imported keeps its exported ID if it can."""
    if entry.featured_picture_id:
        return str(ids.for_upload(Picture, entry.featured_picture_id))
    return "" if ids.has_file(recorded_id(exported)) else ids.for_missing_image(exported)


def _footnotes(current: str, exported: str) -> str:
    """Return the footnotes as exported, unless those of the text have changed since."""
    known = parse_footnotes(exported.strip()) or {}
    is_current = (parse_footnotes(current) or {}).items() <= known.items()
    return exported if exported and is_current else current


def _enclosures(entry: Entry, preserved: Preserved) -> _Enclosures:
    """Return the enclosures, except those that only a preserved field of a plugin names.

    Takes a query only for posts with audio or video.
    """
    if not isinstance(entry, Post):
        return _Enclosures([], [])
    only_there = {file for _key, file in files_of_plugins(preserved.meta)}
    only_there -= {parse_enclosure(value) for key, value in preserved.meta if key == ENCLOSURE}
    stored = [EnclosedFile(each.url, each.length, each.media_type) for each in entry.enclosures.all()]
    found = enclosures_by_post([entry], {entry.pk: entry.enclosures.all()})[entry.pk].in_text
    in_text = [EnclosedFile(file.url, int(file.length), file.mime_type) for file in found]
    return _Enclosures([file for file in stored if file not in only_there], in_text)


def _enclosure_fields(enclosures: _Enclosures, exported: Sequence[str]) -> list[str]:
    """Return the meta fields that WordPress would have for a post's enclosures."""
    by_content = {parse_enclosure(field): field for field in exported}
    stored = [by_content.get(file, enclosure_field(file)) for file in enclosures.stored]
    # Unreadable fields are repeated as they are.
    unreadable = (field for field in exported if parse_enclosure(field) is None)
    return [*stored, *map(enclosure_field, enclosures.in_text), *unreadable]


def _extension(
    entry: Entry,
    preserved: Preserved,
    enclosures: _Enclosures,
    local: dt.datetime,
    utc: dt.datetime | None,
    title: str,
    content: str,
    excerpt: str,
) -> dict[str, Any]:
    """Return the values that an importer could not restore from WordPress's own fields."""
    values: dict[str, Any] = {}
    if entry.markup != "wordpress" or clean_for_xml(content) != content:
        values = {"markup": entry.markup, "source": content if entry.markup == "wordpress" else entry.source}
    names_others = any(taxonomy == CO_AUTHORS for taxonomy, _slug, _name in preserved.terms)
    names_others |= any(key == MOLONGUI_AUTHOR for key, _value in preserved.meta)
    date = aware_datetime(local)
    is_undated = utc is None and entry.status in {Status.DRAFT, Status.PENDING, Status.TRASH}
    modified_at = aware_datetime(elements.local_time(entry.modified_at))
    return values | differing_values(
        {
            "language": (entry.language, ""),
            "co_authors": (entry.co_authors, None if names_others else ""),
            "title": (entry.title, plain_title(clean_for_xml(title))),
            "excerpt": (entry.excerpt, plain_lines(clean_for_xml(excerpt))),
            "enclosures": (len(enclosures.stored) if enclosures.in_text else None, None),
            "published_at": (entry.published_at, None if is_undated else date),
            "created_at": (entry.created_at, date),
            "modified_at": (entry.modified_at, modified_at),
            "text_changed_at": (entry.text_changed_at, text_changed_at(entry.published_at, entry.modified_at)),
        }
    )


def _dates(entry: Entry) -> tuple[dt.datetime, dt.datetime | None]:
    """Return the date in the site's time zone and in UTC. Undated entries have only a local date, of their creation."""
    local = elements.local_time(entry.published_at or entry.created_at)
    if entry.published_at is None:
        return local, None
    if isinstance(entry, Post) and entry.published_on:
        # The day in the URL counts, even if the site's time zone was different then.
        local = dt.datetime.combine(entry.published_on, local.time())
    return local, elements.utc_time(entry.published_at)


def _html_block(entry: Entry) -> str:
    """Return the rendered text as one HTML block, since WordPress has no Markdown and must not add paragraphs."""
    body = entry.body_html.replace(MORE_PLACEHOLDER, "<!--more-->")
    body = _LOCAL_URL.sub(lambda match: f"{match[1]}{absolute_url(match[2])}", body)
    return f"<!-- wp:html -->\n{body}\n<!-- /wp:html -->" if body else ""


def _terms(entry: Entry, preserved: Preserved) -> Iterator[str]:
    terms: list[tuple[str, Category | Tag]] = []
    if isinstance(entry, Post):
        terms += [(CATEGORY, category) for category in entry.categories.all()]
        terms += [(TAG, tagged.tag) for tagged in entry.tagged_posts.all()]
    for taxonomy, term in terms:
        yield term_element(taxonomy, elements.percent_encoded(term.slug), text_to_html(term.name))
    yield from other_terms(entry, preserved)


def _comment_element(comment: Comment) -> str:
    local = elements.local_time(comment.created_at)
    # WordPress would publish an e-mail address in this field.
    public_website = "" if has_address(comment.website, comment.email) else comment.website
    name, email, website = (text_to_html(text) for text in (comment.name, comment.email, public_website))
    content = comment.text if comment.is_html else text_to_html(comment.text)
    preserved = Preserved(comment)
    values = {
        "wp:comment_id": comment.pk,
        "wp:comment_author": name,
        "wp:comment_author_email": email,
        "wp:comment_author_url": website,
        "wp:comment_author_IP": "",
        "wp:comment_date": elements.format_datetime(local),
        "wp:comment_date_gmt": elements.format_datetime(elements.utc_time(comment.created_at)),
        "wp:comment_content": content,
        "wp:comment_approved": _COMMENT_STATUSES.get(comment.status, comment.status),
        "wp:comment_type": comment.kind,
        "wp:comment_parent": comment.parent_id or 0,
        "wp:comment_user_id": comment.user_id or 0,
    }
    exported = preserved.wp_elements()
    if comment_kind(exported.get("wp:comment_type", "")) == comment.kind:
        values |= exported
    extension: dict[str, Any] = {}
    if not comment.is_html or clean_for_xml(content) != content:
        extension = {"text": comment.text, "is_html": comment.is_html}
    extension |= differing_values({"created_at": (comment.created_at, aware_datetime(local))})
    meta = extension_field("commentmeta", extension, name, email, website, content, str(local))
    meta += "".join(preserved.meta_elements("commentmeta"))
    return f"\t\t<wp:comment>{elements.in_order(values)}{meta}</wp:comment>\n"


def block_items(ids: ExportIds) -> Iterator[Iterator[str]]:
    """Yield an item, in parts, for each reusable block."""
    blocks = Fragment.objects.filter(kind=FragmentKind.BLOCK).select_related("preserved").order_by("pk")
    for block in blocks.iterator(_BLOCK_CHUNK_SIZE):
        preserved = Preserved(block)
        texts = {
            "title": preserved.line("title", block.title),
            "content:encoded": ids.with_block_ids(block.text, block),
            "wp:post_id": ids.for_block(block.name, block.site),
            "wp:status": "publish",
            "wp:post_type": records.REUSABLE_BLOCK,
        }
        yield preserved.as_item(texts)


def warn_about_control_characters(warn: Callable[[str], None], obj: Model, *texts: str) -> None:
    """Call `warn` if any of `texts`, which belong to `obj`, will lose characters in the export."""
    if any(clean_for_xml(text) != unify_line_ends(text) for text in texts):
        warn(
            _("%(kind)s %(id)d “%(title)s”: Control characters were removed because XML can't contain them.")
            % {"kind": obj._meta.verbose_name, "id": obj.pk, "title": obj}
        )
