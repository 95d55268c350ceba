"""The elements of a WordPress export (WXR 1.2). Source: the files that WordPress exports and its importer reads."""

import datetime as dt
import html
import re
from collections.abc import Iterable, Iterator, Mapping
from email.utils import format_datetime as format_rfc822
from typing import Any, Final
from urllib.parse import quote
from xml.sax.saxutils import escape

from django.utils import timezone

from core.slugs import slug_before_trash
from wordpress.wxr.extensions import EXTENSION_KEY, LEGACY_URL_KEY, checksum, clean_for_xml, to_json
from wordpress.wxr.values import MAX_SLUG_LENGTH

# At the start of our own exports.
OUR_COMMENT: Final = '<!-- generator="Broadside" -->'
HEAD: Final = f"""\
<?xml version="1.0" encoding="UTF-8" ?>
{OUR_COMMENT}
<rss version="2.0"
\txmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"
\txmlns:content="http://purl.org/rss/1.0/modules/content/"
\txmlns:wfw="http://wellformedweb.org/CommentAPI/"
\txmlns:dc="http://purl.org/dc/elements/1.1/"
\txmlns:wp="http://wordpress.org/export/1.2/">
<channel>
"""
# The elements of authors, terms, items and comments in WordPress's order. All others come after these.
_FIRST: Final = (
    *("wp:author_id", "wp:author_login", "wp:author_email", "wp:author_display_name", "wp:author_first_name"),
    *("wp:author_last_name", "wp:term_id", "wp:category_nicename", "wp:category_parent", "wp:cat_name"),
    *("wp:category_description", "wp:tag_slug", "wp:tag_name", "wp:tag_description", "wp:term_taxonomy"),
    *("wp:term_slug", "wp:term_parent", "wp:term_name", "wp:term_description", "title", "link", "pubDate"),
    *("dc:creator", "guid", "description", "content:encoded", "excerpt:encoded", "wp:post_id", "wp:post_date"),
    *("wp:post_date_gmt", "wp:post_modified", "wp:post_modified_gmt", "wp:comment_status", "wp:ping_status"),
    *("wp:post_name", "wp:status", "wp:post_parent", "wp:menu_order", "wp:post_type", "wp:post_password"),
    *("wp:is_sticky", "wp:attachment_url", "wp:comment_id", "wp:comment_author", "wp:comment_author_email"),
    *("wp:comment_author_url", "wp:comment_author_IP", "wp:comment_date", "wp:comment_date_gmt"),
    *("wp:comment_content", "wp:comment_approved", "wp:comment_type", "wp:comment_parent", "wp:comment_user_id"),
)
_ORDER: Final = {name: position for position, name in enumerate(_FIRST)}
# The texts that these elements of our items have unless there is something to tell.
ITEM_DEFAULTS: Final = {
    "description": "",
    "wp:comment_status": "closed",
    "wp:ping_status": "closed",
    "wp:post_name": "",
    "wp:post_password": "",
    "wp:is_sticky": "0",
}
# Numbers and URLs.
_WITHOUT_CDATA: Final = {
    *("link", "pubDate", "guid", "description", "wp:term_id", "wp:author_id", "wp:post_id", "wp:post_parent"),
    *("wp:menu_order", "wp:is_sticky", "wp:comment_id", "wp:comment_author_url", "wp:comment_parent"),
    "wp:comment_user_id",
}
_POST_PATH = re.compile(r"/[0-9]{4}/[0-9]{2}/[0-9]{2}/([^/]+)/")
_ATTRIBUTES: Final = {"guid": ' isPermaLink="false"'}
# Comes after the terms, as in WordPress.
GENERATOR: Final = "\t<generator>Broadside</generator>\n"


def item_parts(texts: Mapping[str, object], inside: Iterable[str]) -> Iterator[str]:
    """Yield an item in parts, because it may be large. `inside` are its terms, meta fields and comments."""
    yield f"\t<item>\n\t\t{in_order(texts, '\n\t\t')}\n"
    yield from inside
    yield "\t</item>\n"


def in_order(texts: Mapping[str, object], separator: str = "") -> str:
    """Return elements with these texts, by name, in WordPress's order."""
    ordered = sorted(texts.items(), key=lambda pair: (_ORDER.get(pair[0], len(_ORDER)), pair[0]))
    return separator.join(element(name, str(text)) for name, text in ordered)


def element(name: str, text: str) -> str:
    """Return an element with a text, in a CDATA section if WordPress uses one."""
    content = escape(clean_for_xml(text)) if name in _WITHOUT_CDATA else cdata(text)
    return f"<{name}{_ATTRIBUTES.get(name, '')}>{content}</{name}>"


def text_to_html(text: str) -> str:
    """Return plain text as the HTML in which WordPress stores names and descriptions."""
    # An XML reader would turn unescaped carriage returns into line feeds.
    return html.escape(text, quote=False).replace("\r", "&#13;")


def meta_field(kind: str, key: str, value: str) -> str:
    return f"\t\t<wp:{kind}>{element('wp:meta_key', key)}{element('wp:meta_value', value)}</wp:{kind}>\n"


def cdata(text: str) -> str:
    return "<![CDATA[" + clean_for_xml(text).replace("]]>", "]]]]><![CDATA[>") + "]]>"


def legacy_url_fields(kind: str, paths: Iterable[str]) -> str:
    """Return the meta fields with the legacy URLs of an object (wordpress.wxr.extensions)."""
    encoded = (path if path.startswith("/?") else quote(path, safe="/", errors="replace") for path in paths)
    return "".join(meta_field(kind, LEGACY_URL_KEY, path) for path in encoded)


def differing_values(fields: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
    """Return the values, by name, that an importer can't restore. `fields` are pairs of value and restored value."""
    return {
        name: value.astimezone(dt.UTC).isoformat() if isinstance(value, dt.datetime) else value
        for name, (value, restored) in fields.items()
        if value != restored
    }


def extension_field(kind: str, values: dict[str, Any], *checked: str, date: dt.datetime | None = None) -> str:
    """Return the meta field with `values`, or an empty string if there are none (wordpress.wxr.extensions).

    The values are valid until one of the texts `checked` changes; datetimes also until `date` does.
    """
    if not values:
        return ""
    mark = {"mark": checksum(*checked)} | ({"date": str(date)} if date else {})
    return meta_field(kind, EXTENSION_KEY, to_json(mark | values))


def percent_encoded(slug: str) -> str:
    """Return `slug` as WordPress stores it: percent-encoded, with lower-case digits."""
    return re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), quote(slug, safe="", errors="replace"))


def former_slugs(paths: Iterable[str], slug: str) -> dict[str, None]:
    """Return the former slugs in the legacy URLs of a post with this `slug`, all as WordPress stores them, in order."""
    found = (percent_encoded(match[1]) for path in paths if (match := _POST_PATH.fullmatch(path)))
    return dict.fromkeys(each for each in found if each != slug)


def exported_slug(slug: str) -> tuple[str, str]:
    """Return a trashed post's slug as WordPress exports it, and the whole slug if `__trashed` is appended to it."""
    before = slug_before_trash(slug)
    if before == slug:
        return percent_encoded(slug), ""
    suffix, truncated = slug[len(before) :], before
    while len(percent_encoded(truncated + suffix)) > MAX_SLUG_LENGTH:
        truncated = truncated[:-1]
    return percent_encoded(truncated + suffix), percent_encoded(before)


def local_time(value: dt.datetime) -> dt.datetime:
    """Return the naive local time on this site, in whole seconds."""
    # Exports can't distinguish the two occurrences of the hour when clocks go back; importers assume the first.
    return timezone.make_naive(value).replace(microsecond=0, fold=0)


def utc_time(value: dt.datetime) -> dt.datetime:
    """Return the naive time in UTC, in whole seconds."""
    return value.astimezone(dt.UTC).replace(microsecond=0, tzinfo=None)


def format_datetime(value: dt.datetime | None) -> str:
    return value.isoformat(" ") if value else "0000-00-00 00:00:00"


def format_rss_date(utc: dt.datetime | None) -> str:
    """Return a naive UTC datetime in the format of RSS dates (RFC 822); as in WordPress, an empty string if None."""
    return format_rfc822(utc.replace(tzinfo=dt.UTC)) if utc else ""
