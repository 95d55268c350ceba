"""Pages as the page cache stores and sends them."""

import gzip
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from hashlib import blake2b
from typing import Final, Self, TypeGuard

import brotli
import zstandard
from django.http import HttpResponse
from django.utils.cache import has_vary_header
from django.utils.http import parse_http_date_safe

from blog.caching import is_public
from blog.caching.dictionaries import Dictionary
from blog.caching.requests import Environ

Headers = list[tuple[str, str]]
StartResponse = Callable[[str, Headers], object]

# The statuses of responses that can be the same for everyone: pages, redirects to them, and missing pages.
_STORABLE: Final = frozenset({200, 301, 308, 404, 410})
# The smallest result first.
_ENCODINGS: Final = ("br", "zstd", "gzip")
# For how long a page can be current, in seconds.
MAX_SECONDS: Final = 2 * 24 * 60 * 60
# A reader waits while a page is compressed. The next level takes much more time for a few percent.
_BROTLI_QUALITY: Final = 4
# In bytes. Smaller responses fit into one packet anyway.
_MIN_COMPRESSED: Final = 500
# Roughly how much memory an empty page takes, in bytes.
_OVERHEAD: Final = 1_500
# The content type for which browsers use the dictionary.
_HTML: Final = "text/html; charset=utf-8"
# Headers that depend on the encoding or are replaced here.
_RECOMPUTED: Final = frozenset({"content-length", "content-encoding", "etag", "last-modified", "vary"})
# The headers that a 304 has. Source: RFC 9110, 15.4.5.
_NOT_MODIFIED: Final = frozenset({"Cache-Control", "ETag", "Vary", "No-Vary-Search"})


def is_current(expires_at: float) -> bool:
    """Whether a page that expires then is current. If that is too far away, it was made while the clock was ahead."""
    return 0 < expires_at - time.time() <= MAX_SECONDS


@dataclass(slots=True)
class CachedPage:
    """A public response with its body in one or more encodings, which are sent as they are stored.

    Both times are timestamps in seconds. At `expires_at`, public content changes on its own.
    """

    status: str
    headers: tuple[tuple[str, str], ...]
    etag: str
    modified_at: int
    expires_at: float
    bodies: dict[str, bytes]

    @classmethod
    def of(cls, response: HttpResponse, status: str, headers: Headers, expires_at: float) -> Self:
        """Return the page to store for `response`, which Django has started with this status and these headers."""
        body = response.content
        is_compressed = len(body) >= _MIN_COMPRESSED
        kept = [(name, value) for name, value in headers if name.lower() not in _RECOMPUTED]
        if body:
            is_html = ("Content-Type", _HTML) in kept
            kept.append(("Vary", "Accept-Encoding, Available-Dictionary" if is_html else "Accept-Encoding"))
        return cls(
            status=status,
            headers=_interned(tuple(kept)),
            # A weak one, because it is the same for all encodings.
            etag=f'W/"{blake2b(body, digest_size=12).hexdigest()}"' if response.status_code == 200 else "",
            # The end of this second. The date isn't sent until then, because a page that replaces this one within the
            # same second would have the same date.
            modified_at=math.floor(time.time()) + 1,
            expires_at=expires_at,
            bodies={"br": brotli.compress(body, quality=_BROTLI_QUALITY)} if is_compressed else {"": body},
        )

    @property
    def is_page(self) -> bool:
        """Whether this is a page rather than a redirect or an error, for which anyone can make up URLs."""
        return self.status.startswith("200")

    @property
    def size(self) -> int:
        """The approximate size in memory, in bytes, with room for encodings that haven't been added yet."""
        return _OVERHEAD + 5 * len(next(iter(self.bodies.values()))) // 2

    @property
    def is_html(self) -> bool:
        """Whether nginx and dictionaries can be used for this page: it is HTML, and not tiny."""
        return ("Content-Type", _HTML) in self.headers and "br" in self.bodies

    def send(
        self, environ: Environ, start_response: StartResponse, dictionary: Dictionary | None = None
    ) -> Iterable[bytes]:
        """Send the page, or 304 if the reader has it already. A HEAD request gets the headers only.

        `dictionary` is one that the reader has.
        """
        headers = [*self.headers]
        if self.etag:
            headers.append(("ETag", self.etag))
            if self._is_known_to(environ):
                start_response("304 Not Modified", [each for each in headers if each[0] in _NOT_MODIFIED])
                return []
            if time.time() >= self.modified_at:
                headers.append(("Last-Modified", formatdate(self.modified_at, usegmt=True)))
        if dictionary is not None and self.is_html:
            encoding, body = "dcz", self._body_with(dictionary)
        else:
            encoding = choose_encoding(environ.get("HTTP_ACCEPT_ENCODING", "")) if "br" in self.bodies else ""
            body = self.body(encoding)
        if encoding:
            headers.append(("Content-Encoding", encoding))
        headers.append(("Content-Length", str(len(body))))
        start_response(self.status, headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def body(self, encoding: str) -> bytes:
        """Return the body in an encoding; an empty name stands for none. Few readers need any other than the first."""
        body = self.bodies.get(encoding)
        if body is None:
            body = brotli.decompress(self.bodies["br"])
            if encoding == "gzip":
                body = self.bodies["gzip"] = gzip.compress(body, 6, mtime=0)
            elif encoding == "zstd":
                body = self.bodies["zstd"] = zstandard.compress(body, 9)
        return body

    def _body_with(self, dictionary: Dictionary) -> bytes:
        body = self.bodies.get(dictionary.name)
        if body is None:
            body = self.bodies[dictionary.name] = dictionary.compress(self.body(""))
        return body

    def _is_known_to(self, environ: Environ) -> bool:
        """Whether the reader has this page already. Source: RFC 9110, 13.2.2."""
        known = environ.get("HTTP_IF_NONE_MATCH")
        if known is not None:
            return self.etag.removeprefix("W/") in known or known.strip() == "*"
        since = parse_http_date_safe(environ.get("HTTP_IF_MODIFIED_SINCE", ""))
        # A date in the future is from before the clock was set back, and tells nothing about this page.
        return since is not None and self.modified_at <= since <= time.time()


def is_storable(response: Iterable[bytes]) -> TypeGuard[HttpResponse]:
    """Return whether the page cache may store the response."""
    return (
        isinstance(response, HttpResponse)
        and is_public(response)
        and response.status_code in _STORABLE
        and not response.cookies
        and not has_vary_header(response, "Cookie")
    )


@lru_cache(maxsize=128)
def choose_encoding(accepted: str) -> str:
    """Return the smallest encoding that an Accept-Encoding header allows; empty for none. Source: RFC 9110, 12.5.3."""
    weights = {}
    for item in accepted.lower().split(","):
        name, *parameters = item.split(";")
        weight = next((value.strip()[2:] for value in parameters if value.strip().startswith("q=")), "1")
        weights[name.strip()] = weight.rstrip("0.") not in {"", "-"}
    return next((name for name in _ENCODINGS if weights.get(name, weights.get("*", False))), "")


@lru_cache(maxsize=64)
def _interned(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Return equal headers, which most pages have, as one object in memory."""
    return headers
