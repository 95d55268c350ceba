"""Files are downloaded only from the hosts of the old site, and with retries."""

import io
import socket

import pytest
from pytest_django import Settings

from media import pictures
from media.metadata import clean_file
from media.models import Document, Picture
from tests.factories.files import MP4, SAMPLES, picture
from tests.factories.reports import first
from tests.factories.servers import StubServer
from tests.factories.types import ImportParts
from tests.factories.wxr import attachment
from wordpress.importing.analysis import Analysis
from wordpress.importing.media_source import MediaDownload, MissingFileError, file_name, hosts_of
from wordpress.models import Attachment

PNG = picture()


@pytest.fixture
def old_site(web_server: StubServer) -> StubServer:
    return web_server


@pytest.fixture
def waited() -> list[float]:
    return []


@pytest.fixture
def downloader(old_site: StubServer, waited: list[float]) -> MediaDownload:
    return MediaDownload([old_site.host], allow_private=True, timeout=20, deadline=60, sleep=waited.append)


def attachment_at(site: StubServer, path: str) -> Attachment:
    return Attachment(url=site.url(path), path=path.partition("?")[0])


def download(downloader: MediaDownload, attachment: Attachment) -> bytes:
    with downloader.open(attachment) as file:
        return file.read()


class TestDownloading:
    def test_returns_the_file(self, old_site: StubServer, downloader: MediaDownload) -> None:
        old_site.answer("/a.png", body=PNG)
        assert download(downloader, attachment_at(old_site, "/a.png")) == PNG

    @pytest.mark.parametrize("status", [403, 404, 410])
    def test_missing_files_are_requested_once(
        self, old_site: StubServer, downloader: MediaDownload, status: int
    ) -> None:
        old_site.answer("/a.png", status)
        with pytest.raises(MissingFileError, match=str(status)):
            download(downloader, attachment_at(old_site, "/a.png"))
        assert old_site.requests["/a.png"] == 1

    def test_waits_as_long_as_retry_after_says(
        self, old_site: StubServer, downloader: MediaDownload, waited: list[float]
    ) -> None:
        old_site.answer("/a.png", 429, b"", Retry_After="7")
        old_site.answer("/a.png", 503, b"", Retry_After="99999")
        old_site.answer("/a.png", body=PNG)
        assert download(downloader, attachment_at(old_site, "/a.png")) == PNG
        assert waited == [7, 60]

    def test_gives_up_after_three_attempts(
        self, old_site: StubServer, downloader: MediaDownload, waited: list[float]
    ) -> None:
        old_site.answer("/a.png", 500)
        with pytest.raises(MissingFileError, match="500"):
            download(downloader, attachment_at(old_site, "/a.png"))
        assert old_site.requests["/a.png"] == 3

    def test_incomplete_files_are_downloaded_again(self, old_site: StubServer, downloader: MediaDownload) -> None:
        old_site.answer("/a.png", 200, PNG[:20], Content_Length=str(len(PNG)))
        old_site.answer("/a.png", body=PNG)
        assert download(downloader, attachment_at(old_site, "/a.png")) == PNG

    def test_files_that_are_always_incomplete_are_given_up(
        self, old_site: StubServer, downloader: MediaDownload
    ) -> None:
        old_site.answer("/a.png", 200, PNG[:20], Content_Length=str(len(PNG)))
        with pytest.raises(MissingFileError, match=r"part|failed"):
            download(downloader, attachment_at(old_site, "/a.png"))

    def test_a_host_that_never_answers_is_no_longer_contacted(self, waited: list[float]) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            host = f"127.0.0.1:{closed.getsockname()[1]}"
        downloader = MediaDownload([host], allow_private=True, timeout=0.5, sleep=waited.append)
        unreachable = Attachment(url=f"http://{host}/a.png", path="/a.png")
        for _file in range(3):
            with pytest.raises(MissingFileError, match="failed"):
                download(downloader, unreachable)
        before = len(waited)
        with pytest.raises(MissingFileError, match="wasn't tried again"):
            download(downloader, unreachable)
        assert len(waited) == before

    def test_a_silent_host_times_out(self, waited: list[float]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            host = f"127.0.0.1:{silent.getsockname()[1]}"
            downloader = MediaDownload([host], allow_private=True, timeout=0.05, sleep=waited.append)
            with pytest.raises(MissingFileError, match="timed out"):
                download(downloader, Attachment(url=f"http://{host}/a.png", path="/a.png"))

    def test_names_cannot_control_a_terminal_or_reverse_what_follows(self) -> None:
        path = "/wp-content/uploads/2014/05/a\x1b[31m\u202egnp.exe.png"
        assert file_name(Attachment(path=path)) == "a[31mgnp.exe.png"


class TestLimits:
    def test_files_with_too_large_an_announced_size_are_refused(
        self, old_site: StubServer, downloader: MediaDownload
    ) -> None:
        old_site.answer("/a.png", 200, b"x", Content_Length=str(pictures.MAX_BYTES + 1))
        with pytest.raises(MissingFileError, match="larger"):
            download(downloader, attachment_at(old_site, "/a.png"))

    def test_files_that_turn_out_too_large_are_refused(
        self, old_site: StubServer, downloader: MediaDownload, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pictures, "MAX_BYTES", 100_000)
        old_site.answer("/a.png", 200, b"x" * 100_001, Content_Length="")
        with pytest.raises(MissingFileError, match="larger"):
            download(downloader, attachment_at(old_site, "/a.png"))

    def test_downloads_have_a_deadline(self, old_site: StubServer, waited: list[float]) -> None:
        old_site.answer("/a.png", body=PNG)
        with pytest.raises(MissingFileError, match="too long"):
            download(
                MediaDownload([old_site.host], allow_private=True, deadline=-1, sleep=waited.append),
                attachment_at(old_site, "/a.png"),
            )


class TestHosts:
    @pytest.mark.parametrize("url", ["http://evil.example/a.png", "file:///etc/passwd", ""])
    def test_other_hosts_are_not_contacted(self, url: str) -> None:
        with pytest.raises(MissingFileError, match=r"invalid|isn't the exported site"):
            download(MediaDownload(["old.example"]), Attachment(url=url, path="/a.png"))

    def test_redirects_to_other_hosts_are_not_followed(self, old_site: StubServer, downloader: MediaDownload) -> None:
        old_site.answer("/a.png", 302, Location="http://evil.example/a.png")
        with pytest.raises(MissingFileError, match="isn't the exported site"):
            download(downloader, attachment_at(old_site, "/a.png"))
        assert old_site.requests.total() == 1

    def test_private_networks_are_not_contacted(self, old_site: StubServer) -> None:
        with pytest.raises(MissingFileError, match="private network"):
            download(MediaDownload([old_site.host]), attachment_at(old_site, "/a.png"))
        assert old_site.requests.total() == 0

    def test_files_may_come_from_the_exported_site_and_former_hosts(self, settings: Settings) -> None:
        settings.BROADSIDE_FORMER_HOSTS = ["former.example"]
        analysis = Analysis(base_url="https://thoolen.wordpress.com", site_url="http://wordpress.com/")
        assert hosts_of(analysis) == {"thoolen.wordpress.com", "wordpress.com", "former.example"}

    def test_wordpress_com_serves_files_from_another_host(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def nowhere(*args: object, **more: object) -> None:
            raise OSError("resolved")

        monkeypatch.setattr(socket, "getaddrinfo", nowhere)
        downloader = MediaDownload(["thoolen.wordpress.com"], sleep=lambda seconds: None)
        with pytest.raises(MissingFileError, match="resolved"):
            download(downloader, Attachment(url="https://thoolen.files.wordpress.com/a.png", path="/a.png"))
        with pytest.raises(MissingFileError, match="isn't the exported site"):
            download(downloader, Attachment(url="https://other.files.wordpress.com/a.png", path="/a.png"))


@pytest.mark.django_db
class TestImportingDownloads:
    def test_downloads_are_added_to_the_media_library(
        self, import_parts: ImportParts, old_site: StubServer, downloader: MediaDownload
    ) -> None:
        old_site.answer("/wp-content/uploads/a.png", body=PNG)
        url = f"http://{old_site.host}/wp-content/uploads/a.png"
        import_parts(attachment(30, attachment_url=url), media=downloader)
        assert Picture.objects.get().width == 40

    def test_the_file_type_is_detected_from_the_contents(
        self, import_parts: ImportParts, old_site: StubServer, downloader: MediaDownload
    ) -> None:
        old_site.answer("/a.png", 200, b"<html>Not here any more</html>", Content_Type="image/png")
        old_site.answer("/b.png", 200, PNG, Content_Type="text/html")
        parts = [
            attachment(30, attachment_url=f"http://{old_site.host}/a.png"),
            attachment(31, attachment_url=f"http://{old_site.host}/b.png"),
        ]
        report = import_parts(*parts, media=downloader)
        assert [remark.id for remark in report.skipped] == [30]
        assert Picture.objects.count() == 1

    def test_files_are_not_downloaded_twice(
        self, import_parts: ImportParts, old_site: StubServer, downloader: MediaDownload
    ) -> None:
        old_site.answer("/a.png", body=PNG)
        part = attachment(30, attachment_url=f"http://{old_site.host}/a.png")
        import_parts(part, media=downloader)
        import_parts(part, media=downloader)
        assert old_site.requests["/a.png"] == 1

    def test_files_that_cannot_be_published_are_not_requested(
        self, import_parts: ImportParts, old_site: StubServer, downloader: MediaDownload
    ) -> None:
        report = import_parts(attachment(30, attachment_url=f"http://{old_site.host}/a.svg"), media=downloader)
        assert first(report.skipped).url == f"http://{old_site.host}/a.svg"
        assert old_site.requests.total() == 0

    def test_documents_are_recognised_by_their_contents_whatever_the_content_type(
        self, import_parts: ImportParts, old_site: StubServer, downloader: MediaDownload
    ) -> None:
        extensions = dict(enumerate((".mp3", ".mp4", ".docx", ".csv"), 30))
        # Too large to be kept in memory.
        contents = {**SAMPLES, ".mp4": MP4 + b"\0\x1e\x84\x88free" + bytes(2_000_000)}
        for extension in extensions.values():
            old_site.answer(f"/a{extension}", 200, contents[extension], Content_Type="text/html")
        old_site.answer("/b.mp3", 200, b"<html>Not here any more</html>", Content_Type="audio/mpeg")
        parts = [
            attachment(n, attachment_url=f"http://{old_site.host}/a{extension}") for n, extension in extensions.items()
        ]
        report = import_parts(*parts, attachment(40, attachment_url=f"http://{old_site.host}/b.mp3"), media=downloader)
        assert [remark.id for remark in report.skipped] == [40]
        for wordpress_id, extension in extensions.items():
            with Document.objects.get(attachments__wordpress_id=wordpress_id).file.open() as file:
                cleaned = io.BytesIO()
                clean_file(io.BytesIO(contents[extension]), cleaned, extension)
                assert file.read() == cleaned.getvalue()

    def test_videos_that_are_too_large_are_skipped(
        self, import_parts: ImportParts, old_site: StubServer, downloader: MediaDownload, settings: Settings
    ) -> None:
        settings.BROADSIDE_IMPORT_FILE_MAX_BYTES = 100_000
        old_site.answer("/a.mp4", 200, MP4 + bytes(100_000), Content_Length="")
        old_site.answer("/b.mp4", 200, MP4, Content_Length="100001")
        parts = [
            attachment(n, attachment_url=f"http://{old_site.host}/{name}.mp4") for n, name in ((30, "a"), (31, "b"))
        ]
        report = import_parts(*parts, media=downloader)
        assert ["IMPORT_FILE_MAX_MB" in remark.text for remark in report.skipped] == [True, True]
        assert not Document.objects.exists()
