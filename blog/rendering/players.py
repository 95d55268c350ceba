"""Videos of other sites: a URL that is alone on a line is put into a `<figure class="player">`.

The figure holds a link and loads nothing. `static/js/players.js` adds a button to it, which loads the video when a
reader presses it. Without the script, the link leads to the video's page.
"""

import re
from html import unescape
from typing import cast
from urllib.parse import urlsplit

from lxml import etree

from blog.rendering import urls
from blog.rendering.links import is_alone_on_line
from blog.rendering.tree import split_around, text_of

_VIDEO_SITE = re.compile("youtu|vimeo", re.IGNORECASE)
_YOUTUBE_HOST = re.compile(r"(?:(?:www|m|music)\.)?youtube\.com|(?:www\.)?youtube-nocookie\.com")
# The ID of a video, wherever plug-ins and people put the rest: `watch?v=ID?wmode=opaque`, `/v/ID&hl=en`.
_YOUTUBE_QUERY = re.compile(r"(?:^|[&?])v=([A-Za-z0-9_-]{11})(?![A-Za-z0-9_-])")
_YOUTUBE_PATH = re.compile(r"/(?:embed|live|shorts|v)/([A-Za-z0-9_-]{11})(?![A-Za-z0-9_-])")
_YOUTU_BE_PATH = re.compile(r"/([A-Za-z0-9_-]{11})(?![A-Za-z0-9_-])")
_START_TIME = re.compile(r"(?:^|[&?#])(?:t|start)=(?:([0-9]{1,2})h)?(?:([0-9]{1,3})m)?(?:([0-9]{1,5})s?)?(?![0-9a-z])")
_VIMEO_HOST = re.compile(r"(?:(?:www|player)\.)?vimeo\.com")
_VIMEO_PATH = re.compile(r"(?:/[\w-]{1,100}){0,3}?/([0-9]{4,12})(?:/([0-9a-f]{8,12}))?/?", re.ASCII)
_VIMEO_HASH = re.compile(r"(?:^|[&?])h=([0-9a-f]{8,12})(?![0-9a-z])")


def video_page_url(url: str) -> str | None:
    """Return the normalised URL of the page of the YouTube or Vimeo video at `url`, or None for any other URL."""
    url = unescape(url)
    if not _VIDEO_SITE.search(urls.IGNORED_INSIDE.sub("", url)):
        return None
    try:
        parts = urlsplit(urls.normalise(url) or "")
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return None
    if host == "youtu.be" or _YOUTUBE_HOST.fullmatch(host):
        path = _YOUTU_BE_PATH if host == "youtu.be" else _YOUTUBE_PATH
        found = path.match(parts.path) or (parts.path.startswith("/watch") and _YOUTUBE_QUERY.search(parts.query))
        start = _START_TIME.search(f"{parts.query}#{parts.fragment}")
        hours, minutes, seconds = (int(count or 0) for count in start.groups()) if start else (0, 0, 0)
        total_seconds = 3600 * hours + 60 * minutes + seconds
        parameter = f"&t={total_seconds}s" if total_seconds else ""
        return f"https://www.youtube.com/watch?v={found[1]}{parameter}" if found else None
    if _VIMEO_HOST.fullmatch(host) and (found := _VIMEO_PATH.fullmatch(parts.path)):
        unlisted = _VIMEO_HASH.search(parts.query)
        key = found[2] or (unlisted[1] if unlisted else "")
        return f"https://vimeo.com/{found[1]}" + (f"/{key}" if key else "")
    return None


def frame_videos(root: etree._Element) -> None:
    """Put each link that is alone on a line and shows nothing but a video's URL into a figure."""
    framed = [
        (link, page)
        for link in root.iter("a")
        if (page := video_page_url(link.get("href", "")))
        and _shows_its_url(link)
        and is_alone_on_line(link, "p", "div")
    ]
    for link, page in framed:
        _frame(link, page)


def _shows_its_url(link: etree._Element) -> bool:
    text, url = text_of(link).strip(), link.get("href", "")
    return text == url or text.partition("://")[2] == url.partition("://")[2]


def _frame(link: etree._Element, page: str) -> None:
    """Replace `link` with a figure. A paragraph around it ends before the figure and continues after it."""
    block = cast("etree._Element", link.getparent())
    figure = etree.Element("figure", {"class": "player"})
    etree.SubElement(figure, "a", href=page).text = page
    figure.tail = link.tail
    block.replace(link, figure)
    before, after = figure.getprevious(), figure.getnext()
    if before is not None and before.tag == "br":
        block.remove(before)
    if after is not None and after.tag == "br":
        figure.tail = after.tail
        block.remove(after)
    if block.tag == "p":
        figure.addnext(split_around(figure))
