"""Uploads from the editor, and the delivery of uploaded files."""

import io
import os
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pytest_django import Settings

from accounts.models import User
from media import permissions, trash
from media.documents import store_document
from media.models import Document, Picture
from media.pictures import store_picture
from media.renditions import make_renditions
from media.trash import merge, remove
from media.views import requested_range
from tests.factories import UserFactory
from tests.factories.files import PDF, picture_file
from tests.factories.responses import fetch

pytestmark = pytest.mark.django_db

UPLOAD = "/admin/markdownx/upload/"


def with_permissions(*names: str, is_staff: bool = True) -> User:
    user: User = UserFactory(is_staff=is_staff)
    for name in names:
        app, codename = name.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return user


def send(client: Client, path: str = UPLOAD) -> HttpResponse:
    return client.post(path, {"image": picture_file()})  # type: ignore[return-value]  # the client's own subclass


class TestUploadPermissions:
    def test_the_editor_uses_this_url(self) -> None:
        assert reverse("markdownx_upload") == UPLOAD

    @pytest.mark.parametrize(
        ("role", "status"), [("", 403), ("Author", 200), ("Editor", 200), ("Moderator", 403)], ids=str
    )
    def test_only_roles_with_permission_may_upload(self, client: Client, role: str, status: int) -> None:
        client.force_login(UserFactory(role=role) if role else UserFactory(is_staff=True))
        response = send(client)
        assert response.status_code == status
        assert Picture.objects.count() == (1 if status == 200 else 0)

    def test_anonymous_visitors_get_a_message_instead_of_a_login_page(self, client: Client) -> None:
        response = send(client)
        assert response.status_code == 403
        assert response["Content-Type"] == "application/json"
        assert "You don't have permission to upload images" in response.content.decode()
        assert not Picture.objects.exists()

    @pytest.mark.parametrize(
        ("names", "is_staff", "status"),
        [
            (["blog.add_post", "media.add_picture"], True, 200),
            (["blog.change_page", "media.add_picture"], True, 200),
            (["blog.add_post", "media.add_picture"], False, 403),
            (["blog.add_post"], True, 403),
            (["media.add_picture"], True, 403),
        ],
    )
    def test_all_permissions_are_required(self, client: Client, names: list[str], is_staff: bool, status: int) -> None:
        client.force_login(with_permissions(*names, is_staff=is_staff))
        assert send(client).status_code == status

    def test_superusers_may_upload(self, client: Client) -> None:
        client.force_login(UserFactory(is_superuser=True, is_staff=True))
        assert send(client).status_code == 200

    def test_uploading_requires_an_app_with_writers(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(permissions, "writers", {})
        client.force_login(UserFactory(is_superuser=True, is_staff=True))
        assert send(client).status_code == 403

    @pytest.mark.parametrize("method", ["get", "head", "put", "delete"])
    def test_other_methods_are_not_allowed(self, client: Client, method: str) -> None:
        client.force_login(UserFactory(role="Editor"))
        assert getattr(client, method)(UPLOAD).status_code == 405

    def test_other_sites_cannot_upload(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(UserFactory(role="Editor"))
        assert send(client).status_code == 403
        assert not Picture.objects.exists()


class TestUploadResponse:
    @pytest.fixture(autouse=True)
    def _editor(self, client: Client) -> None:
        self.editor = UserFactory(role="Editor")
        client.force_login(self.editor)

    def test_is_the_markdown_for_the_picture(self, client: Client) -> None:
        response = client.post(UPLOAD, {"image": picture_file("Our march.png")})
        picture = Picture.objects.get()
        answer = response.json()
        assert answer["image_code"] == f"![]({picture.file.url})"
        assert (answer["file"]["id"], answer["file"]["url"]) == (picture.pk, picture.file.url)
        assert (picture.title, picture.uploaded_by) == ("Our march", self.editor)
        assert fetch(client, picture.file.url).status_code == 200

    @pytest.mark.parametrize("markup", ["html", "wordpress"])
    def test_is_an_html_tag_for_html(self, client: Client, markup: str) -> None:
        response = client.post(f"{UPLOAD}?markup={markup}", {"image": picture_file()})
        assert response.json()["image_code"] == f'<img src="{Picture.objects.get().file.url}" alt="">'

    def test_a_description_is_stored_and_may_be_too_long(self, client: Client) -> None:
        for alt, stored in (("A *lamp*\0", "A *lamp*"), ("x" * 1_001, "x" * 1_000)):
            response = client.post(UPLOAD, {"image": picture_file(), "alt": alt})
            assert Picture.objects.latest("pk").alt == stored
            assert response.json()["file"]["alt"] == stored

    def test_is_a_link_for_a_pdf(self, client: Client) -> None:
        upload = SimpleUploadedFile("Who *we* are.pdf", PDF)
        assert (
            client.post(UPLOAD, {"image": upload})
            .json()["image_code"]
            .startswith(r"[Who \*we\* are](/media/documents/")
        )
        upload.seek(0)
        code = client.post(f"{UPLOAD}?markup=html", {"image": upload}).json()["image_code"]
        assert code.endswith(">Who *we* are</a>")
        assert Document.objects.count() == 2

    def test_is_a_link_for_other_documents(self, client: Client) -> None:
        code = client.post(UPLOAD, {"image": SimpleUploadedFile("Names.csv", b"a,b")}).json()["image_code"]
        assert code == f"[Names]({Document.objects.get().file.url})"

    def test_a_pdf_requires_the_permission_for_documents(self, client: Client) -> None:
        client.force_login(with_permissions("blog.add_post", "media.add_picture"))
        assert client.post(UPLOAD, {"image": SimpleUploadedFile("x.pdf", PDF)}).status_code == 403
        assert not Document.objects.exists()

    @pytest.mark.parametrize(
        ("sent", "message"),
        [
            ({}, "No image was received"),
            ({"image": "words"}, "No image was received"),
            ({"image": SimpleUploadedFile("x.gif", b"<script>", "image/gif")}, "This file is not an image"),
            ({"image": SimpleUploadedFile("x.png", b"", "image/png")}, "This file is not an image"),
            ({"image": SimpleUploadedFile("x.svg", b"<svg onload='alert(1)'/>", "image/svg+xml")}, "not an image"),
            ({"image": SimpleUploadedFile("x.doc", b"\xd0\xcf\x11\xe0")}, "docx"),
        ],
    )
    def test_explains_errors(self, client: Client, sent: dict[str, object], message: str) -> None:
        for file in sent.values():
            if isinstance(file, SimpleUploadedFile):
                file.seek(0)
        response = client.post(UPLOAD, sent)
        assert response.status_code == 400
        assert message in response.json()["error"]
        assert not Picture.objects.exists()


@pytest.mark.filterwarnings("ignore::django.core.cache.backends.base.CacheKeyWarning")
class TestServing:
    def write_file(self, folder: Path, name: str, content: bytes = b"content") -> str:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return f"/media/{name}"

    def test_renditions_may_be_cached_forever_and_replaceable_files_for_an_hour(self, client: Client) -> None:
        picture = store_picture(picture_file())
        document = store_document(SimpleUploadedFile(f"{'0' * 32}-1.pdf", PDF))
        assert fetch(client, document.file.url).headers["Cache-Control"] == "public, max-age=3600"
        response = fetch(client, picture.file.url)
        assert response.headers["Content-Type"] == "image/png"
        assert response.headers["Cache-Control"] == "public, max-age=3600"
        assert response.body.startswith(b"\x89PNG")
        name = default_storage.save(f"renditions/1/{'0' * 32}-480.avif", ContentFile(b"AVIF"))
        response = fetch(client, default_storage.url(name))
        assert response.headers["Content-Type"] == "image/avif"
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"

    def test_a_former_rendition_leads_to_its_picture(self, client: Client) -> None:
        content = io.BytesIO()
        Image.effect_noise((500, 300), 90).save(content, "PNG")
        picture, target = store_picture(ContentFile(content.getvalue(), "a.png")), store_picture(picture_file())
        for _time in range(2):
            former = default_storage.url(picture.renditions[0].name) if picture.renditions else ""
            make_renditions(picture)
            picture.refresh_from_db()
        response = client.get(former)
        assert (response.status_code, response.headers["Location"]) == (302, picture.file.url)
        assert response.headers["Cache-Control"] == "public, max-age=3600"
        merge([picture.pk], target.pk)
        remove(Picture.objects.get(pk=picture.pk))
        assert client.get(former).headers["Location"] == target.file.url
        # Its number alone must not reveal a picture that no page shows yet.
        for guess in ("a-480.avif", f"-{former.rpartition('-')[2]}"):
            assert client.get(f"/media/renditions/{picture.pk}/{guess}").status_code == 404
        trash.delete(Picture, [target.pk])
        assert client.get(former).status_code == 404

    @pytest.mark.parametrize("name", ["a.jpg", "documents/report.pdf", "old/page.html", "no-ending"])
    def test_files_cannot_run_scripts_on_the_site(self, client: Client, settings: Settings, name: str) -> None:
        response = fetch(client, self.write_file(Path(settings.MEDIA_ROOT), name))
        assert response.status_code == 200
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert not response.cookies
        assert "Cookie" not in response.headers.get("Vary", "")

    @pytest.mark.parametrize(
        ("name", "media_type", "is_inline"),
        [
            ("2019/10/photo.JPG", "image/jpeg", True),
            ("report.pdf", "application/pdf", True),
            ("page.html", "application/octet-stream", False),
            ("drawing.svg", "application/octet-stream", False),
            ("no-ending", "application/octet-stream", False),
        ],
    )
    def test_files_of_unknown_types_are_downloaded_as_bytes(
        self, client: Client, settings: Settings, name: str, media_type: str, is_inline: bool
    ) -> None:
        response = fetch(client, self.write_file(Path(settings.MEDIA_ROOT), name))
        assert response.headers["Content-Type"] == media_type
        assert response.headers["Content-Disposition"].startswith("inline" if is_inline else "attachment")
        assert response.headers["Cache-Control"] == "public, max-age=3600"

    @pytest.mark.parametrize(
        "path",
        [
            "../secret.txt",
            "%2e%2e/secret.txt",
            "pictures/../../secret.txt",
            "pictures/%2e%2e/%2e%2e/secret.txt",
            "%2fetc/passwd",
            "/etc/passwd",
            "pictures",
            "pictures/",
            "missing.png",
            ".hidden",
            "pictures/.hidden/x.png",
            "x%00.png",
            "x" * 300,
        ],
    )
    def test_no_other_files_on_the_disk_are_served(self, client: Client, settings: Settings, path: str) -> None:
        media = Path(settings.MEDIA_ROOT)
        self.write_file(media, "pictures/x.png")
        self.write_file(media, ".hidden")
        self.write_file(media, "pictures/.hidden/x.png")
        (media.parent / "secret.txt").write_bytes(b"secret")
        response = fetch(client, f"/media/{path}")
        assert response.status_code == 404
        # No proxy may keep this, as an import may be about to download the file.
        assert {"no-store", "must-revalidate"}.intersection(response.headers["Cache-Control"].split(", "))

    def test_only_get_and_head_are_allowed(self, client: Client, settings: Settings) -> None:
        path = self.write_file(Path(settings.MEDIA_ROOT), "x.png")
        assert [fetch(client, path, method).status_code for method in ("head", "post", "delete")] == [200, 405, 405]

    def test_an_unchanged_file_is_not_sent_again(self, client: Client, settings: Settings) -> None:
        path = self.write_file(Path(settings.MEDIA_ROOT), "x.png")
        before = fetch(client, path).headers
        for known in (before["ETag"], f"W/{before['ETag']}", f'"other", {before["ETag"]}'):
            response = fetch(client, path, headers={"If-None-Match": known})
            assert response.status_code == 304
            for name in ("ETag", "Cache-Control"):
                assert response.headers[name] == before[name]
        assert fetch(client, path, headers={"If-None-Match": '"other"'}).status_code == 200
        (Path(settings.MEDIA_ROOT) / "x.png").write_bytes(b"replaced")
        assert fetch(client, path, headers={"If-None-Match": before["ETag"]}).status_code == 200

    def test_nothing_tells_when_a_file_was_uploaded(self, client: Client, settings: Settings) -> None:
        path = self.write_file(Path(settings.MEDIA_ROOT), "x.png")
        os.utime(Path(settings.MEDIA_ROOT) / "x.png", (1_600_000_000, 1_600_000_000))
        headers = fetch(client, path).headers
        assert "Last-Modified" not in headers
        assert not any("2020" in value or "1600000000" in value for value in headers.values())


class TestRanges:
    @pytest.fixture
    def path(self) -> str:
        return f"/media/{default_storage.save('talk.mp3', ContentFile(b'0123456789'))}"

    @pytest.mark.parametrize(
        ("requested", "body", "content_range"),
        [
            ("bytes=0-", b"0123456789", "bytes 0-9/10"),
            ("bytes=0-1", b"01", "bytes 0-1/10"),
            ("bytes=4-4", b"4", "bytes 4-4/10"),
            ("bytes=7-99", b"789", "bytes 7-9/10"),
            ("bytes=-3", b"789", "bytes 7-9/10"),
            ("bytes=-99", b"0123456789", "bytes 0-9/10"),
        ],
    )
    def test_are_sent_as_requested(
        self, client: Client, path: str, requested: str, body: bytes, content_range: str
    ) -> None:
        response = fetch(client, path, headers={"Range": requested})
        assert (response.status_code, response.body, response.headers["Content-Range"]) == (206, body, content_range)
        assert response.headers["Content-Length"] == str(len(body))
        assert response.headers["Content-Type"] == "audio/mpeg"
        assert "sandbox" in response.headers["Content-Security-Policy"]

    @pytest.mark.parametrize("requested", ["bytes=10-", "bytes=99-100", "bytes=-0"])
    def test_beyond_the_end_are_rejected(self, client: Client, path: str, requested: str) -> None:
        response = fetch(client, path, headers={"Range": requested})
        assert (response.status_code, response.headers["Content-Range"], response.body) == (416, "bytes */10", b"")

    @pytest.mark.parametrize(
        "requested",
        ["", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=0-1,4-5", "lines=0-1", "bytes=a-b", "bytes=" + "9" * 99],
    )
    def test_that_are_invalid_are_ignored(self, client: Client, path: str, requested: str) -> None:
        response = fetch(client, path, headers={"Range": requested})
        assert (response.status_code, response.body) == (200, b"0123456789")
        assert response.headers["Accept-Ranges"] == "bytes"

    def test_of_an_outdated_version_are_ignored(self, client: Client, path: str) -> None:
        now = fetch(client, path, "head").headers["ETag"]
        for version, status in ((now, 206), ("Mon, 01 Jan 2001 00:00:00 GMT", 200), ('"x"', 200)):
            response = fetch(client, path, headers={"Range": "bytes=0-1", "If-Range": version})
            assert response.status_code == status

    @given(requested=st.from_regex(r"bytes=[0-9]{0,3}-[0-9]{0,3}", fullmatch=True), size=st.integers(0, 500))
    def test_are_always_within_the_file(self, requested: str, size: int) -> None:
        positions = requested_range(RequestFactory().get("/", headers={"Range": requested}), size, "")
        assert positions is None or set(positions) <= set(range(size))
