"""Asking a site for its pages: the one in this process, or the one that runs at an address."""

import http.client
import logging
import time
import urllib.error
import urllib.request
from collections import deque
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import quote, unquote, urljoin, urlsplit

from django.conf import settings

# Django's client of tests asks the site in this process, through all middleware: there is no other way to do that.
from django.test import Client

_MAX_STEPS: Final = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` is 0 where there was no answer at all."""

    status: int
    location: str = ""
    body: bytes = b""


class Site(Protocol):
    def get(self, path: str) -> Answer: ...


class SiteHere:
    """The site in this process, asked without a network."""

    def __init__(self) -> None:
        host = urlsplit(settings.SITE_URL).netloc
        headers = {"host": host, **({"x-forwarded-proto": "https"} if settings.HTTPS else {})}
        self._client = Client(raise_request_exception=False, headers=headers)

    def get(self, path: str) -> Answer:
        logging.disable(logging.WARNING)
        try:
            response: Any = self._client.get(path, secure=settings.HTTPS)
        finally:
            logging.disable(logging.NOTSET)
        body = b""
        if response.streaming:
            # A file: that it is there is enough. Read to its end, the client closes it.
            deque(response.streaming_content, maxlen=0)
        else:
            body = response.content
        return Answer(response.status_code, response.headers.get("Location", ""), body)


class SiteThere:
    """The site at `base`, asked over the network; no other host is ever asked."""

    def __init__(self, base: str, delay: float = 0) -> None:
        self._base = base.rstrip("/")
        self._delay = delay
        self._opener = urllib.request.build_opener(_NoRedirects)

    def get(self, path: str) -> Answer:
        time.sleep(self._delay)
        request = urllib.request.Request(self._base + path, headers={"User-Agent": "Broadside verify_import"})  # noqa: S310  # the command takes http and https only
        try:
            with self._opener.open(request, timeout=30) as response:
                kind = response.headers.get_content_type()
                return Answer(response.status, "", response.read() if "html" in kind or "xml" in kind else b"")
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers.get("Location", ""))
        except (OSError, http.client.HTTPException, ValueError):
            return Answer(0)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def follow(site: Site, path: str) -> tuple[Answer, str]:
    """What the site answers in the end, and where. A way to another host ends there."""
    answer = site.get(path)
    for _step in range(_MAX_STEPS):
        if not 300 <= answer.status < 400 or not answer.location:
            break
        try:
            parts = urlsplit(urljoin(path, answer.location))
        except ValueError:
            break
        path = quote(unquote(parts.path), safe="/") + (f"?{parts.query}" if parts.query else "")
        if parts.netloc and parts.netloc != urlsplit(settings.SITE_URL).netloc:
            break
        answer = site.get(path)
    return answer, path
