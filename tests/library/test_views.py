"""Uploads from the editor, and how uploaded files are handed out."""

import io
from pathlib import Path
from typing import Any

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
from library.models import Picture
from library.pictures import store_picture
from library.ranges import range_asked
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
    def test_what_has_no_kind_is_no_more_than_bytes(
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


class TestPartsOfFiles:
    @pytest.fixture
    def path(self) -> str:
        return f"/media/{default_storage.save('talk.mp3', ContentFile(b'0123456789'))}"

    @pytest.mark.parametrize(
        ("asked", "body", "said"),
        [
            ("bytes=0-", b"0123456789", "bytes 0-9/10"),
            ("bytes=0-1", b"01", "bytes 0-1/10"),
            ("bytes=4-4", b"4", "bytes 4-4/10"),
            ("bytes=7-99", b"789", "bytes 7-9/10"),
            ("bytes=-3", b"789", "bytes 7-9/10"),
            ("bytes=-99", b"0123456789", "bytes 0-9/10"),
        ],
    )
    def test_are_given_as_asked_for(self, client: Client, path: str, asked: str, body: bytes, said: str) -> None:
        response = answer(client, path, headers={"Range": asked})
        assert (response.status_code, response.body, response.headers["Content-Range"]) == (206, body, said)
        assert response.headers["Content-Length"] == str(len(body))
        assert response.headers["Content-Type"] == "audio/mpeg"
        assert "sandbox" in response.headers["Content-Security-Policy"]

    @pytest.mark.parametrize("asked", ["bytes=10-", "bytes=99-100", "bytes=-0"])
    def test_that_are_not_there_are_refused(self, client: Client, path: str, asked: str) -> None:
        response = answer(client, path, headers={"Range": asked})
        assert (response.status_code, response.headers["Content-Range"], response.body) == (416, "bytes */10", b"")

    @pytest.mark.parametrize(
        "asked",
        ["", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=0-1,4-5", "lines=0-1", "bytes=a-b", "bytes=" + "9" * 99],
    )
    def test_that_nobody_can_tell_are_the_whole(self, client: Client, path: str, asked: str) -> None:
        response = answer(client, path, headers={"Range": asked})
        assert (response.status_code, response.body) == (200, b"0123456789")
        assert response.headers["Accept-Ranges"] == "bytes"

    def test_of_what_has_changed_since_are_the_whole(self, client: Client, path: str) -> None:
        now = answer(client, path, "head").headers["Last-Modified"]
        for since, status in ((now, 206), ("Mon, 01 Jan 2001 00:00:00 GMT", 200), ('"x"', 200)):
            response = answer(client, path, headers={"Range": "bytes=0-1", "If-Range": since})
            assert response.status_code == status

    @given(asked=st.from_regex(r"bytes=[0-9]{0,3}-[0-9]{0,3}", fullmatch=True), size=st.integers(0, 500))
    def test_are_parts_of_the_whole_whatever_is_asked_for(self, asked: str, size: int) -> None:
        places = range_asked(RequestFactory().get("/", headers={"Range": asked}), size, "")
        assert places is None or set(places) <= set(range(size))
