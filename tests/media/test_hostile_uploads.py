"""Hostile and revealing files that are uploaded to the site are cleaned, or refused with an explanation."""

import contextlib
import io
import zipfile
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pytest_django import Settings

from accounts.models import User
from media.cleaners.codestreams import strip_jpeg, strip_jpeg2000
from media.documents import clean_document
from media.file_types import CLEANABLE
from media.metadata import CLEANERS
from media.models import Document, Picture
from media.renditions import due_pictures
from tests.factories import UserFactory
from tests.factories.files import SAMPLES
from tests.factories.hostile_files import CLEANED, REFUSED, reveals
from tests.factories.recordings import SECRET
from tests.factories.revealing_files import docx, jpeg, lying_zip
from tests.factories.types import Work

pytestmark = pytest.mark.django_db

UPLOAD = "/admin/media/upload/"


@pytest.fixture
def author(client: Client) -> Client:
    client.force_login(UserFactory(role="Author"))
    return client


def send(client: Client, content: bytes, name: str) -> Any:
    return client.post(UPLOAD, {"files": SimpleUploadedFile(name, content)}, headers={"accept": "application/json"})


def stored(settings: Settings) -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


class TestRefused:
    @pytest.mark.parametrize("case", REFUSED)
    def test_a_refused_file_is_explained_and_leaves_no_trace(
        self, author: Client, settings: Settings, case: str
    ) -> None:
        response = send(author, *REFUSED[case])
        assert response.status_code == 400
        assert response.json()["error"].endswith(".")
        assert stored(settings) == []
        assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) == []
        assert not Picture.objects.exists()
        assert not Document.objects.exists()

    def test_an_archive_that_unpacks_to_gigabytes_is_refused(self, author: Client) -> None:
        response = send(author, lying_zip(2**32 - 2), "a.zip")
        assert "too large when it is unpacked" in response.json()["error"]


class TestCleaned:
    @pytest.mark.parametrize("case", CLEANED)
    def test_a_cleaned_file_does_not_reveal_who_made_it_and_where(
        self, author: Client, settings: Settings, case: str
    ) -> None:
        assert send(author, *CLEANED[case]).status_code == 200
        (path,) = stored(settings)
        content = path.read_bytes()
        assert not reveals(content)
        if path.suffix == ".pdf":
            with pikepdf.open(path) as document:
                assert "JavaScript" not in "".join(map(repr, document.objects))
                assert document.pages[0].Annots[0].Contents == "A note"
                assert "/Info" not in document.trailer
        if path.suffix in {".docx", ".odt", ".xlsx", ".ods", ".pptx"}:
            with zipfile.ZipFile(path) as package:
                assert any(b"Text" in package.read(name) for name in package.namelist())
                # Table names don't identify people, and Excel doesn't open files in which they are empty.
                tables = [package.read(name) for name in package.namelist() if "/tables/" in name]
                assert all(b'displayName="Prizes"' in table for table in tables)
        if b"SOUND" in CLEANED[case][0]:
            assert b"SOUND" in content

    def test_names_are_found_in_office_files_of_every_encoding(self, author: Client, settings: Settings) -> None:
        comment = f'<w:comment xmlns:w="urn:w" w:author="{SECRET.decode()}">Why?</w:comment>'
        comments = f'<?xml version="1.0" encoding="UTF-16"?>{comment}'
        assert send(author, docx(**{"word/comments.xml": comments.encode("utf-16")}), "a.docx").status_code == 200
        with zipfile.ZipFile(stored(settings)[0]) as package:
            content = package.read("word/comments.xml").decode()
        assert content.endswith('<w:comment xmlns:w="urn:w" w:author="">Why?</w:comment>')

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_a_photo_is_turned_upright(self, author: Client, settings: Settings, orientation: int) -> None:
        send(author, jpeg(orientation), "a.jpg")
        with Image.open(stored(settings)[0]) as image:
            assert image.size == (60, 40)
            red, _green, blue = image.getpixel((10, 10))  # type: ignore[misc]  # an RGB pixel has three channels
            assert red > 150 > blue

    def test_a_photo_of_an_iphone_becomes_a_jpeg(self, author: Client, settings: Settings) -> None:
        pillow_heif = pytest.importorskip("pillow_heif")
        exif = Image.Exif()
        exif[0x010F] = SECRET.decode()
        written = io.BytesIO()
        pillow_heif.from_pillow(Image.new("RGB", (60, 40), "teal")).save(written, exif=exif.tobytes())
        assert SECRET in written.getvalue()
        assert send(author, written.getvalue(), "IMG_1.HEIC").status_code == 200
        (path,) = stored(settings)
        assert path.suffix == ".jpg"
        assert SECRET not in path.read_bytes()

    def test_the_worker_makes_renditions_of_every_accepted_image(
        self, author: Client, work: Work, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            for content, name in [*REFUSED.values(), *CLEANED.values()]:
                send(author, content, name)
        work()
        assert Picture.objects.count() == 17
        assert not due_pictures().exists()


class TestUploading:
    def test_several_files_can_be_uploaded_without_javascript(self, author: Client) -> None:
        files = [SimpleUploadedFile(name, content) for content, name in (CLEANED["a PDF"], REFUSED["HTML"])]
        response = author.post(UPLOAD, {"files": [*files, SimpleUploadedFile("b.jpg", jpeg())]}, follow=True)
        messages = [str(message) for message in response.context["messages"]]
        refused = "a.html: Files of the type “.html” can't be published here. Save the file in another format"
        assert messages == [f"{refused}, such as JPEG, PDF, MP3 or MP4.", "2 files were added to the library."]
        assert response.redirect_chain[0][0] == "/admin/media/picture/"

    @pytest.mark.parametrize(
        ("role", "status"), [("Author", 200), ("Editor", 200), ("Moderator", 403), ("", 403)], ids=str
    )
    def test_only_roles_with_permission_may_upload(self, client: Client, role: str, status: int) -> None:
        user: User = UserFactory(role=role) if role else UserFactory(is_staff=True)
        client.force_login(user)
        assert send(client, jpeg(), "a.jpg").status_code == status

    def test_anonymous_visitors_are_refused(self, client: Client) -> None:
        assert send(client, jpeg(), "a.jpg").status_code == 403

    def test_a_request_without_a_file_is_refused(self, author: Client) -> None:
        response = author.post(UPLOAD, headers={"accept": "application/json"})
        assert (response.status_code, response.json()) == (
            400,
            {"error": "No file was received. Choose one and try again."},
        )


SEEDS = [(content, name) for content, name in CLEANED.values() if not name.endswith((".jpg", ".html"))]


@given(seed=st.sampled_from(SEEDS), position=st.floats(0, 1), junk=st.binary(max_size=20), cut=st.integers(0, 200))
def test_any_bytes_are_either_cleaned_or_refused(
    seed: tuple[bytes, str], position: float, junk: bytes, cut: int
) -> None:
    content, name = seed
    start = int(position * len(content))
    with contextlib.suppress(ValidationError):
        clean_document(SimpleUploadedFile(name, content[:start] + junk + content[start + cut :])).close()


def test_every_type_that_is_offered_has_a_cleaner() -> None:
    assert set(CLEANABLE) == CLEANERS.keys() <= SAMPLES.keys()


@given(st.binary(max_size=300))
def test_any_bytes_can_be_stripped_as_a_jpeg(content: bytes) -> None:
    assert len(strip_jpeg(content)) <= len(content)
    with contextlib.suppress(ValidationError):
        assert len(strip_jpeg2000(content)) <= len(content)
