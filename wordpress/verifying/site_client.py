"""Requesting the pages of a site, in this process or over the network, and parsing what they show."""

import datetime as dt
import http.client
import logging
import re
import ssl
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote, unquote, urljoin, urlsplit

from django.conf import settings

# Django's test client is the only way to send requests through all middleware without a network.
from django.test import Client
from lxml import etree

from tags.names import tag_key
from wordpress.wxr.records import CATEGORY, TAG, TermRef
from wordpress.wxr.values import usable_slug

_MAX_REDIRECTS: Final = 4
# So many pages would displace those that readers want from the caches.
_NO_STORE: Final = {"cache-control": "no-store"}
# In seconds.
_TIMEOUT: Final = 30


def _compiled(expression: str) -> Callable[[Any], Any]:
    """Return a function that evaluates an XPath expression. The expression determines the type of the result."""
    return etree.XPath(expression)


# Each expression starts with a rare element, because searching for a class on any element takes five times as long.
_TITLE = _compiled("string(//h1[contains(@class, 'entry-title')])")
_DAY = _compiled("string(//time[ancestor::*[contains(@class, 'entry-date')]]/@datetime)")
_AUTHOR = _compiled("string(//a[@rel='author'][ancestor::*[contains(@class, 'entry-date')]])")
_AUTHOR_COUNT = _compiled("count(//*[contains(@class, 'p-author')][ancestor::*[contains(@class, 'entry-date')]])")
_PASSWORD_FORM = _compiled("boolean(//form[contains(@class, 'post-password-form')])")
_COMMENT_COUNT = _compiled("count(//li[starts-with(@id, 'comment-')])")
_NEXT_COMMENTS = _compiled("string(//a[@rel='next'][ancestor::nav[contains(@class, 'comment-pager')]]/@href)")
_TERM_LINKS = _compiled("//footer[contains(@class, 'entry-meta')]//a[@href]")
_TEXT = _compiled("string()")
_LISTED_ENTRIES = _compiled("//article[contains(@class, 'entry')]")
_LISTED_TITLE = _compiled("string(.//*[contains(@class, 'entry-title')])")
_LISTED_DAY = _compiled("string(.//time/@datetime)")


@dataclass(frozen=True, slots=True)
class SiteResponse:
    """A response. `status` is 0 if there was none."""

    status: int
    location: str = ""
    body: bytes = b""


class SiteClient:
    def close(self) -> None:
        """Close the connection, if there is one."""

    def get(self, path: str, *, with_body: bool = True) -> SiteResponse:
        """Request `path`. Without a body, only the headers are requested (HEAD)."""
        raise NotImplementedError

    def get_following_redirects(
        self, path: str, *, known_path: str = "", with_body: bool = True
    ) -> tuple[SiteResponse, str]:
        """Return the last response and its path. Redirects to other hosts are not followed.

        `known_path` is a path that answered without a redirect, so it is not requested again.
        """
        response = self.get(path, with_body=with_body)
        for _redirect in range(_MAX_REDIRECTS):
            if not 300 <= response.status < 400 or not response.location:
                break
            try:
                parts = urlsplit(urljoin(path, response.location))
            except ValueError:
                break
            path = quote(unquote(parts.path), safe="/") + (f"?{parts.query}" if parts.query else "")
            if path == known_path or (parts.netloc and parts.netloc != urlsplit(settings.SITE_URL).netloc):
                break
            response = self.get(path, with_body=with_body)
        return response, path


class InProcessClient(SiteClient):
    """Requests the site in this process, without a network."""

    def __init__(self) -> None:
        host = urlsplit(settings.SITE_URL).netloc
        headers = {"host": host, **_NO_STORE, **({"x-forwarded-proto": "https"} if settings.HTTPS else {})}
        self._client = Client(raise_request_exception=False, headers=headers)

    def get(self, path: str, *, with_body: bool = True) -> SiteResponse:
        request = self._client.get if with_body else self._client.head
        logging.disable(logging.WARNING)
        try:
            response: Any = request(path, secure=settings.HTTPS)
        finally:
            logging.disable(logging.NOTSET)
        if response.streaming:
            # The content of a file is not needed, but the client closes it only after it has been read to the end.
            deque(response.streaming_content, maxlen=0)
        body = b"" if response.streaming else response.content
        return SiteResponse(response.status_code, response.headers.get("Location", ""), body)


class HttpClient(SiteClient):
    """Requests the site at `base_url`, and no other host, over the network, `delay` seconds after the last request.

    All requests share a connection while the server keeps it open, because a TLS handshake takes longer than a page.
    """

    def __init__(self, base_url: str, delay: float) -> None:
        parts = urlsplit(base_url)
        connection = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = connection(parts.hostname or "", parts.port, timeout=_TIMEOUT)
        self._folder = parts.path.rstrip("/")
        self._delay = delay

    def get(self, path: str, *, with_body: bool = True) -> SiteResponse:
        if self._delay:
            time.sleep(self._delay)
        try:
            response = self._send("GET" if with_body else "HEAD", self._folder + path)
            content_type = response.headers.get_content_type()
            if not with_body or "html" in content_type or "xml" in content_type:
                body = response.read()
            else:
                # A file may be large, and its content is not needed.
                body = b""
                self._connection.close()
        except (OSError, http.client.HTTPException, ValueError):
            self._connection.close()
            return SiteResponse(0)
        # The content of an error page is not what the site shows.
        body = body if response.status < 300 else b""
        return SiteResponse(response.status, response.headers.get("Location", ""), body)

    def close(self) -> None:
        self._connection.close()

    def _send(self, method: str, target: str) -> http.client.HTTPResponse:
        headers = {"User-Agent": "Broadside verify_import", **_NO_STORE}
        was_open = self._connection.sock is not None
        try:
            self._connection.request(method, target, headers=headers)
            return self._connection.getresponse()
        except (ConnectionError, ssl.SSLError):
            if not was_open:
                raise
        # The server has closed the connection since the last response.
        self._connection.close()
        self._connection.request(method, target, headers=headers)
        return self._connection.getresponse()


def one_line(text: str) -> str:
    """Return `text` with whitespace collapsed, as a browser shows it."""
    return " ".join(text.split())


class EntryPage:
    """The page of a post or page."""

    def __init__(self, body: bytes) -> None:
        page = _parse_html(body)
        self.title = one_line(_TITLE(page))
        # The day as in `2014-03-01`; empty if none is shown.
        self.day: str = _DAY(page)
        self.author = one_line(_AUTHOR(page))
        self.author_count = int(_AUTHOR_COUNT(page))
        self.is_locked: bool = _PASSWORD_FORM(page)
        self.comment_count = int(_COMMENT_COUNT(page))
        next_url = _NEXT_COMMENTS(page)
        # The path of the next page of comments; empty if it is not on this site.
        self.next_path = next_url.partition("#")[0] if re.match("/[^/]", next_url) else ""
        self._term_names: set[tuple[str, str]] = set()
        self._term_slugs: set[tuple[str, str]] = set()
        for link in _TERM_LINKS(page):
            prefix, _slash, rest = link.get("href").strip("/").partition("/")
            taxonomy = {"category": CATEGORY, "tag": TAG}.get(prefix, "")
            self._term_slugs.add((taxonomy, unquote(rest.rsplit("/", 1)[-1])))
            self._term_names.add((taxonomy, tag_key(_TEXT(link))))

    def has_term(self, ref: TermRef) -> bool:
        by_name = (ref.taxonomy, tag_key(ref.name)) in self._term_names
        return by_name or (ref.taxonomy, usable_slug(ref.slug)) in self._term_slugs


def is_listed(body: bytes, titles: Collection[str], day: str) -> bool:
    """Return whether the first page of a listing shows an entry with one of these titles, or only newer ones.

    An entry without a title is recognised by its day.
    """
    days = []
    for entry in _LISTED_ENTRIES(_parse_html(body)):
        listed_title = one_line(_LISTED_TITLE(entry))
        listed_day: str = _LISTED_DAY(entry)
        if listed_title in titles or (not titles and listed_day == day):
            return True
        days.append(listed_day)
    return bool(days) and all(listed_day >= day for listed_day in days if listed_day)


def feed_items(body: bytes) -> list[tuple[str, dt.datetime | None]] | None:
    """Return the GUID and date of each item of an RSS feed, or None if `body` is not one."""
    try:
        root: Any = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return None
    if root.tag != "rss":
        return None
    items = root.findall("channel/item")
    return [(item.findtext("guid", ""), _parse_date(item.findtext("pubDate", ""))) for item in items]


def _parse_date(text: str) -> dt.datetime | None:
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None


def _parse_html(body: bytes) -> Any:
    """Parse a page up to the end of `<main>`. The rest is the same on all pages, and twice as long."""
    before_end, _end, _rest = body.rpartition(b"</main>")
    body = before_end or body
    parser = etree.HTMLParser(encoding="utf-8")
    page = etree.fromstring(body or b"<p></p>", parser)
    return etree.fromstring(b"<p></p>", parser) if page is None else page
