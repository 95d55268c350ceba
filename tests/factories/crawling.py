"""Everything that readers and owners can get from a site: all pages, feeds, files and exports."""

import re
from collections.abc import Iterable, Iterator
from html import unescape
from pathlib import Path
from typing import Final
from urllib.parse import urljoin, urlsplit

from django.conf import settings

from tests.factories.reader import Reader
from wordpress.exporting.generators import GENERATORS
from wordpress.exporting.markdown_export import export_markdown
from wordpress.exporting.wxr_export import export_wxr

# Where the crawl starts. Sitemaps and pages lead to the rest.
_STARTS: Final = (
    *("/", "/sitemap.xml", "/feed/", "/feed/atom/", "/comments/feed/", "/robots.txt", "/opensearch.xml"),
    *("/.well-known/dictionary", "/?s=words", "/search/suggestions.json?q=wo"),
)
_LINKS: Final = re.compile(
    r"""(?:href|src|url)=(?:"([^"]+)"|'([^']+)')|content="(https?:[^"]+)"|srcset="([^"]+)"|<(?:loc|link|id)>([^<]+)<"""
)
# The time of a feed, which is the time of the request if the feed is empty.
_TIME: Final = re.compile(rb"<(lastBuildDate|updated)>[^<]*</\1>")
_TEXT: Final = ("text/", "application/xml", "application/rss+xml", "application/atom+xml")


def crawl(more: Iterable[str] = ()) -> Iterator[tuple[str, bytes]]:
    """Yield each URL that can be reached, and those in `more`, with the response that a new reader gets now.

    The response consists of the status, the headers that may repeat something from the page, and the body.
    """
    reader = Reader(urlsplit(settings.SITE_URL).netloc)
    waiting = dict.fromkeys([*_STARTS, *more])
    seen: set[str] = set()
    while waiting:
        url = next(iter(waiting))
        del waiting[url]
        seen.add(url)
        response = reader.get(url, accept_encoding="identity")
        headers = [response.headers[name] or "" for name in ("Location", "Link", "Content-Disposition")]
        body = (
            response.body
            if b"<item>" in response.body or b"<entry>" in response.body
            else _TIME.sub(b"", response.body)
        )
        yield url, "\n".join([str(response.status), *headers, "", ""]).encode() + body
        links = [headers[0]] if headers[0] else []
        if (response.headers["Content-Type"] or "").startswith(_TEXT):
            links += _links(response.body.decode())
        waiting |= dict.fromkeys(own for link in links for own in _own(url, link) if own not in seen)


def exports(folder: Path) -> dict[str, bytes]:
    """Return the files of exports to WordPress and to Markdown, which are written into this empty folder."""
    folder.mkdir()
    with (folder / "wordpress.xml").open("w", encoding="utf-8") as file:
        export_wxr(file.write, progress=lambda done, total: None, warn=lambda text: None)
    generator = GENERATORS["hugo"]()
    export_markdown(folder / "markdown", generator, progress=lambda done, total: None, warn=lambda text: None)
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def _links(text: str) -> Iterator[str]:
    for quoted, single, content, sources, element in _LINKS.findall(text):
        yield from (source.split()[0] for source in unescape(sources).split(",") if source.strip())
        if link := quoted or single or content or element:
            yield unescape(link)


def _own(base: str, link: str) -> Iterator[str]:
    """Yield the path and query of a link if it leads to this site, and not to something that every site has."""
    try:
        parts = urlsplit(urljoin(f"{settings.SITE_URL}{base}", link))
    except ValueError:
        return
    if parts.netloc == urlsplit(settings.SITE_URL).netloc and not parts.path.startswith(("/static/", "/admin/")):
        yield parts.path + (f"?{parts.query}" if parts.query else "")
