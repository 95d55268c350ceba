"""What readers see on the pages and in the feeds of this site."""

import datetime as dt
import re
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote

from lxml import etree, html

from tags.models import tag_key
from wordpress.plain import plain, usable_slug
from wordpress.records import CATEGORY, TAG, TermRef


def one_line(text: str) -> str:
    """`text` as a browser shows it, whatever blanks are in it."""
    return " ".join(text.split())


class EntryPage:
    """The page of a post or page."""

    def __init__(self, body: bytes) -> None:
        tree = _tree(body)
        self.title = one_line(tree.xpath("string(//h1[contains(@class, 'entry-title')])"))
        # The day, as in `2014-03-01`; empty where none is shown.
        self.day: str = tree.xpath("string(//*[contains(@class, 'entry-date')]//time/@datetime)")
        self.author = one_line(tree.xpath("string(//*[contains(@class, 'entry-date')]//a[@rel='author'])"))
        self.comments = len(tree.xpath("//li[starts-with(@id, 'comment-')]"))
        further = tree.xpath("string(//nav[contains(@class, 'comment-pager')]//a[@rel='next']/@href)")
        # The next page of a long thread, of this site alone.
        self.further = further.partition("#")[0] if re.match("/[^/]", further) else ""
        self._names: set[tuple[str, str]] = set()
        self._slugs: set[tuple[str, str]] = set()
        for link in tree.xpath("//footer[contains(@class, 'entry-meta')]//a[@href]"):
            kind, _slash, rest = link.get("href").strip("/").partition("/")
            taxonomy = {"category": CATEGORY, "tag": TAG}.get(kind, "")
            self._slugs.add((taxonomy, unquote(rest.rsplit("/", 1)[-1])))
            self._names.add((taxonomy, tag_key(link.text_content())))

    def is_filed(self, ref: TermRef) -> bool:
        by_name = (ref.taxonomy, tag_key(plain(ref.name))) in self._names
        return by_name or (ref.taxonomy, usable_slug(ref.slug)) in self._slugs


class ListingPage:
    """The first page of a listing: the title and day of each entry, newest first."""

    def __init__(self, body: bytes) -> None:
        self._entries = [
            (
                one_line(entry.xpath("string(.//*[contains(@class, 'entry-title')])")),
                entry.xpath("string(.//time/@datetime)"),
            )
            for entry in _tree(body).xpath("//article[contains(@class, 'entry')]")
        ]

    def has(self, title: str, day: str) -> bool:
        """Whether the entry is listed, or is older than what fits on the page."""
        if not title:
            return any(listed == day for _title, listed in self._entries) or self._is_older(day)
        return any(listed == title for listed, _day in self._entries) or self._is_older(day)

    def _is_older(self, day: str) -> bool:
        return bool(self._entries) and all(listed >= day for _title, listed in self._entries if listed)


class FeedSeen:
    """An RSS feed, newest first. `is_feed`: it is one."""

    def __init__(self, body: bytes) -> None:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=False)
        try:
            root: Any = etree.fromstring(body, parser)
        except etree.XMLSyntaxError:
            root = None
        self.is_feed = root is not None and root.tag == "rss"
        items = root.findall("channel/item") if self.is_feed else []
        self._items = [(item.findtext("guid", ""), _moment(item.findtext("pubDate", ""))) for item in items]

    def __len__(self) -> int:
        return len(self._items)

    def has(self, guid: str, date: dt.datetime) -> bool:
        """Whether it holds what feed readers know by `guid`, or that is older than all it holds."""
        return any(held == guid for held, _date in self._items) or all(
            published and published > date for _guid, published in self._items
        )


def _moment(text: str) -> dt.datetime | None:
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None


def _tree(body: bytes) -> Any:
    return html.document_fromstring(body or b"<p></p>", parser=html.HTMLParser(encoding="utf-8"))
