"""Request the pages of a site, the one in this process or one over the network, and read what they show."""

import datetime as dt
import http.client
import logging
import re
import time
import urllib.error
import urllib.request
from collections import deque
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote, unquote, urljoin, urlsplit

from django.conf import settings

# Django's test client is the only way to send requests through all middleware without a network.
from django.test import Client
from lxml import etree, html

from tags.models import tag_key
from wordpress.wxr.records import CATEGORY, TAG, TermRef
from wordpress.wxr.values import usable_slug

_MAX_REDIRECTS: Final = 4
# So many pages that nobody has asked for would push those that readers want out of the caches.
_NO_STORE: Final = {"cache-control": "no-store"}


@dataclass(frozen=True, slots=True)
class SiteResponse:
    """A response; `status` is 0 if there was none."""

    status: int
    location: str = ""
    body: bytes = b""


class SiteClient:
    def get(self, path: str) -> SiteResponse:
        raise NotImplementedError

    def get_following_redirects(self, path: str) -> tuple[SiteResponse, str]:
        """Return the last response and its path. Redirects to other hosts are not followed."""
        response = self.get(path)
        for _redirect in range(_MAX_REDIRECTS):
            if not 300 <= response.status < 400 or not response.location:
                break
            try:
                parts = urlsplit(urljoin(path, response.location))
            except ValueError:
                break
            path = quote(unquote(parts.path), safe="/") + (f"?{parts.query}" if parts.query else "")
            if parts.netloc and parts.netloc != urlsplit(settings.SITE_URL).netloc:
                break
            response = self.get(path)
        return response, path


class InProcessClient(SiteClient):
    """Requests the site in this process, without a network."""

    def __init__(self) -> None:
        host = urlsplit(settings.SITE_URL).netloc
        headers = {"host": host, **_NO_STORE, **({"x-forwarded-proto": "https"} if settings.HTTPS else {})}
        self._client = Client(raise_request_exception=False, headers=headers)

    def get(self, path: str) -> SiteResponse:
        logging.disable(logging.WARNING)
        try:
            response: Any = self._client.get(path, secure=settings.HTTPS)
        finally:
            logging.disable(logging.NOTSET)
        if response.streaming:
            # The content of a file does not matter, but the client closes it only once it has been read to the end.
            deque(response.streaming_content, maxlen=0)
        body = b"" if response.streaming else response.content
        return SiteResponse(response.status_code, response.headers.get("Location", ""), body)


class HttpClient(SiteClient):
    """Requests the site at `base_url`, and no other host, over the network, `delay` seconds after the last request."""

    def __init__(self, base_url: str, delay: float) -> None:
        self._base_url = base_url.rstrip("/")
        self._delay = delay
        self._opener = urllib.request.build_opener(_NoRedirects)

    def get(self, path: str) -> SiteResponse:
        time.sleep(self._delay)
        headers = {"User-Agent": "Broadside verify_import", **_NO_STORE}
        request = urllib.request.Request(self._base_url + path, headers=headers)  # noqa: S310  # the command accepts http and https only
        try:
            with self._opener.open(request, timeout=30) as response:
                content_type = response.headers.get_content_type()
                is_text = "html" in content_type or "xml" in content_type
                return SiteResponse(response.status, "", response.read() if is_text else b"")
        except urllib.error.HTTPError as error:
            with error:
                return SiteResponse(error.code, error.headers.get("Location", ""))
        except (OSError, http.client.HTTPException, ValueError):
            return SiteResponse(0)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


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
        self.is_locked = bool(tree.xpath("//form[contains(@class, 'post-password-form')]"))
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
    """Whether the first page of a listing shows this entry (by title, or by day without one), or only newer ones."""
    days = []
    for entry in _parse_html(body).xpath("//article[contains(@class, 'entry')]"):
        listed_title = one_line(entry.xpath("string(.//*[contains(@class, 'entry-title')])"))
        listed_day: str = entry.xpath("string(.//time/@datetime)")
        if (title and listed_title == title) or (not title and listed_day == day):
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
    return html.document_fromstring(body or b"<p></p>", parser=html.HTMLParser(encoding="utf-8"))
