"""Filling the page cache with the pages that readers reach from the front page in the fewest clicks."""

from collections.abc import Iterator
from io import BytesIO
from typing import Final
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

from django.conf import settings
from lxml import etree, html

from blog.caching.application import PageCache
from blog.caching.pages import Headers
from blog.caching.requests import Environ, own_host
from core.serving.handler import Handler

_NOT_PAGES: Final = ("/admin/", settings.MEDIA_URL, settings.STATIC_URL)


def warm(max_pages: int) -> Iterator[tuple[str, str]]:
    """Request up to `max_pages` pages, as a reader would, and yield the path and the status of each.

    Start with the front page, and continue with its links in order: the newest posts, the sidebar, older pages. Links
    with a query are left out, because few readers follow them.
    """
    application = PageCache(Handler())
    paths = ["/"]
    known = set(paths)
    for path in paths:
        status, page = _get(application, path)
        if settings.BROADSIDE_PAGES_FOLDER:
            # Pages that are requested again are written for nginx.
            _get(application, path)
        yield path, status
        for linked in _linked_paths(path, page):
            if linked not in known and len(paths) < max_pages:
                known.add(linked)
                paths.append(linked)


def _get(application: PageCache, path: str) -> tuple[str, bytes]:
    """Return the status of the response to an anonymous reader, and the body if it is an HTML page."""
    site = urlsplit(settings.SITE_URL)
    environ: Environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": "",
        "SERVER_NAME": site.hostname,
        "SERVER_PORT": f"{site.port or 80}",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "",
        "wsgi.input": BytesIO(),
        **own_host(),
    }
    started: list[tuple[str, Headers]] = []
    body = application(environ, lambda status, headers: started.append((status, headers)))
    content = b"".join(body)
    if close := getattr(body, "close", None):
        close()
    ((status, headers),) = started
    is_html = dict(headers).get("Content-Type", "").startswith("text/html")
    return status, content if is_html and status.startswith("200") else b""


def _linked_paths(path: str, page: bytes) -> Iterator[str]:
    """Yield the paths of the site's pages that the page links to."""
    if not page:
        return
    try:
        document = html.document_fromstring(page.decode())
    except etree.ParserError:
        return
    for link in document.iterfind(".//a[@href]"):
        try:
            url = urlsplit(urljoin(f"{settings.SITE_URL}{path}", link.get("href", "")))
        except ValueError:
            continue
        is_own = f"{url.scheme}://{url.netloc}" == settings.SITE_URL and not url.query
        is_page = url.path.startswith("/") and not url.path.startswith(_NOT_PAGES)
        if is_own and is_page and "nofollow" not in link.get("rel", ""):
            yield url.path
