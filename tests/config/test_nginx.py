"""The configuration that we ship, in a real nginx in front of real processes, never serves an outdated page."""

import base64
import contextlib
import gzip
import hashlib
import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import brotli
import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from tests.factories.made_once import CopyDatabase
from tests.factories.processes import Process, environment_of
from tests.factories.programs import ROOT
from tests.factories.servers import ACCEPTED_LANGUAGES, free_port

HOST = "blog.example.org"
FORMER_HOST = "old.example.org"
NEWS = "/2020/05/17/news/"
BROTLI = Path("/usr/lib/nginx/modules/ngx_http_brotli_static_module.so")
# Headers that depend on the connection, the time and the encoding.
VARIABLE = {"server", "date", "connection", "etag", "last-modified", "content-encoding", "content-length"}
VARIABLE |= {"accept-ranges"}

# URL parameters that are secrets: knowing one is enough to act.
SECRETS = {"signed", "token", "secret", "code"}
# It accepts our own certificate. Loading those of the system would take longer than a request.
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE

if not shutil.which("nginx") or not shutil.which("openssl"):
    if os.environ.get("CI"):
        raise RuntimeError("nginx or openssl is missing, so its configuration can't be tested. Install both.")
    pytest.skip("nginx or openssl is missing, so its configuration is NOT TESTED.", allow_module_level=True)


def routes(patterns: list[URLPattern | URLResolver], before: str = "/") -> Iterator[tuple[str, set[str]]]:
    """Yield the route of each URL of the site, with the names of its parameters."""
    for each in patterns:
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, before + str(each.pattern))
        else:
            yield before + str(each.pattern), set(each.pattern.regex.groupindex)


def wait_for(port: int) -> None:
    for _attempt in range(6000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"Nothing listens on port {port}.")


def connect(port: int, host: str = HOST) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", port), timeout=20)
    return TLS.wrap_socket(plain, server_hostname=host)


def send(port: int, path: str, method: str = "GET", body: bytes = b"", host: str = HOST, **headers: str) -> "Response":
    connection = http.client.HTTPSConnection(host, port, context=TLS)
    connection.sock = connect(port, host)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body or None, {"Host": host, "Accept-Encoding": "br, gzip"} | names)
    response = connection.getresponse()
    result = Response(response.status, response.headers, response.read())
    connection.close()
    return result


@dataclass(frozen=True)
class Response:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def is_file(self) -> bool:
        """Whether nginx sent a file: the ETags of files are strong."""
        return self.headers.get("ETag", "W/").startswith('"')

    @property
    def text(self) -> str:
        decode = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}[self.headers["Content-Encoding"]]
        return str(decode(self.body).decode())


@dataclass(frozen=True)
class Site:
    """A site behind nginx. `writer` is a process that changes it, and `pages` the folder of pages."""

    port: int
    insecure_port: int
    pages: Path
    folder: Path
    environment: dict[str, str]
    writer: Process

    def connect(self, host: str = HOST) -> ssl.SSLSocket:
        return connect(self.port, host)

    def get(self, path: str, method: str = "GET", body: bytes = b"", host: str = HOST, **headers: str) -> Response:
        return send(self.port, path, method, body, host, **headers)

    def get_file(self, path: str) -> Response:
        """Request the page until nginx serves it from a file."""
        for _attempt in range(3000):
            response = self.get(path)
            if response.is_file:
                return response
            time.sleep(0.02)
        raise TimeoutError(f"nginx never had a file of {path}.")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, copy_database: CopyDatabase, static_root: Path) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("nginx")
    copy_database(folder / "data")
    app_port, port, insecure_port = free_port(), free_port(), free_port()
    settings = {
        "SITE_URL": f"https://{HOST}",
        "FORMER_HOSTS": FORMER_HOST,
        "BEHIND_PROXY": "1",
        "TRUSTED_PROXIES": "1",
        "PAGES_FOLDER": str(folder / "pages"),
        "STATIC_ROOT": str(static_root),
        "LOG_LEVEL": "WARNING",
    }
    environment = environment_of(folder / "data") | settings
    writer = Process(folder / "data", **settings)
    writer("words = 'Some words. ' * 100")
    writer("p = PostFactory(title='News', source=words, slug='news', published_at=at(2020, 5, 17), tags=['t'])")
    writer("PageFactory(title='About', source=words)")
    granian = [sys.executable, "-m", "granian", "--interface", "rsgi", "--port", str(app_port), "--workers", "2"]
    options = ["--no-ws", "--log-level", "warning", "config.rsgi:application"]
    programs = [subprocess.Popen([*granian, *options], cwd=ROOT, env=environment)]  # noqa: S603  our own arguments
    wait_for(app_port)
    programs.append(_start_nginx(folder, static_root, app_port=app_port, port=port, insecure_port=insecure_port))
    wait_for(port)
    yield Site(port, insecure_port, folder / "pages", folder / "data", settings, writer)
    writer.end()
    # nginx first, because granian waits until nginx closes its idle connections.
    for program in reversed(programs):
        program.terminate()
        program.wait()


def _start_nginx(
    folder: Path, static_root: Path, *, app_port: int, port: int, insecure_port: int
) -> subprocess.Popen[bytes]:
    """Run nginx with the configuration that we ship, adapted to the paths and ports of this test."""
    certificate = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    certificate += ["-subj", f"/CN={HOST}", "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(certificate, check=True, capture_output=True)  # noqa: S603  our own arguments
    shipped = (ROOT / "deploy" / "nginx.conf").read_text()
    for pattern, replacement in (
        (r"\n *listen \[::\][^\n]*", ""),
        (r"listen 443", f"listen 127.0.0.1:{port}"),
        (r"listen 80", f"listen 127.0.0.1:{insecure_port}"),
        (r"127\.0\.0\.1:8000", f"127.0.0.1:{app_port}"),
        (r"server_name blog.example.org;", f"server_name {HOST} {FORMER_HOST};"),
        (r"/etc/letsencrypt/live/blog.example.org/fullchain.pem", str(folder / "cert.pem")),
        (r"/etc/letsencrypt/live/blog.example.org/privkey.pem", str(folder / "key.pem")),
        (r"/run/broadside/pages", str(folder / "pages")),
        (r"/srv/broadside/current/staticfiles/", f"{static_root}/"),
        (r"/var/log/nginx/blog.log", str(folder / "access.log")),
        (r"/dev/null crit", f"{folder}/error.log"),
        # So that the test doesn't have to wait that long.
        (r"client_body_timeout 20s", "client_body_timeout 2s"),
        *([] if BROTLI.exists() else [(r"brotli_static on;", "")]),
    ):
        assert re.search(pattern, shipped), pattern
        shipped = re.sub(pattern, replacement, shipped)
    (folder / "site.conf").write_text(shipped)
    (folder / "nginx.conf").write_text(
        f"{f'load_module {BROTLI};' if BROTLI.exists() else ''}\n"
        f"{'user root;' if os.getuid() == 0 else ''} daemon off; worker_processes 1; pid {folder}/nginx.pid;\n"
        f"error_log {folder}/start.log;\n"
        "events {}\n"
        # Tests can send requests as from any address.
        "http { set_real_ip_from 127.0.0.1; real_ip_header X-Tested-Address;\n"
        f"client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; include {folder}/site.conf; }}\n"
    )
    command = ["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "start.log")]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)  # noqa: S603  as above
    assert checked.returncode == 0, checked.stderr
    return subprocess.Popen(command)  # noqa: S603  as above


class TestFiles:
    def test_are_sent_with_the_headers_of_the_application(self, site: Site) -> None:
        for path in ("/", NEWS, "/tag/t/"):
            page = site.get_file(path)
            ours = site.get(path, Cache_Control="no-store")
            assert not ours.is_file
            names = {name.lower() for name in (*page.headers, *ours.headers)} - VARIABLE
            assert {name: page.headers[name] for name in names} == {name: ours.headers[name] for name in names}
            assert page.text == ours.text

    @pytest.mark.parametrize("encoding", ["br", "gzip", "identity"])
    def test_are_sent_in_the_encoding_that_the_browser_accepts(self, site: Site, encoding: str) -> None:
        if encoding == "br" and not BROTLI.exists():
            pytest.skip("nginx has no Brotli, so it is NOT TESTED.")
        site.get_file("/")
        page = site.get("/", Accept_Encoding=encoding)
        assert page.is_file
        assert page.headers["Content-Encoding"] == (None if encoding == "identity" else encoding)
        assert page.headers.get_all("Vary") == ["Accept-Encoding", "Available-Dictionary"]
        assert page.text == site.get("/", Cache_Control="no-store").text
        assert "Last-Modified" not in page.headers
        assert site.get("/", Accept_Encoding=encoding, If_None_Match=page.headers["ETag"]).status == 304

    def test_are_not_for_browsers_with_a_dictionary_which_get_smaller_pages(self, site: Site) -> None:
        # Other posts have comments, which are not in the dictionary.
        path = "/2020/05/18/more-18/"
        new = "PostFactory(title=f'More {day}', source=words, published_at=at(2020, 5, day))"
        site.writer(f"[{new} for day in (18, 19)]")
        page = site.get_file(path)
        content = site.get("/dictionary.txt", Accept_Encoding="identity").body
        name = f":{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"
        smaller = site.get(path, Accept_Encoding="br, dcz", Available_Dictionary=name)
        assert smaller.headers["Content-Encoding"] == "dcz"
        assert len(smaller.body) < len(page.body) / 2
        assert not site.get(path, Available_Dictionary=name).is_file

    def test_are_not_for_staff_or_for_pages_with_a_query(self, site: Site) -> None:
        site.get_file(NEWS)
        staff = site.get(NEWS, Cookie="a=b; sessionid=x")
        assert staff.headers["Cache-Control"] == "private, no-store"
        assert not site.get(f"{NEWS}?replytocom=1").is_file
        assert not site.get(f"{NEWS}?utm_source=x&p=1").is_file
        assert site.get(f"{NEWS}?utm_source=x&fbclid=y").is_file
        assert site.get(NEWS, method="HEAD").is_file
        assert site.get(NEWS, method="DELETE").status == 405
        assert site.get(NEWS, method="OPTIONS").status == 204

    def test_are_not_for_former_hosts_which_redirect(self, site: Site) -> None:
        site.get_file(NEWS)
        for _again in range(3):
            former = site.get(NEWS, host=FORMER_HOST)
            assert (former.status, former.headers["Location"]) == (301, f"https://{HOST}{NEWS}")
        assert site.get(NEWS).is_file
        assert site.get(NEWS, host=HOST.upper()).is_file

    def test_have_names_that_no_visitor_can_choose(self, site: Site) -> None:
        site.get_file("/")
        paths = ("/..%2f..%2f", "/%2e%2e/%2e%2e/etc/passwd", "/.hidden/", "/current/", "/none/", "/about/index.html")
        for path in paths:
            for _again in range(3):
                response = site.get(path)
                assert not response.is_file
                assert response.status in {301, 400, 404}
        outside = [path for path in site.pages.rglob("*") if ".." in path.parts or path.name.startswith(".")]
        assert outside == []

    def test_can_be_read_by_everyone(self, site: Site) -> None:
        site.get_file("/tag/t/")
        for path in site.pages.rglob("*"):
            if not path.is_symlink():
                assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path


class TestChanges:
    def test_are_visible_with_the_next_request(self, site: Site) -> None:
        for n in range(10):
            site.get_file(NEWS)
            site.get_file("/")
            site.writer(f"c = CommentFactory(entry=p, status='pending', text='Words no. {n}.')")
            assert site.get(NEWS).is_file
            site.writer("decisions.approve([c], by=None)")
            assert f"Words no. {n}." in site.get(NEWS).text
            site.writer(f"p.title = 'Title no. {n}'; p.save()")
            assert f"Title no. {n}" in site.get("/").text

    def test_are_visible_if_their_process_is_killed_after_the_commit(self, site: Site) -> None:
        killed = Process(site.folder, **site.environment)
        assert "Killed" not in site.get_file("/about/").text
        killed(
            "with transaction.atomic():\n"
            "    transaction.on_commit(lambda: os.kill(os.getpid(), signal.SIGKILL))\n"
            "    Page.objects.update(title='Killed after')\n"
        )
        killed.end()
        assert "Killed after" in site.get("/about/").text

    def test_that_are_rolled_back_leave_the_page_as_it_was(self, site: Site) -> None:
        before = site.get_file("/about/").text
        killed = Process(site.folder, **site.environment)
        killed(
            "with transaction.atomic():\n"
            "    Page.objects.update(title='Killed before')\n"
            "    os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        killed.end()
        assert site.get_file("/about/").text == before

    def test_that_are_in_progress_keep_nginx_from_using_files(self, site: Site) -> None:
        site.get_file("/about/")
        site.writer("block = transaction.atomic(); block.__enter__(); Page.objects.update(title='Under way')")
        for _again in range(5):
            response = site.get("/about/")
            assert not response.is_file
            assert "Under way" not in response.text
        site.writer("block.__exit__(None, None, None)")
        assert "Under way" in site.get("/about/").text
        assert "Under way" in site.get_file("/about/").text

    def test_are_visible_when_they_are_scheduled(self, site: Site) -> None:
        site.writer("import datetime as dt")
        # Four seconds may be over before nginx has a file, if the machine is busy.
        for seconds in (4, 60):
            due = time.time() + seconds
            title = f"Due in {seconds} seconds"
            site.writer(f"PostFactory(title='{title}', published_at=dt.datetime.fromtimestamp({due}, dt.UTC))")
            page = site.get_file("/").text
            if time.time() < due:
                break
        assert title not in page
        time.sleep(max(0.0, due - time.time()) + 0.1)
        assert title in site.get("/").text

    def test_of_the_folder_itself_do_no_harm(self, site: Site) -> None:
        site.get_file("/")
        shutil.rmtree(site.pages)
        assert site.get("/").status == 200
        site.writer("p.title = 'Without a folder'; p.save()")
        assert "Without a folder" in site.get("/").text
        assert "Without a folder" in site.get_file("/").text

    def test_leave_only_one_folder_of_pages(self, site: Site) -> None:
        for n in range(3):
            site.writer(f"p.title = 'One of {n}'; p.save()")
            site.get_file("/")
        deadline = time.monotonic() + 60
        while len([path for path in site.pages.iterdir() if not path.is_symlink()]) > 1:
            assert time.monotonic() < deadline
            time.sleep(0.05)


class TestReaders:
    AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"

    @pytest.fixture
    def requests(self, site: Site) -> Iterator[Path]:
        """The folder of nginx's log, which exists while readers are counted."""
        site.writer("from readers.models import *")
        site.writer("ReaderSettings.objects.update(count_readers=True)")
        folder = site.pages / "requests"
        self.wait_until(folder.exists)
        yield folder
        site.writer("ReaderSettings.objects.update(count_readers=False)")
        self.wait_until(lambda: not folder.exists())
        site.writer("[model.objects.all().delete() for model in (KindCount, EntryCount, ReferrerCount)]")

    @staticmethod
    def wait_until(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def test_of_files_and_of_rendered_pages_are_counted(self, site: Site, requests: Path) -> None:
        # These requests don't count, because they are sent without a User-Agent.
        site.get_file(NEWS)
        referrer = "https://www.news.example/a?secret-word"
        files = 0
        for _again in range(20):
            page = site.get(NEWS, User_Agent=self.AGENT, Referer=referrer)
            files += page.is_file
            again = site.get(NEWS, User_Agent=self.AGENT, If_None_Match=page.headers["ETag"])
            assert again.status == 304
        assert files > 15
        site.get(NEWS, User_Agent=self.AGENT, Cache_Control="no-store", Referer='\xff"],\\ x')
        site.get(NEWS, "HEAD", User_Agent=self.AGENT)
        site.get(NEWS, User_Agent="curl/8")
        site.get("/nothing/", User_Agent=self.AGENT)
        self.wait_until(lambda: site.writer("KindCount.objects.filter(count__gte=41).count()") == 1)
        assert site.writer("list(KindCount.objects.values_list('kind', 'count'))") == [["entry", 41]]
        assert site.writer("[[row.entry_id == p.pk, row.count] for row in EntryCount.objects.all()]") == [[True, 41]]
        assert site.writer("list(ReferrerCount.objects.values_list('host', 'count'))") == [["news.example", 20]]
        self.wait_until(lambda: not list(requests.iterdir()))

    def test_are_recorded_without_ip_address_query_and_path_of_the_referrer(self, site: Site, requests: Path) -> None:
        site.get_file(NEWS)
        written = b""

        def is_written() -> bool:
            nonlocal written
            site.get(
                f"{NEWS}?utm_source=secret-word", User_Agent=self.AGENT, Referer="https://news.example/secret-word"
            )
            for file in requests.iterdir():
                # The site may have read and deleted it.
                with contextlib.suppress(FileNotFoundError):
                    written += file.read_bytes()
            return b'"https://news.example"' in written

        self.wait_until(is_written)
        assert b"secret-word" not in written
        assert b"127.0.0.1" not in written


class TestServer:
    def test_redirects_to_https(self, site: Site) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", site.insecure_port, timeout=20)
        connection.request("GET", "/about/?a=b")
        response = connection.getresponse()
        assert (response.status, response.headers["Location"]) == (301, f"https://{HOST}/about/?a=b")
        connection.close()

    def test_answers_to_no_other_host(self, site: Site) -> None:
        with pytest.raises(ssl.SSLError):
            site.get("/", host="evil.example")
        # Over a connection for this one.
        for request in (
            b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
            b"GET / HTTP/1.0\r\n\r\n",
        ):
            assert b" 421 " in self.raw_response(site, request)

    @staticmethod
    def raw_response(site: Site, request: bytes) -> bytes:
        with site.connect() as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65_536), b""))

    @pytest.mark.parametrize(
        "request_bytes",
        [
            # Answered by the server for all other hosts, and the last one by Broadside's web server.
            b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
            b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
            b"GET /\xff/ HTTP/1.1\r\nHost: blog.example.org\r\nConnection: close\r\n\r\n",
        ],
    )
    def test_requests_that_make_no_sense_get_safe_errors(self, site: Site, request_bytes: bytes) -> None:
        status, headers = self.raw_response(site, request_bytes).split(b"\r\n", 1)
        assert b" 4" in status
        assert headers.lower().count(b"\r\ncontent-security-policy: default-src 'none'") == 1
        assert headers.lower().count(b"\r\nx-content-type-options: nosniff") == 1
        assert b"nginx/" not in headers

    def test_adds_no_policy_to_the_answer_that_a_page_has_not_changed(self, site: Site) -> None:
        page = site.get("/?s=lamp")
        again = site.get("/?s=lamp", If_None_Match=page.headers["ETag"])
        assert (again.status, again.is_file) == (304, False)
        # It would replace the one with which the browser got the page.
        assert "Content-Security-Policy" not in again.headers

    def test_sends_pages_in_parts_that_browsers_can_read_one_by_one(self, site: Site) -> None:
        with site.connect() as connection:
            connection.sendall(f"GET {NEWS} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
            # Each is a TLS record.
            parts = list(iter(lambda: connection.recv(65_536), b""))
        assert sum(map(len, parts)) > 8192
        assert max(map(len, parts)) <= 4096

    def test_sends_static_files_compressed_and_cacheable_forever(self, site: Site) -> None:
        (path,) = re.findall(r'href="(/static/css/site[^"]*\.css)"', site.get("/").text)
        style = site.get(path)
        assert style.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert style.headers["Content-Encoding"] in {"br", "gzip"}
        assert style.headers["Content-Type"].startswith("text/css")
        assert style.headers["X-Content-Type-Options"] == "nosniff"
        assert style.headers["Content-Security-Policy"] == site.get("/").headers["Content-Security-Policy"]

    @pytest.mark.parametrize(
        ("method", "path", "size", "status", "text"),
        [
            ("POST", "/comments/on/post/1/", 2_000_000, 413, "make the file smaller"),
            ("POST", "/admin/media/upload/", 2_000_000, 413, "Log in"),
            ("GET", "/static/nothing.css", 0, 404, ""),
            ("GET", f"/{'x' * 10_000}", 0, 414, ""),
        ],
    )
    def test_its_own_errors_are_as_safe_as_pages(
        self, site: Site, method: str, path: str, size: int, status: int, text: str
    ) -> None:
        error, page = site.get(path, method, b"x" * size), site.get("/", Cache_Control="no-store")
        assert error.status == status
        assert text in error.body.decode()
        for name in ("Content-Security-Policy", "Strict-Transport-Security", "X-Content-Type-Options"):
            assert error.headers.get_all(name) == page.headers.get_all(name), name
            assert len(page.headers.get_all(name, [])) == 1

    @pytest.mark.parametrize(("language", "text"), [("es-419", "Inicie sesión"), ("uk,en", "Увійдіть")])
    def test_tells_strangers_in_their_language_to_log_in(self, site: Site, language: str, text: str) -> None:
        error = site.get("/admin/media/upload/", "POST", b"x" * 2_000_000, Accept_Language=language)
        assert (error.status, error.headers["Content-Language"]) == (413, language[:2])
        assert text in error.body.decode()

    @pytest.mark.parametrize("network", ["2001:db8:1:2:{}::{}", "2001:db8::{}:0:0:{}", "2001:db8:0:3::{}:{}"])
    def test_limits_the_logins_of_a_whole_network(self, site: Site, network: str) -> None:
        addresses = [network.format(number, number) for number in range(1, 9)]
        statuses = [site.get("/admin/login/", X_Tested_Address=address).status for address in addresses]
        assert statuses == [200] * 6 + [429] * 2
        error = site.get("/admin/login/", X_Tested_Address=addresses[0], Accept_Language="ar")
        assert (error.status, error.headers["Content-Language"], error.headers["Retry-After"]) == (429, "ar", "60")
        assert '<html lang="ar" dir="rtl">' in error.body.decode()
        assert "Wait a minute" in site.get("/admin/login/", X_Tested_Address=addresses[0]).body.decode()
        assert site.get("/admin/login/", X_Tested_Address="2001:db8:1:99::1").status == 200
        # Others in the network keep no one out who has logged in before.
        assert site.get("/admin/login/", X_Tested_Address=addresses[0], Cookie="a=b; known_browser=x").status == 200

    def test_logs_no_ip_address_query_or_secret(self, site: Site) -> None:
        secret = [route for route, names in routes(get_resolver().url_patterns) if names & SECRETS]
        assert {"/admin/lock/<str:secret>/", "/follow-by-email/manage/<str:token>/"} <= set(secret)
        paths = [re.sub("<[^>]*>", "secret-word", route) for route in secret]
        for path in (*paths, "/about/?unapproved=secret-word", "/?preview_link=secret-word"):
            assert "secret-word" in path
            assert site.get(path).status < 500
        site.get("/the-last-one/")
        # nginx writes the line after it has sent the response.
        for _attempt in range(100):
            log = (site.pages.parent / "access.log").read_text()
            if '"GET /the-last-one/"' in log:
                break
            time.sleep(0.1)
        else:
            raise AssertionError("The last page is not in the log.")
        assert '"GET /about/"' in log
        assert "secret-word" not in log
        assert "127.0.0.1" not in log


@contextlib.contextmanager
def nginx_alone(folder: Path, static_root: Path) -> Iterator[int]:
    """Run nginx without Broadside, and yield its port."""
    port = free_port()
    nginx = _start_nginx(folder, static_root, app_port=free_port(), port=port, insecure_port=free_port())
    wait_for(port)
    yield port
    nginx.terminate()
    nginx.wait()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, static_root: Path) -> Iterator[tuple[int, Path]]:
    """The port of an nginx without Broadside, and its log. Its site is in Ukrainian, and has lost its Russian pages."""
    folder = tmp_path_factory.mktemp("alone")
    errors = folder / "static" / "errors"
    shutil.copytree(static_root / "errors", errors)
    for name in ("unavailable", "too-large"):
        shutil.copy(errors / f"{name}.uk.html", errors / f"{name}.html")
        (errors / f"{name}.ru.html").unlink()
    with nginx_alone(folder, folder / "static") as port:
        yield port, folder / "access.log"


class TestWithoutBroadside:
    @pytest.fixture
    def port(self, alone: tuple[int, Path]) -> int:
        return alone[0]

    @pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "PUT"])
    @pytest.mark.parametrize("path", ["/comments/on/post/1/", "/", "/admin/"])
    def test_readers_are_told_to_come_back(self, method: str, path: str, port: int) -> None:
        response = send(port, path, method, b"x" if method == "POST" else b"", Accept_Language="en-GB,en;q=0.5")
        text = response.body.decode()
        assert (response.status, response.headers["Retry-After"]) == (503, "30")
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Content-Language"] == "en"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert "try again" in text or method == "HEAD"
        assert "nginx" not in text

    @pytest.mark.parametrize(
        ("accepted", "language", "announced"),
        [
            *ACCEPTED_LANGUAGES,
            ("," * 8000, "uk", None),
            ("x" * 8000, "uk", None),
            ("x," * 3990 + "ar", "ar", "ar"),
        ],
    )
    @pytest.mark.parametrize(("size", "status"), [(1, 503), (2_000_000, 413)])
    def test_readers_are_answered_in_their_language_or_that_of_the_site(
        self, port: int, accepted: str | None, language: str, announced: str | None, size: int, status: int
    ) -> None:
        headers = {} if accepted is None else {"Accept_Language": accepted}
        response = send(port, "/comments/on/post/1/", "POST", b"x" * size, **headers)
        assert response.status == status
        assert f'<html lang="{language}"' in response.body.decode()
        assert response.headers["Content-Language"] == announced
        assert response.headers["Retry-After"] == ("30" if status == 503 else None)

    def test_pages_that_were_not_made_are_replaced_by_a_sentence(self, tmp_path: Path) -> None:
        with nginx_alone(tmp_path, tmp_path / "static") as port:
            for size, status in ((1, 503), (2_000_000, 413)):
                response = send(port, "/comments/on/post/1/", "POST", b"x" * size)
                assert response.status == status
                assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
                assert "try again" in response.body.decode()

    def test_the_log_has_what_was_requested_and_no_secrets(self, alone: tuple[int, Path]) -> None:
        port, file = alone
        for path in ("/comments/own/secret-word/", "/the-last-one/?secret-word"):
            assert send(port, path, "POST", b"x").status == 503
        deadline = time.monotonic() + 10
        while '"POST /the-last-one/" 503' not in (log := file.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert "secret-word" not in log


class TestSlowBodies:
    """More slow request bodies than the application has threads."""

    COUNT = 40

    def start(self, site: Site) -> list[ssl.SSLSocket]:
        post = site.writer("p.pk")
        request = f"POST /comments/on/post/{post}/ HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1000\r\n\r\nname="
        connections = [site.connect() for _number in range(self.COUNT)]
        for connection in connections:
            connection.sendall(request.encode())
        return connections

    def assert_answers(self, site: Site) -> None:
        """Check that pages are rendered and comments are accepted."""
        post = site.writer("p.pk")
        form = b"name=Ann&email=ann@example.org&text=Hello"
        kind = "application/x-www-form-urlencoded"
        for _number in range(4):
            assert site.get(NEWS, Cache_Control="no-store").status == 200
        assert site.get(f"/comments/on/post/{post}/", "POST", form, Content_Type=kind).status == 302

    def test_that_never_arrive_are_cut_off_and_block_no_other_request(self, site: Site) -> None:
        connections = self.start(site)
        self.assert_answers(site)
        for connection in connections:
            # A timeout would raise an error.
            with contextlib.suppress(ConnectionResetError):
                answer = connection.recv(100)
                assert not answer or b" 408 " in answer
            connection.close()

    def test_that_arrive_byte_by_byte_block_no_other_request(self, site: Site) -> None:
        connections = self.start(site)
        for _byte in range(3):
            time.sleep(0.5)
            for connection in connections:
                # On a busy machine, the time between two bytes may be too long.
                with contextlib.suppress(OSError):
                    connection.sendall(b"x")
            self.assert_answers(site)
        for connection in connections:
            connection.close()


class TestFilesThatNeverArrive:
    """Nginx keeps what has arrived of them on the disk."""

    INVENTED = "sessionid=invented; known_browser=invented"

    def start(
        self, site: Site, cookies: list[str], path: str = "/admin/media/upload/", size: int = 2_000_000
    ) -> list[ssl.SSLSocket]:
        """Begin to send a file with each of these cookies, each from another network."""
        connections = [site.connect() for _cookie in cookies]
        for number, cookie in enumerate(cookies):
            headers = f"Host: {HOST}\r\nX-Tested-Address: 2001:db8:{number}::1\r\nCookie: {cookie}\r\n"
            request = f"POST {path} HTTP/1.1\r\n{headers}Content-Length: {size}\r\n\r\n"
            connections[number].sendall(request.encode() + b"x" * 90_000)
        return connections

    def refusals(self, connections: list[ssl.SSLSocket], status: int) -> int:
        """Return how many of them are refused with this status, and close all of them."""
        answers = []
        for connection in connections:
            # The others are cut off.
            with contextlib.suppress(ConnectionResetError):
                answers.append(connection.recv(100))
            connection.close()
        return sum(f" {status} ".encode() in answer for answer in answers)

    @pytest.fixture
    def sessions(self, site: Site) -> list[str]:
        """The cookies of four people who are logged in."""
        site.writer("from django.test import Client")
        site.writer("clients = [Client() for _person in range(4)]")
        site.writer("[client.force_login(UserFactory(role='Author')) for client in clients]")
        return [f"sessionid={key}" for key in site.writer("[client.session.session_key for client in clients]")]

    def test_of_strangers_are_refused_and_keep_no_one_from_uploading(self, site: Site, sessions: list[str]) -> None:
        connections = self.start(site, [self.INVENTED] * 40)
        # Broadside gets the whole file, and misses the token of the form.
        upload = site.get("/admin/media/upload/", "POST", b"x" * 2_000_000, Cookie=sessions[0])
        assert upload.status == 403
        assert self.refusals(connections, 413) == 40

    def test_are_few_outside_of_the_admin_as_well(self, site: Site, sessions: list[str]) -> None:
        connections = self.start(site, [self.INVENTED] * 40, f"/comments/on/post/{site.writer('p.pk')}/", 100_000)
        # Nothing else is counted.
        assert site.get("/search/", "POST", b"x" * 90_000).status < 500
        assert site.get("/admin/media/upload/", "POST", b"x" * 2_000_000, Cookie=sessions[0]).status == 403
        assert self.refusals(connections, 503) == 8

    def test_of_one_person_leave_room_for_those_of_others(self, site: Site, sessions: list[str]) -> None:
        assert self.refusals(self.start(site, sessions[:1] * 12), 429) == 4
        assert self.refusals(self.start(site, sessions * 8), 429) == 8

    def test_of_all_who_were_logged_in_before_leave_room_for_others(self, site: Site) -> None:
        """Some of them may have no account any more."""
        site.writer("from django.core import signing")
        browsers = site.writer("[signing.dumps([str(n), str(n)], salt='accounts.browsers') for n in range(12)]")
        assert self.refusals(self.start(site, [f"known_browser={browser}" for browser in browsers]), 429) == 4

    def test_are_refused_while_broadside_does_not_answer(self, alone: tuple[int, Path]) -> None:
        connection = connect(alone[0])
        connection.sendall(f"POST /admin/ HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 2000000\r\n\r\n".encode())
        assert b" 503 " in connection.recv(100)
        connection.close()

    def test_are_not_what_other_forms_are_taken_for(self, site: Site) -> None:
        assert site.get("/admin/media/upload/", "POST", b"x" * 1_000).status == 403

    def test_must_have_a_length(self, site: Site) -> None:
        connection = site.connect()
        headers = f"Host: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(f"POST /admin/media/upload/ HTTP/1.1\r\n{headers}".encode())
        connection.sendall(b"200000\r\n" + b"x" * 0x1000)
        assert b" 413 " in connection.recv(100)
        connection.close()
