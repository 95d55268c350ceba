"""Fetching files from the old site: only from there, never from the own network, and with patience."""

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from library import pictures
from library.models import Document, Picture
from tests.samples import MP4, SAMPLES
from tests.wordpress.conftest import Bring
from tests.wordpress.exports import attachment
from tests.wordpress.files import picture
from tests.wordpress.reports import first
from wordpress.fetching import Fetching, hosts_of, is_public
from wordpress.media import NoFile
from wordpress.models import Attachment
from wordpress.survey import Survey

PNG = picture()


class OldSite(ThreadingHTTPServer):
    """Answers as each test tells it: by path a status, headers and a body, one after the other."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, list[tuple[int, dict[str, str], bytes]]] = {}
        self.asked: Counter[str] = Counter()
        self.headers: list[Any] = []

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def at(self, path: str) -> Attachment:
        return Attachment(url=f"http://{self.host}{path}", path=path.partition("?")[0])

    def say(self, path: str, status: int = 200, body: bytes = PNG, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.setdefault(path, []).append((status, named, body))


class Handler(BaseHTTPRequestHandler):
    server: OldSite

    def do_GET(self) -> None:
        self.server.asked[self.path] += 1
        self.server.headers.append(self.headers)
        answers = self.server.answers.get(self.path) or [(404, {}, b"")]
        status, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def old_site() -> Iterator[OldSite]:
    site = OldSite()
    thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield site
    site.shutdown()
    site.server_close()
    thread.join()


@pytest.fixture
def waited() -> list[float]:
    return []


@pytest.fixture
def fetching(old_site: OldSite, waited: list[float]) -> Fetching:
    return Fetching([old_site.host], private_allowed=True, timeout=0.5, deadline=2, sleep=waited.append)


def fetched(fetching: Fetching, wanted: Attachment) -> bytes:
    with fetching.open(wanted) as file:
        return file.read()


class TestFetching:
    def test_gives_the_file(self, old_site: OldSite, fetching: Fetching) -> None:
        old_site.say("/a.png")
        assert fetched(fetching, old_site.at("/a.png")) == PNG

    def test_says_who_asks_and_takes_no_cookie(self, old_site: OldSite, fetching: Fetching) -> None:
        old_site.say("/a.png", Set_Cookie="a=b")
        fetched(fetching, old_site.at("/a.png"))
        fetched(fetching, old_site.at("/a.png"))
        assert "Broadside" in old_site.headers[1]["User-Agent"]
        assert old_site.headers[1]["Cookie"] is None

    def test_asks_for_names_of_all_languages(self, old_site: OldSite, fetching: Fetching) -> None:
        old_site.say("/C%C3%A1%20x.png?w=5")
        assert fetched(fetching, old_site.at("/Cá x.png?w=5")) == PNG
        assert fetched(fetching, old_site.at("/C%C3%A1%20x.png?w=5")) == PNG

    def test_follows_a_redirect_of_the_same_site(self, old_site: OldSite, fetching: Fetching) -> None:
        old_site.say("/a.png", 301, b"", Location="/b.png")
        old_site.say("/b.png")
        assert fetched(fetching, old_site.at("/a.png")) == PNG

    @pytest.mark.parametrize("status", [403, 404, 410])
    def test_what_is_not_there_is_asked_for_once(self, old_site: OldSite, fetching: Fetching, status: int) -> None:
        old_site.say("/a.png", status)
        with pytest.raises(NoFile, match=str(status)):
            fetched(fetching, old_site.at("/a.png"))
        assert old_site.asked["/a.png"] == 1

    def test_tries_again_later_when_told_to(self, old_site: OldSite, fetching: Fetching, waited: list[float]) -> None:
        old_site.say("/a.png", 429, b"", Retry_After="7")
        old_site.say("/a.png", 503, b"", Retry_After="99999")
        old_site.say("/a.png")
        assert fetched(fetching, old_site.at("/a.png")) == PNG
        assert waited == [7, 60]

    def test_gives_up_after_some_tries(self, old_site: OldSite, fetching: Fetching, waited: list[float]) -> None:
        old_site.say("/a.png", 500)
        with pytest.raises(NoFile, match="500"):
            fetched(fetching, old_site.at("/a.png"))
        assert old_site.asked["/a.png"] == 3

    def test_what_comes_in_part_is_fetched_again(self, old_site: OldSite, fetching: Fetching) -> None:
        old_site.say("/a.png", 200, PNG[:20], Content_Length=str(len(PNG)))
        old_site.say("/a.png")
        assert fetched(fetching, old_site.at("/a.png")) == PNG

    def test_what_never_comes_is_given_up(self, old_site: OldSite, fetching: Fetching) -> None:
        old_site.say("/a.png", 200, PNG[:20], Content_Length=str(len(PNG)))
        with pytest.raises(NoFile, match=r"part|failed"):
            fetched(fetching, old_site.at("/a.png"))

    def test_a_host_that_does_not_answer_is_left_alone(self, waited: list[float]) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            host = f"127.0.0.1:{closed.getsockname()[1]}"
        fetching = Fetching([host], private_allowed=True, timeout=0.5, sleep=waited.append)
        wanted = Attachment(url=f"http://{host}/a.png", path="/a.png")
        for _file in range(3):
            with pytest.raises(NoFile, match="failed"):
                fetched(fetching, wanted)
        before = len(waited)
        with pytest.raises(NoFile, match="not asked again"):
            fetched(fetching, wanted)
        assert len(waited) == before

    def test_a_silent_host_is_not_waited_for(self, waited: list[float]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            host = f"127.0.0.1:{silent.getsockname()[1]}"
            fetching = Fetching([host], private_allowed=True, timeout=0.05, sleep=waited.append)
            with pytest.raises(NoFile, match="timed out"):
                fetched(fetching, Attachment(url=f"http://{host}/a.png", path="/a.png"))


class TestLimits:
    def test_a_size_that_is_said(self, old_site: OldSite, fetching: Fetching) -> None:
        old_site.say("/a.png", 200, b"x", Content_Length=str(pictures.MAX_BYTES + 1))
        with pytest.raises(NoFile, match="larger"):
            fetched(fetching, old_site.at("/a.png"))

    def test_a_size_that_is_not_said(
        self, old_site: OldSite, fetching: Fetching, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pictures, "MAX_BYTES", 100_000)
        old_site.say("/a.png", 200, b"x" * 100_001, Content_Length="")
        with pytest.raises(NoFile, match="larger"):
            fetched(fetching, old_site.at("/a.png"))

    def test_redirects_without_end(self, old_site: OldSite, fetching: Fetching) -> None:
        old_site.say("/a.png", 302, b"", Location="/a.png")
        with pytest.raises(NoFile, match="leads from one to the next"):
            fetched(fetching, old_site.at("/a.png"))
        assert old_site.asked["/a.png"] == 6

    def test_time(self, old_site: OldSite, waited: list[float]) -> None:
        old_site.say("/a.png")
        with pytest.raises(NoFile, match="too long"):
            fetched(
                Fetching([old_site.host], private_allowed=True, deadline=-1, sleep=waited.append), old_site.at("/a.png")
            )


class TestForeignAddresses:
    @pytest.mark.parametrize(
        "address",
        [
            "http://evil.example/a.png",
            "https://old.example.evil.example/a.png",
            "http://old.example:8080/a.png",
            "http://anna@old.example/a.png",
            "http://old.example@evil.example/a.png",
            "ftp://old.example/a.png",
            "file:///etc/passwd",
            "//old.example/a.png",
            "http://[::1/a.png",
            "http://old.example:99999/a.png",
            "",
        ],
    )
    def test_are_not_asked(self, address: str) -> None:
        with pytest.raises(NoFile, match=r"cannot be asked|not the site"):
            fetched(Fetching(["old.example"]), Attachment(url=address, path="/a.png"))

    @pytest.mark.parametrize(
        "location",
        ["http://evil.example/a.png", "http://127.0.0.1:1/a.png", "file:///etc/passwd", "gopher://x/", "http://[/"],
    )
    def test_are_not_followed(self, old_site: OldSite, fetching: Fetching, location: str) -> None:
        old_site.say("/a.png", 302, b"", Location=location)
        with pytest.raises(NoFile):
            fetched(fetching, old_site.at("/a.png"))
        assert old_site.asked.total() == 1

    def test_in_the_own_network_are_not_connected_to(self, old_site: OldSite) -> None:
        with pytest.raises(NoFile, match="private network"):
            fetched(Fetching([old_site.host]), old_site.at("/a.png"))
        assert old_site.asked.total() == 0

    def test_a_name_that_leads_into_the_own_network_is_not_connected_to(
        self, old_site: OldSite, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        inside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", old_site.server_port))]
        asked: list[str] = []

        def look_up(host: str, *args: object, **more: object) -> object:
            asked.append(host)
            return inside

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        for scheme in ("http", "https"):
            with pytest.raises(NoFile, match="private network"):
                fetched(Fetching(["old.example"]), Attachment(url=f"{scheme}://old.example/a.png", path="/a.png"))
        # Asked once each: what was looked at is what would be connected to.
        assert asked == ["old.example", "old.example"]

    @pytest.mark.parametrize(
        "address",
        [
            *("127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1"),
            *("0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1"),  # noqa: S104  # nothing is bound to it
            *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1", "2001::1"),
        ],
    )
    def test_that_are_not_public(self, address: str) -> None:
        assert not is_public(address)

    @pytest.mark.parametrize("address", ["1.1.1.1", "192.0.78.13", "2606:4700::1111", "::ffff:1.1.1.1"])
    def test_that_are(self, address: str) -> None:
        assert is_public(address)

    @given(st.ip_addresses(v=4, network="10.0.0.0/8"))
    def test_private_ones_are_not_public_in_whatever_form(self, address: Any) -> None:
        assert not any(map(is_public, (str(address), f"::ffff:{address}", f"64:ff9b::{address}")))

    def test_the_hosts_of_an_export_are_its_own_and_the_former_ones(self, settings: Settings) -> None:
        settings.BROADSIDE_FORMER_HOSTS = ["former.example"]
        survey = Survey([], base_url="https://thoolen.wordpress.com", site_url="http://wordpress.com/")
        assert hosts_of(survey) == {"thoolen.wordpress.com", "wordpress.com", "former.example"}

    def test_wordpress_com_keeps_files_at_another_host(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def nowhere(*args: object, **more: object) -> None:
            raise OSError("asked")

        monkeypatch.setattr(socket, "getaddrinfo", nowhere)
        fetching = Fetching(["thoolen.wordpress.com"], sleep=lambda seconds: None)
        with pytest.raises(NoFile, match="asked"):
            fetched(fetching, Attachment(url="https://thoolen.files.wordpress.com/a.png", path="/a.png"))
        with pytest.raises(NoFile, match="not the site"):
            fetched(fetching, Attachment(url="https://other.files.wordpress.com/a.png", path="/a.png"))


@pytest.mark.django_db
class TestWhatIsFetched:
    def test_comes_into_the_library(self, bring: Bring, old_site: OldSite, fetching: Fetching) -> None:
        old_site.say("/wp-content/uploads/a.png")
        url = f"http://{old_site.host}/wp-content/uploads/a.png"
        bring(attachment(30, attachment_url=url), media=fetching)
        assert Picture.objects.get().width == 40

    def test_is_judged_by_its_contents(self, bring: Bring, old_site: OldSite, fetching: Fetching) -> None:
        old_site.say("/a.png", 200, b"<html>Not here any more</html>", Content_Type="image/png")
        old_site.say("/b.png", 200, PNG, Content_Type="text/html")
        parts = [
            attachment(30, attachment_url=f"http://{old_site.host}/a.png"),
            attachment(31, attachment_url=f"http://{old_site.host}/b.png"),
        ]
        report = bring(*parts, media=fetching)
        assert [left.id for left in report.skipped] == [30]
        assert Picture.objects.count() == 1

    def test_is_not_fetched_twice(self, bring: Bring, old_site: OldSite, fetching: Fetching) -> None:
        old_site.say("/a.png")
        part = attachment(30, attachment_url=f"http://{old_site.host}/a.png")
        bring(part, media=fetching)
        bring(part, media=fetching)
        assert old_site.asked["/a.png"] == 1

    def test_what_cannot_be_published_is_not_even_asked_for(
        self, bring: Bring, old_site: OldSite, fetching: Fetching
    ) -> None:
        report = bring(attachment(30, attachment_url=f"http://{old_site.host}/a.svg"), media=fetching)
        assert first(report.skipped).address == f"http://{old_site.host}/a.svg"
        assert old_site.asked.total() == 0

    def test_other_kinds_come_by_their_contents_whatever_the_old_site_calls_them(
        self, bring: Bring, old_site: OldSite, fetching: Fetching
    ) -> None:
        endings = dict(enumerate((".mp3", ".mp4", ".docx", ".csv"), 30))
        # Larger than what is held in memory.
        contents = {**SAMPLES, ".mp4": MP4 + bytes(2_000_000)}
        for ending in endings.values():
            old_site.say(f"/a{ending}", 200, contents[ending], Content_Type="text/html")
        old_site.say("/b.mp3", 200, b"<html>Not here any more</html>", Content_Type="audio/mpeg")
        parts = [attachment(n, attachment_url=f"http://{old_site.host}/a{ending}") for n, ending in endings.items()]
        report = bring(*parts, attachment(40, attachment_url=f"http://{old_site.host}/b.mp3"), media=fetching)
        assert [left.id for left in report.skipped] == [40]
        for number, ending in endings.items():
            with Document.objects.get(attachments__wordpress_id=number).file.open() as file:
                assert file.read() == contents[ending]

    def test_too_large_a_film_is_left_there(
        self, bring: Bring, old_site: OldSite, fetching: Fetching, settings: Settings
    ) -> None:
        settings.BROADSIDE_IMPORT_FILE_MAX_BYTES = 100_000
        old_site.say("/a.mp4", 200, MP4 + bytes(100_000), Content_Length="")
        old_site.say("/b.mp4", 200, MP4, Content_Length="100001")
        parts = [
            attachment(n, attachment_url=f"http://{old_site.host}/{name}.mp4") for n, name in ((30, "a"), (31, "b"))
        ]
        report = bring(*parts, media=fetching)
        assert ["IMPORT_FILE_MAX_MB" in left.text for left in report.skipped] == [True, True]
        assert not Document.objects.exists()
