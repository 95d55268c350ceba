"""The formats of feeds: RSS 2.0 and Atom (RFC 4287), with the elements of WordPress's feeds, and JSON Feed 1.1.

Everything that is passed to a feed is plain text, except `content`, which is HTML. Feed readers treat most of RSS and
Atom as HTML, whatever the formats say, so plain text is escaped here.
"""

import datetime as dt
import json
import re
import uuid
from collections.abc import Sequence
from html import escape, unescape
from io import StringIO
from typing import Any, ClassVar, Final
from xml.sax.saxutils import escape as escape_xml
from xml.sax.saxutils import quoteattr
from xml.sax.xmlreader import AttributesImpl

from django.conf import settings
from django.http import HttpResponse
from django.utils.feedgenerator import Atom1Feed, Rss201rev2Feed, SyndicationFeed, rfc3339_date
from django.utils.http import http_date
from django.utils.translation import get_language
from django.utils.xmlutils import SimplerXMLGenerator

from core.site import absolute_url
from core.text import remove_non_xml

# The last one in a tag.
_OWN_URL = re.compile(r'(<[a-z][^<>]*\s(?:href|src|poster|cite)=")(/(?!/)[^"]*")')
_FRAGMENT = re.compile(r'(<a\s(?:[^<>]*\s)?href=")(?=#)')
_SRCSET = re.compile(r'<source [^<>]*\bsrcset="[^"]*"')
_OWN_URL_IN_SRCSET = re.compile(r'(srcset="|, )(/(?!/))')
_IRI_PART: Final = r"""(?:[^\x00-\x20\x7f-\x9f\s"#%<>\\^`{|}]|%[0-9A-Fa-f]{2})"""
_IRI = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]*:{_IRI_PART}+(?:#{_IRI_PART}*)?")

# When a feed without items has changed. Atom requires a time.
_NEVER: Final = dt.datetime.fromtimestamp(0, dt.UTC)

_UUID = re.compile(r"urn:uuid:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def html_text(text: str) -> str:
    """Return HTML that shows `text`: if possible `text` itself, so that programs that expect plain text show it too."""
    text = remove_non_xml(text)
    return text if "<" not in text and unescape(text) == text else escape(text, quote=False)


def _with_absolute_urls(html: str, url: str) -> str:
    """Return `html`, the content of the page at `url`, with absolute URLs, so that it can be shown anywhere."""
    html = _FRAGMENT.sub(lambda link: f"{link[1]}{escape(url)}", html)
    count = 1
    # The tag of a video with a poster has two.
    while count:
        html, count = _OWN_URL.subn(rf"\g<1>{settings.SITE_URL}\g<2>", html)
    return _SRCSET.sub(lambda srcset: _OWN_URL_IN_SRCSET.sub(rf"\g<1>{settings.SITE_URL}\g<2>", srcset[0]), html)


def atom_id(guid: str) -> str:
    """Return `guid` if it is an IRI, as Atom requires of IDs (RFC 4287, 4.2.6), or else one that is derived from it.

    A UUID followed by something else, as in WordPress's IDs of comments, is not an IRI.
    """
    is_iri = _IRI.fullmatch(guid) and (not guid.startswith("urn:uuid:") or _UUID.fullmatch(guid))
    return guid if is_iri else uuid.uuid5(uuid.NAMESPACE_URL, guid).urn


class _Feed(SyndicationFeed):
    """A feed at `url` + `suffix`, for the listing at `url`."""

    content_type: str
    suffix: str
    # Whether items have the URL of an `image`.
    has_images: ClassVar[bool] = False

    @staticmethod
    def as_text(text: str) -> str:
        """Return plain text as the format represents it."""
        return html_text(text)

    def __init__(self, *, title: str, description: str, url: str, feeds_url: str = "", language: str = "") -> None:
        """Create a feed. `suffix` is added to `feeds_url` or else `url`. `language` is by default the active one."""
        feed_url = absolute_url((feeds_url or url) + self.suffix)
        super().__init__(
            title=self.as_text(title),
            link=absolute_url(url),
            description=self.as_text(description),
            language=language or get_language(),
            feed_url=feed_url,
            # As in WordPress. The URL of the listing would be the same for the site's posts and its comments.
            feed_guid=feed_url,
        )

    def add(
        self,
        *,
        title: str,
        link: str,
        description: str,
        author: str,
        guid: str,
        content: str,
        categories: Sequence[str] = (),
        authors: Sequence[str] = (),
        **item: Any,
    ) -> None:
        """Add an item. If it has a `language` and a `direction` of its own, its HTML has them too.

        If several people wrote it, `author` names all of them, because many programs show only one author. `authors`
        has their names for a format whose programs show all.
        """
        language, direction = item.get("language"), item.get("direction")
        html = remove_non_xml(_with_absolute_urls(content, link))
        if language and direction:
            html = f'<div lang="{escape(language)}" dir="{escape(direction)}">{html}</div>'
        self.add_item(
            title=self.as_text(title),
            link=link,
            description=self.as_text(description),
            author_name=self.as_text(author),
            unique_id=remove_non_xml(guid),
            unique_id_is_permalink=False,
            categories=[self.as_text(category) for category in categories],
            content=html,
            authors=[self.as_text(name) for name in authors],
            **item,
        )

    def latest_post_date(self) -> dt.datetime:
        # Django's would be the current time for a feed without items, which would then change all the time.
        return super().latest_post_date() if self.items else _NEVER

    def item_attributes(self, item: dict[str, Any]) -> dict[str, str]:
        # XML has no attribute for the direction. The HTML of the item has one.
        return {"xml:lang": item["language"]} if item.get("language") else {}

    def response(self) -> HttpResponse:
        # Don't write to the response itself, which would encode a thousand pieces one by one.
        text = StringIO()
        self.write(text, "utf-8")
        response = HttpResponse(text.getvalue(), content_type=self.content_type)
        # The time of the last change, however small.
        changes = [item["modified_at"] for item in self.items if "modified_at" in item]
        response.headers["Last-Modified"] = http_date(max([self.latest_post_date(), *changes]).timestamp())
        return response


class _Writer(SimplerXMLGenerator):
    """Writes an element without children in one piece, which takes a fraction of the time that Django's pieces take."""

    def addQuickElement(self, name: str, contents: str | None = None, attrs: dict[str, str] | None = None) -> None:  # noqa: N802  # Django's name
        attributes = "".join(
            [f" {key}={quoteattr(remove_non_xml(value))}" for key, value in sorted((attrs or {}).items())]
        )
        end = f">{escape_xml(contents)}</{name}>" if contents else "/>"
        # Despite its name, it writes any XML as it is.
        self.ignorableWhitespace(f"<{name}{attributes}{end}")


class RssFeed(_Feed, Rss201rev2Feed):
    """RSS 2.0 with the whole text (`content:encoded`), the comment count and the comment feed, as in WordPress."""

    content_type = "application/rss+xml; charset=utf-8"
    suffix = "feed/"

    def rss_attributes(self) -> dict[str, str]:
        return {
            **super().rss_attributes(),
            "xml:lang": self.feed["language"],
            "xmlns:content": "http://purl.org/rss/1.0/modules/content/",
            "xmlns:dc": "http://purl.org/dc/elements/1.1/",
            "xmlns:slash": "http://purl.org/rss/1.0/modules/slash/",
            "xmlns:wfw": "http://wellformedweb.org/CommentAPI/",
        }

    def write(self, outfile: Any, encoding: str) -> None:
        handler = _Writer(outfile, encoding, short_empty_elements=True)
        handler.startDocument()
        handler.startElement("rss", AttributesImpl(self.rss_attributes()))
        handler.startElement("channel", AttributesImpl(self.root_attributes()))
        self.add_root_elements(handler)
        self.write_items(handler)
        handler.endElement("channel")
        handler.endElement("rss")

    def add_root_elements(self, handler: SimplerXMLGenerator) -> None:
        super().add_root_elements(handler)
        if settings.BROADSIDE_WEBSUB_HUB:
            handler.addQuickElement("atom:link", None, {"rel": "hub", "href": settings.BROADSIDE_WEBSUB_HUB})

    def add_item_elements(self, handler: SimplerXMLGenerator, item: dict[str, Any]) -> None:
        # Django would declare the prefix dc in every creator, while the root declares it here. It also allows only one
        # enclosure for each item, while WordPress has all of them.
        super().add_item_elements(handler, item | {"author_name": None, "enclosures": ()})
        if item["author_name"]:
            handler.addQuickElement("dc:creator", item["author_name"])
        handler.addQuickElement("content:encoded", item["content"])
        if item.get("comment_feed"):
            handler.addQuickElement("wfw:commentRss", item["comment_feed"])
            handler.addQuickElement("slash:comments", str(item["comment_count"]))
        for enclosure in item["enclosures"]:
            values = {"url": enclosure.url, "length": enclosure.length, "type": enclosure.mime_type}
            handler.addQuickElement("enclosure", "", values)


class _AtomWriter(_Writer):
    """Marks the texts of a feed as HTML. Django leaves out the type, which means plain text."""

    def addQuickElement(self, name: str, contents: str | None = None, attrs: dict[str, str] | None = None) -> None:  # noqa: N802  # Django's name
        is_text = name in {"title", "subtitle", "summary", "content"}
        super().addQuickElement(name, contents, {"type": "html"} if is_text else attrs)


class AtomFeed(_Feed, Atom1Feed):
    """Atom with the whole text as well as the summary."""

    suffix = "feed/atom/"

    def write(self, outfile: Any, encoding: str) -> None:
        handler = _AtomWriter(outfile, encoding, short_empty_elements=True)
        handler.startDocument()
        handler.startElement("feed", AttributesImpl(self.root_attributes()))
        self.add_root_elements(handler)
        self.write_items(handler)
        handler.endElement("feed")

    def add_root_elements(self, handler: SimplerXMLGenerator) -> None:
        super().add_root_elements(handler)
        if settings.BROADSIDE_WEBSUB_HUB:
            handler.addQuickElement("link", "", {"rel": "hub", "href": settings.BROADSIDE_WEBSUB_HUB})

    def add_item_elements(self, handler: SimplerXMLGenerator, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item | {"unique_id": atom_id(item["unique_id"])})
        handler.addQuickElement("content", item["content"])


class JsonFeed(_Feed):
    """JSON Feed with the whole text, the summary and an image. Source: https://www.jsonfeed.org/version/1.1/."""

    content_type = "application/feed+json; charset=utf-8"
    suffix = "feed/json/"
    has_images = True

    @staticmethod
    def as_text(text: str) -> str:
        # The format distinguishes HTML from plain text.
        return remove_non_xml(text)

    def write(self, outfile: Any, encoding: str) -> None:
        hub = settings.BROADSIDE_WEBSUB_HUB
        feed = {
            "version": "https://jsonfeed.org/version/1.1",
            "title": self.feed["title"],
            "home_page_url": self.feed["link"],
            "feed_url": self.feed["feed_url"],
            "description": self.feed["description"],
            "language": self.feed["language"],
            "hubs": [{"type": "WebSub", "url": hub}] if hub else [],
        }
        # The title and the items are required.
        required = {"title": feed["title"], "items": [_json_item(item) for item in self.items]}
        json.dump(_without_empty(feed) | required, outfile, ensure_ascii=False)


def _json_item(item: dict[str, Any]) -> dict[str, Any]:
    values = {
        "id": item["unique_id"],
        "url": item["link"],
        "title": item["title"],
        "summary": item["description"],
        "image": item.get("image"),
        "date_published": rfc3339_date(item["pubdate"]),
        "date_modified": rfc3339_date(item["updateddate"]),
        "authors": _json_authors(item),
        "tags": item["categories"],
        "language": item.get("language"),
        "attachments": [
            _without_empty({"url": each.url, "mime_type": each.mime_type, "size_in_bytes": int(each.length or 0)})
            for each in item["enclosures"]
        ],
    }
    return {**_without_empty(values), "content_html": item["content"]}


def _json_authors(item: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the authors of an item, one by one. Only the first has a page."""
    first, *others = item.get("authors") or [item["author_name"]]
    found = [{"name": first, "url": item["author_link"]}, *({"name": name} for name in others)]
    return [author for each in found if (author := _without_empty(each))]


def _without_empty(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


FORMATS: Final[dict[str, type[RssFeed | AtomFeed | JsonFeed]]] = {"rss": RssFeed, "atom": AtomFeed, "json": JsonFeed}
