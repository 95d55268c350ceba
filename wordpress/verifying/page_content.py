"""What readers see in the pages and feeds of this site."""

import datetime as dt
import re
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote

from lxml import etree, html

from tags.models import tag_key
from wordpress.wxr.records import CATEGORY, TAG, TermRef
from wordpress.wxr.values import usable_slug


def one_line(text: str) -> str:
    """Return `text` with whitespace collapsed, as a browser shows it."""
    return " ".join(text.split())


class EntryPage:
    """The page of a post or page."""

    def __init__(self, body: bytes) -> None:
        tree = _parse_html(body)
        self.title = one_line(tree.xpath("string(//h1[contains(@class, 'entry-title')])"))
        # The day as in `2014-03-01`; empty if none is shown.
        self.day: str = tree.xpath("string(//*[contains(@class, 'entry-date')]//time/@datetime)")
        self.author = one_line(tree.xpath("string(//*[contains(@class, 'entry-date')]//a[@rel='author'])"))
        self.comment_count = len(tree.xpath("//li[starts-with(@id, 'comment-')]"))
        next_url = tree.xpath("string(//nav[contains(@class, 'comment-pager')]//a[@rel='next']/@href)")
        # The path of the next page of comments; empty if it is not on this site.
        self.next_path = next_url.partition("#")[0] if re.match("/[^/]", next_url) else ""
        self._term_names: set[tuple[str, str]] = set()
        self._term_slugs: set[tuple[str, str]] = set()
        for link in tree.xpath("//footer[contains(@class, 'entry-meta')]//a[@href]"):
            prefix, _slash, rest = link.get("href").strip("/").partition("/")
            taxonomy = {"category": CATEGORY, "tag": TAG}.get(prefix, "")
            self._term_slugs.add((taxonomy, unquote(rest.rsplit("/", 1)[-1])))
            self._term_names.add((taxonomy, tag_key(link.text_content())))

    def has_term(self, ref: TermRef) -> bool:
        by_name = (ref.taxonomy, tag_key(ref.name)) in self._term_names
        return by_name or (ref.taxonomy, usable_slug(ref.slug)) in self._term_slugs


def is_listed(body: bytes, title: str, day: str) -> bool:
    """Whether the first page of a listing shows the entry with this title (without one: of this day).

    An entry that is too old for the first page counts as listed.
    """
    days = []
    for entry in _parse_html(body).xpath("//article[contains(@class, 'entry')]"):
        listed_title = one_line(entry.xpath("string(.//*[contains(@class, 'entry-title')])"))
        listed_day: str = entry.xpath("string(.//time/@datetime)")
        if (title and listed_title == title) or (not title and listed_day == day):
            return True
        days.append(listed_day)
    return bool(days) and all(listed_day >= day for listed_day in days if listed_day)


class FeedContent:
    """The items of an RSS feed, newest first. `is_feed` is False if the body is not a feed."""

    def __init__(self, body: bytes) -> None:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=False)
        try:
            root: Any = etree.fromstring(body, parser)
        except etree.XMLSyntaxError:
            root = None
        self.is_feed = root is not None and root.tag == "rss"
        items = root.findall("channel/item") if self.is_feed else []
        self._items = [(item.findtext("guid", ""), _parse_date(item.findtext("pubDate", ""))) for item in items]

    def __len__(self) -> int:
        return len(self._items)

    def has(self, guid: str, date: dt.datetime) -> bool:
        """Whether the feed contains the item with this GUID, or the item is too old for the feed."""
        return any(listed == guid for listed, _date in self._items) or all(
            published and published > date for _guid, published in self._items
        )


def _parse_date(text: str) -> dt.datetime | None:
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None


def _parse_html(body: bytes) -> Any:
    return html.document_fromstring(body or b"<p></p>", parser=html.HTMLParser(encoding="utf-8"))
