"""Uploads from the editor, and how uploaded files are handed out."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from PIL import Image
from pytest_django import Settings

from accounts.models import User
from library.models import Picture
from library.pictures import store_picture
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

UPLOAD = "/admin/markdownx/upload/"


def picture_file(name: str = "march.png") -> SimpleUploadedFile:
    written = io.BytesIO()
    Image.new("RGB", (12, 8), "teal").save(written, "PNG")
    return SimpleUploadedFile(name, written.getvalue(), content_type="image/png")


def with_permissions(*names: str, is_staff: bool = True) -> User:
    user: User = UserFactory(is_staff=is_staff)
    for name in names:
        app, codename = name.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return user


def send(client: Client, path: str = UPLOAD) -> HttpResponse:
    return client.post(path, {"image": picture_file()})  # type: ignore[return-value]  # the client's own subclass


class TestWhoMayUpload:
    def test_address_is_the_one_that_the_editor_knows(self) -> None:
        assert reverse("markdownx_upload") == UPLOAD

    @pytest.mark.parametrize(
        ("role", "status"), [("", 403), ("Author", 200), ("Editor", 200), ("Moderator", 403)], ids=str
    )
    def test_roles(self, client: Client, role: str, status: int) -> None:
        client.force_login(UserFactory(role=role) if role else UserFactory(is_staff=True))
        response = send(client)
        assert response.status_code == status
        assert Picture.objects.count() == (1 if status == 200 else 0)

    def test_stranger_gets_a_sentence_and_no_page_to_log_in(self, client: Client) -> None:
        response = send(client)
        assert response.status_code == 403
        assert response["Content-Type"] == "application/json"
        assert "You may not upload pictures" in response.content.decode()
        assert not Picture.objects.exists()

    @pytest.mark.parametrize(
        ("names", "is_staff", "status"),
        [
            (["blog.add_post", "library.add_picture"], True, 200),
            (["blog.change_page", "library.add_picture"], True, 200),
            (["blog.add_post", "library.add_picture"], False, 403),
            (["blog.add_post"], True, 403),
            (["library.add_picture"], True, 403),
        ],
    )
    def test_single_permissions(self, client: Client, names: list[str], is_staff: bool, status: int) -> None:
        client.force_login(with_permissions(*names, is_staff=is_staff))
        assert send(client).status_code == status

    def test_superuser(self, client: Client) -> None:
        client.force_login(UserFactory(is_superuser=True, is_staff=True))
        assert send(client).status_code == 200

    @pytest.mark.parametrize("method", ["get", "head", "put", "delete"])
    def test_only_post(self, client: Client, method: str) -> None:
        client.force_login(UserFactory(role="Editor"))
        assert getattr(client, method)(UPLOAD).status_code == 405

    def test_other_sites_cannot_send_it(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(UserFactory(role="Editor"))
        assert send(client).status_code == 403
        assert not Picture.objects.exists()


class TestWhatAnUploadAnswers:
    @pytest.fixture(autouse=True)
    def _editor(self, client: Client) -> None:
        self.editor = UserFactory(role="Editor")
        client.force_login(self.editor)

    def test_what_stands_for_it_in_the_text(self, client: Client) -> None:
        response = client.post(UPLOAD, {"image": picture_file("Our march.png")})
        picture = Picture.objects.get()
        assert response.json() == {"image_code": f"![]({picture.file.url})"}
        assert (picture.title, picture.uploaded_by) == ("Our march", self.editor)
        assert answer(client, picture.file.url).status_code == 200

    @pytest.mark.parametrize("markup", ["html", "wordpress"])
    def test_a_tag_where_the_text_is_html(self, client: Client, markup: str) -> None:
        response = client.post(f"{UPLOAD}?markup={markup}", {"image": picture_file()})
        assert response.json() == {"image_code": f'<img src="{Picture.objects.get().file.url}" alt="">'}

    @pytest.mark.parametrize(
        ("sent", "sentence"),
        [
            ({}, "No picture came along"),
            ({"image": "words"}, "No picture came along"),
            ({"image": SimpleUploadedFile("x.gif", b"<script>", "image/gif")}, "This file is not a picture"),
            ({"image": SimpleUploadedFile("x.png", b"", "image/png")}, "This file is not a picture"),
            ({"image": SimpleUploadedFile("x.svg", b"<svg onload='alert(1)'/>", "image/svg+xml")}, "not a picture"),
        ],
    )
    def test_one_sentence_says_what_is_wrong(self, client: Client, sent: dict[str, object], sentence: str) -> None:
        for file in sent.values():
            if isinstance(file, SimpleUploadedFile):
                file.seek(0)
        response = client.post(UPLOAD, sent)
        assert response.status_code == 400
        assert sentence in response.json()["error"]
        assert not Picture.objects.exists()


def answer(client: Client, path: str, method: str = "get", **options: Any) -> Any:
    """The answer, read to its end: that closes the file."""
    response = getattr(client, method)(path, **options)
    response.body = b"".join(response) if response.streaming else response.content
    return response


@pytest.mark.filterwarnings("ignore::django.core.cache.backends.base.CacheKeyWarning")
class TestHandingOut:
    def put(self, folder: Path, name: str, content: bytes = b"content") -> str:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return f"/media/{name}"

    def test_picture_may_be_kept_for_good(self, client: Client) -> None:
        picture = store_picture(picture_file())
        response = answer(client, picture.file.url)
        assert response.headers["Content-Type"] == "image/png"
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response.body.startswith(b"\x89PNG")

    @pytest.mark.parametrize("name", ["a.jpg", "documents/report.pdf", "old/page.html", "no-ending"])
    def test_nothing_in_it_can_act_on_the_site(self, client: Client, settings: Settings, name: str) -> None:
        response = answer(client, self.put(Path(settings.MEDIA_ROOT), name))
        assert response.status_code == 200
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert not response.cookies
        assert "Cookie" not in response.headers.get("Vary", "")

    @pytest.mark.parametrize(
        ("name", "kind", "shown"),
        [
            ("2019/10/photo.JPG", "image/jpeg", True),
            ("report.pdf", "application/pdf", True),
            ("page.html", "application/octet-stream", False),
            ("drawing.svg", "application/octet-stream", False),
            ("no-ending", "application/octet-stream", False),
        ],
    )
    def test_only_pictures_and_pdf_are_shown_in_place(
        self, client: Client, settings: Settings, name: str, kind: str, shown: bool
    ) -> None:
        response = answer(client, self.put(Path(settings.MEDIA_ROOT), name))
        assert response.headers["Content-Type"] == kind
        assert response.headers["Content-Disposition"].startswith("inline" if shown else "attachment")
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
    def test_nothing_else_on_the_disk(self, client: Client, settings: Settings, path: str) -> None:
        media = Path(settings.MEDIA_ROOT)
        self.put(media, "pictures/x.png")
        self.put(media, ".hidden")
        self.put(media, "pictures/.hidden/x.png")
        (media.parent / "secret.txt").write_bytes(b"secret")
        assert answer(client, f"/media/{path}").status_code == 404

    def test_only_reading(self, client: Client, settings: Settings) -> None:
        path = self.put(Path(settings.MEDIA_ROOT), "x.png")
        assert [answer(client, path, method).status_code for method in ("head", "post", "delete")] == [200, 405, 405]

    def test_unchanged_file_is_not_sent_again(self, client: Client, settings: Settings) -> None:
        path = self.put(Path(settings.MEDIA_ROOT), "x.png")
        changed = answer(client, path).headers["Last-Modified"]
        assert answer(client, path, headers={"If-Modified-Since": changed}).status_code == 304
