"""Films: the address of one alone on a line stands in a `<figure class="player">`.

It holds a link and nothing that loads. `static/js/players.js` adds a button to it and, when a reader
presses that, the film itself; without the script the link leads to the film's page.
"""

import re
from html import unescape
from typing import Final, cast
from urllib.parse import urlsplit

from lxml import etree

from blog.rendering import addresses
from blog.rendering.links import lines
from blog.rendering.tree import text_of

FILM_SITE = re.compile("youtu|vimeo", re.IGNORECASE)
YOUTUBE_HOSTS: Final = frozenset(
    {"youtube.com", "www.youtube.com", "m.youtube.com", "music.youtube.com"}
    | {"youtube-nocookie.com", "www.youtube-nocookie.com"}
)
# The id of a film, wherever plug-ins and people put the rest: `watch?v=ID?wmode=opaque`, `/v/ID&hl=en`.
YOUTUBE_QUERY = re.compile(r"(?:^|[&?])v=([A-Za-z0-9_-]{11})(?![A-Za-z0-9_-])")
YOUTUBE_PATH = re.compile(r"/(?:embed|live|shorts|v)/([A-Za-z0-9_-]{11})(?![A-Za-z0-9_-])")
SHORT_PATH = re.compile(r"/([A-Za-z0-9_-]{11})(?![A-Za-z0-9_-])")
START = re.compile(r"(?:^|[&?#])(?:t|start)=(?:([0-9]{1,2})h)?(?:([0-9]{1,3})m)?(?:([0-9]{1,5})s?)?(?![0-9a-z])")
VIMEO_HOSTS: Final = frozenset({"vimeo.com", "www.vimeo.com", "player.vimeo.com"})
VIMEO_PATH = re.compile(r"(?:/[\w-]{1,100}){0,3}?/([0-9]{4,12})(?:/([0-9a-f]{8,12}))?/?", re.ASCII)
VIMEO_HASH = re.compile(r"(?:^|[&?])h=([0-9a-f]{8,12})(?![0-9a-z])")


def film_page(address: str) -> str | None:
    """The page of the film that an `address` of YouTube or Vimeo means, in its plain form, else None."""
    address = unescape(address)
    if not FILM_SITE.search(addresses.IGNORED_INSIDE.sub("", address)):
        return None
    try:
        parts = urlsplit(addresses.tidy(address) or "")
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return None
    if host in YOUTUBE_HOSTS or host == "youtu.be":
        path = SHORT_PATH if host == "youtu.be" else YOUTUBE_PATH
        found = path.match(parts.path) or (parts.path.startswith("/watch") and YOUTUBE_QUERY.search(parts.query))
        start = START.search(f"{parts.query}#{parts.fragment}")
        hours, minutes, seconds = (int(number or 0) for number in start.groups()) if start else (0, 0, 0)
        from_second = 3600 * hours + 60 * minutes + seconds
        after = f"&t={from_second}s" if from_second else ""
        return f"https://www.youtube.com/watch?v={found[1]}{after}" if found else None
    if host in VIMEO_HOSTS and (found := VIMEO_PATH.fullmatch(parts.path)):
        unlisted = VIMEO_HASH.search(parts.query)
        key = found[2] or (unlisted[1] if unlisted else "")
        return f"https://vimeo.com/{found[1]}" + (f"/{key}" if key else "")
    return None


def frame_films(root: etree._Element) -> None:
    """Put each link that is a line of its own, and nothing but the address of a film, into a figure."""
    around_films = {link.getparent() for link in root.iter("a") if film_page(link.get("href", ""))}
    for block in [block for block in root.iter("p", "div") if block in around_films]:
        films = [elements[0] for text, elements in lines(block) if not text.strip() and len(elements) == 1]
        for link in films:
            if link.tag == "a" and (page := film_page(link.get("href", ""))) and _says_its_address(link):
                _frame(link, page)


def _says_its_address(link: etree._Element) -> bool:
    said = text_of(link).strip()
    return said == link.get("href") or said.partition("://")[2] == link.get("href", "").partition("://")[2]


def _frame(link: etree._Element, page: str) -> None:
    """Move `link` into a figure of its own. A paragraph ends before it and goes on behind it."""
    # Not the block that it was found in: that may have been parted since.
    block = cast("etree._Element", link.getparent())
    link.attrib.clear()
    link.set("href", page)
    del link[:]
    link.text = page
    figure = etree.Element("figure", {"class": "player"})
    link.addprevious(figure)
    figure.tail, link.tail = link.tail, None
    figure.append(link)
    before, after = figure.getprevious(), figure.getnext()
    if before is not None and before.tag == "br":
        block.remove(before)
    if after is not None and after.tag == "br":
        figure.tail = after.tail
        block.remove(after)
    if block.tag == "p":
        behind = etree.Element("p", {str(name): str(value) for name, value in block.items() if name != "id"})
        behind.text, figure.tail = figure.tail, None
        behind.extend(list(figure.itersiblings()))
        behind.tail, block.tail = block.tail, None
        block.addnext(figure)
        figure.addnext(behind)
