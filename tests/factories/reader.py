"""A reader whose requests pass through the page cache, which Django's test client bypasses."""

import gzip
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.client import HTTPMessage
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Protocol
from unittest.mock import patch
from urllib.parse import unquote_to_bytes, urlsplit

import brotli
import zstandard
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from blog.caching import release
from blog.caching.application import PageCache
from core.serving.handler import Handler

_files: Final = release._files
# The files of the program never change during tests, and reading them takes longer than rendering a page.
_files_once: Final = cache(lambda folder: list(_files(folder)))


def _files_of_release(folder: Path) -> Iterable[tuple[str, bytes]]:
    return _files_once(folder) if folder.is_relative_to(settings.BASE_DIR) else _files(folder)


@dataclass(frozen=True)
class Response:
    """A response as it was sent."""

    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        decoders = {"br": brotli.decompress, "zstd": zstandard.decompress, "gzip": gzip.decompress, None: bytes}
        decode = decoders[self.headers["Content-Encoding"]]
        return str(decode(self.body).decode())


class Application(Protocol):
    """A WSGI application."""

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any], /) -> Iterable[bytes]: ...


class Reader:
    """Sends requests to an application, by default to one that acts like a new process with an empty memory.

    `environ` is added to the environment of each request. `rendered` are the paths, with queries, that Django has
    rendered.
    """

    def __init__(self, host: str = "testserver", environ: Mapping[str, str] = {}) -> None:
        self.host = host
        self.environ = environ
        self.rendered: list[str] = []
        django = Handler()

        def record(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
            query = environ["QUERY_STRING"]
            self.rendered.append(environ["PATH_INFO"] + (f"?{query}" if query else ""))
            return django(environ, start_response)

        with patch.object(release, "_files", _files_of_release):
            self.application: Application = PageCache(record)

    def get(self, url: str, **headers: str) -> Response:
        return self.request("GET", url, **headers)

    def head(self, url: str, **headers: str) -> Response:
        return self.request("HEAD", url, **headers)

    def request(self, method: str, url: str, **headers: str) -> Response:
        """Send a request. Names of headers are in lower case with underscores: `if_none_match=…`."""
        parts = urlsplit(url)
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(parts.path).decode("latin-1"),
            "QUERY_STRING": parts.query.encode().decode("latin-1"),
            "CONTENT_TYPE": "",
            "CONTENT_LENGTH": "0",
            "REMOTE_ADDR": "127.0.0.1",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": self.host,
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
            **self.environ,
            **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
        }
        started: list[Any] = []
        with _open_connection():
            body = self.application(environ, lambda *start: started.append(start))
            content = b"".join(body)
            if hasattr(body, "close"):
                body.close()
        ((status, pairs),) = started
        message = HTTPMessage()
        for name, value in pairs:
            message.add_header(name, value)
        return Response(int(status.split()[0]), message, content)


@contextmanager
def _open_connection() -> Iterator[None]:
    """Keep the connection of the test open, as Django's test client does."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in signals:
            signal.connect(close_old_connections)
