"""Downloading files from the old site: from there only, and with patience."""

import socket

import pytest
from pytest_django import Settings

from media import pictures
from media.models import Document, Picture
from tests.factories.files import MP4, SAMPLES, picture
from tests.factories.reports import first
from tests.factories.servers import StubServer
from tests.factories.types import Bring
from tests.factories.wxr import attachment
from wordpress.importing.analysis import Analysis
from wordpress.importing.media_download import MediaDownload, hosts_of
from wordpress.importing.media_source import MissingFileError
from wordpress.models import Attachment

PNG = picture()


@pytest.fixture
def old_site(web_server: StubServer) -> StubServer:
    return web_server


@pytest.fixture
def waited() -> list[float]:
    return []


@pytest.fixture
def fetching(old_site: StubServer, waited: list[float]) -> MediaDownload:
    return MediaDownload([old_site.host], allow_private=True, timeout=0.5, deadline=2, sleep=waited.append)


def attachment_at(site: StubServer, path: str) -> Attachment:
    return Attachment(url=site.url(path), path=path.partition("?")[0])


def fetched(fetching: MediaDownload, wanted: Attachment) -> bytes:
    with fetching.open(wanted) as file:
        return file.read()


class TestDownloading:
    def test_gives_the_file(self, old_site: StubServer, fetching: MediaDownload) -> None:
        old_site.answer("/a.png", body=PNG)
        assert fetched(fetching, attachment_at(old_site, "/a.png")) == PNG

    @pytest.mark.parametrize("status", [403, 404, 410])
    def test_what_is_not_there_is_asked_for_once(
        self, old_site: StubServer, fetching: MediaDownload, status: int
    ) -> None:
        old_site.answer("/a.png", status)
        with pytest.raises(MissingFileError, match=str(status)):
            fetched(fetching, attachment_at(old_site, "/a.png"))
        assert old_site.requests["/a.png"] == 1

    def test_tries_again_later_when_told_to(
        self, old_site: StubServer, fetching: MediaDownload, waited: list[float]
    ) -> None:
        old_site.answer("/a.png", 429, b"", Retry_After="7")
        old_site.answer("/a.png", 503, b"", Retry_After="99999")
        old_site.answer("/a.png", body=PNG)
        assert fetched(fetching, attachment_at(old_site, "/a.png")) == PNG
        assert waited == [7, 60]

    def test_gives_up_after_some_tries(
        self, old_site: StubServer, fetching: MediaDownload, waited: list[float]
    ) -> None:
        old_site.answer("/a.png", 500)
        with pytest.raises(MissingFileError, match="500"):
            fetched(fetching, attachment_at(old_site, "/a.png"))
        assert old_site.requests["/a.png"] == 3

    def test_what_comes_in_part_is_fetched_again(self, old_site: StubServer, fetching: MediaDownload) -> None:
        old_site.answer("/a.png", 200, PNG[:20], Content_Length=str(len(PNG)))
        old_site.answer("/a.png", body=PNG)
        assert fetched(fetching, attachment_at(old_site, "/a.png")) == PNG

    def test_what_never_comes_is_given_up(self, old_site: StubServer, fetching: MediaDownload) -> None:
        old_site.answer("/a.png", 200, PNG[:20], Content_Length=str(len(PNG)))
        with pytest.raises(MissingFileError, match=r"part|failed"):
            fetched(fetching, attachment_at(old_site, "/a.png"))

    def test_a_host_that_does_not_answer_is_left_alone(self, waited: list[float]) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            host = f"127.0.0.1:{closed.getsockname()[1]}"
        fetching = MediaDownload([host], allow_private=True, timeout=0.5, sleep=waited.append)
        wanted = Attachment(url=f"http://{host}/a.png", path="/a.png")
        for _file in range(3):
            with pytest.raises(MissingFileError, match="failed"):
                fetched(fetching, wanted)
        before = len(waited)
        with pytest.raises(MissingFileError, match="wasn't asked again"):
            fetched(fetching, wanted)
        assert len(waited) == before

    def test_a_silent_host_is_not_waited_for(self, waited: list[float]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            host = f"127.0.0.1:{silent.getsockname()[1]}"
            fetching = MediaDownload([host], allow_private=True, timeout=0.05, sleep=waited.append)
            with pytest.raises(MissingFileError, match="timed out"):
                fetched(fetching, Attachment(url=f"http://{host}/a.png", path="/a.png"))


class TestLimits:
    def test_a_size_that_is_said(self, old_site: StubServer, fetching: MediaDownload) -> None:
        old_site.answer("/a.png", 200, b"x", Content_Length=str(pictures.MAX_BYTES + 1))
        with pytest.raises(MissingFileError, match="larger"):
            fetched(fetching, attachment_at(old_site, "/a.png"))

    def test_a_size_that_is_not_said(
        self, old_site: StubServer, fetching: MediaDownload, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pictures, "MAX_BYTES", 100_000)
        old_site.answer("/a.png", 200, b"x" * 100_001, Content_Length="")
        with pytest.raises(MissingFileError, match="larger"):
            fetched(fetching, attachment_at(old_site, "/a.png"))

    def test_time(self, old_site: StubServer, waited: list[float]) -> None:
        old_site.answer("/a.png", body=PNG)
        with pytest.raises(MissingFileError, match="too long"):
            fetched(
                MediaDownload([old_site.host], allow_private=True, deadline=-1, sleep=waited.append),
                attachment_at(old_site, "/a.png"),
            )


class TestHosts:
    @pytest.mark.parametrize("url", ["http://evil.example/a.png", "file:///etc/passwd", ""])
    def test_other_hosts_are_not_asked(self, url: str) -> None:
        with pytest.raises(MissingFileError, match=r"invalid|isn't the exported site"):
            fetched(MediaDownload(["old.example"]), Attachment(url=url, path="/a.png"))

    def test_redirects_to_other_hosts_are_not_followed(self, old_site: StubServer, fetching: MediaDownload) -> None:
        old_site.answer("/a.png", 302, Location="http://evil.example/a.png")
        with pytest.raises(MissingFileError, match="isn't the exported site"):
            fetched(fetching, attachment_at(old_site, "/a.png"))
        assert old_site.requests.total() == 1

    def test_private_networks_are_not_asked(self, old_site: StubServer) -> None:
        with pytest.raises(MissingFileError, match="private network"):
            fetched(MediaDownload([old_site.host]), attachment_at(old_site, "/a.png"))
        assert old_site.requests.total() == 0

    def test_the_hosts_of_an_export_are_its_own_and_the_former_ones(self, settings: Settings) -> None:
        settings.BROADSIDE_FORMER_HOSTS = ["former.example"]
        analysis = Analysis([], base_url="https://thoolen.wordpress.com", site_url="http://wordpress.com/")
        assert hosts_of(analysis) == {"thoolen.wordpress.com", "wordpress.com", "former.example"}

    def test_wordpress_com_keeps_files_at_another_host(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def nowhere(*args: object, **more: object) -> None:
            raise OSError("asked")

        monkeypatch.setattr(socket, "getaddrinfo", nowhere)
        fetching = MediaDownload(["thoolen.wordpress.com"], sleep=lambda seconds: None)
        with pytest.raises(MissingFileError, match="asked"):
            fetched(fetching, Attachment(url="https://thoolen.files.wordpress.com/a.png", path="/a.png"))
        with pytest.raises(MissingFileError, match="isn't the exported site"):
            fetched(fetching, Attachment(url="https://other.files.wordpress.com/a.png", path="/a.png"))


@pytest.mark.django_db
class TestWhatIsFetched:
    def test_comes_into_the_library(self, bring: Bring, old_site: StubServer, fetching: MediaDownload) -> None:
        old_site.answer("/wp-content/uploads/a.png", body=PNG)
        url = f"http://{old_site.host}/wp-content/uploads/a.png"
        bring(attachment(30, attachment_url=url), media=fetching)
        assert Picture.objects.get().width == 40

    def test_is_judged_by_its_contents(self, bring: Bring, old_site: StubServer, fetching: MediaDownload) -> None:
        old_site.answer("/a.png", 200, b"<html>Not here any more</html>", Content_Type="image/png")
        old_site.answer("/b.png", 200, PNG, Content_Type="text/html")
        parts = [
            attachment(30, attachment_url=f"http://{old_site.host}/a.png"),
            attachment(31, attachment_url=f"http://{old_site.host}/b.png"),
        ]
        report = bring(*parts, media=fetching)
        assert [left.id for left in report.skipped] == [30]
        assert Picture.objects.count() == 1

    def test_is_not_fetched_twice(self, bring: Bring, old_site: StubServer, fetching: MediaDownload) -> None:
        old_site.answer("/a.png", body=PNG)
        part = attachment(30, attachment_url=f"http://{old_site.host}/a.png")
        bring(part, media=fetching)
        bring(part, media=fetching)
        assert old_site.requests["/a.png"] == 1

    def test_what_cannot_be_published_is_not_even_asked_for(
        self, bring: Bring, old_site: StubServer, fetching: MediaDownload
    ) -> None:
        report = bring(attachment(30, attachment_url=f"http://{old_site.host}/a.svg"), media=fetching)
        assert first(report.skipped).url == f"http://{old_site.host}/a.svg"
        assert old_site.requests.total() == 0

    def test_other_kinds_come_by_their_contents_whatever_the_old_site_calls_them(
        self, bring: Bring, old_site: StubServer, fetching: MediaDownload
    ) -> None:
        endings = dict(enumerate((".mp3", ".mp4", ".docx", ".csv"), 30))
        # Larger than what is held in memory.
        contents = {**SAMPLES, ".mp4": MP4 + bytes(2_000_000)}
        for ending in endings.values():
            old_site.answer(f"/a{ending}", 200, contents[ending], Content_Type="text/html")
        old_site.answer("/b.mp3", 200, b"<html>Not here any more</html>", Content_Type="audio/mpeg")
        parts = [attachment(n, attachment_url=f"http://{old_site.host}/a{ending}") for n, ending in endings.items()]
        report = bring(*parts, attachment(40, attachment_url=f"http://{old_site.host}/b.mp3"), media=fetching)
        assert [left.id for left in report.skipped] == [40]
        for number, ending in endings.items():
            with Document.objects.get(attachments__wordpress_id=number).file.open() as file:
                assert file.read() == contents[ending]

    def test_too_large_a_film_is_left_there(
        self, bring: Bring, old_site: StubServer, fetching: MediaDownload, settings: Settings
    ) -> None:
        settings.BROADSIDE_IMPORT_FILE_MAX_BYTES = 100_000
        old_site.answer("/a.mp4", 200, MP4 + bytes(100_000), Content_Length="")
        old_site.answer("/b.mp4", 200, MP4, Content_Length="100001")
        parts = [
            attachment(n, attachment_url=f"http://{old_site.host}/{name}.mp4") for n, name in ((30, "a"), (31, "b"))
        ]
        report = bring(*parts, media=fetching)
        assert ["IMPORT_FILE_MAX_MB" in left.text for left in report.skipped] == [True, True]
        assert not Document.objects.exists()
