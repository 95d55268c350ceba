"""A local web server with canned responses, and ports for other servers."""

import itertools
import random
import socket
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs

# Below the range from which Linux takes the ports of connections and of servers that leave the choice to it.
_PORTS = itertools.cycle(random.SystemRandom().sample(range(20_000, 32_000), 12_000))

type Answer = tuple[int, dict[str, str], bytes]

# Values of Accept-Language, the language in which nginx and Caddy then show their own errors on a Ukrainian site whose
# pages in Russian are missing, and its Content-Language.
ACCEPTED_LANGUAGES: Final[list[tuple[str | None, str, str | None]]] = [
    ("ar", "ar", "ar"),
    ("fr-CA,fr;q=0.8,en;q=0.5", "fr", "fr"),
    ("de, es;q=0.5", "es", "es"),
    ("de,de-AT;q=0.9", "uk", None),
    (None, "uk", None),
    ("", "uk", None),
    ("*", "uk", None),
    # Another language, whose code begins like that of Arabic.
    ("arn", "uk", None),
    ("ru", "uk", None),
    (";,=\xff,\xd0\xb0../../ar,%2e", "uk", None),
    ("../ar", "uk", None),
]


def free_port() -> int:
    """Return a port of 127.0.0.1 that no other process gets before a server listens on it."""
    for port in _PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError  # The cycle has no end.


class StubServer(ThreadingHTTPServer):
    """Serves the responses of each path in turn and then repeats the last one. Other paths get a 404."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, list[Answer]] = {}
        self.requests: Counter[str] = Counter()
        self.headers: list[Any] = []
        # The forms that were submitted, each with its path.
        self.forms: list[tuple[str, dict[str, list[str]]]] = []

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def url(self, path: str) -> str:
        return f"http://{self.host}{path}"

    def answer(self, path: str, status: int = 200, body: bytes = b"", **headers: str) -> None:
        """Add a response. Underscores in names of headers become hyphens, and empty headers are left out."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.setdefault(path, []).append((status, named, body))


class _Handler(BaseHTTPRequestHandler):
    server: StubServer

    def do_GET(self) -> None:
        self.server.requests[self.path] += 1
        self.server.headers.append(self.headers)
        answers = self.server.answers.get(self.path) or [(404, {}, b"")]
        status, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.forms.append((self.path, parse_qs(body.decode())))
        self.do_GET()

    def log_message(self, *args: Any) -> None:
        pass
