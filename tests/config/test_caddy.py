"""The Caddyfile that we ship, in a real Caddy. Its upstream is a stand-in for Broadside that misbehaves on request."""

import http.client
import io
import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from tests.factories.programs import ROOT
from tests.factories.servers import ACCEPTED_LANGUAGES, free_port

HOST = "blog.example.org"
# Linux lets a client on this machine use any address that begins with 127.
CLIENT = "127.0.0.77"
# It accepts the certificate of this test.
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE

if not shutil.which("caddy"):
    if os.environ.get("CI"):
        raise RuntimeError("Caddy is missing, so its configuration can't be tested. Install it.")
    pytest.skip("Caddy is missing, so its configuration is NOT TESTED.", allow_module_level=True)


class Upstream(BaseHTTPRequestHandler):
    """Returns the headers of a request, sends more than anyone reads at `/endless/`, and hangs up at `/broken/`.

    It answers with the status in the path, as in `/400/`, and sends a policy only below `/policy/`.
    """

    protocol_version = "HTTP/1.1"
    # The paths of all requests whose headers have arrived.
    paths: ClassVar[list[str]] = []

    def log_message(self, *_arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        body = b"x" * 2**25 if self.path == "/endless/" else str(self.headers).encode()
        found = re.search("[345][0-9]{2}", self.path)
        status = int(found[0]) if found else 200
        if status == 304:
            body = b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if self.path.startswith("/policy/"):
            self.send_header("Content-Security-Policy", "sandbox")
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def do_POST(self) -> None:
        self.paths.append(self.path)
        self.rfile.read(0 if self.path == "/broken/" else int(self.headers["Content-Length"]))
        self.close_connection = True


@dataclass(frozen=True)
class Caddy:
    """A running Caddy. `static` is its copy of STATIC_ROOT, of a site in Ukrainian that has lost its Russian pages."""

    port: int
    log: Path
    static: Path

    def connect(self) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=20, source_address=(CLIENT, 0))
        return TLS.wrap_socket(plain, server_hostname=HOST)

    def request(
        self, method: str, path: str, body: bytes = b"", **headers: str
    ) -> tuple[http.client.HTTPResponse, str]:
        connection = http.client.HTTPSConnection(HOST, self.port, context=TLS)
        connection.sock = self.connect()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body or None, {"Host": HOST} | names)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response, text


@pytest.fixture(scope="module")
def caddy(tmp_path_factory: pytest.TempPathFactory, static_root: Path) -> Iterator[Caddy]:
    folder = tmp_path_factory.mktemp("caddy")
    for name in ("css", "errors"):
        shutil.copytree(static_root / name, folder / "static" / name)
    errors = folder / "static" / "errors"
    for name in ("unavailable", "too-large"):
        shutil.copy(errors / f"{name}.uk.html", errors / f"{name}.html")
        (errors / f"{name}.ru.html").unlink()
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    port = free_port()
    ours = f"{{\n admin off\n local_certs\n skip_install_trust\n default_bind 127.0.0.1\n https_port {port}\n"
    shipped = (ROOT / "deploy" / "Caddyfile").read_text(encoding="utf-8")
    for pattern, replacement in (
        (r"(?m)^\{$", f"{ours} http_port {free_port()}\n"),
        (r"127\.0\.0\.1:8000", f"127.0.0.1:{upstream.server_port}"),
        # Smaller, so that a test doesn't have to send so much.
        (r"max_size 55MB", "max_size 55KB"),
    ):
        assert re.search(pattern, shipped), pattern
        shipped = re.sub(pattern, replacement, shipped)
    (folder / "Caddyfile").write_text(shipped, encoding="utf-8")
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
    with (folder / "log").open("wb") as log:
        program = subprocess.Popen(  # noqa: S603  our own arguments
            command,
            env={
                **os.environ,
                "XDG_DATA_HOME": str(folder),
                "XDG_CONFIG_HOME": str(folder),
                "STATIC_ROOT": str(folder / "static"),
            },
            stderr=log,
        )
    result = Caddy(port, folder / "log", folder / "static")
    for _attempt in range(600):
        try:
            result.connect().close()
            break
        except OSError:
            # It does not listen yet, or has no certificate yet.
            time.sleep(0.05)
    yield result
    # Stopping it politely would wait for connections that a failed test has left open.
    program.kill()
    program.wait()
    upstream.shutdown()
    upstream.server_close()


def test_broadside_gets_the_address_of_the_client_and_no_forged_one(caddy: Caddy) -> None:
    forged = {"X_Forwarded_For": "192.0.2.1", "X_Forwarded_Proto": "http", "X_Request_ID": "invented"}
    _response, seen = caddy.request("GET", "/", b"", **forged, Connection="X-Forwarded-For, X-Forwarded-Proto")
    headers = http.client.parse_headers(io.BytesIO(seen.encode()))
    assert headers.get_all("X-Forwarded-For") == [CLIENT]
    assert headers.get_all("X-Forwarded-Proto") == ["https"]
    assert headers.get_all("Host") == [HOST]
    assert "invented" not in seen


@pytest.mark.parametrize(
    ("path", "body", "status", "text"),
    [("/broken/", b"x", 503, "try again"), ("/", b"x" * 60_000, 413, "make the file smaller")],
)
def test_its_own_errors_say_what_is_wrong_and_are_harmless(
    caddy: Caddy, path: str, body: bytes, status: int, text: str
) -> None:
    response, content = caddy.request("POST", path, body, Accept_Language="en-US,en;q=0.5")
    assert response.status == status
    assert text in content
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["Content-Language"] == "en"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'self'"
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Retry-After"] == ("30" if status == 503 else None)


@pytest.mark.parametrize(
    ("accepted", "language", "announced"),
    [
        *ACCEPTED_LANGUAGES,
        ("," * 30_000, "uk", None),
        ("x" * 30_000, "uk", None),
        ("x," * 14_000 + "ar", "ar", "ar"),
    ],
)
@pytest.mark.parametrize(("path", "size", "status"), [("/broken/", 1, 503), ("/", 60_000, 413)])
def test_its_own_errors_are_in_the_language_of_the_reader_or_that_of_the_site(
    caddy: Caddy, path: str, size: int, status: int, accepted: str | None, language: str, announced: str | None
) -> None:
    headers = {} if accepted is None else {"Accept_Language": accepted}
    response, content = caddy.request("POST", path, b"x" * size, **headers)
    assert response.status == status
    assert f'<html lang="{language}"' in content
    assert response.headers["Content-Language"] == announced


def test_its_own_errors_without_pages_are_a_sentence(caddy: Caddy) -> None:
    pages = caddy.static / "errors"
    pages.rename(caddy.static / "lost")
    try:
        for path, size, status in (("/broken/", 1, 503), ("/", 60_000, 413)):
            response, content = caddy.request("POST", path, b"x" * size)
            assert response.status == status
            assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
            assert "try again" in content
    finally:
        (caddy.static / "lost").rename(pages)


def test_has_the_styles_of_its_own_errors(caddy: Caddy) -> None:
    page = (caddy.static / "errors" / "unavailable.html").read_text("utf-8")
    paths = re.findall(r'href="([^"]*)"', page)
    assert len(paths) == 2
    for path in paths:
        response, content = caddy.request("GET", path)
        assert content == (caddy.static / path.removeprefix("/static/")).read_text("utf-8")
        assert response.headers["Content-Type"] == "text/css; charset=utf-8"
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    # Everything else is Broadside's.
    for path in (
        "css/site.css",
        "css/none.0123456789ab.css",
        "css/..%2ferrors/unavailable.html",
        "errors/unavailable.html",
    ):
        assert "x-request-id" in caddy.request("GET", f"/static/{path}")[1].lower()


@pytest.mark.parametrize(
    ("path", "policies"),
    [
        ("/400/", ["default-src 'none'"]),
        ("/policy/400/", ["sandbox"]),
        # Its page keeps the policy with which the browser got it.
        ("/304/", None),
        ("/", None),
    ],
)
def test_makes_errors_without_a_policy_harmless(caddy: Caddy, path: str, policies: list[str] | None) -> None:
    response, text = caddy.request("GET", path)
    assert response.headers.get_all("Content-Security-Policy") == policies
    if "400" in path:
        assert response.status == 400
        assert response.headers.get_all("X-Content-Type-Options") == ["nosniff"]
        assert "x-request-id" in text.lower()


def test_keeps_few_headers_in_memory(caddy: Caddy) -> None:
    assert caddy.request("GET", "/", X="x" * 30_000)[0].status == 200
    assert caddy.request("GET", "/", X="x" * 60_000)[0].status == 431


def test_logs_no_ip_address_of_a_reader_whose_connection_breaks(caddy: Caddy) -> None:
    connection = caddy.connect()
    connection.sendall(f"GET /endless/ HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
    connection.recv(100)
    # So that closing it resets it.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    # Caddy would write the line within milliseconds.
    for _attempt in range(20):
        assert CLIENT not in caddy.log.read_text(encoding="utf-8")
        time.sleep(0.05)


def test_broadside_sees_a_request_only_when_its_body_has_arrived(caddy: Caddy) -> None:
    headers = f"POST /slow/ HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 20000\r\n\r\n"
    with caddy.connect() as connection:
        connection.sendall(headers.encode() + b"x" * 10_000)
        for _another in range(5):
            caddy.request("POST", "/quick/", b"x")
        assert Upstream.paths.count("/quick/") == 5
        assert "/slow/" not in Upstream.paths
        connection.sendall(b"x" * 10_000)
        connection.recv(100)
    assert "/slow/" in Upstream.paths


# Opens 70 connections from one network and 70 from as many, and prints how many of each are accepted.
CONNECT = """
import socket
for family, server, one, many in (
    (socket.AF_INET, "127.0.0.1", "127.0.0.2", "127.0.1.{}"),
    (socket.AF_INET6, "2001:db8:1::1", "2001:db8:2::{}", "2001:db8:3:{}::1"),
):
    listening = socket.create_server((server, 443), family=family, backlog=200)
    for pattern in (one, many):
        clients = []
        for number in range(1, 71):
            client = socket.socket(family)
            client.settimeout(0.1)
            client.bind((pattern.format(number), 0))
            try:
                client.connect((server, 443))
            except TimeoutError:
                continue
            clients.append(client)
        print(len(clients))
"""


def test_the_firewall_limits_the_connections_of_each_client() -> None:
    rules = ROOT / "deploy" / "connections.nft"
    own_network = ["unshare", "--net", "sh", "-ec"]
    available = subprocess.run([*own_network, "nft list ruleset && ip link && sysctl --version"], capture_output=True)  # noqa: S603  our own arguments
    if available.returncode != 0:
        pytest.skip("Only root can try the rules of the firewall, with nftables and iproute2, so they are NOT TESTED.")
    # Loading the rules twice does no harm.
    commands = f"""
        sysctl --quiet net.ipv6.ip_nonlocal_bind=1
        ip link set lo up
        ip route add local 2001:db8::/32 dev lo
        nft --file {rules}
        nft --file {rules}
        exec {sys.executable} -c '{CONNECT}'
    """
    ran = subprocess.run([*own_network, commands], capture_output=True, text=True, check=True)  # noqa: S603  our own arguments
    assert ran.stdout.split() == ["64", "70", "64", "70"]
