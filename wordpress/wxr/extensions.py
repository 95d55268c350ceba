"""The extensions of WXR in our own exports, with which our importer restores everything exactly.

WXR has no place for Markdown, languages, fractions of a second or plain text. Our exports store these as JSON in a meta
field that WordPress keeps but does not show. It includes a checksum of the related elements: if they have been edited
since, perhaps in WordPress, the meta field is ignored.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Container, Iterable
from typing import Any, Final, TypeGuard

from core.text import NOT_IN_XML, is_storable, parse_time, remove_non_xml, unify_line_ends
from wordpress.wxr.dates import checked_utc
from wordpress.wxr.records import Author, Comment, Extension, Item, Meta
from wordpress.wxr.values import parse_json

EXTENSION_KEY: Final = "_broadside"
# One meta field for each legacy URL. WordPress stores the old slugs of posts in the same way.
LEGACY_URL_KEY: Final = "_broadside_old_address"
# One meta field of the blog for each custom type whose items are pages here.
PAGE_TYPE_KEY: Final = "_broadside_page_type"
# A meta field of the blog. It means that whatever only some readers may see has a status that says so, although the
# export may still contain the rules of plugins, and terms, that restricted it in WordPress.
FINAL_STATUSES: Final = ("_broadside_statuses", "final")
# Fields of posts, pages and attachments.
_TEXTS: Final = ("title", "co_authors", "excerpt", "language", "alt", "caption", "credit", "description")
_DATETIMES: Final = ("published_at", "created_at", "modified_at", "text_changed_at", "uploaded_at")


def clean_for_xml(text: str) -> str:
    """Return `text` in a form that XML allows: without control characters, and with `\\n` as line ends."""
    return remove_non_xml(unify_line_ends(text))


def checksum(*fields: str) -> str:
    """Return a checksum that changes if any of `fields` is edited."""
    return hashlib.sha256(json.dumps([clean_for_xml(field).strip() for field in fields]).encode()).hexdigest()[:32]


def to_json(values: dict[str, Any]) -> str:
    """Return `values` as JSON that XML can contain."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return NOT_IN_XML.sub(lambda char: f"\\u{ord(char[0]):04x}", text)


def with_extension(item: Item, markups: Container[str]) -> Item:
    """Return `item` with its extension, and its source if it has one of `markups`, unless it has been edited."""
    values = _parse(item.meta)
    if not values:
        return item
    item = item._replace(meta=tuple(pair for pair in item.meta if pair[0] != EXTENSION_KEY))
    if values.get("mark") != checksum(item.title, item.content, item.excerpt, item.slug):
        return item
    markup, source = values.get("markup"), values.get("source")
    if isinstance(markup, str) and markup in markups and _is_storable(source):
        item = item._replace(content=source)
    else:
        markup = ""
    datetimes = _datetimes(values) if values.get("date") == str(item.date) else {}
    enclosures = values.get("enclosures")
    stored_enclosures = enclosures if isinstance(enclosures, int) and enclosures >= 0 else None
    return item._replace(extension=Extension(markup, _texts(values, _TEXTS), datetimes, stored_enclosures))


def comment_with_extension(comment: Comment, meta: Meta, *exported: str) -> Comment:
    """Return `comment` with its exact text and time from one of our exports, unless `exported` has been edited."""
    values = _parse(meta)
    if not values or values.get("mark") != checksum(*exported):
        return comment
    if _is_storable(text := values.get("text")):
        comment = comment._replace(content=text, is_html=values.get("is_html") is True)
    return comment._replace(written_at=_parse_datetime(values.get("created_at")) or comment.written_at)


def author_with_extension(author: Author, meta: Meta) -> Author:
    """Return `author` with the display name, slug and bio from one of our exports. They are not validated."""
    texts: dict[str, Any] = _texts(_parse(meta), ("display_name", "slug", "bio"))
    return author._replace(legacy_urls=find_legacy_urls(meta), **texts)


def find_legacy_urls(meta: Meta) -> tuple[str, ...]:
    """Return the legacy URLs, as paths, that one of our own exports lists in `meta`."""
    return tuple(path for key, value in meta if key == LEGACY_URL_KEY and (path := value.strip()).startswith("/"))


def find_page_types(meta: Meta) -> set[str]:
    """Return the custom types whose items are pages according to one of our own exports."""
    return {value.strip() for key, value in meta if key == PAGE_TYPE_KEY}


def without_extension(meta: Meta) -> Meta:
    """Return the meta fields without those that only our own exports have."""
    return tuple(pair for pair in meta if pair[0] not in {EXTENSION_KEY, LEGACY_URL_KEY})


def _texts(values: dict[str, Any], names: Iterable[str]) -> dict[str, str]:
    return {name: value for name in names if _is_storable(value := values.get(name))}


def _datetimes(values: dict[str, Any]) -> dict[str, dt.datetime | None]:
    datetimes = {name: _parse_datetime(values[name]) for name in _DATETIMES if name in values}
    return {name: value for name, value in datetimes.items() if value or values[name] is None}


def _parse_datetime(value: object) -> dt.datetime | None:
    """Return a datetime in UTC, or None if `value` is not a datetime with a UTC offset."""
    found = parse_time(value) if isinstance(value, str) else None
    return checked_utc(found) if found else None


def _is_storable(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and is_storable(value)


def _parse(meta: Meta) -> dict[str, Any]:
    """Return the values of the extension; empty if `meta` has none."""
    text = dict(meta).get(EXTENSION_KEY)
    return parse_json(text, {}) if text else {}
