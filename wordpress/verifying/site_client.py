"""Request the pages of a site: the one in this process, or one over the network."""

import http.client
import logging
import time
import urllib.error
import urllib.request
from collections import deque
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote, urljoin, urlsplit

from django.conf import settings

# Django's test client is the only way to send requests through all middleware without a network.
from django.test import Client

_MAX_REDIRECTS: Final = 4


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
        headers = {"host": host, **({"x-forwarded-proto": "https"} if settings.HTTPS else {})}
        self._client = Client(raise_request_exception=False, headers=headers)

    def get(self, path: str) -> SiteResponse:
        logging.disable(logging.WARNING)
        try:
            response: Any = self._client.get(path, secure=settings.HTTPS)
        finally:
            logging.disable(logging.NOTSET)
        body = b""
        if response.streaming:
            # The content of a file does not matter, but the client closes it only once it has been read to the end.
            deque(response.streaming_content, maxlen=0)
        else:
            body = response.content
        return SiteResponse(response.status_code, response.headers.get("Location", ""), body)


class HttpClient(SiteClient):
    """Requests the site at `base_url` over the network, and no other host."""

    def __init__(self, base_url: str, delay: float = 0) -> None:
        """Wait `delay` seconds before each request."""
        self._base_url = base_url.rstrip("/")
        self._delay = delay
        self._opener = urllib.request.build_opener(_NoRedirects)

    def get(self, path: str) -> SiteResponse:
        time.sleep(self._delay)
        request = urllib.request.Request(self._base_url + path, headers={"User-Agent": "Broadside verify_import"})  # noqa: S310  # the command accepts http and https only
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
