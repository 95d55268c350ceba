"""The HTTP client reaches public servers only, and always gives up in time."""

import contextlib
import datetime as dt
import io
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.http import CertificateError, FetchError, ForbiddenHostError, HTTPClient, TooLargeError, host_of, is_public
from tests.factories.servers import StubServer

CONTENT = b"content" * 1000


def download(client: HTTPClient, url: str, *, max_bytes: int = 1_000_000) -> bytes:
    file = io.BytesIO(b"the previous content")
    client.download(url, file, max_bytes=max_bytes)
    return file.getvalue()


@pytest.fixture
def secure_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The host and port of a local server with a trusted certificate that is valid for ten days."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    arguments = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "10",
        "-subj",
        "/CN=localhost",
    ]
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", "-x509", *arguments, *names], check=True, capture_output=True)  # noqa: S603, S607  our own arguments
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server = StubServer()
    server.answer("/")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def client(web_server: StubServer) -> HTTPClient:
    return HTTPClient(hosts=[web_server.host], allow_private=True, timeout=20, deadline=60)


def listen(talk: Callable[[socket.socket], None]) -> str:
    """Start a server that calls `talk` for the first connection, and return its URL."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        # The client may have disconnected.
        with server, server.accept()[0] as connected, contextlib.suppress(OSError):
            talk(connected)

    threading.Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{server.getsockname()[1]}/a"


class TestDownload:
    def test_replaces_the_content_of_the_file(self, web_server: StubServer, client: HTTPClient) -> None:
        web_server.answer("/a", body=CONTENT)
        assert download(client, web_server.url("/a")) == CONTENT

    def test_identifies_itself_and_keeps_no_cookies(self, web_server: StubServer, client: HTTPClient) -> None:
        web_server.answer("/a", Set_Cookie="a=b")
        download(client, web_server.url("/a"))
        download(client, web_server.url("/a"))
        assert "Broadside" in web_server.headers[1]["User-Agent"]
        assert web_server.headers[1]["Cookie"] is None
        assert web_server.headers[1]["Host"] == web_server.host

    def test_accepts_paths_in_any_script_encoded_or_not(self, web_server: StubServer, client: HTTPClient) -> None:
        web_server.answer("/C%C3%A1%20x.png?w=5", body=CONTENT)
        assert download(client, web_server.url("/Cá x.png?w=5")) == CONTENT
        assert download(client, web_server.url("/C%C3%A1%20x.png?w=5")) == CONTENT

    def test_follows_redirects_of_an_allowed_host(self, web_server: StubServer, client: HTTPClient) -> None:
        web_server.answer("/a", 301, Location="/b")
        web_server.answer("/b", body=CONTENT)
        assert download(client, web_server.url("/a")) == CONTENT

    def test_follows_redirects_that_are_not_percent_encoded(self, web_server: StubServer, client: HTTPClient) -> None:
        web_server.answer("/a", 301, Location="/é.png".encode().decode("latin-1"))
        web_server.answer("/%C3%A9.png", body=CONTENT)
        assert download(client, web_server.url("/a")) == CONTENT

    def test_any_host_is_allowed_without_a_list_of_hosts(self, web_server: StubServer) -> None:
        web_server.answer("/a", body=CONTENT)
        assert download(HTTPClient(allow_private=True), web_server.url("/a")) == CONTENT


class TestProbe:
    def test_returns_the_response_whatever_its_status(self, web_server: StubServer, client: HTTPClient) -> None:
        web_server.answer("/a", 403, body=CONTENT, X_Frame_Options="DENY")
        probe = client.probe(web_server.url("/a"), max_bytes=7)
        assert (probe.status, probe.headers["X-Frame-Options"], probe.body) == (403, "DENY", b"content")
        assert probe.certificate_expires_at is None
        assert client.probe(web_server.url("/a")).body == b""

    def test_does_not_follow_redirects(self, web_server: StubServer, client: HTTPClient) -> None:
        web_server.answer("/a", 301, Location="/b")
        assert client.probe(web_server.url("/a")).headers["Location"] == "/b"
        assert web_server.requests == {"/a": 1}

    def test_reaches_allowed_hosts_and_public_servers_only(self, web_server: StubServer) -> None:
        with pytest.raises(ForbiddenHostError):
            HTTPClient(hosts=["example.org"], allow_private=True).probe(web_server.url("/a"))
        with pytest.raises(FetchError, match="private network"):
            HTTPClient().probe(web_server.url("/a"))
        assert not web_server.requests

    def test_fails_like_a_download(self, client: HTTPClient) -> None:
        for url in ("nonsense", "http://me@127.0.0.1/", "http://127.0.0.1:1/"):
            with pytest.raises(FetchError):
                HTTPClient(allow_private=True).probe(url)

    def test_returns_when_the_certificate_expires(self, secure_server: str) -> None:
        probe = HTTPClient(allow_private=True).probe(f"https://{secure_server}/")
        assert probe.certificate_expires_at is not None
        assert dt.timedelta(days=8) < probe.certificate_expires_at - dt.datetime.now(dt.UTC) < dt.timedelta(days=10)

    def test_explains_a_certificate_that_cannot_be_trusted(
        self, secure_server: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(CertificateError) as raised:
            HTTPClient(allow_private=True).probe(f"https://{secure_server}/")
        assert "self-signed certificate" in raised.value.reason


class TestFollow:
    def test_returns_the_final_url_and_its_response(self, web_server: StubServer, client: HTTPClient) -> None:
        web_server.answer("/a", 301, Location="b/c")
        web_server.answer("/b/c", 403, body=CONTENT)
        url, probe = client.follow(web_server.url("/a"), max_bytes=7)
        assert (url, probe.status, probe.body) == (web_server.url("/b/c"), 403, b"content")

    def test_does_not_follow_redirects_endlessly_or_to_other_hosts(
        self, web_server: StubServer, client: HTTPClient
    ) -> None:
        for location, error in (("/a", "too many"), ("http://example.org/", "not allowed"), ("http://[", "invalid")):
            web_server.answers["/a"] = [(302, {"Location": location}, b"")]
            with pytest.raises(FetchError, match=error):
                client.follow(web_server.url("/a"), max_bytes=7)


class TestPost:
    def test_sends_a_form_and_returns_the_response(self, web_server: StubServer, client: HTTPClient) -> None:
        web_server.answer("/a?b=c", 202, body=CONTENT, X_Frame_Options="DENY")
        probe = client.post(web_server.url("/a?b=c"), {"d": "é&", "e": ""})
        assert (probe.status, probe.headers["X-Frame-Options"], probe.body) == (202, "DENY", b"")
        assert web_server.forms == [("/a?b=c", {"d": ["é&"]})]
        assert web_server.headers[0]["Content-Type"] == "application/x-www-form-urlencoded"

    def test_reaches_allowed_hosts_and_public_servers_only(self, web_server: StubServer) -> None:
        with pytest.raises(ForbiddenHostError):
            HTTPClient(hosts=["example.org"], allow_private=True).post(web_server.url("/a"), {})
        with pytest.raises(FetchError, match="private network"):
            HTTPClient().post(web_server.url("/a"), {})
        assert not web_server.requests


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "is_temporary"),
        [(204, False), (403, False), (404, False), (410, False), (408, True), (425, True), (429, True), (503, True)],
    )
    def test_any_status_but_200_is_an_error(
        self, web_server: StubServer, client: HTTPClient, status: int, is_temporary: bool
    ) -> None:
        web_server.answer("/a", status)
        with pytest.raises(FetchError, match=str(status)) as caught:
            download(client, web_server.url("/a"))
        assert caught.value.is_temporary == is_temporary

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [("7", 7), ("0", 0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("", None), ("soon", None), ("-1", None)],
    )
    def test_retry_after_is_parsed(
        self, web_server: StubServer, client: HTTPClient, value: str, seconds: float | None
    ) -> None:
        web_server.answer("/a", 503, Retry_After=value)
        with pytest.raises(FetchError) as caught:
            download(client, web_server.url("/a"))
        assert caught.value.retry_after == seconds

    def test_an_incomplete_file_is_a_temporary_error(self, web_server: StubServer, client: HTTPClient) -> None:
        web_server.answer("/a", 200, CONTENT, Content_Length=str(len(CONTENT) + 1))
        with pytest.raises(FetchError, match=r"part|failed") as caught:
            download(client, web_server.url("/a"))
        assert caught.value.is_temporary

    def test_a_closed_port_is_a_temporary_error(self) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{closed.getsockname()[1]}/a"
        with pytest.raises(FetchError, match="failed") as caught:
            download(HTTPClient(allow_private=True), url)
        assert caught.value.is_temporary

    def test_endless_redirects_are_abandoned(self, web_server: StubServer, client: HTTPClient) -> None:
        web_server.answer("/a", 302, Location="/a")
        with pytest.raises(FetchError, match="too many times"):
            download(client, web_server.url("/a"))
        assert web_server.requests["/a"] == 6

    def test_a_server_that_does_not_speak_tls_is_a_temporary_error(
        self, web_server: StubServer, client: HTTPClient
    ) -> None:
        with pytest.raises(FetchError, match="failed") as caught:
            download(client, web_server.url("/a").replace("http:", "https:"))
        assert caught.value.is_temporary

    def test_the_message_about_a_strange_answer_is_short_and_harmless(self) -> None:
        url = listen(lambda connected: connected.sendall(b"\x1b]0;title\x07" + b"x" * 9999 + b"\r\n\r\n"))
        with pytest.raises(FetchError, match="failed") as caught:
            download(HTTPClient(allow_private=True), url)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 300


class TestSize:
    def test_an_announced_size_over_the_limit_is_an_error(self, web_server: StubServer, client: HTTPClient) -> None:
        web_server.answer("/a", 200, b"x", Content_Length="1001")
        with pytest.raises(TooLargeError) as caught:
            download(client, web_server.url("/a"), max_bytes=1000)
        assert caught.value.size == 1001

    def test_a_file_that_turns_out_to_be_larger_is_an_error(self, web_server: StubServer, client: HTTPClient) -> None:
        web_server.answer("/a", 200, b"x" * 1001, Content_Length="")
        with pytest.raises(TooLargeError):
            download(client, web_server.url("/a"), max_bytes=1000)

    def test_a_file_of_exactly_the_limit_is_downloaded(self, web_server: StubServer, client: HTTPClient) -> None:
        web_server.answer("/a", 200, b"x" * 1000)
        assert len(download(client, web_server.url("/a"), max_bytes=1000)) == 1000


class TestTime:
    def test_a_silent_server_times_out(self) -> None:
        url = listen(lambda connected: time.sleep(1))
        with pytest.raises(FetchError, match="timed out") as caught:
            download(HTTPClient(allow_private=True, timeout=0.05), url)
        assert caught.value.is_temporary

    def test_a_host_with_many_addresses_exceeds_the_deadline(self, monkeypatch: pytest.MonkeyPatch) -> None:
        addresses = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 1))] * 99
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: addresses)
        with pytest.raises(FetchError, match="too long"):
            HTTPClient(allow_private=True, deadline=-1).probe("http://many.example/")

    @pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\n\r\n"])
    def test_a_server_that_sends_byte_by_byte_exceeds_the_deadline(self, start: bytes) -> None:
        def trickle(connected: socket.socket) -> None:
            connected.sendall(start)
            for _byte in range(500):
                connected.sendall(b"x")
                time.sleep(0.01)

        began = time.monotonic()
        with pytest.raises(FetchError, match="too long") as caught:
            download(HTTPClient(allow_private=True, timeout=0.5, deadline=0.2), listen(trickle))
        assert caught.value.is_temporary
        assert time.monotonic() - began < 2


class TestForbidden:
    @pytest.mark.parametrize(
        "url",
        [
            "http://evil.example/a.png",
            "https://old.example.evil.example/a.png",
            "http://old.example:8080/a.png",
        ],
    )
    def test_other_hosts_are_never_contacted(self, url: str) -> None:
        with pytest.raises(ForbiddenHostError) as caught:
            download(HTTPClient(hosts=["old.example"]), url)
        assert caught.value.host == host_of(url)

    def test_other_ports_are_never_contacted(self, web_server: StubServer) -> None:
        client = HTTPClient(ports={80, 443}, allow_private=True)
        for url in (web_server.url("/a"), web_server.url("/a").replace("http:", "https:")):
            with pytest.raises(ForbiddenHostError):
                download(client, url)
        assert web_server.requests.total() == 0

    @pytest.mark.parametrize(
        "url",
        [
            "http://anna@old.example/a.png",
            "http://old.example@evil.example/a.png",
            "ftp://old.example/a.png",
            "file:///etc/passwd",
            "//old.example/a.png",
            "http://[::1/a.png",
            "http://old.example:99999/a.png",
            "http://a..b/",
            "http://" + "a" * 70 + ".example/",
            "http://a b/",
            "",
        ],
    )
    def test_urls_with_other_schemes_or_credentials_are_invalid(self, url: str) -> None:
        with pytest.raises(FetchError, match="invalid") as caught:
            download(HTTPClient(), url)
        assert not caught.value.is_temporary

    @pytest.mark.parametrize(
        "location",
        ["http://evil.example/a.png", "http://127.0.0.1:1/a.png", "file:///etc/passwd", "gopher://x/", "http://[/"],
    )
    def test_redirects_are_checked_like_the_first_url(
        self, web_server: StubServer, client: HTTPClient, location: str
    ) -> None:
        web_server.answer("/a", 302, Location=location)
        with pytest.raises(FetchError, match=r"not allowed|invalid"):
            download(client, web_server.url("/a"))
        assert web_server.requests.total() == 1

    def test_private_addresses_are_never_contacted(self, web_server: StubServer) -> None:
        with pytest.raises(FetchError, match="private network"):
            download(HTTPClient(), web_server.url("/a"))
        assert web_server.requests.total() == 0

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_names_that_resolve_to_private_addresses_are_never_contacted(
        self, web_server: StubServer, monkeypatch: pytest.MonkeyPatch, scheme: str
    ) -> None:
        private = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", web_server.server_port))]
        resolved: list[str] = []

        def resolve(host: str, *args: object, **kwargs: object) -> object:
            resolved.append(host)
            return private

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        with pytest.raises(FetchError, match="private network"):
            download(HTTPClient(), f"{scheme}://old.example/a.png")
        # Only once, so that the connection goes to the address that was checked.
        assert resolved == ["old.example"]
        assert web_server.requests.total() == 0


class TestPublicAddresses:
    @pytest.mark.parametrize(
        "address",
        [
            *("127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1"),
            *("0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "fec0::2", "ff02::1"),  # noqa: S104  # nothing is bound to it
            *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1", "2001::1"),
        ],
    )
    def test_local_addresses_are_not_public(self, address: str) -> None:
        assert not is_public(address)

    @pytest.mark.parametrize("address", ["1.1.1.1", "192.0.78.13", "2606:4700::1111", "::ffff:1.1.1.1"])
    def test_internet_addresses_are_public(self, address: str) -> None:
        assert is_public(address)

    @given(st.ip_addresses(v=4, network="10.0.0.0/8"))
    def test_private_addresses_are_not_public_in_any_form(self, address: Any) -> None:
        assert not any(map(is_public, (str(address), f"::ffff:{address}", f"64:ff9b::{address}")))


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Example.org/a", "example.org"),
        (" http://example.org.:80/ ", "example.org"),
        ("https://example.org:443", "example.org"),
        ("https://example.org:80", "example.org:80"),
        ("http://example.org:99999/", ""),
        ("ftp://example.org/", ""),
        ("//example.org/", ""),
        ("example.org", ""),
    ],
)
def test_host_of_includes_unusual_ports(url: str, host: str) -> None:
    assert host_of(url) == host
