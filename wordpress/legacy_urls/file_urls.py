"""URLs of files on old sites: which file a URL means, whatever size of a picture it requests.

WordPress stores resized copies as `photo-300x200.jpg`. WordPress.com resizes pictures on request (`photo.jpg?w=300`),
and so do its proxies, which serve the pictures of other hosts as `i0.wp.com/HOST/PATH?resize=300,200`.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from django.conf import settings

from blog.models.redirect import normalise_path
from core.http import split_host
from media.file_types import FILE_TYPES, IMAGE_EXTENSIONS
from wordpress.legacy_urls.query_forms import legacy_key, size_variants

_BLOGS, _FILES = ".wordpress.com", ".files.wordpress.com"
_PROXIES: Final = {"i0.wp.com", "i1.wp.com", "i2.wp.com", "i3.wp.com"}
# Folders in which WordPress stores uploads.
_WORDPRESS_FOLDER = re.compile(r"/(?:wp-content|blogs\.dir|uploads|files)/")
# The suffix of a resized copy. A picture that was edited (`photo-e1400000000000.jpg`) is not a copy.
_COPY_SUFFIX = re.compile(
    r"(?:-(?:(?P<width>[0-9]{1,5})x(?P<height>[0-9]{1,5})|scaled)|@2x|(?P<old>\.thumbnail))(?=\.[A-Za-z0-9]+$)"
)
# WordPress until 2008.
_OLD_THUMBNAIL: Final = 128 * 96
# Parameters that choose a size or quality. Source: the documentation of Photon, the proxies' API.
_SIZE_PARAMETERS: Final = frozenset(
    {"w", "h", "width", "height", "resize", "fit", "crop", "quality", "strip", "ssl", "zoom", "lb", "ulb", "ver"}
)
# Files have one of these extensions, or are in one of WordPress's folders.
_EXTENSIONS: Final = IMAGE_EXTENSIONS | FILE_TYPES.keys()
# Pictures can also be the output of a script, or have no extension at all.
PICTURE_MAKERS: Final = {"", ".asp", ".aspx", ".cgi", ".jsp", ".php"}
# No server accepts longer URLs.
_MAX_LENGTH: Final = 8000


class FileURL(NamedTuple):
    """A URL that may be that of a file. `host` is as returned by `core.http.host_of`; empty for a path.

    `query` is the query, empty if it only chooses a size.
    """

    scheme: str
    host: str
    path: str
    query: str = ""

    @property
    def extension(self) -> str:
        stem, dot, extension = unquote(self.path.rpartition("/")[2]).rpartition(".")
        return f".{extension.lower()}" if stem and dot else ""

    @property
    def is_file(self) -> bool:
        """Whether the extension is that of a file that can be published here."""
        return self.extension in _EXTENSIONS

    @property
    def may_be_file(self) -> bool:
        """Whether this can be a file, assuming that a text may show it as a picture."""
        return self.is_file or self.is_in_wordpress or self.extension in PICTURE_MAKERS

    @property
    def key(self) -> str:
        """The path under which the file is stored here if this is its own URL; empty if this can't be a file."""
        key = normalise_path(legacy_key(f"{self.scheme}://{self.host}{self.path}" if self.host else self.path))
        if not key.startswith("/") or key.startswith("/?"):
            return ""
        return f"{key}?{self.query}" if self.query else key

    @property
    def keys(self) -> list[str]:
        """The paths under which the file may be stored here: its own, then those of its original."""
        without_query = self._replace(query="").key
        own = [self.key] if self.query else []
        return [*own, *size_variants(without_query)] if without_query else []

    @property
    def original(self) -> "FileURL":
        """The original if this is a resized copy, otherwise this file."""
        if not self.is_in_wordpress:
            return self
        return self._replace(path=_COPY_SUFFIX.sub("", _COPY_SUFFIX.sub("", self.path)))

    @property
    def pixels(self) -> int:
        """The number of pixels of a copy, according to its name. If that gives no size, the copy counts as huge."""
        size = _COPY_SUFFIX.search(self.path)
        if size and size["old"]:
            return _OLD_THUMBNAIL
        return int(size["width"]) * int(size["height"]) if size and size["width"] else 10**10

    @property
    def is_in_wordpress(self) -> bool:
        """Whether this is in one of WordPress's folders for uploads."""
        return self.host.endswith(_FILES) or _WORDPRESS_FOLDER.search(self.path) is not None

    def __str__(self) -> str:
        """The URL in ASCII."""
        # Like browsers, encode characters that are not allowed, and leave `%` alone.
        path = quote(self.path, safe="/%:@!$&'()*+,;=~", errors="replace")
        query = f"?{quote(self.query, safe="/%:@!$&'()*+,;=~?", errors='replace')}" if self.query else ""
        return f"{self.scheme}://{self.host}{path}{query}" if self.host else f"{path}{query}"


def parse_file_url(url: str) -> FileURL | None:
    """Parse an http(s) URL, or its path alone. Return None for other URLs and for this site's own media."""
    if len(url) > _MAX_LENGTH:
        return None
    try:
        parts = urlsplit(url)
        host = split_host(parts)
        while host in _PROXIES:
            scheme = "https" if ("ssl", "1") in parse_qsl(parts.query) else "http"
            parts = urlsplit(f"{scheme}://{parts.path.lstrip('/')}")
            host = split_host(parts)
            if not host:
                return None
    except ValueError:
        return None
    if (parts.scheme or parts.netloc) and not host:
        return None
    is_own = host in {"", settings.SITE_HOST}
    if not parts.path.startswith("/") or (is_own and parts.path.startswith(settings.MEDIA_URL)):
        return None
    names = {name for name, _value in parse_qsl(parts.query, keep_blank_values=True)}
    query = "" if names <= _SIZE_PARAMETERS else parts.query
    return FileURL(parts.scheme, host, parts.path, query)


def aliases_of(hosts: Iterable[str]) -> set[str]:
    """Return `hosts` and other hosts of the same blogs: with and without `www.`, and WordPress.com's file hosts."""
    aliases = set(hosts) - {""}
    for host in list(aliases):
        if host.endswith(_FILES):
            aliases.add(host.removesuffix(_FILES) + _BLOGS)
        elif host.endswith(_BLOGS):
            aliases.add(host.removesuffix(_BLOGS) + _FILES)
        else:
            aliases.add(host.removeprefix("www.") if host.startswith("www.") else f"www.{host}")
    return aliases


def path_on_host(host: str, path: str) -> str:
    """Return the path of a file with its host, the form in which paths on other hosts than the blog's are stored.

    Such files are looked up by both, as thousands of hosts may have a `/logo.png`. All aliases of a host give the same
    result.
    """
    return f"{min(aliases_of([host]))}{path}"


def without_host(path: str) -> str:
    """Return a stored path without its host, if it has one."""
    return path[path.find("/") :] if path else ""


def own_hosts() -> set[str]:
    """Return all hosts of this site, including its former ones."""
    return aliases_of([settings.SITE_HOST, *settings.BROADSIDE_FORMER_HOSTS])
