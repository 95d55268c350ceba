"""Posts of other blogs that were reblogged at WordPress.com, which a post refers to instead of containing them.

WordPress.com stores the text of a reblog in the meta fields of the post, as a serialised PHP object, and shows it below
what the blogger wrote about it. The oldest reblogs have only the IDs of the other blog and its post.
"""

import re
from html import escape
from typing import Final

from django.core.signing import b62_encode

from wordpress.wxr.records import Item
from wordpress.wxr.values import parse_id, plain_line

_SNAPSHOT: Final = "reblog_snapshot"
_KEYS: Final = {"is_reblog", "blog_id", "post_id", _SNAPSHOT}
# The class that WordPress.com's own HTML has.
_CLASS: Final = "wpcom-reblog-snapshot"
# Where a value ends: at the name of the next one, or with the object.
_END = re.compile(r'";(?=s:[0-9]+:"[a-z_]+";|\}\s*\Z)')


def with_reblogged_post(item: Item) -> Item:
    """Return `item` with the reblogged post at the end of its text, or a link to it, in place of the meta fields."""
    if not item.field("is_reblog") or _CLASS in item.content or (item.extension and item.extension.markup):
        return item
    snapshot = item.field(_SNAPSHOT)
    url = _value(snapshot, "permalink") or _short_url(item)
    if not url:
        return item
    link = f'<a href="{escape(url)}">{escape(plain_line(_value(snapshot, "title")) or url)}</a>'
    quote = f'<blockquote class="{_CLASS}"><p>{link}</p>\n{_value(snapshot, "content")}</blockquote>'
    content = f"{item.content.rstrip()}\n\n{quote}".lstrip()
    return item._replace(content=content, meta=tuple(pair for pair in item.meta if pair[0] not in _KEYS))


def _value(snapshot: str, name: str) -> str:
    """Return a string in a serialised object; empty if it has none with this name.

    The lengths in it can't be relied on: they include carriage returns, which an XML reader removes.
    """
    _before, _name, rest = snapshot.partition(f's:{len(name)}:"{name}";s:')
    _length, _quote, text = rest.partition(':"')
    end = _END.search(text)
    return text[: end.start()].strip() if end else ""


def _short_url(item: Item) -> str:
    """Return the short URL at WordPress.com of the post with these IDs. Source: wpme_get_shortlink in Jetpack."""
    blog, post = parse_id(item.field("blog_id")), parse_id(item.field("post_id"))
    # Django's digits have the capitals first.
    return f"https://wp.me/p{b62_encode(blog).swapcase()}-{b62_encode(post).swapcase()}" if blog and post else ""
