"""No file identifies anyone: markers in all kinds of files, which arrive in every possible way, are found nowhere."""

import io
import zipfile
from collections.abc import Iterator
from itertools import batched
from pathlib import Path, PurePath
from typing import Any

import pikepdf
import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.test import Client
from PIL import Image
from pytest_django import Settings

from media.models import Document, Picture
from tests.factories import UserFactory
from tests.factories.files import picture as picture_of
from tests.factories.marked_files import IMAGES, KINDS, RECORDINGS, MarkedFile, marked_files, mp3_sound
from tests.factories.marks import marks_in
from tests.factories.recordings import play
from tests.factories.responses import fetch
from tests.factories.servers import StubServer
from tests.factories.types import ImportParts, Work
from tests.factories.wxr import attachment, meta
from wordpress.importing.media_source import MediaDownload

pytestmark = pytest.mark.django_db

# Metadata that WordPress has read from a photo.
IMAGE_META = (
    'a:2:{s:5:"width";i:60;s:10:"image_meta";a:2:{s:6:"camera";s:11:"PLANTED9001";s:7:"caption";s:11:"PLANTED9002";}}'
)


@pytest.fixture
def editor(client: Client) -> Client:
    client.force_login(UserFactory(role="Editor"))
    return client


def upload(client: Client, file: MarkedFile) -> None:
    """Upload a file as an editor does: images and PDFs while writing, the others to the library."""
    sent = SimpleUploadedFile(file.name, file.content)
    is_written = file.kind in {*IMAGES, "pdf"} and not file.kind.startswith("t")
    url, field = ("/admin/markdownx/upload/", "image") if is_written else ("/admin/media/upload/", "files")
    response = client.post(url, {field: sent}, headers={"accept": "application/json"})
    assert response.status_code == 200, (file.name, response.json())


def store_as_before(client: Client, file: MarkedFile) -> None:
    """Store a file as versions without a cleaner for it did. An image is uploaded to replace another."""
    if file.kind in IMAGES:
        extension = {"tiff": "jpg"}.get(file.kind, file.kind)
        old = ContentFile(picture_of({"jpg": "JPEG"}.get(extension, extension.upper())), name=f"a.{extension}")
        picture = Picture.objects.create(file=old, title=PurePath(file.name).stem)
        values = {
            "title": picture.title,
            "alt": "",
            "caption": "",
            "replacement": SimpleUploadedFile(file.name, file.content),
        }
        assert client.post(f"/admin/media/picture/{picture.pk}/change/", values).status_code == 302
    else:
        Document.objects.create(
            file=ContentFile(file.content, name=file.name), title=PurePath(file.name).stem, cleaned_with=0
        )


def stored_bytes(settings: Settings) -> Iterator[tuple[str, bytes]]:
    """Yield everything that is stored: files, including temporary ones, and the rows of all tables."""
    folder = Path(settings.MEDIA_ROOT).parent
    for path in (*folder.rglob("*"), *Path(settings.DATA_DIR).rglob("*")):
        if path.is_file():
            yield str(path), path.read_bytes()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608  # our own table
            yield table, repr(cursor.fetchall()).encode()


def check_content(kind: str, before: bytes, after: bytes) -> None:
    """Check that readers still see the same content."""
    if kind in IMAGES:
        with Image.open(io.BytesIO(before)) as old, Image.open(io.BytesIO(after)) as new:
            assert old.size == new.size == (60, 40)
            assert getattr(old, "n_frames", 1) == getattr(new, "n_frames", 1)
            red, green, blue = new.convert("RGB").getpixel((8, 8))  # type: ignore[misc]  # an RGB pixel has three channels
            assert red > 200 > max(green, blue) + 100
    elif kind in RECORDINGS:
        frames, metadata = play(after)
        assert sum(map(len, frames.values())) >= 3
        assert frames == play(mp3_sound() if kind == "mp3" else before)[0]
        assert "PLANTED" not in str(metadata)
    elif kind == "pdf":
        with pikepdf.open(io.BytesIO(after)) as document:
            (page,) = document.pages
            assert page.Contents.read_bytes() == b"60 0 0 40 0 0 cm /I Do"
            assert Image.open(io.BytesIO(page.Resources.XObject.I.read_raw_bytes())).size == (60, 40)
            assert [str(note.Contents) for note in page.Annots] == ["A note"]
    elif kind == "rtf":
        assert b" Text " in after
    else:
        with zipfile.ZipFile(io.BytesIO(after)) as package:
            assert package.testzip() is None
            assert any(b"Text" in package.read(name) for name in package.namelist())


@pytest.mark.parametrize("kind", KINDS)
def test_each_file_contains_its_markers_before_cleaning(kind: str) -> None:
    marks = ("PLANTED0001", "PLANTED0002", "PLANTED0003", "PLANTED0004")
    content = KINDS[kind](marks)
    assert marks_in(content) == set(marks)


def test_no_marker_is_left_anywhere(
    editor: Client,
    settings: Settings,
    web_server: StubServer,
    import_parts: ImportParts,
    work: Work,
    tmp_path: Path,
    django_capture_on_commit_callbacks: Any,
) -> None:
    files = marked_files(3)
    uploaded, imported, stored = batched(files, len(KINDS))
    assert len(KINDS) >= 20
    assert sum(len(file.marks) for file in files) >= 240
    assert len({mark for file in files for mark in file.marks}) == 4 * len(files)
    with django_capture_on_commit_callbacks(execute=True):
        for file in uploaded:
            upload(editor, file)
        parts = []
        for number, file in enumerate(imported, start=30):
            web_server.answer(f"/{file.name}", body=file.content)
            url, title = web_server.url(f"/{file.name}"), PurePath(file.name).stem
            inside = [meta("_wp_attachment_metadata", IMAGE_META)]
            parts.append(attachment(number, attachment_url=url, title=title, inside=inside))
        report = import_parts(*parts, media=MediaDownload([web_server.host], allow_private=True))
        assert [remark.text for remark in report.skipped] == []
        for file in stored:
            store_as_before(editor, file)
    # Documents that were stored uncleaned still contain their markers.
    assert {mark for _name, content in stored_bytes(settings) for mark in marks_in(content)} == {
        mark for file in stored if file.kind not in IMAGES for mark in file.marks
    }
    call_command("clean_media", verbosity=0, stdout=io.StringIO(), stderr=io.StringIO())
    work()
    uploads = [*Picture.objects.present(), *Document.objects.present()]
    assert len(uploads) == len(files)
    assert not Document.objects.exclude(uncleaned_because="").exists()

    assert {name: marks for name, content in stored_bytes(settings) if (marks := marks_in(content))} == {}
    names = [name for each in uploads for name in each.file_names()]
    assert len(names) > len(uploads)
    reader = Client()
    for name in names:
        served = fetch(reader, f"/media/{name}").body
        assert served
        assert marks_in(served) == set(), name
    call_command("export_wordpress", output=tmp_path / "export.xml", stderr=io.StringIO())
    call_command("export_markdown", str(tmp_path / "markdown"), stderr=io.StringIO())
    exported = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "old.xml"]
    assert len(exported) > len(files)
    assert {str(path): marks for path in exported if (marks := marks_in(path.read_bytes()))} == {}

    before = {PurePath(file.name).stem: file for file in files}
    for each in uploads:
        file = before.pop(each.title)
        with each.file.open() as opened:
            check_content(file.kind, file.content, opened.read())
    assert before == {}
