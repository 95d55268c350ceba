"""What an export of ours says beyond WXR, so that our own importer restores an entry exactly.

WXR has no word for Markdown, a language, parts of a second or text that is not HTML. An export carries these as
JSON in a meta field that WordPress keeps and does not show. With it goes a mark of what stands beside it: where
that was changed since, perhaps in WordPress, the change counts and the meta field does not.
"""

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from blog.models import Page, Post, Status
from blog.rendering import get_markups
from wordpress.models import Attachment
from wordpress.plain import on_both_clocks
from wordpress.records import MAX_ID, Author, Comment, Item

META_KEY: Final = "_broadside"
# Of what had other addresses before: a meta field for each. WordPress keeps old slugs of posts the same way.
ADDRESS_KEY: Final = "_broadside_old_address"

_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# What no database takes: PostgreSQL refuses zero bytes, and nothing encodes half a letter.
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
_LENGTHS: Final = {"title": 1000, "language": 12}
_TEXTS: Final = {"title", "excerpt", "language"}
_MOMENTS: Final = {"published_at", "created_at", "modified_at"}
_OF_FILES: Final = {"title": 500, "alt": 1000, "caption": 100_000, "description": 100_000}


def readable(text: str) -> str:
    """`text` as readers of XML get it: line ends are `\\n`, and there are no control characters."""
    return _NOT_IN_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def mark(*fields: str) -> str:
    """What tells that `fields` are still what they were."""
    return hashlib.sha256(json.dumps([readable(field).strip() for field in fields]).encode()).hexdigest()[:32]


def packed(values: dict[str, Any]) -> str:
    """`values` as JSON that XML can hold, whatever is in them."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return _NOT_IN_XML.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)


def as_it_was(item: Item) -> Item:
    """`item` with its own number, parent and source, as far as an export of ours says them and they still hold."""
    values = _unpacked(dict(item.meta).get(META_KEY, ""))
    if not values:
        return item
    # What became of other numbers and texts is not ours any more.
    numbers = values.pop("numbers", None)
    if isinstance(numbers, dict) and numbers.get("post_id") == item.id:
        item = item._replace(id=_number(numbers.get("id"), item.id))
    if isinstance(numbers, dict) and numbers.get("post_parent") == item.parent:
        item = item._replace(parent=_number(numbers.get("parent"), item.parent))
    rest = tuple(pair for pair in item.meta if pair[0] != META_KEY)
    if values.pop("mark", None) != mark(item.title, item.content, item.excerpt, item.slug):
        return item._replace(meta=rest)
    if values.pop("date", None) != str(item.date):
        values = {name: value for name, value in values.items() if name not in _MOMENTS | {"uploaded_at"}}
    if _known_markup(values):
        source = values.pop("source", None)
        if isinstance(source, str) and not _NOT_STORABLE.search(source):
            item = item._replace(content=source)
        else:
            values.pop("markup")
    return item._replace(meta=(*rest, (META_KEY, packed(values))))


def restore_entry(entry: Post | Page, item: Item) -> None:
    """Set what an export of ours says beyond WXR. `item` comes from `as_it_was`."""
    values = _unpacked(dict(item.meta).get(META_KEY, ""))
    entry.markup = _known_markup(values) or entry.markup
    for name in _TEXTS & values.keys():
        value = values[name]
        if isinstance(value, str) and not _NOT_STORABLE.search(value) and len(value) <= _LENGTHS.get(name, len(value)):
            setattr(entry, name, value)
    for name in _MOMENTS & values.keys():
        value = values[name]
        if value is None and name == "published_at" and entry.status != Status.PUBLISHED:
            entry.published_at = None
        elif isinstance(value, str) and (exact := _moment(value)):
            setattr(entry, name, exact)


def restore_attachment(attachment: Attachment, item: Item) -> None:
    """Set what an export of ours says beyond WXR. `item` comes from `as_it_was`."""
    values = _unpacked(dict(item.meta).get(META_KEY, ""))
    for name in _OF_FILES.keys() & values.keys():
        value = values[name]
        if isinstance(value, str) and not _NOT_STORABLE.search(value) and len(value) <= _OF_FILES[name]:
            setattr(attachment, name, value)
    uploaded_at = values.get("uploaded_at")
    if isinstance(uploaded_at, str) and (exact := _moment(uploaded_at)):
        attachment.uploaded_at = exact


def comment_as_it_was(comment: Comment, original: str) -> Comment:
    """`comment` with its own text and moment, as far as `original`, of an export of ours, says them and they hold."""
    values = _unpacked(original)
    if not values or values.get("mark") != mark(
        comment.author, comment.email, comment.url, comment.content, str(comment.date)
    ):
        return comment
    text, written_at = values.get("text"), values.get("created_at")
    if isinstance(text, str) and not _NOT_STORABLE.search(text):
        comment = comment._replace(content=text, is_html=values.get("is_html") is True)
    if isinstance(written_at, str) and (exact := _moment(written_at)):
        comment = comment._replace(date=None, date_gmt=exact.replace(tzinfo=None))
    return comment


def number_of_enclosures(item: Item) -> int | None:
    """How many of its enclosures an export of ours says are kept with it; the others stand in its text. None: all."""
    number = _unpacked(dict(item.meta).get(META_KEY, "")).get("enclosures")
    return number if isinstance(number, int) and number >= 0 else None


def old_addresses(meta: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The addresses that an export of ours says something had before."""
    return tuple(value for key, value in meta if key == ADDRESS_KEY and value.startswith("/"))


def author_as_it_was(author: Author, meta: Iterable[tuple[str, str]]) -> Author:
    """`author` with the slug and the words about them that an export of ours gives, unjudged."""
    meta = tuple(meta)
    values = _unpacked(dict(meta).get(META_KEY, ""))
    texts: dict[str, Any] = {
        name: value
        for name in ("display_name", "slug", "bio")
        if isinstance(value := values.get(name), str) and not _NOT_STORABLE.search(value)
    }
    return replace(author, addresses=old_addresses(meta), **texts)


def _known_markup(values: dict[str, Any]) -> str:
    name = values.get("markup")
    return name if isinstance(name, str) and name in get_markups() else ""


def _moment(text: str) -> dt.datetime | None:
    try:
        found = dt.datetime.fromisoformat(text)
        return on_both_clocks(found) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _number(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) and 0 < value < MAX_ID else otherwise


def _unpacked(text: str) -> dict[str, Any]:
    try:
        values = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}
