"""Hostile and revealing files, uploaded through the site: each is cleaned, or refused with a sentence."""

import contextlib
import io
import struct
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
from PIL import Image, ImageDraw
from pytest_django import Settings

from accounts.models import User
from media.documents import clean_document
from media.metadata import CLEANERS, strip_jpeg
from media.models import Document, Picture
from media.renditions import due_pictures
from tests.factories import UserFactory
from tests.factories.files import MP3, MP4, PDF, SAMPLES, archive, wav
from tests.factories.types import Work

pytestmark = pytest.mark.django_db

UPLOAD = "/admin/media/upload/"
SECRET = b"Amina-Secret"


@pytest.fixture
def author(client: Client) -> Client:
    client.force_login(UserFactory(role="Author"))
    return client


def send(client: Client, content: bytes, name: str) -> Any:
    return client.post(UPLOAD, {"files": SimpleUploadedFile(name, content)}, headers={"accept": "application/json"})


def stored(settings: Settings) -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def png(width: int, height: int) -> bytes:
    """Return the beginning of a PNG that claims to have these dimensions."""
    header = struct.pack(">4sIIBBBBB", b"IHDR", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n\0\0\0\r" + header + b"\0\0\0\0" + b"\0\0\0\x10IDAT" + bytes(20)


def jpeg(orientation: int = 1) -> bytes:
    """Return a photo of a red upper left corner, stored in this orientation, with a place, a camera and a comment."""
    upright = Image.new("RGB", (60, 40), "blue")
    ImageDraw.Draw(upright).rectangle((0, 0, 29, 19), fill="red")
    undo = {
        2: (Image.Transpose.FLIP_LEFT_RIGHT,),
        3: (Image.Transpose.ROTATE_180,),
        4: (Image.Transpose.FLIP_TOP_BOTTOM,),
        5: (Image.Transpose.TRANSPOSE,),
        6: (Image.Transpose.ROTATE_90,),
        7: (Image.Transpose.TRANSVERSE,),
        8: (Image.Transpose.ROTATE_270,),
    }
    for method in undo.get(orientation, ()):
        upright = upright.transpose(method)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, SECRET.decode()
    exif.get_ifd(0x8825)[29] = SECRET.decode()
    written = io.BytesIO()
    upright.save(written, "JPEG", exif=exif, comment=SECRET)
    return written.getvalue()


def pdf() -> bytes:
    """Return a PDF with everything that a PDF should not have."""
    with pikepdf.open(io.BytesIO(PDF)) as document:
        script = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert('" + SECRET.decode() + "')")
        document.docinfo["/Author"] = SECRET.decode()
        with document.open_metadata() as xmp:
            xmp["dc:creator"] = [SECRET.decode()]
        document.Root.OpenAction = script
        document.Root.Names = pikepdf.Dictionary(JavaScript=pikepdf.Dictionary(Names=["x", script]))
        document.attachments["secret.txt"] = SECRET
        image = document.make_stream(jpeg(), Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image, Width=60, Height=40)
        image.Filter = pikepdf.Name.DCTDecode
        page = document.pages[0]
        page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(I=image))
        note = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Text, Rect=[0, 0, 9, 9])
        note.T, note.Contents, note.A, note.M = SECRET.decode(), "A note", script, "D:20260101"
        page.Annots = [document.make_indirect(note)]
        written = io.BytesIO()
        document.save(written)
    return written.getvalue()


def docx(**more: str) -> bytes:
    parts = {
        "[Content_Types].xml": "<Types/>",
        "docProps/core.xml": f"<dc:creator>{SECRET.decode()}</dc:creator>",
        "docProps/app.xml": f"<Company>{SECRET.decode()}</Company>",
        "word/document.xml": f'<w:p><w:ins w:author="{SECRET.decode()}" w:id="1">Text</w:ins></w:p>',
        "word/comments.xml": f'<w:comment w:author="{SECRET.decode()}" w:initials="{SECRET.decode()}">Why?</w:comment>',
        **more,
    }
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as package:
        for name, text in parts.items():
            package.writestr(name, text)
        package.writestr("word/media/image1.jpg", jpeg())
        package.comment = SECRET
    return written.getvalue()


def odt() -> bytes:
    return archive(
        **{
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": f"<office:annotation><dc:creator>{SECRET.decode()}</dc:creator>Text</office:annotation>",
            "meta.xml": f"<meta:initial-creator>{SECRET.decode()}</meta:initial-creator>",
        }
    )


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


def mp4() -> bytes:
    place = box(b"udta", box(b"\xa9xyz", SECRET))
    header = box(b"mvhd", bytes(4) + SECRET[:8] + bytes(88))
    return MP4[:24] + box(b"moov", header + box(b"trak", box(b"meta", SECRET)) + place) + box(b"mdat", b"SOUND")


def mp3() -> bytes:
    tag = b"ID3\x03\0\0" + bytes([0, 0, 0, len(SECRET) + 10]) + bytes(10) + SECRET
    return tag + MP3 + b"TAG" + SECRET.ljust(125, b"\0")


def flac() -> bytes:
    block = bytes([4]) + len(SECRET).to_bytes(3) + SECRET
    return b"fLaC\0\0\0\x22" + bytes(34) + block + bytes([0x81]) + (8).to_bytes(3) + bytes(8) + b"\xff\xf8SOUND"


def nested_wav() -> bytes:
    return wav() + b"LIST" + struct.pack("<I", len(SECRET)) + SECRET


REFUSED = {
    "HTML as an image": (b"<script>alert(1)</script>", "a.png"),
    "HTML as a PDF": (b"<script>alert(1)</script>", "a.pdf"),
    "HTML": (b"<html><script>alert(1)</script>", "a.html"),
    "SVG with a script": (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "a.svg"),
    "SVG as a PNG": (b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', "a.png"),
    "a GIF that is a script": (b"GIF89a=1;alert(1)//", "a.gif"),
    "a PDF inside HTML": (b"<script>alert(1)</script>" + PDF, "a.pdf"),
    "a program": (b"MZ" + bytes(100), "a.exe"),
    "a program as a text": (b"\x7fELF" + bytes(100), "a.txt"),
    "nothing": (b"", "a.jpg"),
    "nothing, as a PDF": (b"", "a.pdf"),
    "nothing without a name": (b"", "a"),
    "a cut JPEG": (jpeg()[:300], "a.jpg"),
    "a cut office file": (docx()[:300], "a.docx"),
    "a cut video": (mp4()[:-9], "a.mp4"),
    "no pixels": (png(0, 0), "a.png"),
    "four gigapixels": (png(65_536, 65_536), "a.png"),
    "the largest size": (png(2**31 - 1, 2**31 - 1), "a.png"),
    "an archive as an office file": (archive(), "a.docx"),
    "an office file with macros": (docx(**{"word/vbaProject.bin": "macro"}), "a.docx"),
    "an office file of before 2007": (SAMPLES[".doc"], "a.doc"),
    "a PDF without a catalogue": (b"%PDF-1.4\n%%EOF", "a.pdf"),
    "a FLAC without a description": (b"fLaC\x81\0\0\x01\0", "a.flac"),
    "a name with a path": (b"words", "../../etc/passwd"),
}
CLEANED = {
    **{f"a JPEG in orientation {number}": (jpeg(number), "a.jpg") for number in range(1, 9)},
    "a JPEG followed by an archive": (jpeg() + archive(**{"secret.txt": SECRET.decode()}), "a.jpg"),
    "a JPEG as HTML": (jpeg(), "a.html"),
    "a JPEG as a PDF": (jpeg(), "a.pdf"),
    "a PDF": (pdf(), "a.pdf"),
    "a PDF as HTML": (pdf(), "a.html"),
    "a Word file": (docx(), "a.docx"),
    "an OpenDocument text": (odt(), "a.odt"),
    "a video": (mp4(), "a.mp4"),
    "an MP3": (mp3(), "a.mp3"),
    "a FLAC": (flac(), "a.flac"),
    "a WAV": (nested_wav(), "a.wav"),
}


class TestRefused:
    @pytest.mark.parametrize("case", REFUSED)
    def test_with_a_sentence_and_without_a_trace(self, author: Client, settings: Settings, case: str) -> None:
        response = send(author, *REFUSED[case])
        assert response.status_code == 400
        assert response.json()["error"].endswith(".")
        assert stored(settings) == []
        assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) == []
        assert not Picture.objects.exists()
        assert not Document.objects.exists()

    def test_an_archive_that_unpacks_to_gigabytes(self, author: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("media.metadata._MAX_UNPACKED", 10_000)
        response = send(author, docx(**{"word/styles.xml": "a" * 20_000}), "a.docx")
        assert "too large when it is unpacked" in response.json()["error"]


class TestCleaned:
    @pytest.mark.parametrize("case", CLEANED)
    def test_nothing_in_the_file_tells_who_made_it_and_where(
        self, author: Client, settings: Settings, case: str
    ) -> None:
        assert send(author, *CLEANED[case]).status_code == 200
        (path,) = stored(settings)
        content = path.read_bytes()
        assert SECRET not in content
        if path.suffix == ".pdf":
            with pikepdf.open(path) as document:
                streams = [item for item in document.objects if isinstance(item, pikepdf.Stream)]
                texts = [*map(repr, document.objects), *(str(stream.read_raw_bytes()) for stream in streams)]
                assert SECRET.decode() not in "".join(texts)
                assert "JavaScript" not in "".join(texts)
                assert document.pages[0].Annots[0].Contents == "A note"
                assert "/Info" not in document.trailer
        if path.suffix in {".docx", ".odt"}:
            with zipfile.ZipFile(path) as package:
                parts = {name: package.read(name) for name in package.namelist()}
                assert all(SECRET not in part for part in parts.values())
                assert any(b"Text" in part for part in parts.values())
        if path.suffix in {".mp4", ".flac"}:
            assert b"SOUND" in content

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_a_photo_is_upright(self, author: Client, settings: Settings, orientation: int) -> None:
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

    def test_the_worker_makes_renditions_of_whatever_was_accepted(
        self, author: Client, work: Work, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            for content, name in [*REFUSED.values(), *CLEANED.values()]:
                send(author, content, name)
        work()
        assert Picture.objects.count() == 11
        assert not due_pictures().exists()


class TestUploading:
    def test_many_files_without_a_script(self, author: Client) -> None:
        files = [SimpleUploadedFile(name, content) for content, name in (CLEANED["a PDF"], REFUSED["HTML"])]
        response = author.post(UPLOAD, {"files": [*files, SimpleUploadedFile("b.jpg", jpeg())]}, follow=True)
        messages = [str(message) for message in response.context["messages"]]
        assert messages == [
            "a.html: Files of the type “.html” can't be published here.",
            "2 files were added to the library.",
        ]
        assert response.redirect_chain[0][0] == "/admin/media/picture/"

    @pytest.mark.parametrize(
        ("role", "status"), [("Author", 200), ("Editor", 200), ("Moderator", 403), ("", 403)], ids=str
    )
    def test_permissions_of_each_role(self, client: Client, role: str, status: int) -> None:
        user: User = UserFactory(role=role) if role else UserFactory(is_staff=True)
        client.force_login(user)
        assert send(client, jpeg(), "a.jpg").status_code == status

    def test_anonymous_visitors_get_an_answer(self, client: Client) -> None:
        assert send(client, jpeg(), "a.jpg").status_code == 403

    def test_without_a_file(self, author: Client) -> None:
        response = author.post(UPLOAD, headers={"accept": "application/json"})
        assert (response.status_code, response.json()) == (
            400,
            {"error": "No file was received. Choose one and try again."},
        )


SEEDS = [(content, name) for content, name in CLEANED.values() if not name.endswith((".jpg", ".html"))]


@given(seed=st.sampled_from(SEEDS), place=st.floats(0, 1), junk=st.binary(max_size=20), cut=st.integers(0, 200))
def test_any_bytes_are_either_cleaned_or_refused(seed: tuple[bytes, str], place: float, junk: bytes, cut: int) -> None:
    content, name = seed
    start = int(place * len(content))
    with contextlib.suppress(ValidationError):
        clean_document(SimpleUploadedFile(name, content[:start] + junk + content[start + cut :])).close()


def test_every_type_that_is_offered_can_be_cleaned() -> None:
    assert CLEANERS.keys() <= SAMPLES.keys()


@given(st.binary(max_size=300))
def test_any_bytes_can_be_stripped_as_a_jpeg(content: bytes) -> None:
    assert len(strip_jpeg(content)) <= len(content)
