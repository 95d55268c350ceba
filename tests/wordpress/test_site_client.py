"""How `verify_import` requests the pages of a site over the network, and what it reads from them."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import override_settings

from wordpress.verifying.site_client import EntryPage, HttpClient, SiteClient, SiteResponse


class KeptOpenServer(ThreadingHTTPServer):
    """A server that keeps connections open, but closes them unannounced after `/closing`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.connections = 0
        self.requests: list[str] = []

    def get_request(self) -> Any:
        self.connections += 1
        return super().get_request()


class _Handler(BaseHTTPRequestHandler):
    server: KeptOpenServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.requests.append(f"{self.command} {self.path}")
        if self.path == "/broken":
            self.close_connection = True
            return
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Type", "image/png" if self.path == "/file" else "text/html; charset=utf-8")
        self.send_header("Content-Length", "5")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(b"<br/>")
        self.close_connection = self.path == "/closing"

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[KeptOpenServer]:
    with KeptOpenServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def client(server: KeptOpenServer) -> Iterator[HttpClient]:
    client = HttpClient(f"http://127.0.0.1:{server.server_port}/", 0)
    yield client
    client.close()


class TestOverTheNetwork:
    def test_all_requests_use_one_connection(self, server: KeptOpenServer, client: HttpClient) -> None:
        assert client.get("/a") == SiteResponse(200, "", b"<br/>")
        assert client.get("/missing") == SiteResponse(404)
        assert client.get("/file", with_body=False) == SiteResponse(200)
        assert client.get("/a").body == b"<br/>"
        assert server.connections == 1
        assert server.requests == ["GET /a", "GET /missing", "HEAD /file", "GET /a"]

    def test_a_closed_connection_is_reopened(self, server: KeptOpenServer, client: HttpClient) -> None:
        assert client.get("/closing").status == 200
        assert client.get("/a").status == 200
        assert server.connections == 2

    def test_the_body_of_a_file_is_not_loaded(self, server: KeptOpenServer, client: HttpClient) -> None:
        assert client.get("/file") == SiteResponse(200)
        assert client.get("/a").body == b"<br/>"

    def test_a_failed_request_has_no_status(self, server: KeptOpenServer, client: HttpClient) -> None:
        assert client.get("/broken") == SiteResponse(0)
        assert client.get("/a\n").status == 0
        assert client.get("/a").status == 200
        # The request fails on the open connection, and again on a new one.
        assert client.get("/broken") == SiteResponse(0)
        assert server.requests == ["GET /broken", "GET /a", "GET /broken", "GET /broken"]

    def test_a_folder_in_the_url_of_the_site_is_kept(self, server: KeptOpenServer) -> None:
        client = HttpClient(f"http://127.0.0.1:{server.server_port}/blog/", 0)
        assert client.get("/a").status == 200
        client.close()
        assert server.requests == ["GET /blog/a"]


class Redirecting(SiteClient):
    """A client for a site that redirects from each path in `targets`. All other paths exist."""

    def __init__(self, **targets: str) -> None:
        self.targets = targets
        self.requests: list[str] = []

    def get(self, path: str, *, with_body: bool = True) -> SiteResponse:
        self.requests.append(path)
        target = self.targets.get(path.strip("/"))
        return SiteResponse(301, target) if target else SiteResponse(200)


class TestRedirects:
    def test_are_followed_up_to_a_known_path(self) -> None:
        client = Redirecting(a="/b", b="/c")
        assert client.get_following_redirects("/a") == (SiteResponse(200), "/c")
        assert client.requests == ["/a", "/b", "/c"]
        client.requests.clear()
        assert client.get_following_redirects("/a", known_path="/c")[1] == "/c"
        assert client.requests == ["/a", "/b"]

    def test_to_an_unknown_path_are_followed(self) -> None:
        client = Redirecting(a="/b")
        assert client.get_following_redirects("/a", known_path="/c") == (SiteResponse(200), "/b")

    @override_settings(SITE_URL="https://blog.example.org")
    def test_to_other_hosts_are_not_followed(self) -> None:
        client = Redirecting(a="https://other.example/b", c="https://blog.example.org/d")
        assert client.get_following_redirects("/a")[0].status == 301
        assert client.get_following_redirects("/c") == (SiteResponse(200), "/d")
        assert client.requests == ["/a", "/c", "/d"]


class TestEntryPage:
    def test_content_after_the_main_element_is_not_read(self) -> None:
        main = '<main><ol><li id="comment-1"></li></ol></main>'
        assert EntryPage(f"{main}<aside>{'<div>' * 300}</aside>".encode()).comment_count == 1

    def test_the_end_tag_of_the_main_element_can_be_quoted_in_it(self) -> None:
        page = EntryPage(b'<main><img alt="</main>"><ol><li id="comment-1"></li></ol></main>')
        assert page.comment_count == 1

    @pytest.mark.parametrize("body", [b"", b" ", b"<!-- -->", b"</main>"])
    def test_an_empty_page_has_no_values(self, body: bytes) -> None:
        page = EntryPage(body)
        assert (page.title, page.day, page.author, page.comment_count) == ("", "", "", 0)
        assert not page.is_locked
