"""What kinds of files there are, and that neither a name nor what is inside is believed alone."""

import io

import pytest
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from library.documents import NotADocument, new_document
from library.kinds import KINDS, kind_of
from tests.library.test_views import answer
from tests.samples import MP3, MP4, OLE, PDF, SAMPLES, ZIP, archive, wav

HTML = b"<!doctype html><script>alert(1)</script>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
PHP = b"<?php system($_GET['c']); ?>"
HEADERS = ("Content-Type", "Content-Disposition", "X-Content-Type-Options", "Content-Security-Policy")
SHOWN = {".pdf", ".mp3", ".m4a", ".ogg", ".oga", ".opus", ".wav", ".flac", ".mp4", ".m4v", ".webm", ".ogv", ".mov"}


def is_taken(name: str, content: bytes) -> bool:
    try:
        new_document(ContentFile(content, name=name))
    except NotADocument:
        return False
    return True


def taken_as(content: bytes) -> set[str]:
    """The endings under which `content` is taken."""
    return {ending for ending in KINDS if is_taken(f"a{ending}", content)}


class TestEachKind:
    def test_has_a_sample(self) -> None:
        assert SAMPLES.keys() == KINDS.keys()

    @pytest.mark.parametrize("ending", KINDS)
    def test_is_taken_as_it_is_under_a_safe_name(self, ending: str) -> None:
        document = new_document(ContentFile(SAMPLES[ending], name=f"Our <Talk> (2014){ending.upper()}"))
        assert (document.title, document.file.name) == ("Our <Talk> (2014)", f"our-talk-2014{ending}")
        assert document.file.read() == SAMPLES[ending]

    @pytest.mark.parametrize(
        ("ending", "also"),
        [
            *((ending, set()) for ending in (".wav", ".flac", ".webm", ".avi", ".wmv")),
            (".pdf", set()),
            (".mp3", set()),
            (".ogg", {".oga", ".opus", ".ogv"}),
            # What QuickTime became begins as it did.
            (".mp4", {".m4a", ".m4v", ".3gp", ".3g2", ".mov"}),
            (".mpg", {".mpeg"}),
            # Word gave this name to RTF too, which is a text.
            (".rtf", {".doc", ".txt", ".csv"}),
            (".doc", {".xls", ".ppt", ".pps"}),
            (".zip", {".docx", ".xlsx", ".pptx", ".ppsx", ".odt", ".ods", ".odp", ".epub"}),
            (".txt", {".csv"}),
        ],
    )
    def test_is_known_by_how_it_begins(self, ending: str, also: set[str]) -> None:
        assert taken_as(SAMPLES[ending]) - {".txt", ".csv"} == ({ending} | also) - {".txt", ".csv"}

    @given(content=st.binary(max_size=300))
    def test_can_be_asked_of_anything(self, content: bytes) -> None:
        for ending, kind in KINDS.items():
            assert kind.is_right(io.BytesIO(content)) in {True, False}, ending


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(b"", id="nothing"),
            pytest.param(bytes(600), id="zeros"),
            pytest.param(b"MZ\x90\x00" + ZIP, id="program with an archive behind it"),
            pytest.param(b"GIF89a/*\x00" + ZIP, id="picture with an archive behind it"),
            pytest.param(HTML + b"\x00" + MP3 + MP4 + PDF + ZIP, id="page in front of all others"),
            pytest.param(b"\xff\xfe" + HTML.decode().encode("utf-16-le"), id="page in UTF-16"),
            pytest.param(b"\x00" + SAMPLES[".wav"], id="a byte in front"),
            pytest.param(b"RIFF\x24\x00\x00\x00WEBPVP8 ", id="picture like a recording"),
        ],
    )
    def test_what_begins_otherwise_whatever_follows(self, content: bytes) -> None:
        assert taken_as(content) == set()

    @pytest.mark.parametrize("content", [HTML, SVG, PHP, b"words", b"ID3" + HTML, b"OggS" + HTML, b"<htmfree" + HTML])
    def test_a_text_that_bears_another_name(self, content: bytes) -> None:
        # A page named `.txt` is a text, and shown to nobody as anything else.
        assert taken_as(content) == {".txt", ".csv"}

    @pytest.mark.parametrize(
        "name", ["a.svg", "a.html", "a.xhtml", "a.php", "a.js", "a.exe", "a.mp3.html", "mp3", "a.", ".mp3", ""]
    )
    def test_other_endings_whatever_is_inside(self, name: str) -> None:
        for content in (MP3, PDF, ZIP):
            assert not is_taken(name, content)
        assert kind_of(name) is None

    @pytest.mark.parametrize("ending", [".docx", ".odt", ".epub", ".zip"])
    @pytest.mark.parametrize(
        "content", [ZIP[:-30], ZIP[:4], b"PK\x05\x06" + bytes(18)], ids=["cut off", "its start", "empty"]
    )
    def test_archives_that_are_none(self, ending: str, content: bytes) -> None:
        assert not is_taken(f"a{ending}", content)

    @pytest.mark.parametrize("content", [b"a\x00b", b"a\x01b", b"a" * 200_000 + b"\x00", PDF + b"\x00"])
    def test_texts_with_what_no_text_has(self, content: bytes) -> None:
        assert not is_taken("a.txt", content)


class TestWhatIsTaken:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "iso-8859-1"])
    def test_texts_in_old_encodings(self, encoding: str) -> None:
        assert is_taken("a.txt", "Défenseurs\r\n\tdes droits\f".encode(encoding))

    def test_an_archive_whatever_it_holds_for_it_is_never_unpacked(self) -> None:
        packed = archive(**{"../../shell.php": PHP.decode(), "index.html": HTML.decode()})
        document = new_document(ContentFile(packed, name="shell.php.zip"))
        assert (document.file.name, document.file.read()) == ("shell-php.zip", packed)

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("a.mp3", b"ID3\x03\x00\x00\x00\x00\x0f\x76" + bytes(20) + MP3),
            ("a.mp3", b"\xff\xf3\x84\xc4" + bytes(400)),
            ("a.mov", b"\x00\x00\x00\x08wide\x1d\x00\x00\x00mdat"),
            ("a.mov", b"\x00\x00\x20\x00moov\x00\x00\x00\x6cmvhd"),
            ("a.doc", SAMPLES[".rtf"]),
        ],
    )
    def test_other_ways_to_begin(self, name: str, content: bytes) -> None:
        assert is_taken(name, content)

    def test_a_large_file_is_not_read_whole(self) -> None:
        read = 0

        class Watched(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                nonlocal read
                some = super().read(size)
                read += len(some)
                return some

        for name in ("a.mp4", "a.wav", "a.doc", "a.pdf", "a.zip"):
            start = {"a.wav": wav(), "a.doc": OLE, "a.pdf": PDF, "a.zip": ZIP}.get(name, MP4)
            content = start + bytes(3_000_000) + (start if name in {"a.pdf", "a.zip"} else b"")
            new_document(File(Watched(content), name=name))
        assert read < 200_000


@pytest.mark.django_db
def test_each_is_handed_out_as_what_the_table_says(client: Client) -> None:
    for_all, for_players = (
        "sandbox; default-src 'none'",
        "sandbox allow-same-origin; default-src 'none'; media-src 'self'",
    )
    for ending, kind in KINDS.items():
        default_storage.save(f"a{ending}", ContentFile(SAMPLES[ending]))
        response = answer(client, f"/media/a{ending}")
        assert response.body == SAMPLES[ending]
        assert {name: response.headers[name] for name in HEADERS} == {
            "Content-Type": kind.media_type,
            "Content-Disposition": f'{"inline" if ending in SHOWN else "attachment"}; filename="a{ending}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": for_players if ending in SHOWN - {".pdf"} else for_all,
        }


def test_no_kind_is_one_that_browsers_run() -> None:
    for kind in KINDS.values():
        assert not any(word in kind.media_type for word in ("html", "svg", "javascript", "+xml"))
