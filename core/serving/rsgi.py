"""Serving a WSGI application over RSGI, granian's asynchronous interface, so that waiting for clients is limited.

A WSGI application waits for the body of a request in a thread, for as long as the client likes: a few requests whose
bodies never arrive would occupy all threads. Here the event loop waits, for a limited time, and threads only do work
that needs no waiting.
Sources: the RSGI specification 1.6 (granian), PEP 3333.
"""

import asyncio
import io
import sys
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, NoReturn
from wsgiref.types import StartResponse, WSGIApplication
from wsgiref.util import FileWrapper

from django.db import close_old_connections
from django.utils.translation import gettext
from granian.rsgi import Headers, HTTPProtocol, ProtocolClosed, Scope  # type: ignore[attr-defined]  # exported without saying so

from core.serving.admission import FullLaneError, Lane
from core.serving.busy import RETRY_AFTER

type Environ = dict[str, Any]
type PartialApplication = Callable[[Environ, StartResponse], Iterable[bytes] | None]

# Seconds within which a body must arrive, and by how many each byte of a file extends this.
BODY_SECONDS: Final = 20
SECONDS_PER_BYTE: Final = 1 / 1024
# Seconds within which a client must accept the next part of a file.
SEND_SECONDS: Final = 60
# The largest body that anyone may send. The longest comment, in any script and percent-encoded, is smaller.
MEMORY_BYTES: Final = 2**20
# How many such bodies are received at the same time.
RECEIVING: Final = 64
# How much of a file is read and sent at once.
PART_BYTES: Final = 2**18
# Requests without a body, whose response may be ready.
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# Threads for responses that are ready. More would only wait for each other.
QUICK_THREADS: Final = 2


class RefusedError(Exception):
    """The request is answered without the application, with a status and a sentence for the reader."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = [("content-type", "text/plain; charset=utf-8"), ("cache-control", "no-store")]
        if status == 503:
            self.headers.append(("retry-after", str(RETRY_AFTER)))


class File(FileWrapper):
    """A file that the application sends, whose parts are read one by one (`wsgi.file_wrapper`)."""

    def read(self) -> bytes:
        part: bytes = self.filelike.read(PART_BYTES)
        return part


@dataclass(frozen=True, slots=True)
class Response:
    """A response and the beginning of its body. The rest is in `file`, if there is one."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    file: File | None = None


class ArrivingBody(io.RawIOBase):
    """A body that is read in a thread while the event loop receives it. Raises OSError if it stops arriving."""

    def __init__(self, exchange: HTTPProtocol, loop: asyncio.AbstractEventLoop) -> None:
        # RSGI allows only one iteration.
        self._parts = (part async for part in exchange if part)
        self._loop = loop
        self._deadline = loop.time() + BODY_SECONDS
        self._part = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._part:
            self._part = memoryview(asyncio.run_coroutine_threadsafe(self._next(), self._loop).result())
        size = min(len(buffer), len(self._part))
        buffer[:size], self._part = self._part[:size], self._part[size:]
        return size

    async def _next(self) -> bytes:
        """Return the next part; an empty one at the end."""
        try:
            async with asyncio.timeout_at(self._deadline):
                part: bytes = await anext(self._parts)
        except StopAsyncIteration:
            return b""
        except TimeoutError:
            raise OSError("The body of the request stopped arriving.") from None
        self._deadline += len(part) * SECONDS_PER_BYTE
        return part


class RSGIApplication:
    """Runs a WSGI application, with a limited number of requests in each lane.

    `immediate` answers requests that need no waiting at all, in the event loop, and `ready` those that need no work.
    Both are WSGI applications, except that they return None for all other requests. `lane_of` chooses the lane of these
    from their WSGI environment. If the lane is full, `busy` answers, which must be quick. `may_send_files` decides from
    the headers of a request whether it may have a body of any size. If so, and the body is large, the application reads
    it as it arrives, and gets an OSError if it stops arriving. All other bodies are received completely before any
    application is called, or refused.
    """

    def __init__(
        self,
        application: WSGIApplication,
        *,
        immediate: PartialApplication,
        ready: PartialApplication,
        busy: WSGIApplication,
        lane_of: Callable[[Environ], Lane],
        lanes: Collection[Lane],
        may_send_files: Callable[[Headers], bool],
    ) -> None:
        self._application, self._immediate, self._ready, self._busy = application, immediate, ready, busy
        self._lane_of, self._may_send_files = lane_of, may_send_files
        self._quick_threads = ThreadPoolExecutor(QUICK_THREADS, "ready")
        # A lane has threads of its own, so that few of them get connections to the database.
        self._threads = {lane: ThreadPoolExecutor(lane.at_once, "request") for lane in lanes}
        self._receiving = 0

    async def __rsgi__(self, scope: Scope, exchange: HTTPProtocol) -> None:
        """Answer a request. The exchange receives its body and sends the response."""
        try:
            body = await self._receive(scope, exchange)
            response = await self._respond(_environ(scope, body))
        except RefusedError as refused:
            body_bytes = b"" if scope.method == "HEAD" else f"{refused}\n".encode()
            exchange.response_bytes(refused.status, refused.headers, body_bytes)
        else:
            if response.file is None:
                exchange.response_bytes(response.status, response.headers, response.body)
            else:
                await self._send_file(exchange, response, response.file)

    async def _respond(self, environ: Environ) -> Response:
        # Handing the request to a thread would take longer than sending a page from memory.
        response = _call(self._immediate, environ)
        if response is not None:
            return response
        loop = asyncio.get_running_loop()
        if environ["REQUEST_METHOD"] in _SAFE_METHODS:
            response = await loop.run_in_executor(self._quick_threads, _call, self._ready, environ)
        if response is None:
            lane = self._lane_of(environ)
            try:
                async with lane.enter():
                    response = await loop.run_in_executor(self._threads[lane], _call, self._application, environ)
            except FullLaneError:
                if not isinstance(environ["wsgi.input"], io.BytesIO):
                    # The body is still arriving, and the quick threads must not wait for it.
                    environ |= {"wsgi.input": io.BytesIO(), "CONTENT_LENGTH": "0"}
                response = await loop.run_in_executor(self._quick_threads, _call, self._busy, environ)
        assert response is not None  # noqa: S101  # only `ready` may return None
        return response

    async def _send_file(self, exchange: HTTPProtocol, response: Response, file: File) -> None:
        loop = asyncio.get_running_loop()
        try:
            transport = exchange.response_stream(response.status, response.headers)
            part = response.body
            while part:
                async with asyncio.timeout(SEND_SECONDS):
                    await transport.send_bytes(part)
                part = await loop.run_in_executor(self._quick_threads, file.read)
        except (TimeoutError, ProtocolClosed):
            # The client went away, or stopped taking the file.
            pass
        finally:
            await loop.run_in_executor(self._quick_threads, file.close)

    async def _receive(self, scope: Scope, exchange: HTTPProtocol) -> io.BufferedIOBase:
        if scope.method in _SAFE_METHODS:
            return io.BytesIO()
        size = parse_size(scope.headers.get("content-length"))
        if (size is None or size > MEMORY_BYTES) and self._may_send_files(scope.headers):
            return io.BufferedReader(ArrivingBody(exchange, asyncio.get_running_loop()), PART_BYTES)
        if size is not None and size > MEMORY_BYTES:
            raise RefusedError(413, gettext("This is too large to submit."))
        if self._receiving >= RECEIVING:
            raise RefusedError(
                503,
                gettext(
                    "The site is very busy. Please go back to the form, which should still contain your text, and try "
                    "again in a few seconds."
                ),
            )
        self._receiving += 1
        body = io.BytesIO()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for part in exchange:
                    if body.tell() + len(part) > MEMORY_BYTES:
                        raise RefusedError(413, gettext("This is too large to submit."))
                    body.write(part)
        except TimeoutError:
            raise RefusedError(
                408,
                gettext(
                    "Your request did not arrive in time. Please go back to the form, which should still contain your "
                    "text, and try again."
                ),
            ) from None
        finally:
            self._receiving -= 1
        body.seek(0)
        return body


def is_large(environ: Environ) -> bool:
    """Return whether the request has a body that is still arriving when the application is called."""
    return "HTTP_TRANSFER_ENCODING" in environ or (parse_size(environ.get("CONTENT_LENGTH")) or 0) > MEMORY_BYTES


def _call(application: PartialApplication, environ: Environ) -> Response | None:
    started: list[tuple[int, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Callable[[bytes], Any]:
        started[:] = [(int(status[:3]), headers)]
        return _write

    result = application(environ, start_response)
    if result is None:
        return None
    file = result if isinstance(result, File) else None
    try:
        body = file.read() if file else b"".join(result)
    except BaseException:
        _close(result)
        raise
    if file and len(body) == PART_BYTES and environ["REQUEST_METHOD"] != "HEAD":
        # Sending takes as long as the client likes, and needs no database.
        close_old_connections()
        return Response(*started[0], body, file)
    _close(result)
    return Response(*started[0], body)


def _write(_data: bytes) -> NoReturn:
    raise NotImplementedError("Applications must return the body: the `write` of PEP 3333 is not supported.")


def _close(result: Any) -> None:
    if close := getattr(result, "close", None):
        close()


def parse_size(content_length: str | None) -> int | None:
    """Return the size of a body from its header, which anyone can write; None if it announces none."""
    if content_length is None or not (content_length.isascii() and content_length.isdecimal()):
        return None
    # Python converts no more than 4,300 digits.
    return int(content_length) if len(content_length) < 19 else sys.maxsize


def _environ(scope: Scope, body: io.BufferedIOBase) -> Environ:
    """Return the WSGI environment of a request. RSGI has decoded its path, and gives addresses with their ports."""
    server_name, _colon, server_port = scope.server.rpartition(":")
    client, _colon, _port = scope.client.rpartition(":")
    environ: Environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        # WSGI wants both as bytes decoded as Latin-1 (PEP 3333). Clients may send non-ASCII letters unencoded.
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string.encode().decode("latin-1"),
        "SERVER_NAME": server_name.strip("[]"),
        "SERVER_PORT": server_port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": client.strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": body,
        # The end of the input is the end of the body, whatever length was announced.
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": File,
    }
    for name, value in scope.headers.items():
        # X_Forwarded_For would become X-Forwarded-For, which a proxy vouches for.
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        if key not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            key = f"HTTP_{key}"
        if key in environ:
            value = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}"
        environ[key] = value
    if isinstance(body, io.BytesIO):
        # The actual size, which a chunked body does not announce.
        environ["CONTENT_LENGTH"] = str(body.getbuffer().nbytes)
    return environ
