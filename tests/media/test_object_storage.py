"""Media in a bucket behave like media in a folder, and nothing is lost while the bucket is unavailable."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django_tasks_db.models import DBTaskResult
from pytest_django import Settings

from config.storage import media_storage
from media.documents import store_document
from media.models import Document, Picture, RenditionState
from media.pictures import store_picture
from media.tasks import make_due_renditions
from tests.factories import PostFactory, UserFactory
from tests.factories.files import PDF, pdf_file, picture, picture_file
from tests.factories.responses import fetch, one, read, text
from tests.factories.types import AtOnce, ImportParts, Work
from tests.factories.wxr import attachment
from wordpress.importing.media_source import MediaFolder

pytestmark = pytest.mark.django_db


def names(folder: str = "") -> set[str]:
    """Return the names of all files in the storage."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return set()
    below = (names(f"{folder}{each}/") for each in folders)
    return {f"{folder}{file}" for file in files}.union(*below)


@pytest.fixture
def editor(client: Client) -> Client:
    client.force_login(UserFactory(role="Editor"))
    return client


@pytest.mark.usefixtures("any_storage")
class TestEveryStorage:
    def test_serves_files_from_this_site_and_from_nowhere_else(self, client: Client) -> None:
        document = store_document(pdf_file())
        url = document.file.url
        assert url.startswith("/media/documents/")
        response = fetch(client, url)
        assert response.body.startswith(b"%PDF-")
        assert response["Content-Type"] == "application/pdf"
        assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert response["Content-Length"] == str(document.size)
        part = fetch(client, url, headers={"Range": "bytes=1-3"})
        assert (part.status_code, part["Content-Range"], part.body) == (206, f"bytes 1-3/{document.size}", b"PDF")
        assert client.get(url, headers={"Range": "bytes=99999999-"}).status_code == 416
        assert client.get(url, headers={"If-None-Match": response["ETag"]}).status_code == 304
        assert fetch(client, url, "head").status_code == 200

    @pytest.mark.parametrize("path", ["pictures", "x.png", ".hidden/x.png", "a/../../b.png", "%00.png", "x" * 2000])
    @pytest.mark.filterwarnings("ignore::django.core.cache.backends.base.CacheKeyWarning")
    def test_serves_nothing_else(self, client: Client, path: str) -> None:
        store_picture(picture_file())
        default_storage.save(".hidden/x.png", ContentFile(picture()))
        assert client.get(f"/media/{path}").status_code == 404

    def test_makes_replaces_and_deletes_renditions_with_the_picture(
        self, editor: Client, work: Work, django_capture_on_commit_callbacks: Any
    ) -> None:
        large = picture(size=(1200, 900))
        with django_capture_on_commit_callbacks(execute=True):
            editor.post("/admin/media/upload/", {"files": SimpleUploadedFile("a.png", large)})
        work()
        stored = Picture.objects.get()
        first = {each.name for each in stored.renditions}
        assert first
        assert names() == first | {stored.file.name}
        new = SimpleUploadedFile("b.png", picture(size=(1000, 800), colour="red"))
        data = {"replacement": new, "title": "x", "alt": "", "caption": ""}
        with django_capture_on_commit_callbacks(execute=True):
            editor.post(f"/admin/media/picture/{stored.pk}/change/", data)
        work()
        replaced, kept = Picture.objects.present().get(), Picture.objects.get(replaced_in=stored)
        second = {each.name for each in replaced.renditions}
        assert (replaced.file.name, replaced.width) == (stored.file.name, 1000)
        assert not first & second
        assert names() == second | {stored.file.name, kept.file.name}
        with django_capture_on_commit_callbacks(execute=True):
            replaced.delete()
        assert names() == set()

    def test_keeps_both_files_with_the_same_name(self, at_once: AtOnce) -> None:
        contents = [bytes([number]) * 100_000 for number in range(3)]
        stored = at_once(*[partial(default_storage.save, "a/b.pdf", ContentFile(content)) for content in contents])
        assert len(set(stored)) == 3
        read = []
        for name in stored:
            with default_storage.open(name) as file:
                read.append(file.read())
        assert read == contents

    def test_keeps_nothing_of_a_failed_upload(self, editor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*args: Any) -> Any:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("media.unnamed_files.copy_to", fail)
        monkeypatch.setattr("storages.utils.ReadBytesWrapper.read", fail)
        response = editor.post("/admin/markdownx/upload/", {"image": picture_file()})
        assert response.status_code == 503
        assert names() == set()

    def test_imports_and_exports_files(self, import_parts: ImportParts, tmp_path: Path) -> None:
        source = tmp_path / "source/2014/05"
        source.mkdir(parents=True)
        (source / "lamp.png").write_bytes(picture())
        (source / "report.pdf").write_bytes(PDF)
        import_parts(
            attachment(5, "2014/05/lamp.png"),
            attachment(6, "2014/05/report.pdf"),
            media=MediaFolder(tmp_path / "source"),
        )
        uploads = [Picture.objects.get(), Document.objects.get()]
        assert names() == {str(upload.file.name) for upload in uploads}
        call_command("export_markdown", str(tmp_path / "markdown"), "--for", "hugo", verbosity=0)
        exported = {path.name: path.read_bytes() for path in (tmp_path / "markdown").rglob("*.p[dn][fg]")}
        for upload in uploads:
            with upload.file.open() as file:
                assert exported[Path(str(upload.file.name)).name] == file.read()


class TestUnavailableBucket:
    @pytest.fixture
    def post(self, settings: Settings, use_bucket: None) -> Any:
        post = PostFactory(title="The march", source=f"![A crowd]({store_picture(picture_file()).file.url})")
        storage = media_storage("s3+http://key:secret@127.0.0.1:9/bucket")
        settings.STORAGES = {**settings.STORAGES, "default": storage}
        return post

    def test_pages_are_served_and_the_images_when_it_is_back(self, client: Client, post: Any) -> None:
        page = client.get(post.get_absolute_url())
        assert page.status_code == 200
        assert "A crowd" in page.content.decode()
        response = client.get(Picture.objects.get().file.url)
        assert (response.status_code, response["Retry-After"]) == (503, "60")
        assert "can't be shown at the moment" in response.content.decode()

    @pytest.mark.parametrize("kind", ["picture", "document"])
    def test_editors_are_told_and_keep_their_input(
        self, editor: Client, post: Any, kind: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        file = picture_file() if kind == "picture" else pdf_file()
        data = {"file": file, "title": "Typed", "alt": "", "caption": ""}
        html = editor.post(f"/admin/media/{kind}/add/", data).content.decode()
        assert "The file could not be stored. Try again" in html
        assert 'value="Typed"' in html
        # One line, because many uploads may fail until the storage is back.
        assert "A file could not be stored: The object storage failed" in caplog.text
        assert "Traceback" not in caplog.text
        assert (Picture.objects.count(), Document.objects.count()) == (1, 0)

    def test_a_file_that_cannot_be_replaced_is_kept(self, editor: Client, post: Any) -> None:
        before = Picture.objects.get()
        data = {"replacement": SimpleUploadedFile("a.png", picture(size=(9, 9))), "title": "x", "alt": "Typed"}
        response = editor.post(f"/admin/media/picture/{before.pk}/change/", {**data, "caption": ""})
        assert "The file could not be stored. Try again" in response.content.decode()
        assert text(one(read(response), "#id_alt")) == "Typed"
        after = Picture.objects.get()
        assert (after.width, after.title, after.alt) == (before.width, before.title, "")

    @pytest.mark.parametrize("url", ["/admin/media/upload/", "/admin/markdownx/upload/"])
    def test_failed_uploads_are_explained(self, editor: Client, post: Any, url: str) -> None:
        files = {"files": picture_file(), "image": picture_file()}
        response = editor.post(url, files, headers={"accept": "application/json"})
        assert response.status_code in {400, 503}
        assert "could not be stored" in response.json()["error"]

    def test_renditions_are_made_later(self, post: Any, work: Work) -> None:
        DBTaskResult.objects.all().delete()
        with pytest.raises(CommandError, match="Run it again"):
            call_command("make_renditions", stdout=None)
        assert Picture.objects.get().rendition_state == RenditionState.DUE
        # The worker tries once, and again later.
        make_due_renditions.enqueue()
        work()
        assert Picture.objects.get().rendition_state == RenditionState.DUE
        assert DBTaskResult.objects.exclude(status="SUCCESSFUL").get().run_after
